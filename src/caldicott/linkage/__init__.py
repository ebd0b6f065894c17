"""Room: linkage. What a linkage is: spec, comparisons, measures of quality; pure, no person in sight.

Data format seen here: none; specs, weights, counts, filters under a key. The engine applies them to rows.
May import: vocabulary, facts.
Serves: "we link records so that a person's care can be seen as a whole" [notice: leeds-2018].
"""
