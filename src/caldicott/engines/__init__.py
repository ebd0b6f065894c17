"""Room: engines. The steps of landing and marts as small named SQL, run where the data is.

Data format seen here: every format, on behalf of the safe haven and never kept.
May import: every room below; the only place, with stores, that holds SQL text.
Serves: "within the landing stage, the system automatically links and pseudonymises" [notice: oxfordshire-2016].
"""
