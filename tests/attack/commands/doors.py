"""Every verb, the kind of door it has, and the words by which the table calls it.

A verb that is new is in none of these tables, and the test says so until somebody
has thought about its door.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from attack.commands.ground import ANALYST, MODEL, OFFICER
from caldicott.operations.airlock_state import APPROVED, WAITING
from stage import PLANNING, RISK

if TYPE_CHECKING:
    from collections.abc import Callable

    from attack.commands.ground import Ground

REGISTER: Final = "example-icb"
PLACES: Final = {"own": "Z80001", "other": "Z80002", "federated": "example-federation", "board": "example-icb"}
"""Where somebody works who asks about the patients of Z80001."""


@dataclass(frozen=True)
class Asked:
    """A verb that somebody asks as something: told a role, or always the same one."""

    words: Callable[[Ground], tuple[object, ...]]
    activity: str = PLANNING
    role: str = ""
    """The role it always asks as; empty where the caller names one."""
    has_place: bool = False
    actor: str = "matrix"
    outlives: bool = False
    """It goes on when documents have ended: how one's own request stands, and the end of what has had its time."""


def _of_store(*words: object) -> Callable[[Ground], tuple[object, ...]]:
    return lambda ground: (*words, "--store", ground.store)


def _of(verb: str, *words: object) -> Callable[[Ground], tuple[object, ...]]:
    return lambda ground: (*verb.split(), REGISTER, *words, "--store", ground.store)


def _with(verb: str, words: Callable[[Ground], tuple[object, ...]]) -> Callable[[Ground], tuple[object, ...]]:
    return lambda ground: (*verb.split(), REGISTER, *words(ground), "--store", ground.store)


_PATIENTS = ("--practice", "Z80001", "--user", "dr-matrix")
_CASE = ("case-of-nobody", "1", "--user", "matrix")

TOLD_A_ROLE: Final = {
    "explain": Asked(
        lambda _: ("explain", REGISTER, "--activity", RISK, "--dataset", "risk-scores", "--format", "identifiable",
                   "--json"),
        RISK, has_place=True,
    ),
    "export": Asked(_with("export", lambda ground: ("--activity", PLANNING, "--to", ground.fresh()))),
    "extract": Asked(
        lambda ground: (
            "extract", "--register", REGISTER, "--store", ground.store, "--dataset", "sus-apc", "--quasi", "sex",
            "--sensitive", "diagnosis_1", "--to", ground.fresh(),
        )
    ),
    "indicator run": Asked(_of("indicator run", "--indicator", "ae-four-hours", "--by", "")),
    "indicator noise": Asked(
        _with("indicator noise", lambda ground: (
            "--indicator", "attending", "--folder", ground.indicators(), "--by", "sex", "--epsilon", "0.5",
            "--to", ground.fresh(),
        ))
    ),
    "sql": Asked(
        _with("sql", lambda g: ("--activity", PLANNING, "--file", g.file("q.sql", "SELECT 1 AS n FROM sus_apc"),
                                "--seconds", 1))
    ),
    "sql, a look": Asked(_of("sql", "--activity", PLANNING, "--look", "result")),
    "airlock request": Asked(
        _with("airlock request", lambda ground: (
            "--activity", PLANNING, "--context", "for the board",
            "--file", ground.file("stays.csv", "month,count\n2025-04,1200\n2025-05,1300\n"),
        ))
    ),
    "airlock request, changed": Asked(
        _with("airlock request", lambda ground: (
            "--activity", PLANNING, "--context", "for the board", "--id", ground.request(WAITING),
            "--file", ground.file("stays.csv", "month,count\n2025-04,1200\n2025-05,1300\n"),
        )), actor=ANALYST,
    ),
    "airlock review, a look": Asked(_with("airlock review", lambda ground: ("--id", ground.request(WAITING)))),
    "airlock review, by its author": Asked(
        _with("airlock review", lambda ground: ("--id", ground.request(WAITING))), actor=ANALYST, outlives=True
    ),
    "airlock review, a verdict": Asked(
        _with("airlock review", lambda ground: (
            "--id", ground.request(WAITING), "--verdict", "return", "--comment", "looked at it",
        ))
    ),
    "airlock release": Asked(
        _with("airlock release", lambda ground: ("--id", ground.request(APPROVED), "--to", ground.fresh()))
    ),
    "keys destroy": Asked(
        lambda ground: ("keys", "destroy", ground.doomed(), "--yes-destroy", ground.doomed(), "--store", ground.store),
        outlives=True,
    ),
    "risk list": Asked(_of("risk list", *_PATIENTS), RISK, has_place=True),
    "risk show": Asked(
        _with("risk show", lambda ground: (*_PATIENTS, "--token", ground.token)), RISK, has_place=True
    ),
    "model state": Asked(
        _with("model state", lambda ground: ("--model", ground.model(), "--to", "shadow")), RISK, has_place=True
    ),
    "review next": Asked(_of("review next", "--user", "matrix")),
    "review answer": Asked(_of("review answer", *_CASE)),
    "review adjudicate": Asked(_of("review adjudicate", *_CASE)),
    "review report": Asked(_of("review report", "--user", "matrix")),
    "review reissued": Asked(
        _with("review reissued", lambda ground: (ground.file("pairs.csv", "old,new\n9000000009,9000000017\n"),))
    ),
}  # fmt: skip
"""Verbs whose caller says as what they ask; a comma stands before the way in which the verb is asked."""

_FINANCE = {"activity": "invoice-validation", "role": "ceff_officer", "actor": OFFICER}
_OPERATOR = {"role": "dscro_operator"}

OF_ONE_ROLE: Final = {
    "land": Asked(lambda g: ("land", REGISTER, "--from", g.sent(), "--store", g.store, "--json"), **_OPERATOR),
    "run": Asked(_of("run", "--activity", PLANNING), **_OPERATOR),
    "model train": Asked(_of("model train"), RISK, **_OPERATOR),
    "model drift": Asked(_of("model drift", "--model", MODEL), RISK, **_OPERATOR),
    "model areas": Asked(
        _with("model areas", lambda ground: (
            "--file", ground.file("areas.csv", "lsoa,imd_decile\nE01099001,3\n"), "--source", "invented",
        )),
        RISK, **_OPERATOR,
    ),
    "model list": Asked(_of("model list"), RISK, role="ig_officer"),
    "model report": Asked(_of("model report", "--model", MODEL, "--json"), RISK, role="ig_officer"),
    "invoices land": Asked(_with("invoices land", lambda g: ("--from", g.bills())), **_FINANCE),
    "invoices validate": Asked(_of("invoices validate"), **_FINANCE),
    "invoices report": Asked(_of("invoices report"), **_FINANCE),
    "invoices show": Asked(_of("invoices show", "--invoice", "INV-1"), **_FINANCE),
    "invoices settle": Asked(
        _of("invoices settle", "--invoice", "INV-0", "--as", "pay", "--because", "records-agree"), **_FINANCE
    ),
    "invoices letters": Asked(
        _with("invoices letters", lambda ground: ("--provider", "RZ1", "--to", ground.fresh())), **_FINANCE
    ),
    "invoices member": Asked(_of("invoices member", "second"), **_FINANCE),
    "invoices purge": Asked(_of("invoices purge"), **_FINANCE),
}  # fmt: skip
"""Verbs that always ask as one role: the operator of the machine, the officer of finance, who answers for papers."""

OPERATED: Final = {
    "status": _of_store("status"),
    "indicator budget": _of("indicator budget"),
    "keys list": _of_store("keys", "list"),
    "audit show": _of_store("audit", "show"),
    "audit verify": _of_store("audit", "verify"),
    "audit checkpoint": _of_store("audit", "checkpoint"),
    "register check, against a store": lambda ground: ("register", "check", REGISTER, "--against", ground.store),
}
"""Verbs of whoever runs the machine: the store's account of itself, without a person in it. They ask nobody, and must
go on when everything else has ended: how else could it be seen what there is, and ended in order?"""

OPERATED_APART: Final = {
    "keys rewrap", "verify", "serve", "demo",
    "accounts invite", "accounts list", "accounts login", "accounts end", "accounts provider", "accounts demo",
    "accounts code",
}  # fmt: skip
"""The same, each called in a test of its own below."""

NAMES_A_SITE: Final = {"publish", "serve"}
"""Here an organisation is the name at the head of a page, and nobody who asks."""

INVITES: Final = {"accounts invite"}
"""Here a role and an organisation are of whom the operator invites. What they may do then is asked each time."""


def _codes(ground: Ground) -> object:
    return ground.file("codes.csv", "person_id,code\np1,I50\np2,E11\n")


def _counts(ground: Ground) -> object:
    rows = "".join(f"{place},{sex},{1000 + number}\n" for number, place in enumerate("ABC") for sex in "MF")
    return ground.file("counts.csv", f"place,sex,count\n{rows}")


def _records(ground: Ground) -> object:
    rows = "".join(f"{age},{'MF'[number % 2]},{'xyz'[number % 3]}\n" for number in range(60) for age in (30, 40))
    return ground.file("records.csv", f"age,sex,finding\n{rows}")


def _persons(ground: Ground) -> object:
    head = "id,nhs_number,family_name,given_name,birth_date,sex,postcode\n"
    rows = "".join(
        f"{at},,Quibbleworth{at},Zephrine{at},19{at + 40}-03-04,{1 + at % 2},ZZ{at} 1QJ\n" for at in range(12)
    )
    return ground.file("persons.csv", head + rows)


def _pairs(ground: Ground) -> tuple[object, object]:
    return ground.file("pairs.csv", "left_id,right_id\na,b\n"), ground.file("truth.csv", "left_id,right_id\na,b\n")


FILES_ALONE: Final = {
    "version": lambda _: ("version",),
    "register check": lambda _: ("register", "check", REGISTER, "--on", "2026-11-22"),
    "register show": lambda _: ("register", "show", REGISTER),
    "register diff": lambda _: ("register", "diff", REGISTER, REGISTER),
    "register schema": lambda _: ("register", "schema"),
    "publish": lambda ground: ("publish", REGISTER, "--to", ground.fresh()),
    "synth": lambda ground: ("synth", ground.fresh(), "--people", "5"),
    "manifest": lambda ground: (
        "manifest", ground.sent(), "--layout", "ncdr-sus-apc", "--id", "m", "--sender", "RZ1",
        "--agreement", "dars-dsa", "--purpose", PLANNING, "--period-from", "2025-04-01",
        "--period-to", "2026-03-31", "--extracted", "2026-05-01",
    ),
    "score": lambda ground: ("score", _codes(ground), "--score", "charlson-1987", "--to", ground.fresh()),
    "protect": lambda ground: ("protect", _counts(ground), "--rule", "hes-2018", "--to", ground.fresh()),
    "extract": lambda ground: (
        "extract", _records(ground), "--quasi", "age,sex", "--sensitive", "finding", "--to", ground.fresh(),
    ),
    "link files": lambda _: ("link", "files", "--specs"),
    "link evaluate": lambda ground: ("link", "evaluate", *_pairs(ground), "--two-files"),
    "link key": lambda ground: ("link", "key", ground.fresh()),
    "link encode": lambda ground: (
        "link", "encode", _persons(ground), "--spec", "people", "--key", ground.fresh(), "--to", ground.fresh(),
    ),
    "link match-encoded": lambda ground: (
        "link", "match-encoded", _persons(ground), _persons(ground), "--to", ground.fresh(),
    ),
    "indicator list": lambda _: ("indicator", "list"),
    "indicator show": lambda _: ("indicator", "show", "--indicator", "ae-four-hours"),
    "invoices prices": lambda ground: (
        "invoices", "prices", ground.file("prices.xlsx", "x"), "--valid-from", "2026-04-01", "--valid-to", "2027-03-31",
        "--to", ground.fresh(),
    ),
}  # fmt: skip
"""Verbs of anybody's files or of the public register: no store, no person of a controller, nobody is asked."""

STAND_IN_THEIR_OWN_WAY: Final = {"link encode", "link match-encoded", "invoices prices"}
"""Called with a file that is not theirs: they say so, the same way whatever the register says."""
