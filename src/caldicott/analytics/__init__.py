"""Room: analytics. Indicators as values: what is counted, over whom, by what, and the figures made from counts.

Data format seen here: definitions, and counts that are still inside; rows stay in the engine.
May import: vocabulary, facts.
Serves: "planning services from anonymous and pseudonymised data" (the notices); rules R09 to R12.
"""
