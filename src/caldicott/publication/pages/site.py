"""The pages about the site itself: whether everyone can use it, and that it stores nothing on the reader's machine."""

from __future__ import annotations

from typing import TYPE_CHECKING

from caldicott.publication.document import Link, Page
from caldicott.publication.pages.blocks import bullets, para, section

if TYPE_CHECKING:
    from caldicott.publication.pages.setting import Setting


def accessibility(setting: Setting) -> Page:
    name = setting.register.controller.name
    return Page(
        slug="accessibility",
        title="Can everyone use this notice?",
        lead="Here is what we did so that everyone can use this notice, and what may still not work.",
        sections=(
            section(
                "what-works",
                "What you can do",
                bullets(
                    (
                        "You can make the text as large as you need.",
                        "You can use this notice with the keys alone, or have a screen reader read it.",
                        "You can use it on a small phone, and with scripts turned off.",
                        "Each picture has words beside it that say the same.",
                        "You can get the whole notice as a PDF or as plain text.",
                    )
                ),
            ),
            section(
                "standard",
                "The standard we aim at",
                para(
                    "We aim at the rules called WCAG 2.2, level AA. ",
                    Link("Read the rules", "https://www.w3.org/TR/WCAG22/"),
                    ".",
                ),
            ),
            section(
                "what-may-not-work",
                "What may not work",
                para(
                    "The widest tables are hard to read on a small screen. You may have to move them from side to side."
                ),
                para("The map of flows is a large picture. The lists on the same page say the same."),
                para("People who use aids such as screen readers have not tested this notice yet."),
            ),
            section(
                "tell-us",
                "Tell us",
                para(
                    f"If something does not work for you, tell {name}. You can also ask for the notice in another form."
                ),
                para(Link("Whom to ask", "contacts"), "."),
            ),
        ),
    )


def cookies(_setting: Setting) -> Page:
    return Page(
        slug="cookies",
        title="Cookies",
        lead="This notice stores nothing on your phone or computer.",
        sections=(
            section(
                "none",
                "No cookies here",
                para("These public pages set no cookies. They do not count or follow you."),
                para("They load nothing from other sites. All that you see comes from us."),
                para("A link to another site takes you there only when you follow it. That site has its own rules."),
            ),
            section(
                "sign-in",
                "If you sign in to work with us",
                para("Staff who sign in get a cookie that keeps them signed in. It is not used for anything else."),
            ),
        ),
    )
