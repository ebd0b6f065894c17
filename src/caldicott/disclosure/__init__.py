"""Room: disclosure control. Makes counts safe to let out.

Data format seen here: aggregated.
May import: vocabulary, facts.
Serves: "data which is about you but from which you cannot be personally identified" [notice: leeds-2018].
"""
