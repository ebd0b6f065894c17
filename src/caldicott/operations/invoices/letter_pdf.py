"""A letter as PDF/UA-1: tagged, in plain type, with nothing fetched. The same letter gives the same bytes."""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING, Final

from caldicott.invoices.letters import written
from caldicott.publication.paper import pdf
from caldicott.vocabulary.errors import ProgramFault

if TYPE_CHECKING:
    from caldicott.invoices.letters import Letter

_STYLE: Final = """
@page { size: A4; margin: 2cm;
  @bottom-right { content: "Page " counter(page) " of " counter(pages); font: 9pt Liberation Sans } }
body { font: 11pt/1.5 "Liberation Sans", Arial, sans-serif; color: #212b32 }
h1 { font-size: 18pt; line-height: 1.2 } h2 { font-size: 13pt }
table { border-collapse: collapse; width: 100%; font-size: 10pt } caption { text-align: left; font-weight: bold }
th, td { border-bottom: 0.5pt solid #768692; text-align: left; padding: 3pt 6pt 3pt 0; vertical-align: top }
thead { display: table-header-group } tr { break-inside: avoid } .amount { text-align: right }
"""


def letter_pdf(letter: Letter) -> bytes:
    """The letter, tagged for screen readers.

    Raises:
        ProgramFault: the renderer left something out.
    """
    return pdf(letter_html(letter), style=_STYLE, faulty=_faulty)


def letter_html(letter: Letter) -> str:
    """What is printed."""
    opening = "".join(f"<p>{escape(text)}</p>" for text in letter.opening)
    questions = "".join(f"<li><b>{escape(code)}:</b> {escape(text)}</li>" for code, text in letter.questions)
    rows = "".join(
        f'<tr><th scope="row">{escape(one.invoice)}</th><td>{escape(one.line)}</td>'
        f'<td class="amount">{escape(one.amount)}</td><td>{escape(", ".join(one.outside))}</td></tr>'
        for one in letter.lines
    )
    return (
        f'<!DOCTYPE html><html lang="en-GB"><head><meta charset="utf-8"><title>{escape(letter.title)}</title>'
        f'<meta name="author" content="{escape(letter.sender)}"></head><body>'
        f"<p>{escape(letter.sender)}<br>{written(letter.on)}</p><p>To: provider {escape(letter.provider)}</p>"
        f"<h1>{escape(letter.title)}</h1>{opening}<h2>What we ask</h2><ul>{questions}</ul><h2>The lines</h2>"
        "<table><caption>Lines we ask about</caption>"
        '<thead><tr><th scope="col">Invoice</th><th scope="col">Line</th>'
        f'<th scope="col" class="amount">Amount</th><th scope="col">Question</th></tr></thead>'
        f"<tbody>{rows}</tbody></table>"
        "</body></html>"
    )


def _faulty(_said: str) -> ProgramFault:
    """What the renderer says is not passed on: it may quote the letter."""
    return ProgramFault("the letter could not be printed", code="print-faulty", next_step="report this fault")
