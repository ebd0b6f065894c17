"""Room: the risk model. Its form, how it is fitted, judged, watched and described; numbers in, numbers and papers out.

Data format seen here: pseudonymised, as arrays without a token: features and outcomes of persons nobody can name.
May import: vocabulary, facts, charts.
Serves: "a score that helps your GP … decide on the level of care" [notice: oxfordshire-2016]; TRIPOD+AI; DCB0129.
"""
