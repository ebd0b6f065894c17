"""Room: `verify`, what the notices promise against what the store shows, promise by promise.

Data format seen here: counts and ids; rows of marts and exports only to be searched; clear rows only in the safe haven.
May import: everything below operations, and `perform` for the house.
Serves: "anyone can check every promise" [issue 3]. Looking changes nothing and asks nothing on the record.
"""
