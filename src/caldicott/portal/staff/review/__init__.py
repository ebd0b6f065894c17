"""Room: the pages of clerical review. Pairs of records that a reviewer calls the same person, or not.

Data format seen here: two records side by side, for reviewers of the safe haven alone; each viewing is recorded.
May import: the portal, and everything below it; no rule and no SQL of its own.
Serves: "linked by a code that reveals nobody" (the notices); rules R07.
"""
