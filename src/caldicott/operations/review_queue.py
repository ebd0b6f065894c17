"""New doubts of a run become cases: one for all records that say the same of their person. And whose answers count."""

from __future__ import annotations

from dataclasses import replace
from functools import lru_cache, partial
from typing import TYPE_CHECKING, Any

from caldicott.operations.staff import Staff, is_account, staff_of
from caldicott.safe_haven.identity.review import Answer, Case
from caldicott.stores.names import unused_name
from caldicott.stores.review_queue import ReviewQueue

if TYPE_CHECKING:
    from collections.abc import Sequence

    import pyarrow as pa

    from caldicott.operations.perform import House
    from caldicott.stores.catalogue import LiveFile

_RECORD = ("nhs_number", "given", "other_given", "family", "birth_date", "gender", "postcode")
_CANDIDATE = ("given", "family", "birth_date", "gender", "postcode")


def open_queue(house: House) -> ReviewQueue:
    """The queue, in which persons answer and not names: who comes by two doors is one."""
    return ReviewQueue(house.store, counted=partial(counted, staff_of(house.store.catalogue)))


def counted(staff: Staff, said: Sequence[Answer]) -> tuple[Answer, ...]:
    """The answers that count, each under its person's name.

    A login of which nobody said whose it is may be that of somebody who answered on
    the pages: beside such an answer it counts only once that is said.
    """
    is_mixed = any(is_account(person_of(staff, one.reviewer)) for one in said)
    known = [one for one in said if not is_mixed or staff.is_known(one.reviewer)]
    return tuple(_of_person(staff, one) for one in known)


def _of_person(staff: Staff, one: Answer) -> Answer:
    person = person_of(staff, one.reviewer)
    return one if person == one.reviewer else replace(one, reviewer=person)


# A queue has thousands of answers of a few people; ties are followed once for each.
@lru_cache(maxsize=1024)
def person_of(staff: Staff, name: str) -> str:
    """The one name of whoever answered under this one."""
    return staff.person(name)


def queue_up(house: House, doubtful: pa.Table) -> list[LiveFile]:
    """Cases for the records that are in no case yet; nothing where there is no doubt that is new."""
    if not doubtful.num_rows:
        return []
    queue = open_queue(house)
    known = {row for case in queue.cases().values() for row in case.rows}
    records: dict[tuple[str, int], list[dict[str, Any]]] = {}
    for row in doubtful.to_pylist():
        place = (row["submission"], row["file_row"])
        if place not in known:
            records.setdefault(place, []).append(row)
    alike: dict[tuple[Any, ...], list[tuple[str, int]]] = {}
    for place, rows in records.items():
        alike.setdefault(_said(rows), []).append(place)
    cases = [_case(records[places[0]], tuple(places)) for places in alike.values()]
    return [queue.write_cases(cases, created=house.today)] if cases else []


def _said(rows: list[dict[str, Any]]) -> tuple[Any, ...]:
    return (*(rows[0][name] for name in _RECORD), rows[0]["step"], *(row["candidate"] for row in rows))


def _case(rows: list[dict[str, Any]], places: tuple[tuple[str, int], ...]) -> Case:
    first = rows[0]
    candidates = tuple(
        {"number": row["candidate"], **{name: row[f"c_{name}"] for name in _CANDIDATE}}
        for row in sorted(rows, key=lambda row: row["place"])
    )
    return Case(
        id=unused_name(),
        record={name: first[name] for name in _RECORD},
        candidates=candidates,
        rows=places,
        reason=first["reason"],
        step=first["step"],
        score=first["score"],
        runner_up=first["runner_up"],
    )
