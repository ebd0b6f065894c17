"""Room: linkage. What a linkage is: its spec, its comparisons, its measures of quality; pure, no person in sight.

Data format seen here: none; specs, weights, counts, and Bloom filters made under a key. The engine applies them to rows.
May import: vocabulary, facts.
Serves: "we link records so that a person's care can be seen as a whole" [notice: leeds-2018].
"""
