"""The page of contacts: posts that answer, never a person's name, and only what the register holds."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from caldicott.publication.document import Facts, Link, Page, text
from caldicott.publication.pages import phrases
from caldicott.publication.pages.blocks import para, section
from caldicott.register import words

if TYPE_CHECKING:
    from caldicott.publication.document import Inline, Section, Text
    from caldicott.publication.pages.setting import Setting
    from caldicott.register.model import Contact

_MAIL = re.compile(r"[^@\s]+@[^@\s]+\.[^@\s]+")
_SITE = re.compile(r"(https://)?[a-z0-9-]+(\.[a-z0-9-]+)+(/\S*)?")
_PHONE = re.compile(r"\+?[0-9][0-9 ]{8,}")
_FOR: dict[str, str] = {
    "dpo": "Questions or worries about how we use information",
    "caldicott_guardian": "Questions about what was told in trust",
    "siro": "Questions about risks to information",
    "counter_fraud": "Questions about fraud checks",
    "rights": "To use one of your rights",
    "foi": "To ask about our work in general",
    "complaints": "To complain about a service",
    "regulator": "If you are not happy with our answer",
}


def page(setting: Setting) -> Page:
    return Page(
        slug="contacts",
        title="Whom to ask",
        lead="Here is who answers your questions. We name posts and not people, as people change.",
        sections=(_ours(setting), _regulator(setting)),
        in_menu=True,
        menu_text="Contacts",
    )


def _ours(setting: Setting) -> Section:
    posts = [one for one in setting.contacts if one.role != "regulator"]
    if not posts:
        return section("ours", "Our own teams", para("Whom to ask is not stated."))
    return section(
        "ours", "Our own teams", Facts(tuple((_FOR[one.role], (text(one.post), reach(one))) for one in posts))
    )


def _regulator(setting: Setting) -> Section:
    heading = "The regulator"
    found = setting.contact("regulator")
    if found is None:
        return section("regulator", heading, para("The regulator is not stated."))
    return section(
        "regulator",
        heading,
        para("The regulator checks that we keep to the law. You can go there if our answer does not help."),
        Facts(((_FOR["regulator"], (text(found.post), reach(found))),)),
    )


def reach(contact: Contact) -> Text:
    """How the register says the post is reached; a link where it is an address."""
    return text(_link(contact.reach)) if contact.reach else text("How to reach them is not stated.")


def _link(written: str) -> Inline:
    if _MAIL.fullmatch(written):
        return Link(written, f"mailto:{written}")
    if _SITE.fullmatch(written):
        return Link(written, written if written.startswith("https://") else f"https://{written}")
    if _PHONE.fullmatch(written):
        return Link(written, f"tel:{written.replace(' ', '')}")
    return phrases.sentence(words.capital(written))
