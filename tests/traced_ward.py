"""Rows without a usable number, beside a national spine, for the tests of identity."""

from __future__ import annotations

import people
from stage import episode

CROWD = people.invented(12)


def spine(house, persons=CROWD, **changes):
    """The national spine lands, with name, postcode and sex of everybody."""
    rows = [spine_row(person, f"p{place}", **changes) for place, person in enumerate(persons)]
    house.land(house.send("pds-person", rows, sender="X26"))


def spine_row(person, record, on="2010-01-01", **changes):
    told = {"Family Name": person.family, "Given Name": person.given, "Gender": "1"}
    return people.row("pds-person", person, record, on, **told, **changes)


def nameless(person, reference, **changes):
    """A hospital row without a number: then the sender leaves the name in it."""
    told = {"NHS_Number": "", "NHS_Number_Trace_Status": "03", "Patient_Name": f"{person.family}, {person.given}"}
    return episode(person, reference, Sex="1", **{**told, **changes})


def ran(house, rows, allowed=CROWD):
    house.land(house.send("ncdr-sus-apc", rows))
    house.land(house.answer(list(allowed)))
    report = house.run()
    return report, {row["provider_reference"]: row for row in house.mart()}
