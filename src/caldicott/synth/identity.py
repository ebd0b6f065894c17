"""How a row names its person: number, status, withheld reason, name, address, birth date, practice.

The rules are the Data Dictionary's: name and address stand only where no number
that passes its check does; a withheld row omits number, local id, postcode and
birth date [facts/governance/sensitive_data].
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa

from caldicott.synth import faults, numbers
from caldicott.synth.arrays import NO_DAY, Bools, Ints, Texts, scrambled
from caldicott.synth.places import POSTCODES_PER_AREA, UNKNOWN_PRACTICES
from caldicott.synth.pools import happens, pool
from caldicott.synth.sources import COMMISSIONER
from caldicott.synth.texts import blanked, guids, joined, numerals, only_at, pick, put, repeated

if TYPE_CHECKING:
    from collections.abc import Callable

    from caldicott.synth.rows import Draft
    from caldicott.synth.sources import Source
    from caldicott.synth.world import Extract, World

_STATUSES = ("01", "02", "03", "04", "05", "07", "08")
_BABY_DAYS = 42


@dataclass(frozen=True)
class Shown:
    """What a row shows of its person."""

    columns: dict[str, Texts]
    days: dict[str, Ints]
    natural: dict[str, Bools]
    is_not_plain: Bools


@dataclass(frozen=True)
class _Case:
    """Everything a column needs to be made."""

    world: World
    source: Source
    draft: Draft
    fault: Ints
    occurred: Ints
    is_nameless: Bools
    """No number is shown at all."""
    is_withheld: Bools
    is_baby: Bools

    @property
    def person(self) -> Ints:
        return self.draft.person

    def __len__(self) -> int:
        return len(self.draft.person)


def columns_for(extract: Extract, draft: Draft, fault: Ints, rng: np.random.Generator) -> Shown:
    """The identity columns that the layout lists."""
    wanted = {column.canonical for column in extract.layout.columns} - draft.columns.keys()
    case = _case(extract, draft, fault, rng)
    number, uses_old, natural = _number_shown(case, rng)
    columns = {name: make(case) for name, make in _MAKERS.items() if name in wanted}
    columns["nhs_number"] = _written(case, number, rng)
    born = {"birth_date": _birth_dates(case)} if "birth_date" in wanted - draft.days.keys() else {}
    is_not_plain = np.isin(fault, [faults.code(name) for name in faults.NOT_PLAIN]) | case.is_baby
    return Shown(columns, born, natural, is_not_plain | uses_old)


def _case(extract: Extract, draft: Draft, fault: Ints, rng: np.random.Generator) -> _Case:
    world, source, layout = extract.world, extract.source, extract.layout
    occurred = draft.days[layout.canonical(layout.occurred) or ""]
    age_days = occurred - world.persons.born_on[draft.person]
    is_baby = (fault == 0) & (age_days < _BABY_DAYS) & happens(rng, len(draft), "baby_without_number")
    if layout.status_column is None or not source.fault_group:
        is_baby[:] = False
    is_withheld = fault == faults.code("identity_withheld")
    is_nameless = np.isin(fault, [faults.code(name) for name in faults.NO_NUMBER]) | is_baby
    return _Case(world, source, draft, fault, occurred, is_nameless, is_withheld, is_baby)


def _number_shown(case: _Case, rng: np.random.Generator) -> tuple[Ints, Bools, dict[str, Bools]]:
    persons, person = case.world.persons, case.person
    superseded = persons.superseded[person]
    is_late = happens(rng, len(case), "merger_not_heard_of")
    uses_old = (superseded > 0) & ((case.occurred < persons.merged_on[person]) | is_late)
    if not case.source.fault_group:
        uses_old[:] = False
    number = np.where(uses_old, superseded, persons.number[person])
    is_shown = np.isin(case.fault, [0, *(faults.code(name) for name in faults.NUMBER_UNTOUCHED)]) & ~case.is_nameless
    natural = {
        "superseded_number": uses_old & is_shown,
        "palindromic_number": numbers.is_palindrome(number) & is_shown,
        "baby_no_number": case.is_baby,
    }
    return number, uses_old & ~case.is_nameless, natural


def _written(case: _Case, number: Ints, rng: np.random.Generator) -> Texts:
    """The number as text, spoiled where the row's fault says so."""
    column = numbers.plain(number)
    spoilers: dict[str, Callable[[Ints], Texts]] = {
        "nhs_number_check_digit": numbers.with_wrong_check_digit,
        "nhs_number_nine_digits": numbers.without_first_digit,
        "nhs_number_float": numbers.as_float,
        "nhs_number_sentinel": lambda some: pick(numbers.SENTINELS, some % 3),
        "nhs_number_unissued_range": lambda some: numbers.never_issued(rng, len(some)),
        "number_with_spaces": lambda some: numbers.separated(some, " "),
        "number_with_hyphens": lambda some: numbers.separated(some, "-"),
        "number_full_width": numbers.full_width,
    }
    for fault, spoil in spoilers.items():
        at = faults.at(case.fault, fault)
        column = put(column, at, spoil(number[at]))
    return blanked(column, case.is_nameless)


def _statuses(case: _Case) -> Texts:
    status = np.zeros(len(case), np.int64)
    for value, names in {
        "02": ("number_present_not_traced", "nhs_number_unissued_range"),
        "03": ("nhs_number_blank", "nhs_number_check_digit", "nhs_number_nine_digits", "nhs_number_float"),
        "07": ("overseas_no_number", "identity_withheld"),
    }.items():
        status[faults.at(case.fault, *names)] = _STATUSES.index(value)
    status[faults.at(case.fault, "number_trace_required")] = _STATUSES.index("03")
    conflict = faults.at(case.fault, "trace_conflict")
    status[conflict] = _STATUSES.index("04") + conflict % 2
    status[case.is_baby] = _STATUSES.index("08")
    return pick(_STATUSES, status)


def _withheld_reasons(case: _Case) -> Texts:
    reasons = ("01", "02", "03", "97", "99")
    return pick(reasons, case.person % len(reasons), missing=~case.is_withheld)


def _local_ids(case: _Case) -> Texts:
    # Eight digits at most, so that none looks like an NHS number.
    local = 10_000_000 + (case.person * 7_919 + case.draft.sender * 104_729) % 89_999_999
    return numerals(local, missing=case.is_withheld)


def _kept_names(case: _Case) -> Ints:
    is_named = np.isin(case.fault, [faults.code(name) for name in faults.NAMES_KEPT]) | case.is_baby
    return np.flatnonzero(is_named)


def _patient_names(case: _Case) -> Texts:
    at = _kept_names(case)
    person = case.person[at]
    persons = case.world.persons
    full = joined(family_names(persons.family_name[person]), given_names(persons.given_name[person]), separator=", ")
    return only_at(at, full, len(case))


def _addresses(case: _Case) -> Texts:
    at = _kept_names(case)
    return only_at(at, addresses(case.world, case.person[at]), len(case))


def _postcode_index(case: _Case) -> Ints:
    """One activity in three of who moved house lately still has the earlier address."""
    persons, person = case.world.persons, case.person
    lags = scrambled(person, 11) % np.uint64(3) == 0
    return np.where(lags, persons.earlier_postcode[person], persons.postcode[person])


def _birth_dates(case: _Case) -> Ints:
    born = case.world.persons.born_on[case.person].copy()
    wrong = faults.at(case.fault, "birth_date_differs")
    born[wrong] -= np.array([1, 30, 365, 3_652])[wrong % 4]
    return np.where(case.is_withheld, NO_DAY, born)


def _practices(case: _Case) -> Texts:
    known = (
        case.draft.practice if case.draft.practice is not None else practice_on(case.world, case.person, case.occurred)
    )
    codes = pa.concat_arrays([case.world.places.practice_codes, pa.array(UNKNOWN_PRACTICES)])
    unknown = faults.at(case.fault, "practice_unknown")
    index = known.copy()
    index[unknown] = len(case.world.places.practice_codes) + unknown % len(UNKNOWN_PRACTICES)
    return pick(codes, index)


_MAKERS: dict[str, Callable[[_Case], Texts]] = {
    "nhs_number_status": _statuses,
    "withheld_reason": _withheld_reasons,
    "local_patient_id": _local_ids,
    "local_patient_id_organisation": lambda case: blanked(
        pick(case.source.senders, case.draft.sender), case.is_withheld
    ),
    "patient_id": lambda case: patient_guids(case.world, case.person),
    "patient_name": _patient_names,
    "usual_address": _addresses,
    "postcode": lambda case: pick(case.world.places.postcodes, _postcode_index(case), missing=case.is_withheld),
    "lsoa": lambda case: pick(
        case.world.places.lsoa_codes, _postcode_index(case) // POSTCODES_PER_AREA, missing=case.is_withheld
    ),
    "sex": lambda case: pick(("1", "2"), case.world.persons.sex[case.person] - 1),
    "ethnic_category": lambda case: ethnic_categories(case.world, case.person),
    "practice": _practices,
    "provider": lambda case: pick(case.source.senders, case.draft.sender),
    "commissioner": lambda case: repeated(COMMISSIONER, len(case)),
}


def practice_on(world: World, person: Ints, on: Ints) -> Ints:
    """Where the person was registered on the day."""
    persons = world.persons
    return np.where(on < persons.moved_on[person], persons.earlier_practice[person], persons.practice[person])


def leaked_text(some: Ints) -> Texts:
    """A number where none belongs, as a clerk types it."""
    return joined("Pt ", numbers.separated(some, " "), " seen")


def given_names(index: Ints) -> Texts:
    return pick(pool("given_names").texts("name"), index.clip(0), missing=index < 0)


def family_names(index: Ints) -> Texts:
    return pick(pool("family_names").texts("name"), index)


def ethnic_categories(world: World, person: Ints) -> Texts:
    return pick(pool("ethnic_categories").texts("code"), world.persons.ethnicity[person])


def streets(world: World, person: Ints) -> Texts:
    persons = world.persons
    return pick(pool("streets").texts("name"), persons.street[person])


def addresses(world: World, person: Ints) -> Texts:
    house = pa.array(world.persons.house_number[person]).cast(pa.string())
    return joined(joined(house, streets(world, person), separator=" "), ", Zedford")


def patient_guids(world: World, person: Ints) -> Texts:
    salt = world.seed % 2**31
    return guids(scrambled(person, salt + 1), scrambled(person, salt + 2))
