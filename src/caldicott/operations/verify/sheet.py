"""The report as one page of HTML that stands alone: no script, nothing fetched, readable without a mouse."""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING

from caldicott.operations.verify.control import State

if TYPE_CHECKING:
    from collections.abc import Iterator

    from caldicott.operations.verify.verifying import PromiseState, Report

NOTICES = {
    "leeds-2018": "Leeds North, the full notice (2018)",
    "leeds-short": "Leeds North, the short notice (2018)",
    "oxfordshire-2016": "Oxfordshire (2016)",
    "dorset-2018": "Dorset (2018)",
}
WORDS = {
    State.KEPT: "kept",
    State.NOT_APPLICABLE: "not applicable",
    State.BROKEN: "broken",
    State.AWAITING: "awaiting",
    State.IN_WRITING: "in writing",
}
MEANS = {
    State.KEPT: "Controls were looked at in this store and held.",
    State.NOT_APPLICABLE: "The register or the store has nothing that it is about.",
    State.BROKEN: "A control did not hold. This comes first.",
    State.AWAITING: "It needs a part of the system that is not built yet.",
    State.IN_WRITING: "A document or a paragraph of the notice keeps it.",
}
_STYLE = """
body{font:1rem/1.5 Arial,sans-serif;color:#212b32;max-width:75rem;margin:0 auto;padding:1rem}
table{border-collapse:collapse;width:100%;margin-bottom:2rem}caption{text-align:left;font-weight:bold;padding:.5rem 0}
th,td{border:1px solid #768692;padding:.4rem .6rem;text-align:left;vertical-align:top;overflow-wrap:anywhere}
.broken{background:#fbe9e9;font-weight:bold}.scroll{overflow-x:auto}
@media print{body{max-width:none}}
"""


def as_html(report: Report, *, register: str, on: str) -> str:
    """The whole report."""
    title = f"The promises of the notices: {escape(register)}, {escape(on)}"
    return "\n".join([
        "<!doctype html>",
        '<html lang="en-GB"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width">',
        f"<title>{title}</title><style>{_STYLE}</style></head><body><main><h1>{title}</h1>",
        *_counts(report),
        *(line for notice in NOTICES for line in _notice(notice, report)),
        *_controls(report),
        "</main></body></html>\n",
    ])  # fmt: skip


def _counts(report: Report) -> Iterator[str]:
    yield "<h2>How many</h2>" + _head("Promises by what became of them", ("what became of it", "promises", "means"))
    for state in State:
        yield _row((WORDS[state], report.counts[state], MEANS[state]), css=_css(state, counted=report.counts[state]))
    yield "</tbody></table></div>"


def _notice(notice: str, report: Report) -> Iterator[str]:
    chosen = [promise for promise in report.promises if promise.notice == notice]
    yield f"<h2>{escape(NOTICES[notice])}</h2>"
    yield _head(f"{len(chosen)} promises", ("promise", "what the notice says", "what became of it", "what was seen"))
    yield from (_promise(promise) for promise in chosen)
    yield "</tbody></table></div>"


def _promise(promise: PromiseState) -> str:
    cells = (promise.id, promise.text, WORDS[promise.state], promise.seen)
    return _row(cells, css=_css(promise.state))


def _controls(report: Report) -> Iterator[str]:
    yield "<h2>What was looked at</h2>" + _head("Controls", ("control", "what became of it", "what was seen"))
    for name, finding in sorted(report.findings.items()):
        yield _row((name, WORDS[finding.state], finding.seen), css=_css(finding.state))
    yield "</tbody></table></div>"


def _head(caption: str, headings: tuple[str, ...]) -> str:
    cells = "".join(f'<th scope="col">{escape(heading)}</th>' for heading in headings)
    region = f'<div class="scroll" role="region" aria-label="{escape(caption)}" tabindex="0">'
    return f"{region}<table><caption>{escape(caption)}</caption><thead><tr>{cells}</tr></thead><tbody>"


def _row(cells: tuple[object, ...], *, css: str) -> str:
    first, *others = (escape(str(cell)) for cell in cells)
    return f'<tr{css}><th scope="row">{first}</th>{"".join(f"<td>{cell}</td>" for cell in others)}</tr>'


def _css(state: State, *, counted: int = 1) -> str:
    return ' class="broken"' if state is State.BROKEN and counted else ""
