"""Room: checking invoices: the reasons, the order of responsibility, the price, the ledger. Only computes.

Data format seen here: identifiable, of one line at a time, inside the controlled environment; mostly none.
May import: vocabulary, facts.
Serves: "we need to be sure that the CCG and not another CCG is responsible" [notice dorset-2018, invoice validation].
"""
