"""Room: the register of processing activities. Parse it, check it, compare it.

Data format seen here: none; the register says what may happen to data, it holds none.
May import: vocabulary, facts.
Serves: UK GDPR Article 30; "details of data collected and used for specific purposes" [notice: leeds-2018].
"""
