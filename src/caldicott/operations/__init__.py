"""Room: the use cases. One module each, all run by `perform`.

Data format seen here: whatever the permit of the moment allows; identifiers only inside the safe haven's own calls.
May import: every room but cli and portal.
Serves: "access … on a strict need-to-know basis", every use asked for and recorded [Caldicott principle 4].
"""
