"""Room: the desk's own records. Accounts of staff, their sign-ins, invitations and sign-in providers.

Data format seen here: none of a patient; of staff a name, a role, an organisation. Secrets are hashed or sealed.
May import: vocabulary, audit, the other stores; Django, whose models never leave this room.
Serves: "only those who need it": individual identities, second factors, access reviews [DSPT; rules: R14].
"""
