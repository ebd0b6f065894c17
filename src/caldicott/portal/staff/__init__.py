"""Room: the pages of staff. Sign-in, who one is, what the register lets one do today and why.

Data format seen here: what a permit allows its reader; on these pages none of a patient.
May import: the portal, and everything below it; no rule and no SQL of its own.
Serves: "Access is strictly controlled" by individual sign-in with a second factor [rules: R14; DSPT].
"""
