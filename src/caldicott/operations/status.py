"""`status`: what is in, what is held back and why, what is due; and the proof that every row has one place."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from caldicott.operations.identify import counts_of, left_out_of
from caldicott.operations.people_practices import setting_of
from caldicott.policy.ahead import warnings_ahead
from caldicott.policy.decide import decide
from caldicott.policy.decision import Permit, Request

if TYPE_CHECKING:
    from caldicott.operations.perform import House
    from caldicott.policy.ahead import Ahead
    from caldicott.stores.catalogue import Outcome, SubmissionRecord


def status(house: House) -> dict[str, Any]:
    """The store's account of itself, without one row value."""
    catalogue = house.store.catalogue
    outcomes = catalogue.outcomes()
    runs = catalogue.latest_runs()
    left_out = {activity: left_out_of(house, activity) for activity in runs}
    submissions = [
        _submission(record, outcomes, left_out.get(record.purposes[0], {}).get(record.uid, 0))
        | {"identity": counts_of(house, record.uid)}
        for record in catalogue.submissions()
    ]
    return {
        "store": house.store.id,
        "register": house.register.controller.id,
        "on": house.today.isoformat(),
        "submissions": submissions,
        "balanced": all(entry["balanced"] for entry in submissions),
        "activities": {
            activity: {"run": run["id"], "on": run["at"], **run["counts"]} for activity, run in runs.items()
        },
        "coded_objections": {activity: told for activity in runs if (told := _coded(house, activity))},
        "destroyed": [_destroyed(house, record) for record in catalogue.every_submission() if _is_gone(house, record)],
        "due": _due(house, set(runs)),
        "due_soon": [_ahead(one) for one in warnings_ahead(house.register, house.today)],
        "audit": {"entries": house.store.audit.size, "root": house.store.audit.root.hex()},
        "recovered": list(house.store.audit.recovered),
    }


def _coded(house: House, activity: str) -> dict[str, Any]:
    """Which practices the latest run had an answer of, and which it waited for; nothing where none was needed."""
    told: dict[str, Any] = json.loads(house.store.catalogue.setting(setting_of(activity)) or "{}")
    return told


def _is_gone(house: House, record: SubmissionRecord) -> bool:
    return record.key_id in house.store.catalogue.destroyed_keys()


def _destroyed(house: House, record: SubmissionRecord) -> dict[str, Any]:
    """A submission that nobody can read any more, and the marts that its rows are in until they are made anew."""
    one = house.store.catalogue.destroyed_keys()[record.key_id]
    outcomes = house.store.catalogue.outcomes()
    return {
        "id": record.id,
        "sender": record.sender,
        "dataset": record.dataset,
        "period": f"{record.period_from}..{record.period_to}",
        "rows": record.rows,
        "on": one.at,
        "by": one.actor,
        "reason": one.reason,
        "key": one.key_id,
        "still_in_marts_of": sorted(o.activity for o in outcomes if o.submission == record.uid and o.released),
    }


def _submission(record: SubmissionRecord, outcomes: tuple[Outcome, ...], nobodys: int) -> dict[str, Any]:
    mine = {outcome.activity: outcome for outcome in outcomes if outcome.submission == record.uid}
    # Rows are accounted for under the purpose they were sent for first; the other activities stand beside it.
    first = mine.get(record.purposes[0])
    excluded_by = first.excluded_by if first else {}
    excluded = sum(excluded_by.values())
    admitted = record.rows - record.quarantined - excluded
    superseded = first.superseded if first else 0
    released = first.released if first else None
    return {
        "id": record.id,
        "sender": record.sender,
        "dataset": record.dataset,
        "received": record.received,
        "rows": record.rows,
        "admitted": admitted,
        "quarantined": record.quarantined,
        "excluded": excluded,
        "excluded_by": excluded_by,
        "quarantined_by": record.counts["quarantined_by"],
        "superseded": superseded,
        "not_known": nobodys,
        "released": released,
        "link_quality": record.counts["link_quality"],
        "flags": record.counts["flags"],
        "balanced": record.rows == admitted + record.quarantined + excluded
        and (released is None or released == admitted - superseded - nobodys)
        and sum(record.counts["quarantined_by"].values()) == record.quarantined,
        "by_activity": {
            activity: {"excluded_by": o.excluded_by, "superseded": o.superseded, "released": o.released}
            for activity, o in sorted(mine.items())
        },
    }


def _due(house: House, done: set[str]) -> list[dict[str, str]]:
    landed = {purpose for record in house.store.catalogue.submissions() for purpose in record.purposes}
    waiting = []
    for activity in sorted(landed - done):
        entry = house.register.activity(activity)
        incoming = [use.dataset for use in entry.datasets or () if use.direction == "in"] if entry else []
        dataset = incoming[0] if incoming else "unknown"
        request = Request("dscro_operator", activity, dataset, "pseudonymised", action="link")
        answer = decide(request, house.register, house.today)
        may = "may run" if isinstance(answer, Permit) else f"refused: {answer.reasons[0].code}"
        waiting.append({"activity": activity, "state": may})
    return waiting


def _ahead(one: Ahead) -> dict[str, Any]:
    deadline = one.deadline
    return {
        "kind": deadline.kind,
        "id": deadline.id,
        "name": deadline.name,
        "last_day": deadline.last_day.isoformat(),
        "days_left": one.days_left,
        "threshold": one.threshold,
        "asked": deadline.asked,
        "next_step": deadline.next_step,
        "stops": [
            {
                "activity": stop.activity, "on": stop.on.isoformat(), "whole": stop.is_whole,
                "roles": list(stop.roles), "datasets": list(stop.datasets),
            }
            for stop in one.stops
        ],
        "says": str(one),
    }  # fmt: skip
