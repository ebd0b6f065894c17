"""Public one-off counts with noise: differential privacy by OpenDP, out of a budget that the register names.

Each person is in one group of a table at most, so that one person more or less
changes one count by one. The groups are those of the register and of facts,
never those that rows happen to have: an empty group is told with noise like the
others. What was spent is in a sealed ledger; the same table again is the stored
one and costs nothing. When the budget is spent, nothing more is told, ever.
"""

from __future__ import annotations

import csv
import hashlib
import importlib
import io
import json
import math
from dataclasses import dataclass, replace
from itertools import product
from typing import TYPE_CHECKING, Any, Final

from caldicott.analytics import tables as counting
from caldicott.analytics.definition import Figure
from caldicott.analytics.dimension import dimension
from caldicott.engines.duckdb.indicators import DuckDbIndicators
from caldicott.operations.indicators import marts_of, permitted
from caldicott.operations.indicators_library import lookups_of
from caldicott.operations.perform import Act, ask, perform, permits
from caldicott.policy.decision import Request
from caldicott.stores import key_files, ledger
from caldicott.vocabulary.errors import Refused, WrongUsage
from caldicott.vocabulary.formats import DataFormat

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from caldicott.analytics.question import Axis, Question
    from caldicott.operations.perform import House
    from caldicott.register.model import ProcessingActivity

GROUPS_AT_MOST: Final = 20_000
COUNTS, RECEIPT = "counts.csv", "receipt.json"
_STEP: Final = 1_000_000
"""Budgets are added up in millionths: sums of fractions would drift."""


@dataclass(frozen=True, slots=True)
class Noisy:
    """A table with noise, and where the budget stands."""

    files: Mapping[str, str]
    spent: float
    budget: float
    certificate: str

    @property
    def receipt(self) -> dict[str, Any]:
        return dict(json.loads(self.files[RECEIPT]))


def with_noise(
    house: House, asked: Question, *, epsilon: float, activity: str, role: str, to: Path | None = None
) -> Noisy:
    """Distinct people of every group with noise, for the public; written to a folder if one is named.

    Raises:
        Refused: the register does not let the role release it, names no budget, or less is left than asked for.
        WrongUsage: it is no count of people by what people are, or OpenDP is not installed.
    """
    house = replace(house, role=role)
    _check(asked, epsilon)
    permitted(house, asked, activity, role)
    entry = house.register.activity(activity)
    _require_release(house, entry, activity, role)
    budget = _budget(entry)
    marts, snapshot = marts_of(house, activity)
    lookups = lookups_of(house)
    keys = [_values(axis, house, lookups) for axis in asked.axes]
    if math.prod(len(one) for one in keys) > GROUPS_AT_MOST:
        raise WrongUsage(f"the table would have more than {GROUPS_AT_MOST:,} groups", code="dimension-too-wide",
                         where="--by", next_step="ask by larger groups or fewer dimensions")  # fmt: skip
    request = _fingerprint(asked, epsilon, activity, snapshot["id"])

    def compute() -> Act[Noisy]:
        with ledger.held_in(house.store, audience(activity), today=house.today) as memory:
            earlier = memory.releases()
            known = next((one for one in earlier if one.request == request), None)
            spent = sum(_millionths(_epsilon_of(one)) for one in earlier)
            if known is None:
                _require_left(spent, epsilon, budget)
                spent += _millionths(epsilon)
                with DuckDbIndicators(marts, lookups) as engine:
                    true = _counted(asked, engine, keys)
                known = memory.append(_release(asked, request, true, epsilon, entry))
        found = Noisy(known.files, spent / _STEP, budget, known.certificate)
        return Act(
            found, lambda: None, counts={"groups": math.prod(len(one) for one in keys)},
            references=(role, asked.indicator.reference, f"epsilon:{epsilon:g}", known.certificate),
            dataset=asked.indicator.source.dataset, format=DataFormat.AGGREGATED.value,
            touches_files=False, keeps=False,
        )  # fmt: skip

    found = perform(house, event="noise", activity=activity, compute=compute)
    if to is not None:
        _write(to, found)
    return found


def audience(activity: str) -> str:
    """The ledger that remembers what was spent."""
    return f"noise/{activity}"


def _check(asked: Question, epsilon: float) -> None:
    if not 0 < epsilon <= _STEP or not math.isfinite(epsilon) or _millionths(epsilon) < 1:
        raise WrongUsage("epsilon is a number above nought, such as 0.5", code="usage", where="--epsilon",
                         next_step="give a smaller share of the budget for more noise")  # fmt: skip
    is_count = asked.indicator.figure is Figure.PEOPLE and not asked.indicator.linked and not asked.indicator.groups
    if not is_count or asked.filters or not asked.axes or not all(axis.of_person for axis in asked.axes):
        raise WrongUsage(
            "noise is for counts of distinct people by what people are (practice, age, sex, area), without a filter: "
            "only then does one person change one count by one",
            code="noise-not-countable", where=asked.indicator.id,
            next_step="ask for people by such dimensions; other figures leave through the gate",
        )  # fmt: skip


def _require_release(house: House, entry: ProcessingActivity | None, activity: str, role: str) -> None:
    """Whoever tells the public needs the right to release what the activity gives out."""
    outward = [one.dataset for one in (entry.datasets or () if entry else ()) if one.direction == "out"]
    permits(ask(house, [Request(role, activity, one, DataFormat.AGGREGATED, action="release") for one in outward[:1]]))
    if not outward:
        raise _refused("The register says of no dataset that this activity gives it out", "noise-no-release",
                       "have what is given out listed in the register")  # fmt: skip


def _budget(entry: ProcessingActivity | None) -> float:
    control = entry.disclosure_control if entry else None
    if control is None or control.public_epsilon is None:
        raise _refused(
            "The register names no budget for public counts with noise (disclosure_control.public_epsilon)",
            "noise-no-budget", "have the budget decided and written into the register, or use the gate",
        )  # fmt: skip
    return control.public_epsilon


def _require_left(spent: int, epsilon: float, budget: float) -> None:
    left = (_millionths(budget) - spent) / _STEP
    if _millionths(epsilon) > _millionths(budget) - spent:
        raise _refused(
            f"Of the budget of {budget:g} there is {max(left, 0):g} left, less than the {epsilon:g} asked for",
            "noise-budget-spent", "ask for no more than is left; what is spent does not come back",
        )  # fmt: skip


def _values(axis: Axis, house: House, lookups: Mapping[str, Mapping[str, str]]) -> list[str]:
    """The groups of an axis, known without looking at any row."""
    level, members = dimension(axis.level), house.register.controller.member_practices
    pairs = lookups.get(level.lookup, {})
    known = {
        "practice": [one.ods for one in members],
        "age_band": list(lookups.get("age-group", {})),
        "sex": [name for _, name in level.labels],
    }.get(axis.level, list(pairs.values()))
    if not known:
        raise WrongUsage(
            f"the groups of {axis.level} are known from rows only, and which there are would tell of them",
            code="noise-groups-unknown", where=axis.level, next_step="ask by practice, network, age or sex",
        )  # fmt: skip
    return sorted(dict.fromkeys(known))


def _counted(asked: Question, engine: DuckDbIndicators, keys: Sequence[Sequence[str]]) -> dict[tuple[str, ...], int]:
    """True counts of every group, also those with nobody; who is in none of them is not counted."""
    found = dict.fromkeys(product(*keys), 0)
    cube = counting.cubes(asked)[counting.WHOLE]
    for cell in engine.cells(cube):
        key = tuple(
            dimension(axis.level).label(value) for axis, value in zip(asked.axes, cell.values, strict=True)
        )  # fmt: skip
        if key in found:
            found[key] += cell.people
    return found


def _release(
    asked: Question, request: str, true: Mapping[tuple[str, ...], int], epsilon: float,
    entry: ProcessingActivity | None,
) -> ledger.Release:  # fmt: skip
    noisy = noise(list(true.values()), epsilon)
    out = io.StringIO(newline="")
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow([*(axis.level for axis in asked.axes), "people"])
    # No count is below nought; cutting there looks at noise alone and so costs nothing.
    writer.writerows([*values, max(0, count)] for values, count in zip(true, noisy, strict=True))
    receipt = {
        "indicator": asked.indicator.reference, "epsilon": epsilon, "mechanism": "discrete Laplace (OpenDP)",
        "one_person_changes": 1, "scale": 1 / epsilon, "95_in_100_counts_within": math.ceil(math.log(20) / epsilon),
        "groups": len(noisy),
    }  # fmt: skip
    # Under the rule of the activity, so that the gate reads this ledger with the others; its tables hold no count.
    rule = entry.disclosure_control.rule if entry and entry.disclosure_control else ""
    return ledger.Release(request, rule, (), {COUNTS: out.getvalue(), RECEIPT: json.dumps(receipt, indent=2) + "\n"})


def noise(counts: Sequence[int], epsilon: float) -> list[int]:
    """The counts with discrete Laplace noise, for tables that one person changes by one.

    Raises:
        WrongUsage: OpenDP is not installed.
    """
    try:
        dp = importlib.import_module("opendp.prelude")
    except ImportError:
        raise WrongUsage("counts with noise need OpenDP, which is not installed", code="opendp-missing",
                         next_step="install it: `pip install caldicott[dp]`") from None  # fmt: skip
    dp.enable_features("contrib")
    space = dp.vector_domain(dp.atom_domain(T=int)), dp.l1_distance(T=int)
    measurement = dp.m.make_laplace(*space, scale=1 / epsilon)
    if not measurement.check(1, epsilon * (1 + 1e-9)):
        raise WrongUsage("this epsilon cannot be kept by the mechanism", code="usage", where="--epsilon",
                         next_step="ask for another, such as 0.5")  # fmt: skip
    return [int(one) for one in measurement(list(counts))]


def _millionths(epsilon: float) -> int:
    return math.ceil(round(epsilon * _STEP, 3))


def _epsilon_of(release: ledger.Release) -> float:
    return float(json.loads(release.files[RECEIPT])["epsilon"])


def _fingerprint(asked: Question, epsilon: float, activity: str, snapshot: str) -> str:
    key = asked.key(snapshot=snapshot, activity=activity, rule="noise")
    return hashlib.sha256(f"{key}/{epsilon:.9g}".encode()).hexdigest()


def _write(to: Path, found: Noisy) -> None:
    if to.exists() and not to.is_dir():
        raise WrongUsage("this is a file", code="usage", where="--to", next_step="name a folder")
    with key_files.disk_faults(to):
        to.mkdir(mode=key_files.PRIVATE_FOLDER, parents=True, exist_ok=True)
        for name, text in found.files.items():
            key_files.put(to / name, text.encode())


def _refused(what: str, code: str, next_step: str) -> Refused:
    return Refused(f"Refused. {what}. Next: {next_step}.", code=code, next_step=next_step)
