"""Room: the pages of the notice, one module a page, each computed from the register and a day.

Data format seen here: none; the register, and one invented person in a picture.
May import: vocabulary, facts, register, and the page types, flows and editions of this room.
Serves: "this notice tells you what information we hold, how we use it and who we share it with" [notice: leeds-2018].
"""
