"""What every landing does alike, whichever door a submission comes in by: rules, second copies, the record of it."""

from __future__ import annotations

import re
from contextlib import suppress
from datetime import date
from typing import TYPE_CHECKING

from caldicott.engines.duckdb.landing import DuckDbLanding
from caldicott.engines.duckdb.landing_sql import LandingRules
from caldicott.stores.catalogue import SubmissionRecord

if TYPE_CHECKING:
    from caldicott.operations.perform import House
    from caldicott.safe_haven.landing.placement import Tally
    from caldicott.stores.landing_zone import LandingZone
    from caldicott.stores.submissions.manifest import Manifest

_REPEAT = "duplicate_record"


def days_in(submission: str) -> tuple[date, ...]:
    """Days that the sender's own id states, which the audit trail would otherwise take for birth dates."""
    found = []
    for written in re.findall(r"\d{4}-?\d{2}-?\d{2}", submission):
        with suppress(ValueError):
            found.append(date.fromisoformat(written))
    return tuple(found)


def rules_for(house: House, *, extracted: date) -> LandingRules:
    """By which rules the rows of a submission are checked that was taken on that day."""
    settings = house.register.controller.settings
    return LandingRules(
        test_numbers_allowed=settings.test_numbers_allowed,
        palindromes_need_trace=settings.palindromes_need_trace,
        northern_ireland_numbers_need_trace=settings.northern_ireland_numbers_need_trace,
        no_later_than=extracted,
    )


def hold_repeats(landing: LandingZone, tally: Tally) -> None:
    """Second and later copies of a record are quarantined by a list."""
    suspects = tally.keys.take_suspects()
    repeats = DuckDbLanding().repeats(suspects.to_reader()) if suspects is not None else None
    if repeats is not None and repeats.num_rows:
        landing.pass_over(repeats)
        tally.admitted -= repeats.num_rows
        tally.quarantined_by[_REPEAT] += repeats.num_rows


def record_of(
    manifest: Manifest, tally: Tally, *, uid: str, key_id: str, received: str, told: dict[str, dict[str, int]]
) -> SubmissionRecord:
    """What the catalogue keeps of it; `told` are counts that only one kind of landing has."""
    return SubmissionRecord(
        uid=uid,
        sender=manifest.sender,
        id=manifest.id,
        dataset=manifest.dataset,
        layout=manifest.layout,
        purposes=manifest.purposes,
        agreement=manifest.agreement,
        format=manifest.format.value,
        period_from=manifest.period_from.isoformat(),
        period_to=manifest.period_to.isoformat(),
        update_kind=manifest.update,
        extracted=manifest.extracted.isoformat(),
        received=received,
        content_sha256=manifest.digest,
        key_id=key_id,
        rows=tally.rows,
        quarantined=tally.quarantined,
        counts={
            "quarantined_by": dict(sorted(tally.quarantined_by.items())),
            "link_quality": dict(sorted(tally.link_quality.items())),
            "flags": {"needs_trace": tally.needs_trace, "withdrawn": tally.withdrawn},
            **told,
        },
    )
