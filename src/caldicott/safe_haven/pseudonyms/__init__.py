"""Room: pseudonyms. Random tokens of a domain, and keyed codes made at the source.

Data format seen here: identifiable in, pseudonymised out.
May import: vocabulary; numpy, pyarrow, cryptography; no disk, clock or randomness.
Serves: UK GDPR Article 4(5); "a unique code that is not used outside these sets" (notice of Leeds).
"""
