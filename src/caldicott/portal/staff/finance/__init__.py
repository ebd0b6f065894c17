"""Room: the pages of the controlled environment for finance. Invoices, queues, lines, decisions, the month.

Data format seen here: inside, what a check needs of a line; outside, invoice, line, amount, decision, reason.
May import: the portal, and everything below it; no rule and no SQL of its own.
Serves: "invoice validation in a special secure area" (the notices); CAG 7-07.
"""
