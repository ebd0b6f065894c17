"""For: finding the person of a record, or an honest "not known", and keeping who is who over the years.
Format: identifiable; numbers, names and birth dates never leave these values, and none of them prints.
May import: the rooms below the safe haven; no engine, no store.
Serves: the glossary's `trace`; issue 4; the notices' "joined on a code, for the right person".
"""
