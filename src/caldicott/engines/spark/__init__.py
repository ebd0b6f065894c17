"""Room: Spark. The same steps beyond one machine: the one SQL text of each step, carried over, never a second pipeline.

Data format seen here: identifiable inside the safe haven's own steps, pseudonymised in what is written.
May import: as the other engines; `pyspark` and `sqlglot` only here, and only when Spark is asked for.
Serves: "within the landing stage, the system automatically links and pseudonymises" [notice: oxfordshire-2016].
"""
