"""Room: what is kept and what comes in: the lake, the clear store, the audit log, submissions.

Data format seen here: identifiable (clear store, submissions), pseudonymised (marts).
May import: vocabulary, facts, frames, Arrow, DuckDB, SQLite; never policy or operations.
Serves: UK GDPR Article 5(1)(f), integrity and confidentiality.
"""
