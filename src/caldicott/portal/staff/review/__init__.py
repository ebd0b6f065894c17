"""Room: the pages of those who settle doubtful links. A record, the persons it may be of, an answer, a decision.

Data format seen here: identified, a case at a time, through the operation `review` alone, each viewing recorded.
May import: the portal, and everything below it; no rule and no SQL of its own.
Serves: "joined on a code, for the right person" (the notices); issue 4.
"""
