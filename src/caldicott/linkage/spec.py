"""What a linkage is: which columns, how they are compared, which pairs are looked at, and when a pair is a link.

A spec is a TOML file. Everything in it is checked before a row is read; the words of
the file go into errors, a row's value never.
"""

from __future__ import annotations

import re
import tomllib
from dataclasses import dataclass
from typing import Any, Final

from caldicott.facts import linkage as facts
from caldicott.vocabulary.errors import DoesNotHold

KINDS: Final = ("name", "text", "code", "date", "postcode", "number", "nhs-number", "sex")
COMPARISONS: Final = {
    "exact": 1, "name": 1, "short-name": 1, "person-name": 2, "date": 1, "postcode": 1, "number": 1, "code": 1,
    "text": 1, "words": 1,
}  # fmt: skip
"""Each way of comparing, and how many fields it takes."""
PROBABILISTIC: Final = "probabilistic"
_NAME: Final = re.compile(r"[a-z][a-z0-9_]{0,40}")
_FORMAT: Final = re.compile(r"(%[YymdHMSbBj]|[-/. :,T])+")
_KEY: Final = re.compile(r"([a-z][a-z0-9_]*)(?::(\d{1,2}|sound|year|outward))?")


@dataclass(frozen=True, slots=True)
class Field:
    """A column and what is in it."""

    name: str
    column: str
    kind: str
    formats: tuple[str, ...] = ()
    missing: tuple[str, ...] = ()
    shared_most: int | None = None


@dataclass(frozen=True, slots=True)
class Comparison:
    """How fields of two records are compared, and whether a rare agreement counts for more."""

    fields: tuple[str, ...]
    how: str
    rare_counts: bool = True

    @property
    def name(self) -> str:
        return "_".join(self.fields)


@dataclass(frozen=True, slots=True)
class Key:
    """A field, or a part of it, on which two records must agree to be looked at."""

    field: str
    part: str = ""

    def __str__(self) -> str:
        return f"{self.field}:{self.part}" if self.part else self.field


@dataclass(frozen=True, slots=True)
class Block:
    """Pairs that agree on all these keys are looked at; `swapped`: the first name of one is the last of the other."""

    keys: tuple[Key, ...]
    is_swapped: bool = False

    def __str__(self) -> str:
        return ("swapped " if self.is_swapped else "") + " + ".join(map(str, self.keys))


@dataclass(frozen=True, slots=True)
class Guard:
    """What a link must not be: a pair that differs in all of `differ` unless one of `unless` is the same,
    or one that agrees on none of `needs`.
    """

    differ: tuple[str, ...] = ()
    unless: tuple[str, ...] = ()
    needs: tuple[str, ...] = ()

    def __str__(self) -> str:
        differ = f"differs in {' and '.join(self.differ)}" if self.differ else ""
        unless = f" unless {' or '.join(self.unless)} is the same" if self.unless else ""
        return (differ + unless) or f"agrees on none of {', '.join(self.needs)}"


@dataclass(frozen=True, slots=True)
class Training:
    """How the model learns without being told who is who."""

    sure: tuple[tuple[str, ...], ...]
    recall: float
    rounds: tuple[tuple[str, ...], ...]
    pairs: int = 2_000_000
    seed: int = 1


@dataclass(frozen=True, slots=True)
class Spec:
    """One linkage, whole."""

    name: str
    title: str
    profile: str
    id_column: str
    fields: tuple[Field, ...]
    comparisons: tuple[Comparison, ...] = ()
    blocks: tuple[Block, ...] = ()
    guards: tuple[Guard, ...] = ()
    training: Training | None = None
    match_at: float = 0.5
    group_at: float | None = None
    group_share: float = 0.0
    group_most: int = 1_000
    one_to_one: bool = False
    fields_least: int = 2
    value_most: int = 2_000_000
    on_column: str | None = None

    def field(self, name: str) -> Field:
        return next(entry for entry in self.fields if entry.name == name)

    @property
    def columns(self) -> tuple[str, ...]:
        return (self.id_column, *dict.fromkeys(entry.column for entry in self.fields))


def parse(text: str, where: str) -> Spec:
    """The spec a file writes down.

    Raises:
        DoesNotHold: it is not TOML, or says something that is not known here; named.
    """
    try:
        written = tomllib.loads(text)
    except tomllib.TOMLDecodeError as fault:
        place = re.search(r"line (\d+)", str(fault))
        at = f"{where}:{place.group(1)}" if place else where
        raise _fault("it is not TOML", at, "correct the line; `caldicott link --specs` shows specs that hold") from None
    return _Reading(where).spec(written)


def shipped(name: str) -> Spec:
    """A spec that ships, by name."""
    return parse(facts.spec_text(name), f"{name}.toml")


def _fault(what: str, where: str, next_step: str) -> DoesNotHold:
    return DoesNotHold(what, code="link-spec-broken", where=where, next_step=next_step)


class _Reading:
    """Reads one spec; remembers which file, for the faults."""

    def __init__(self, where: str) -> None:
        self.where = where

    def spec(self, written: dict[str, Any]) -> Spec:
        self._known(written, ("link", "fields", "comparisons", "blocks", "guards", "training"), "")
        link = self._table(written, "link")
        self._known(
            link,
            (
                "name", "title", "profile", "id", "match_at", "group_at", "group_share", "group_most", "one_to_one",
                "fields_least", "value_most", "on",
            ),
            "[link] ",
        )  # fmt: skip
        fields = tuple(
            self._field(name, entry) for name, entry in sorted(self._fields_written(written, link).items(), key=_first)
        )
        names = {entry.name for entry in fields}
        spec = Spec(
            name=str(link.get("name", self.where)),
            title=str(link.get("title", "")),
            profile=self._choice(link.get("profile", PROBABILISTIC), (PROBABILISTIC, *facts.profiles()), "profile"),
            id_column=self._word(link, "id"),
            fields=fields,
            comparisons=tuple(self._comparison(entry, names) for entry in self._tables(written, "comparisons")),
            blocks=tuple(self._block(entry, names) for entry in self._tables(written, "blocks")),
            guards=tuple(self._guard(entry) for entry in self._tables(written, "guards")),
            training=self._training(self._table(written, "training"), names) if "training" in written else None,
            match_at=self._share(link.get("match_at", 0.5), "match_at"),
            group_at=self._share(link["group_at"], "group_at") if "group_at" in link else None,
            group_share=self._share(link.get("group_share", 0.0), "group_share"),
            one_to_one=bool(link.get("one_to_one", False)),
            group_most=self._count(link.get("group_most", 1_000), "group_most"),
            fields_least=self._count(link.get("fields_least", 2), "fields_least"),
            value_most=self._count(link.get("value_most", 2_000_000), "value_most"),
            on_column=str(link["on"]).lower() if "on" in link else None,
        )
        self._holds_together(spec)
        return spec

    def _holds_together(self, spec: Spec) -> None:
        if spec.profile != PROBABILISTIC:
            return
        if not spec.comparisons or not spec.blocks:
            raise _fault(
                "a probabilistic spec has at least one [[comparisons]] and one [[blocks]]",
                self.where,
                "say which fields are compared, and which pairs are looked at",
            )
        compared = {entry.name for entry in spec.comparisons}
        for guard in spec.guards:
            for name in (*guard.differ, *guard.unless, *guard.needs):
                if name not in compared:
                    raise _fault(
                        f"a guard names the comparison '{name}', which is not there",
                        self.where,
                        f"name some of: {', '.join(sorted(compared))}",
                    )

    def _field(self, name: str, entry: Any) -> Field:
        if not isinstance(entry, dict) or not _NAME.fullmatch(name):
            raise _fault(
                f"the field '{name[:40]}' is not a table with a plain name",
                self.where,
                'write it as [fields.family_name] with column = "…" and kind = "name"',
            )
        self._known(entry, ("column", "kind", "formats", "missing", "shared_most"), f"[fields.{name}] ")
        return Field(
            name=name,
            column=self._word(entry, "column"),
            kind=self._choice(entry.get("kind", "text"), KINDS, f"[fields.{name}] kind"),
            formats=self._formats(entry.get("formats", []), f"[fields.{name}] formats"),
            missing=tuple(one.lower() for one in self._words(entry.get("missing", []), f"[fields.{name}] missing")),
            shared_most=self._count(entry["shared_most"], f"[fields.{name}] shared_most")
            if "shared_most" in entry
            else None,
        )

    def _comparison(self, entry: dict[str, Any], names: set[str]) -> Comparison:
        self._known(entry, ("fields", "how", "rare_counts"), "[[comparisons]] ")
        how = self._choice(entry.get("how"), tuple(COMPARISONS), "[[comparisons]] how")
        fields = self._fields(entry.get("fields", []), names, "[[comparisons]]")
        if len(fields) != COMPARISONS[how]:
            raise _fault(f"the comparison '{how}' takes {COMPARISONS[how]} field(s)", self.where, "name so many fields")
        return Comparison(fields, how, bool(entry.get("rare_counts", True)))

    def _block(self, entry: dict[str, Any], names: set[str]) -> Block:
        self._known(entry, ("on", "swapped"), "[[blocks]] ")
        written = self._words(entry.get("on") or entry.get("swapped") or [], "[[blocks]] on")
        keys = []
        for word in written:
            found = _KEY.fullmatch(str(word))
            if found is None:
                raise _fault(
                    f"the block key '{str(word)[:40]}' is not read",
                    self.where,
                    "write a field, or field:4 (its first letters), field:sound, field:year, field:outward",
                )
            self._fields([found.group(1)], names, "[[blocks]]")
            keys.append(Key(found.group(1), found.group(2) or ""))
        if not keys:
            raise _fault("a block names no field", self.where, 'write on = ["field", …]')
        return Block(tuple(keys), is_swapped="swapped" in entry)

    def _guard(self, entry: dict[str, Any]) -> Guard:
        self._known(entry, ("differ", "unless", "needs"), "[[guards]] ")
        guard = Guard(
            *(self._words(entry.get(name, []), f"[[guards]] {name}") for name in ("differ", "unless", "needs"))
        )
        if bool(guard.differ) == bool(guard.needs):
            raise _fault("a guard says either `differ` or `needs`", self.where, "write two guards for two rules")
        return guard

    def _training(self, entry: dict[str, Any], names: set[str]) -> Training:
        self._known(entry, ("sure", "recall", "rounds", "pairs", "seed"), "[training] ")
        return Training(
            sure=tuple(self._fields(group, names, "[training] sure") for group in self._groups(entry, "sure")),
            recall=self._share(entry.get("recall", 0.8), "[training] recall"),
            rounds=tuple(self._fields(group, names, "[training] rounds") for group in self._groups(entry, "rounds")),
            pairs=self._count(entry.get("pairs", 2_000_000), "[training] pairs"),
            seed=self._count(entry.get("seed", 1), "[training] seed"),
        )

    def _groups(self, entry: dict[str, Any], name: str) -> list[Any]:
        groups = entry.get(name, [])
        if not isinstance(groups, list):
            raise _fault(
                f"[training] {name} is not a list of lists", self.where, f'write {name} = [["field", "field"]]'
            )
        return groups

    def _fields(self, wanted: Any, names: set[str], place: str) -> tuple[str, ...]:
        found = self._words(wanted, place)
        for name in found:
            if name not in names:
                raise _fault(
                    f"{place} names the field '{name[:40]}', which is not there",
                    self.where,
                    f"name some of: {', '.join(sorted(names))}",
                )
        return found

    def _fields_written(self, written: dict[str, Any], link: dict[str, Any]) -> dict[str, Any]:
        """Tracing knows its columns by name; a spec then only says which are called otherwise."""
        if link.get("profile", PROBABILISTIC) != PROBABILISTIC and "fields" not in written:
            return {}
        return self._table(written, "fields")

    def _table(self, written: dict[str, Any], name: str) -> dict[str, Any]:
        table = written.get(name)
        if not isinstance(table, dict) or not table:
            raise _fault(f"it has no [{name}]", self.where, f"add [{name}]; `caldicott link --specs` shows examples")
        return table

    def _word(self, table: dict[str, Any], name: str) -> str:
        if not isinstance(table.get(name), str) or not table[name].strip():
            raise _fault(f"`{name}` is missing", self.where, f'add {name} = "the column\'s name"')
        return str(table[name]).strip().lower()

    def _choice(self, value: Any, known: tuple[str, ...], place: str) -> str:
        if value not in known:
            raise _fault(
                f"{place} is '{str(value)[:40]}', which is not known", self.where, f"one of {', '.join(known)}"
            )
        return str(value)

    def _share(self, value: Any, place: str) -> float:
        if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value <= 1:
            raise _fault(f"{place} is not a number from 0 to 1", self.where, "write it as 0.5")
        return float(value)

    def _count(self, value: Any, place: str) -> int:
        if isinstance(value, bool) or not isinstance(value, int) or value < 1:
            raise _fault(f"{place} is not a whole number from 1", self.where, "write it as 1000")
        return value

    def _words(self, value: Any, place: str) -> tuple[str, ...]:
        if not isinstance(value, list) or not all(isinstance(one, str) for one in value):
            raise _fault(f"{place} is not a list of words", self.where, 'write it as ["one", "other"]')
        return tuple(value)

    def _formats(self, value: Any, place: str) -> tuple[str, ...]:
        formats = self._words(value, place)
        for one in formats:
            if not _FORMAT.fullmatch(one):
                raise _fault(
                    f"{place} has '{one[:40]}', which is no way to write a date", self.where, 'write it as "%d/%m/%Y"'
                )
        return formats

    def _tables(self, written: dict[str, Any], name: str) -> list[dict[str, Any]]:
        tables = written.get(name, [])
        if not isinstance(tables, list) or not all(isinstance(one, dict) for one in tables):
            raise _fault(f"{name} is not a list of tables", self.where, f"head each of them with [[{name}]]")
        return tables

    def _known(self, table: dict[str, Any], known: tuple[str, ...], place: str) -> None:
        for name in table:
            if name not in known:
                raise _fault(f"{place}'{name[:40]}' is not known", self.where, f"one of {', '.join(known)}")


def _first(entry: tuple[str, Any]) -> str:
    return entry[0]
