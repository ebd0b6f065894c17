"""What a list's address asks for: filters, order and page, as values; and the address of another page of it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import urlencode

from caldicott.operations.practice_case import STAGE_WORDS, CaseStage, Judgement
from caldicott.operations.practice_list import AT_LEAST, CHANGE, FILTERS, Query

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from caldicott.stores.desk.cases import CaseNow

PER_PAGE: Final = 25
_LAST_PAGE: Final = 100_000
NAMES: Final = (*FILTERS, CHANGE, *AT_LEAST)
NO_STAGE: Final = "none"
STAGES: Final = {NO_STAGE: STAGE_WORDS[CaseStage.NONE]} | {
    stage.value: words for stage, words in STAGE_WORDS.items() if stage
}
SHOWN_AGAIN: Final = "left-out"


@dataclass(frozen=True, slots=True)
class Asked:
    """The part of an address after `?`, read."""

    filters: tuple[tuple[str, str], ...]
    stages: tuple[str, ...]
    sort: str
    turned: bool
    page: int
    left_out: bool
    """Show also those whom the practice left out of its list."""

    def query(self, cases: Mapping[str, CaseNow], *, offset: int = 0, limit: int = PER_PAGE) -> Query:
        """As operations are asked: what the practice keeps is told as tokens."""
        away = frozenset(t for t, one in cases.items() if one.judgement == Judgement.SET_ASIDE)
        return Query(
            self.sort, offset, limit, self.filters, turned=self.turned, among=self._among(cases),
            without=(frozenset() if self.left_out else away) | self._without(cases),
        )  # fmt: skip

    def _among(self, cases: Mapping[str, CaseNow]) -> frozenset[str] | None:
        if not self.stages or NO_STAGE in self.stages:
            return None
        return frozenset(token for token, one in cases.items() if one.stage in self.stages)

    def _without(self, cases: Mapping[str, CaseNow]) -> frozenset[str]:
        # "Nothing yet" is everybody but those in the other stages: most of a list has no case at all.
        if NO_STAGE not in self.stages:
            return frozenset()
        return frozenset(token for token, one in cases.items() if one.stage and one.stage not in self.stages)

    def written(self, **other: Any) -> str:
        """The part after `?` again, with something else in it. The page is left out unless it is given."""
        kept: list[tuple[str, str]] = [*self.filters, *(("stage", one) for one in self.stages)]
        sort, turned = other.get("sort", self.sort), other.get("turned", self.turned)
        kept += [("sort", sort)] if sort != "tier" else []
        kept += [("turned", "1")] if turned else []
        kept += [(SHOWN_AGAIN, "1")] if self.left_out else []
        kept += [("page", str(other["page"]))] if other.get("page", 1) != 1 else []
        return urlencode(kept)

    def has(self, name: str, value: str) -> bool:
        return value in self.stages if name == "stage" else (name, value) in self.filters

    def value(self, name: str) -> str:
        return next((value for key, value in self.filters if key == name), "")


def asked_in(sent: Iterable[tuple[str, str]]) -> Asked:
    """What an address asks; words that a list does not know are left to operations, which say so."""
    pairs = [(name, value.strip()) for name, value in sent if value.strip()]
    found = dict(pairs)
    return Asked(
        tuple(dict.fromkeys(pair for pair in pairs if pair[0] in NAMES)),
        tuple(dict.fromkeys(value for name, value in pairs if name == "stage" and value in STAGES)),
        found.get("sort", "tier"),
        found.get("turned") == "1",
        _page(found.get("page", "")),
        found.get(SHOWN_AGAIN) == "1",
    )


def _page(written: str) -> int:
    return min(int(written), _LAST_PAGE) if written.isascii() and written.isdecimal() and int(written) else 1


def flat(sent: Any) -> list[tuple[str, str]]:
    """Django's own form of what was sent, as pairs in order."""
    return [(name, value) for name, values in sent.lists() for value in values]
