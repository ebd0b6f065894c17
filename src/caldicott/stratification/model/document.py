"""A paper of a model: headings, sentences, tables and charts, written once and drawn as Markdown and as HTML."""

from __future__ import annotations

from dataclasses import dataclass
from html import escape
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Sequence

STYLE_FILE: Final = "report.css"


@dataclass(frozen=True, slots=True)
class Heading:
    text: str


@dataclass(frozen=True, slots=True)
class Sentence:
    text: str
    is_warning: bool = False


@dataclass(frozen=True, slots=True)
class Items:
    texts: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Rows:
    """A table; its caption says what it shows, its first column names the row."""

    caption: str
    headings: tuple[str, ...]
    cells: tuple[tuple[str, ...], ...]


@dataclass(frozen=True, slots=True)
class Chart:
    """A drawn chart, which stands before its table; the file's name is for the Markdown."""

    file: str
    title: str
    svg: str


Block = Heading | Sentence | Items | Rows | Chart


@dataclass(frozen=True, slots=True)
class Paper:
    """One paper."""

    title: str
    blocks: tuple[Block, ...]


def markdown(paper: Paper) -> str:
    """As Markdown; charts by the names of their files."""
    return "\n\n".join([f"# {paper.title}", *(_markdown(block) for block in paper.blocks)]) + "\n"


def html(paper: Paper) -> str:
    """As one page without script; its style lies beside it."""
    body = "\n".join(_html(block) for block in paper.blocks)
    title = escape(paper.title)
    return (
        f'<!doctype html>\n<html lang="en-GB">\n<head>\n<meta charset="utf-8">\n<title>{title}</title>\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f'<link rel="stylesheet" href="{STYLE_FILE}">\n</head>\n<body>\n<main>\n'
        f"<h1>{title}</h1>\n{body}\n</main>\n</body>\n</html>\n"
    )


def _markdown(block: Block) -> str:
    match block:
        case Heading(text):
            return f"## {text}"
        case Sentence(text, is_warning):
            return f"> **{text}**" if is_warning else text
        case Items(texts):
            return "\n".join(f"- {one}" for one in texts)
        case Chart(file, title):
            return f"![{title}]({file})"
        case Rows():
            return _markdown_table(block)


def _markdown_table(block: Rows) -> str:
    lines = [block.headings, tuple("---" for _ in block.headings), *block.cells]
    drawn = "\n".join("| " + " | ".join(cell.replace("|", "\\|") for cell in line) + " |" for line in lines)
    return f"{block.caption}\n\n{drawn}"


def _html(block: Block) -> str:
    match block:
        case Heading(text):
            return f"<h2>{escape(text)}</h2>"
        case Sentence(text, is_warning):
            return f'<p class="warning"><strong>{escape(text)}</strong></p>' if is_warning else f"<p>{escape(text)}</p>"
        case Items(texts):
            return "<ul>" + "".join(f"<li>{escape(one)}</li>" for one in texts) + "</ul>"
        case Chart(svg=svg):
            return f"<figure>{svg}</figure>"
        case Rows():
            return _html_table(block)


def _html_table(block: Rows) -> str:
    head = "".join(f'<th scope="col">{escape(one)}</th>' for one in block.headings)
    lines = "".join(f"<tr>{_line(line)}</tr>" for line in block.cells)
    # A table wider than a telephone scrolls in its own box, and can be reached with the keyboard.
    label = escape(block.caption, quote=True)
    return (
        f'<div class="scroll" role="region" aria-label="{label}" tabindex="0"><table>'
        f"<caption>{escape(block.caption)}</caption>"
        f"<thead><tr>{head}</tr></thead><tbody>{lines}</tbody></table></div>"
    )


def _line(cells: Sequence[str]) -> str:
    first, *rest = cells
    return f'<th scope="row">{escape(first)}</th>' + "".join(f"<td>{escape(one)}</td>" for one in rest)
