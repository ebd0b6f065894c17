"""What everybody was told of the people of a store, by whatever way it left, gathered in one place.

Exports and the airlock share one ledger; indicators keep one for each dataset of
an activity. Whoever is about to tell more gets its ledger from here, open to
write, and with it everything that the others told.
"""

from __future__ import annotations

import csv
import io
import json
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final

from caldicott.analytics.dimension import registered
from caldicott.analytics.levels import groups, parents
from caldicott.analytics.question import Axis
from caldicott.disclosure.hierarchy import Hierarchies
from caldicott.operations.indicators_levels import with_unknown
from caldicott.operations.indicators_library import lookups_of
from caldicott.stores import ledger
from caldicott.vocabulary.errors import Refused

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from caldicott.disclosure.table import CountTable
    from caldicott.operations.perform import House

EVERYBODY: Final = "everybody"
"""The audience. Colleagues talk, organisations share, and what is public is with all of them."""
INSTEAD: Final = "ask again what was told before, which is always answered, or take a table through the airlock"
"""What is left to whoever is told nothing more."""
_REPORT: Final = "report.json"


@dataclass(frozen=True, slots=True)
class Memory(ledger.Ledger):
    """One ledger, with what other ways out of the store told, all in the names of hierarchies."""

    elsewhere: tuple[ledger.Release, ...] = ()
    beside: tuple[ledger.Ledger, ...] = ()
    """Ledgers of other people of whom the same is told."""
    at_most: int | None = None
    """So many answers may it remember; None for any number."""

    def releases(self) -> tuple[ledger.Release, ...]:
        """All of it is in the same hands; what is new is remembered in the own ledger."""
        # The class is made anew for its slots, so its parent is named.
        beside = (release for one in self.beside for release in one.releases())
        every = (*self.elsewhere, *beside, *ledger.Ledger.releases(self))
        # What was told of two populations at once lies in the ledgers of both.
        return tuple(_renamed(one) for one in {release.request: release for release in every}.values())

    @property
    def is_full(self) -> bool:
        """Whether nothing new is left to tell."""
        return self.at_most is not None and self.length() >= self.at_most

    def append(self, release: ledger.Release) -> ledger.Release:
        """The same, as long as anything is left to tell.

        Raises:
            Refused: so much was told of these people that people must look at it first.
        """
        if self.is_full:
            raise Refused(
                f"Refused. {self.at_most:,} different answers were told of these people, which is all that may be "
                f"told before people look at what they tell together. Next: {INSTEAD}.",
                code="budget-spent", next_step=INSTEAD,
            )  # fmt: skip
        return ledger.Ledger.append(self, release)

    def everywhere(self, release: ledger.Release) -> None:
        """Remember it in the ledgers beside as well; who was killed before that had no answer, and asks again."""
        for one in self.beside:
            if all(known.request != release.request for known in one.releases()):
                one.append(release)


@contextmanager
def remembered(house: House, *audiences: str, at_most: int | None = None) -> Iterator[Memory]:
    """The ledgers of these audiences, the first to be written to, and all that is to be judged with them.

    Everybody's ledger is held all the while: of two who tell at the same time one
    comes first, and the other knows what it told.
    """
    with ExitStack() as held:
        everybody = held.enter_context(ledger.held_in(house.store, EVERYBODY, today=house.today))
        if not audiences:
            others = ledger.all_but(house.store, EVERYBODY, today=house.today)
            yield Memory(everybody.folder, everybody.seal, others)
            return
        own, *beside = (held.enter_context(ledger.held_in(house.store, one, today=house.today)) for one in audiences)
        yield Memory(own.folder, own.seal, everybody.releases(), tuple(beside), at_most)


def in_hierarchies(table: CountTable) -> CountTable:
    """The table with each column under the name of its hierarchy, as indicators name theirs."""
    return replace(table, dimensions=hierarchies_of(table.dimensions))


def hierarchies_of(columns: Sequence[str]) -> tuple[str, ...]:
    """For each column its hierarchy; of two of one hierarchy only the finer one's."""
    known = [registered().get(name) for name in columns]
    taken = set(columns)
    found = list(columns)
    for place in sorted(range(len(columns)), key=lambda number: getattr(known[number], "rank", 0)):
        level = known[place]
        if level is not None and (level.hierarchy not in taken or level.hierarchy == columns[place]):
            found[place] = level.hierarchy
            taken.add(level.hierarchy)
    return tuple(found)


def within(
    house: House, tables: Sequence[CountTable] = (), earlier: Sequence[ledger.Release] = (),
    lookups: Mapping[str, Mapping[str, str]] | None = None,
) -> Hierarchies:  # fmt: skip
    """What lies in what: all of it, for what was told before is joined by it, whatever is asked now."""
    known = lookups_of(house) if lookups is None else lookups
    axes = [Axis(name, name, (), ()) for name in dict.fromkeys(level.hierarchy for level in registered().values())]
    above = {axis.name: one for axis in axes if (one := parents(axis, known))}
    found = Hierarchies(above, {axis.name: many for axis in axes if (many := groups(axis, known))})
    told = [(one.dimensions, [row.values for row in one.rows]) for one in tables]
    told += [(one.dimensions, [row.values for row in one.rows]) for release in earlier for one in release.tables]
    for axis in axes:
        used = {values[names.index(axis.name)] for names, rows in told if axis.name in names for values in rows}
        found = with_unknown(axis.name, found, used)
    return found


def named_again(files: Mapping[str, str], tables: Sequence[CountTable]) -> dict[str, str]:
    """The gate's answer with the columns as they were called."""
    found = dict(files)
    report = json.loads(files[_REPORT])
    for table in tables:
        header, *rows = csv.reader(io.StringIO(files[table.name], newline=""))
        header[: len(table.dimensions)] = table.dimensions
        out = io.StringIO(newline="")
        csv.writer(out, lineterminator="\n").writerows([header, *rows])
        found[table.name] = out.getvalue()
        for entry in report["tables"]:
            if entry["name"] == table.name:
                entry["dimensions"] = list(table.dimensions)
    found[_REPORT] = json.dumps(report, indent=2, ensure_ascii=False) + "\n"
    return found


def _renamed(release: ledger.Release) -> ledger.Release:
    tables = tuple(replace(one, dimensions=hierarchies_of(one.dimensions)) for one in release.tables)
    return replace(release, tables=tables)
