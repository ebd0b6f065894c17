"""Room: publication. Turns the register into what the public reads and what a regulator asks for.

Data format seen here: none; only the register and what is public about it.
May import: vocabulary, facts, register.
Serves: "this notice tells you what information we hold, how we use it and who we share it with" [notice: leeds-2018].
"""
