"""Room: the build checks of a register, one module a subject, each a list of pure functions.

Data format seen here: none; a register holds no data about people.
May import: vocabulary, facts, the model and completeness of the register room.
Serves: the build checks of the register's schema; rules R08, R09, R14, R15, R16, R24 of the promises.
"""
