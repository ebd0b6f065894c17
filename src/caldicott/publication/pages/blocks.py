"""Short ways to write the blocks of a page."""

from __future__ import annotations

from typing import TYPE_CHECKING

from caldicott.publication.document import Bullets, Inset, Link, Paragraph, Section, text
from caldicott.publication.pages.setting import is_shown
from caldicott.publication.pages.standing import stops

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from caldicott.publication.document import Block, Inline, Text
    from caldicott.publication.pages.setting import Setting
    from caldicott.register.model import ProcessingActivity

_FEW = 4


def para(*parts: Inline) -> Paragraph:
    return Paragraph(text(*parts))


def bullets(items: Iterable[str | Text]) -> Bullets:
    return Bullets(tuple(cell(one) for one in items))


def cell(content: str | Text) -> Text:
    return text(content) if isinstance(content, str) else content


def row(*cells: str | Text) -> tuple[Text, ...]:
    return tuple(cell(one) for one in cells)


def inset(*lines: str | Text, title: str = "", urgent: bool = False) -> Inset:
    return Inset(tuple(cell(one) for one in lines), title=title, urgent=urgent)


def section(anchor: str, heading: str, *blocks: Block, parts: tuple[Section, ...] = ()) -> Section:
    return Section(anchor, heading, blocks, parts)


def paragraphs(written: str) -> tuple[Paragraph, ...]:
    """Text of the register, with an empty line between its paragraphs."""
    return tuple(para(" ".join(part.split())) for part in written.strip().split("\n\n") if part.strip())


def to_activity(activity: ProcessingActivity, anchor: str = "") -> Inline:
    """A link to the activity's page; only its name if the notice has no page of it."""
    if not is_shown(activity):
        return activity.title
    return Link(activity.title, f"activities/{activity.id}" + (f"#{anchor}" if anchor else ""))


def use(activity: ProcessingActivity, setting: Setting, anchor: str = "") -> Text:
    """A link to the activity, with a word on it if it is not done on that day."""
    done = not stops(activity, setting.register, setting.at)
    return text(to_activity(activity, anchor)) if done else text(to_activity(activity, anchor), " (not done now)")


def joined(parts: Iterable[Inline], between: str = "; ") -> Text:
    """Links and words with something between them."""
    found: list[Inline] = []
    for part in parts:
        found += [between, part] if found else [part]
    return tuple(found)


def these(of_it: Sequence[ProcessingActivity], every: Sequence[ProcessingActivity], anchor: str = "") -> Text:
    """Uses by name, or as `all` and `all but`, where that is shorter."""
    rest = [one for one in every if one not in of_it]
    if not rest:
        return text("All uses")
    if len(rest) < len(of_it) and len(of_it) > _FEW:
        return text("All uses but: ", *joined(to_activity(one, anchor) for one in rest))
    return joined(to_activity(one, anchor) for one in of_it)
