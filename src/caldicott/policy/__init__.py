"""Room: the one decision. Who may have what, for which activity, in which format, on which day.

Data format seen here: none; it decides about data from words and dates, and never sees a row.
May import: vocabulary, register.
Serves: "only the data needed for that purpose, by those who need it, while the approval lasts" [rules: R02, R14, R32].
"""
