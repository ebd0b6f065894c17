"""`python -m tests.promises.reference` writes docs/reference/promises.md; a test keeps it true."""

from __future__ import annotations

import sys
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from caldicott.facts import promises as facts
from caldicott.operations.verify.controls import all_controls
from caldicott.operations.verify.sheet import NOTICES

if TYPE_CHECKING:
    from collections.abc import Iterator

PAGE = Path(__file__).resolve().parents[2] / "docs" / "reference" / "promises.md"
_HEAD = """# The promises of the notices, and how each is kept

Four published privacy notices make 381 promises. Each is kept in exactly one way: by controls that
`caldicott verify` looks at in a store, by a part of the system that is still awaited, or in writing. Made by
`python -m tests.promises.reference` from `src/caldicott/facts/promises`; a test keeps it true. What a promise needs
to count as kept is the observable test beside it in `promises.csv`; where a piece of it is not built, it is awaited.
Every promise kept by controls has a test in `tests/promises` that names it; `pytest tests/promises/test_ledger.py`
fails when one has none. That those tests notice is shown by the [mutation proof](mutation-proof.md).

    caldicott verify STORE            # a store, under the register it was filled with
    caldicott verify --demo           # a small store of invented people, made and verified
    caldicott verify STORE --export DIR --html report.html --json

Looking changes nothing in the store, and what is asked of the register is not entered in the audit trail. The exit
code is 1 if a promise is broken.
"""


def page() -> str:
    """The whole page."""
    return "\n".join(
        [_HEAD, *_counts(), *_awaited(), *(line for n in NOTICES for line in _notice(n)), *_controls(), ""]
    )


def _counts() -> Iterator[str]:
    lines = facts.keepings()
    yield "| kept by controls | awaited | in writing | controls |\n| ---: | ---: | ---: | ---: |"
    kept, awaited = sum(bool(one.kept_by) for one in lines), sum(bool(one.awaiting) for one in lines)
    written = sum(bool(one.in_writing) for one in lines)
    yield f"| {kept} | {awaited} | {written} | {len(all_controls())} |\n"


def _awaited() -> Iterator[str]:
    counted = Counter(one.awaiting for one in facts.keepings() if one.awaiting)
    yield "## Awaited\n\n| part | what it will do | promises |\n| --- | --- | ---: |"
    yield from (f"| `{part}` | {title} | {counted[part]} |" for part, title in facts.parts().items())
    yield ""


def _notice(notice: str) -> Iterator[str]:
    keeping = facts.keeping_of()
    yield f"## {NOTICES[notice]}\n\n| promise | what the notice says | how it is kept |\n| --- | --- | --- |"
    for promise in facts.promises():
        if promise.notice == notice:
            how = _how(keeping[promise.id])
            yield f"| {promise.id} | {_cell(promise.text)} | {_cell(how)} |"
    yield ""


def _how(keeping: facts.Keeping) -> str:
    note = f" ({keeping.note})" if keeping.note else ""
    if keeping.kept_by:
        return " ".join(f"`{name}`" for name in keeping.kept_by) + note
    return (f"awaits `{keeping.awaiting}`" if keeping.awaiting else f"in writing: {keeping.in_writing}") + note


def _controls() -> Iterator[str]:
    kept = Counter(name for one in facts.keepings() for name in one.kept_by)
    yield "## Controls\n\n| control | what it makes true | promises |\n| --- | --- | ---: |"
    yield from (f"| `{name}` | {_cell(one.title)} | {kept[name]} |" for name, one in sorted(all_controls().items()))


def _cell(text: str) -> str:
    return text.replace("|", "\\|")


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
