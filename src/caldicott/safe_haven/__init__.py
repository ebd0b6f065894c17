"""Room: the safe haven. The only room that holds identifiable rows, from admission to release.

Data format seen here: identifiable.
May import: vocabulary, facts, frames, audit, register, policy; numpy and pyarrow; no disk, clock or randomness.
Serves: "data is processed in the DSCRO so that identities are not revealed" (notices of Leeds and Oxfordshire).
"""
