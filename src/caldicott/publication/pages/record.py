"""The record of processing activities: what it is, where to get it, and its main columns."""

from __future__ import annotations

from typing import TYPE_CHECKING

from caldicott.publication.document import Bullets, Link, Page, Table, text
from caldicott.publication.pages import phrases
from caldicott.publication.pages.blocks import para, row, section, to_activity
from caldicott.register import words

if TYPE_CHECKING:
    from caldicott.publication.document import Text
    from caldicott.publication.pages.setting import Setting
    from caldicott.register.model import ProcessingActivity

DOWNLOADS: tuple[tuple[str, str], ...] = (
    ("record-of-processing.csv", "The record as a table (CSV)"),
    ("record-of-processing.xlsx", "The record as a workbook (XLSX)"),
    ("register.jsonld", "The register in the W3C Data Privacy Vocabulary (JSON-LD)"),
    ("register.ttl", "The register in the W3C Data Privacy Vocabulary (Turtle)"),
    ("policies.cedar", "The register as Cedar policies, a second opinion on each decision"),
)


def page(setting: Setting) -> Page:
    rows = tuple(_row(one) for one in setting.shown)
    head = ("Activity", "Legal basis", "Confidentiality", "Format received", "Retention class", "Retention")
    return Page(
        slug="record-of-processing",
        title="Record of processing activities",
        lead="The record that Article 30 of the UK GDPR asks for, made from the same register as this notice.",
        sections=(
            section(
                "what",
                "What it is",
                para(
                    "Every organisation that uses personal data keeps a record of what it does with them. This is ours."
                ),
                Bullets(tuple(text(Link(says, path)) for path, says in DOWNLOADS)),
            ),
            section("activities", "Activities", Table("Activities of the register", head, rows)),
        ),
        is_reference=True,
    )


def _row(activity: ProcessingActivity) -> tuple[Text, ...]:
    kind = activity.confidentiality_basis.kind if activity.confidentiality_basis else None
    kept = activity.retention
    return row(
        (to_activity(activity),),
        words.bases(activity) or phrases.NOT_STATED,
        words.capital(words.confidence(kind)),
        words.capital(str(activity.format_in)) if activity.format_in else phrases.NOT_STATED,
        kept.retention_class if kept else phrases.NOT_STATED,
        f"{kept.minimum}, from {kept.starts}; then {kept.action or 'not stated'}" if kept else phrases.NOT_STATED,
    )
