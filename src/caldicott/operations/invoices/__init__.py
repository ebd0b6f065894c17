"""Room: the use cases of the controlled environment for finance: land, validate, approve, report, purge.

Data format seen here: identifiable in the zone, handed through; outside only line, amount, decision and reason code.
May import: everything below.
Serves: "used within a special secure area that is called a CEfF" [notice dorset-2018, invoice validation].
"""
