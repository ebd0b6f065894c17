"""Room: risk stratification. What a score is, which scores there are, what each needs; pure, no person in sight.

Data format seen here: none; codes, weights, rules. The engine applies them to pseudonymised rows or to a user's file.
May import: vocabulary, facts.
Serves: "risk stratification … helps your GP decide on the level of care" [notice: oxfordshire-2016].
"""
