"""Room: the pages of a GP practice. Its own patients at risk, one patient, the review of them, who looked and why.

Data format seen here: the practice's own patients, identified, through `reidentify` alone, each viewing recorded.
May import: the portal, and everything below it; no rule and no SQL of its own.
Serves: "only your own GP can see who you are" (the notices); rules R05, R06.
"""
