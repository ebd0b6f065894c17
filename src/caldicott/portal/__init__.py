"""Room: portal. Shows the public site, and later the pages of staff, over HTTP.

Data format seen here: what a permit allows its reader; on public pages, none of a person.
May import: everything below; no rule and no SQL of its own.
Serves: "available on our website" [notice: leeds-2018].
"""
