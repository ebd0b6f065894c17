"""Room: the words. Closed sets and value types that every other room speaks.

Data format seen here: none; identifiers only as values that mask themselves.
May import: the standard library.
Serves: NHS Data Dictionary, UK GDPR Article 4, the four formats of the Dorset notice.
"""
