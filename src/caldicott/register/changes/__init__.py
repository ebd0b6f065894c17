"""Room: what changed between two registers, one module a subject, in sentences for people.

Data format seen here: none; a register holds no data about people.
May import: vocabulary, facts, the model and words of the register room.
Serves: "we will tell you when the way we use your information changes"; rule R24 of the promises.
"""
