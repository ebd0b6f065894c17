"""Room: the landing stage. Every row that arrives gets exactly one place.

Data format seen here: identifiable, as Arrow batches that pass through.
May import: vocabulary, facts.
Serves: "Within the landing stage … no identifiable data of any patient is seen by the CCG" [notice: oxfordshire-2016].
"""
