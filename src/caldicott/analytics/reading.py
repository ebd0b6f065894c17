"""From the text of a file to an indicator; what the file gets wrong is named with file and key."""

from __future__ import annotations

import difflib
import hashlib
import re
import tomllib
from typing import TYPE_CHECKING, Any, Final

from caldicott.analytics import expression
from caldicott.analytics.definition import Figure, Group, Indicator, Linked, Source, Unit
from caldicott.vocabulary.errors import DoesNotHold

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

_ID: Final = re.compile(r"[a-z0-9][a-z0-9-]{1,59}")
_NAME: Final = re.compile(r"[a-z][a-z0-9_]{0,39}")
_SOURCE: Final = frozenset({"dataset", "where", "persons", "day", "first"})
_TOP: Final = _SOURCE | {
    "id", "version", "title", "definition", "citation", "status", "figure", "counts", "dimensions", "by", "numerator",
    "denominator", "amount", "amount_in", "per", "linked", "groups", "edges", "percentile", "compared", "notes",
}  # fmt: skip
_NEEDED: Final = ("id", "version", "title", "definition", "citation", "status", "figure", "dataset")
_NEEDS: Final[Mapping[Figure, str]] = {
    Figure.SUM: "amount", Figure.MEAN: "amount", Figure.PERCENTILE: "edges", Figure.SHARE: "numerator",
    Figure.RATE: "denominator", Figure.NEED: "denominator", Figure.CHANGE: "linked",
}  # fmt: skip
_PERSON: Final = "person_token"
"""Whoever chooses people by their codes can count one whom they know among others whom they know."""
_STATUSES: Final = ("verified", "remembered")
_CODES_AT_MOST: Final = 5_000
_DAYS_AT_MOST: Final = 3_660


def read(text: str, name: str) -> Indicator:
    """The indicator in the text of a file called `name`.

    Raises:
        DoesNotHold: the file is no indicator; file, key and what to do are named.
    """
    return _File(text, name).indicator()


class _File:
    """One file while it is read."""

    def __init__(self, text: str, name: str) -> None:
        self.name, self._digest = name, hashlib.sha256(text.encode()).hexdigest()
        try:
            self._top: Mapping[str, Any] = tomllib.loads(text)
        except tomllib.TOMLDecodeError as fault:
            raise self._fault("", f"it is not TOML ({fault})") from None

    def indicator(self) -> Indicator:
        self._check_keys(self._top, _TOP, "")
        for key in _NEEDED:
            if key not in self._top:
                raise self._fault(key, "it is missing")
        figure = self._choice(self._top, "figure", [one.value for one in Figure])
        made = Indicator(
            id=self._matching("id", _ID), version=self._whole(self._top, "version", 1),
            title=self._text(self._top, "title"), definition=self._text(self._top, "definition"),
            citation=self._text(self._top, "citation"), status=self._choice(self._top, "status", _STATUSES),
            figure=Figure(figure), counts=Unit(self._choice(self._top, "counts", [u.value for u in Unit], "events")),
            source=self._source(self._top, ""), digest=self._digest, dimensions=self._words("dimensions"),
            by=self._words("by"), numerator=self._claim(self._top, "numerator"),
            denominator=self._other(), amount=self._amount(), amount_in=self._text(self._top, "amount_in", ""),
            per=self._whole(self._top, "per", 100), linked=tuple(self._linked()), groups=tuple(self._groups()),
            edges=self._edges(), percentile=self._percentile(),
            compared=self._choice(self._top, "compared", ("", "funnel", "control"), ""), notes=self._words("notes"),
        )  # fmt: skip
        self._check_whole(made)
        return made

    def _check_whole(self, made: Indicator) -> None:
        needed = _NEEDS.get(made.figure)
        if needed and not getattr(made, needed):
            raise self._fault(needed, f"a figure of the kind `{made.figure}` needs it")
        if made.figure is Figure.PERCENTILE and made.amount is None:
            raise self._fault("amount", "a percentile is of an amount")
        if made.figure is Figure.CHANGE and {one.name for one in made.linked} != {"before", "after"}:
            raise self._fault("linked", "a change has two links, named before and after")
        for dimension in made.by:
            if dimension not in made.dimensions and made.group(dimension) is None:
                raise self._fault("by", f"`{dimension[:40]}` is not among its dimensions")

    def _source(self, part: Mapping[str, Any], at: str) -> Source:
        return Source(
            self._text(part, "dataset"), self._claim(part, "where", at) or expression.Always(),
            self._text(part, "persons", ""), self._text(part, "day", ""), bool(part.get("first")),
        )  # fmt: skip

    def _other(self) -> Source | None:
        part = self._top.get("denominator")
        if part is None:
            return None
        if not isinstance(part, dict):
            raise self._fault("denominator", "it is a table with a dataset")
        self._check_keys(part, _SOURCE, "denominator.")
        return self._source(part, "denominator.")

    def _linked(self) -> Iterable[Linked]:
        for number, part in enumerate(self._tables("linked"), 1):
            at = f"linked[{number}]."
            self._check_keys(part, _SOURCE | {"name", "around", "from_day", "to_day"}, at)
            name, source = self._text(part, "name"), self._source(part, at)
            if not _NAME.fullmatch(name) or not source.day:
                raise self._fault(f"{at}name", "a link has a name of small letters, and a day")
            first, last = self._whole(part, "from_day", 0), self._whole(part, "to_day", 0)
            if not -_DAYS_AT_MOST <= first <= last <= _DAYS_AT_MOST:
                raise self._fault(f"{at}from_day", "the days do not follow each other, or reach over ten years")
            yield Linked(name, source, self._text(part, "around"), first, last)

    def _groups(self) -> Iterable[Group]:
        for number, part in enumerate(self._tables("groups"), 1):
            at = f"groups[{number}]."
            self._check_keys(part, {"name", "title", "column", "values", "starts"}, at)
            name, values = self._text(part, "name"), part.get("values")
            if not _NAME.fullmatch(name) or not isinstance(values, dict) or not values:
                raise self._fault(f"{at}values", "a group has a name of small letters, and values with their codes")
            codes = {str(one): tuple(str(code) for code in listed) for one, listed in values.items()}
            if sum(map(len, codes.values())) > _CODES_AT_MOST or not all(codes.values()):
                raise self._fault(f"{at}values", f"each value has codes, at most {_CODES_AT_MOST:,} in all")
            self._check_apart(codes, is_start=bool(part.get("starts")), at=f"{at}values")
            yield Group(name, self._text(part, "title"), self._text(part, "column"), codes, bool(part.get("starts")))

    def _check_apart(self, codes: Mapping[str, tuple[str, ...]], *, is_start: bool, at: str) -> None:
        """A code in two groups would count its people twice, and the groups would not be parts of a whole."""
        every = [(code, value) for value, listed in codes.items() for code in listed]
        for code, value in every:
            for other, elsewhere in every:
                if value != elsewhere and (other.startswith(code) if is_start else other == code):
                    raise self._fault(at, f"the code {code[:20]} is in two groups")

    def _claim(self, part: Mapping[str, Any], key: str, at: str = "") -> expression.Claim | None:
        text = self._text(part, key, "")
        found = expression.claim(text, where=f"{self.name}: {at}{key}") if text else None
        if found is not None and _PERSON in expression.columns(found):
            raise self._fault(f"{at}{key}", "nobody is counted by the code of a person")
        return found

    def _amount(self) -> expression.Value | None:
        """A column or days between two, and no arithmetic: a sum of ones counts what is withheld.

        So does what lies between the sum of minutes over 600 and that of minutes over 601.
        """
        text = self._text(self._top, "amount", "")
        found = expression.value(text, where=f"{self.name}: amount") if text else None
        if not isinstance(found, expression.Column | expression.Days | None):
            raise self._fault("amount", "it is a column, or days from one column to another; nothing is added to it")
        return found

    def _edges(self) -> tuple[int, ...]:
        found = self._top.get("edges", [])
        if not isinstance(found, list) or not all(isinstance(one, int) for one in found) or sorted(set(found)) != found:
            raise self._fault("edges", "they are whole numbers, each larger than the one before")
        return tuple(found)

    def _percentile(self) -> int:
        found = self._whole(self._top, "percentile", 50)
        if not 0 < found < 100:  # noqa: PLR2004  a hundredth is what a percentile is
            raise self._fault("percentile", "it lies between 1 and 99")
        return found

    def _tables(self, key: str) -> list[Mapping[str, Any]]:
        found = self._top.get(key, [])
        if not isinstance(found, list) or not all(isinstance(one, dict) for one in found):
            raise self._fault(key, f"write it as [[{key}]]")
        return found

    def _words(self, key: str) -> tuple[str, ...]:
        found = self._top.get(key, [])
        if not isinstance(found, list) or not all(isinstance(one, str) for one in found):
            raise self._fault(key, "it is a list of words")
        return tuple(dict.fromkeys(found))

    def _text(self, part: Mapping[str, Any], key: str, default: str | None = None) -> str:
        found = part.get(key, default)
        if not isinstance(found, str) or (default is None and not found.strip()):
            raise self._fault(key, "it is missing" if found is None else "it is not text")
        return found.strip()

    def _whole(self, part: Mapping[str, Any], key: str, default: int) -> int:
        found = part.get(key, default)
        if not isinstance(found, int) or isinstance(found, bool):
            raise self._fault(key, "it is not a whole number")
        return found

    def _matching(self, key: str, pattern: re.Pattern[str]) -> str:
        found = self._text(self._top, key)
        if not pattern.fullmatch(found):
            raise self._fault(key, "use small letters, figures and hyphens")
        return found

    def _choice(self, part: Mapping[str, Any], key: str, among: Iterable[str], default: str | None = None) -> str:
        found, choices = self._text(part, key, default), list(among)
        if found not in choices:
            raise self._fault(key, "it is one of: " + ", ".join(one for one in choices if one))
        return found

    def _check_keys(self, part: Mapping[str, Any], known: Iterable[str], at: str) -> None:
        choices = sorted(known)
        for key in part:
            if key not in choices:
                near = difflib.get_close_matches(key, choices, n=1, cutoff=0.0)[0]
                raise self._fault(f"{at}{key[:40]}", f"this key is not known; nearest is `{near}`")

    def _fault(self, key: str, what: str) -> DoesNotHold:
        return DoesNotHold(
            f"this file is no indicator: {what}", code="indicator-file",
            where=f"{self.name}: {key}" if key else self.name,
            next_step="see docs/reference/indicators.md for every key",
        )  # fmt: skip
