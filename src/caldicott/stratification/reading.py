"""From the content of a score file to a Score. Every fault of a user's table is named, none is guessed around."""

from __future__ import annotations

import csv
import re
import tomllib
from dataclasses import dataclass, field
from decimal import Decimal, InvalidOperation
from typing import TYPE_CHECKING, Any, Final

from caldicott.stratification.features import FEATURES
from caldicott.stratification.score import (
    SCORE_FEATURE,
    Band,
    Group,
    Kind,
    Link,
    Match,
    Range,
    Score,
    Segment,
    Standing,
    Term,
)
from caldicott.vocabulary.errors import DoesNotHold

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

NAME: Final = re.compile(r"^[a-z][a-z0-9]*(-[a-z0-9]+)*$")
REQUIRED: Final = ("name", "title", "version", "citation", "licence", "standing")
KEYS: Final = frozenset(
    (
        *REQUIRED, "standing_note", "kind", "match", "weight_of_each", "window_months", "age_from",
        "minimum", "divisor", "intercept", "link", "codes", "weights", "hidden_by", "or_feature", "terms", "bands",
        "segments", "otherwise",
    )
)  # fmt: skip
_NOT_IN_CODE: Final = re.compile(r"[^0-9A-Za-z]")
_HEADING: Final = re.compile(r"^\s*#\s?(.*)$")


@dataclass
class _Draft:
    """A table being read: its content, how to open the files it names, and what is wrong with it so far."""

    content: Mapping[str, Any]
    where: str
    open_table: Callable[[str], str]
    faults: list[str] = field(default_factory=list)

    def number(self, value: Any, what: str) -> Decimal:
        try:
            number = Decimal(str(value))
        except InvalidOperation:
            number = Decimal("NaN")
        if isinstance(value, bool) or not number.is_finite():
            self.faults.append(f"{what} is not a number")
            return Decimal(0)
        return number

    def optional_number(self, key: str) -> Decimal | None:
        return None if key not in self.content else self.number(self.content[key], f"`{key}`")

    def months(self, value: Any, what: str) -> int | None:
        if value in {None, ""}:
            return None
        number = self.number(value, what)
        if number < 1 or number != int(number):
            self.faults.append(f"{what} is not a whole number of at least 1")
            return None
        return int(number)

    def choice(self, key: str, kind: Any, default: Any) -> Any:
        try:
            return kind(self.content.get(key, default))
        except ValueError:
            self.faults.append(f"`{key}` must be one of: {', '.join(kind)}")
            return kind(default)

    def range(self, entry: Mapping[str, Any], what: str) -> Range:
        names = {"from": "at_least", "above": "above", "below": "below", "to": "at_most"}
        given = {names[key]: self.number(entry[key], f"`{key}` of {what}") for key in names if key in entry}
        return Range(**given)


def parse_toml(text: str, where: str, open_table: Callable[[str], str]) -> Score:
    """A score from TOML; `open_table` reads a table that it names.

    Raises:
        DoesNotHold: each fault named.
    """
    try:
        content = tomllib.loads(text)
    except tomllib.TOMLDecodeError as fault:
        raise _broken(where, [f"it is not TOML ({fault})"]) from None
    return _score(_Draft(content, where, open_table))


def parse_csv(text: str, where: str) -> Score:
    """A score from one CSV: lines `# key = value` first (TOML), then group, code, weight, hidden_by, within_months.

    Raises:
        DoesNotHold: each fault named.
    """
    head, body = _split(text)
    try:
        content = tomllib.loads(head)
    except tomllib.TOMLDecodeError as fault:
        raise _broken(where, [f"the lines that begin with # are not TOML ({fault})"]) from None
    content |= {"codes": {"file": "self"}, "weights": {"file": "self"}}
    return _score(_Draft(content, where, lambda _name: body))


def _split(text: str) -> tuple[str, str]:
    lines = text.removeprefix("\ufeff").splitlines()
    head = [found[1] for line in lines if (found := _HEADING.match(line))]
    return "\n".join(head), "\n".join(line for line in lines if not _HEADING.match(line))


def with_codes(score: Score, text: str, where: str) -> Score:
    """The score with a user's code set (group, code, within_months) in place of the codes that do not ship.

    Raises:
        DoesNotHold: a group the score does not have, no code at all, an unreadable table.
    """
    from dataclasses import replace

    draft = _Draft({}, where, lambda _name: text)
    codes, months, _ = _codes_of(draft, {"file": "self"})
    known = {group.id for group in score.groups}
    draft.faults += [f"`{name}` is no group of {score.name}" for name in sorted({*codes} - known)[:10]]
    if not codes:
        draft.faults.append("it has no codes")
    if draft.faults:
        raise _broken(where, draft.faults)
    groups = tuple(
        replace(
            group,
            codes=tuple(codes.get(group.id, ())),
            window_months=months.get(group.id, group.window_months),
        )
        for group in score.groups
    )
    return replace(score, groups=groups, needs_code_set="")


def _score(draft: _Draft) -> Score:
    content = draft.content
    draft.faults += [f"`{key}` is missing or empty" for key in REQUIRED if not str(content.get(key, "")).strip()]
    draft.faults += [f"`{key}` is not known; known are: {', '.join(sorted(KEYS))}" for key in {*content} - KEYS]
    name = str(content.get("name", ""))
    if name and not NAME.match(name):
        draft.faults.append("`name` must be lower-case words joined by hyphens")
    score = Score(
        name=name,
        title=str(content.get("title", "")),
        version=str(content.get("version", "")),
        citation=str(content.get("citation", "")),
        licence=str(content.get("licence", "")),
        standing=draft.choice("standing", Standing, Standing.OWN),
        standing_note=str(content.get("standing_note", "")),
        kind=draft.choice("kind", Kind, Kind.SUM),
        groups=_groups(draft),
        terms=tuple(_term(draft, entry, place) for place, entry in enumerate(content.get("terms", ()), start=1)),
        bands=tuple(Band(str(entry.get("name")), draft.range(entry, "a band")) for entry in content.get("bands", ())),
        segments=tuple(_segment(draft, entry) for entry in content.get("segments", ())),
        otherwise=str(content.get("otherwise", "")),
        intercept=draft.number(content.get("intercept", 0), "`intercept`"),
        link=draft.choice("link", Link, Link.IDENTITY),
        minimum=draft.optional_number("minimum"),
        divisor=draft.optional_number("divisor"),
        age_from=draft.months(content.get("age_from"), "`age_from`"),
        needs_code_set=str(content.get("codes", {}).get("load", "")),
    )
    draft.faults += _against_itself(score)
    if draft.faults:
        raise _broken(draft.where, draft.faults)
    return score


def _groups(draft: _Draft) -> tuple[Group, ...]:
    entry = draft.content.get("codes", {})
    codes, months, hidden = _codes_of(draft, entry) if "file" in entry else ({}, {}, {})
    weights = _weights_of(draft, list(codes))
    window = draft.months(draft.content.get("window_months"), "`window_months`")
    match = draft.choice("match", Match, Match.PREFIX)
    hidden |= {name: tuple(above) for name, above in draft.content.get("hidden_by", {}).items()}
    features = draft.content.get("or_feature", {})
    draft.faults += [f"`{name}` has a weight but no code" for name in weights if "file" in entry and name not in codes]
    strange = {*hidden, *features} - {*weights}
    draft.faults += [f"`{name}` is hidden or fed by a feature but is no group" for name in sorted(strange)]
    return tuple(
        Group(
            name,
            tuple(codes.get(name, ())),
            match,
            weight,
            hidden.get(name, ()),
            months.get(name, window),
            str(features.get(name, {}).get("feature", "")),
            draft.range(features.get(name, {}), f"or_feature.{name}"),
        )
        for name, weight in weights.items()
    )


def _codes_of(
    draft: _Draft, entry: Mapping[str, Any]
) -> tuple[dict[str, list[str]], dict[str, int], dict[str, tuple[str, ...]]]:
    codes: dict[str, list[str]] = {}
    months: dict[str, int] = {}
    hidden: dict[str, tuple[str, ...]] = {}
    where = entry.get("where", {})
    for line, row in enumerate(_rows(draft, entry["file"], ("group", "code")), start=2):
        if any(row.get(column) != value for column, value in where.items()):
            continue
        name, code = (row["group"] or "").strip(), _NOT_IN_CODE.sub("", row["code"] or "").upper()
        if not name or not code:
            draft.faults.append(f"row {line} has no group or no code")
            continue
        held = codes.setdefault(name, [])
        if code not in held:
            held.append(code)
        if (within := draft.months(row.get("within_months"), f"`within_months` in row {line}")) is not None:
            months[name] = within
        if row.get("hidden_by"):
            hidden[name] = tuple((row["hidden_by"] or "").split())
    return codes, months, hidden


def _weights_of(draft: _Draft, groups: list[str]) -> dict[str, Decimal]:
    entry = draft.content.get("weights", {})
    each = draft.content.get("weight_of_each")
    if "file" not in entry:
        if entry:
            return {name: draft.number(value, f"the weight of `{name}`") for name, value in entry.items()}
        return {name: draft.number(1 if each is None else each, "`weight_of_each`") for name in groups}
    column = entry.get("weight", "weight")
    weights: dict[str, Decimal] = {}
    for row in _rows(draft, entry["file"], ("group",) if each is not None else ("group", column)):
        name = (row["group"] or "").strip()
        weight = draft.number(row[column] if each is None else each, f"the weight of `{name}`")
        if weights.setdefault(name, weight) != weight:
            draft.faults.append(f"`{name}` has two weights")
    return weights


def _rows(draft: _Draft, name: str, columns: tuple[str, ...]) -> list[dict[str, str | None]]:
    reader = csv.DictReader(draft.open_table(name).removeprefix("\ufeff").splitlines(), strict=True)
    try:
        missing = [column for column in columns if column not in (reader.fieldnames or ())]
        rows: list[dict[str, str | None]] = [] if missing else [*reader]
    except csv.Error:
        draft.faults.append("its table is not CSV: a quote does not close")
        return []
    draft.faults += [f"its table has no column `{column}`" for column in missing]
    return rows


def _term(draft: _Draft, entry: Mapping[str, Any], place: int) -> Term:
    per_unit = draft.number(entry["per_unit"], f"`per_unit` of term {place}") if "per_unit" in entry else None
    points = draft.number(entry.get("points", 0), f"`points` of term {place}")
    if (per_unit is None) == ("points" not in entry):
        draft.faults.append(f"term {place} needs `points` or `per_unit`, one of them")
    return Term(str(entry.get("feature", "")), draft.range(entry, f"term {place}"), points, per_unit)


def _segment(draft: _Draft, entry: Mapping[str, Any]) -> Segment:
    name = str(entry.get("name", ""))
    return Segment(name, tuple(entry.get("any_of", ())), str(entry.get("feature", "")), draft.range(entry, name))


def _against_itself(score: Score) -> list[str]:
    groups = {group.id for group in score.groups}
    used = {above for group in score.groups for above in group.hidden_by}
    used |= {name for segment in score.segments for name in segment.any_of}
    faults = [f"`{name}` is used but is no group of it" for name in sorted(used - groups)]
    faults += [
        f"the feature `{name}` is not known; known are: {', '.join(sorted(FEATURES))}, score:NAME"
        for name in sorted(score.features | score.optional_features)
        if name not in FEATURES and not name.startswith(SCORE_FEATURE)
    ]
    if score.kind is Kind.SUM and not score.groups and not score.terms:
        faults.append("it has neither groups nor terms")
    if score.kind is Kind.SEGMENT and not (score.segments and score.otherwise):
        faults.append("a segment score needs `segments` and `otherwise`")
    if score.divisor is not None and score.divisor == 0:
        faults.append("`divisor` is 0")
    if score.name in score.parts:
        faults.append("it is made of itself")
    return faults


def _broken(where: str, faults: list[str]) -> DoesNotHold:
    return DoesNotHold(
        f"the table does not hold: {'; '.join(faults[:20])}",
        code="score-table-broken",
        where=where,
        next_step="correct the table; docs/reference/scores.md says what belongs in it",
    )
