"""Room: the pages of commissioning analysts. Indicators, the table builder, saved views, release requests.

Data format seen here: counts that the gate let go; never a row.
May import: the portal, and everything below it; no rule and no SQL of its own.
Serves: "planning from anonymous and pseudonymised data" (the notices); rules R09 to R12.
"""
