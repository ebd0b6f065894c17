"""Room: published facts as dated files, each with its source, and the loaders that read them.

Data format seen here: none; codes, layouts, periods, never a person.
May import: vocabulary.
Serves: "facts live in facts/ with source, licence, version and dates, never in Python" [STYLE 8].
"""
