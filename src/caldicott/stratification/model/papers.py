"""The papers beside a model: card, TRIPOD+AI checklist, intended purpose, hazard log. Made from its own report.

What only people can say is left for them, and says so. The checklist's items are
remembered in outline (facts/models/tripod_ai.csv): hold them against the
published list before a paper leaves.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from caldicott.facts import models as facts
from caldicott.stratification.model.document import (
    STYLE_FILE,
    Chart,
    Heading,
    Items,
    Paper,
    Rows,
    Sentence,
    html,
    markdown,
)
from caldicott.stratification.model.report_page import opening, report_paper

if TYPE_CHECKING:
    from collections.abc import Mapping


def papers(report: Mapping[str, Any]) -> dict[str, str]:
    """File name to content: the report and every paper beside it."""
    main = report_paper(report)
    written = {
        "report.html": html(main),
        "report.md": markdown(main),
        STYLE_FILE: facts.text(STYLE_FILE),
        **{block.file: block.svg for block in main.blocks if isinstance(block, Chart)},
    }
    beside = {
        "model-card": _card(report), "tripod-ai": _tripod(report), "intended-purpose": _purpose(report),
        "hazard-log": _hazards(report),
    }  # fmt: skip
    return written | {f"{name}.md": markdown(paper) for name, paper in beside.items()}


def _card(report: Mapping[str, Any]) -> Paper:
    whole = report["test"]["whole"]
    figures = tuple((name, _short(found)) for name, found in whole.items())
    return Paper(
        f"Model card: {report['name']}",
        (
            *opening(report),
            Heading("What it does"),
            Sentence(f"It estimates the chance of {report['outcome']} for each registered patient, as of a day."),
            Heading("What it knows"),
            Items(tuple(report["features_plain"])),
            Sentence(
                f"Ethnic group as a predictor: {report['ethnicity']}. It is always reported on where it is known."
            ),
            Heading("How good it is"),
            Rows("Test year", ("measure", "value"), figures),
            Heading("Who may use it, and for what"),
            Sentence(
                "See intended-purpose.md. States: research, shadow, approved; only approved scores reach a practice."
            ),
            Heading("What is weak"),
            Items(tuple(report["weak"])),
        ),
    )


def _tripod(report: Mapping[str, Any]) -> Paper:
    words = {
        "persons": f"{report['test']['persons']:,}",
        "events": f"{report['test']['events']:,}",
        "features": "; ".join(report["features_plain"]),
        "feature_count": len(report["features_plain"]),
        "least_events": facts.settings()["training"]["least_events"],
    }
    named = {key: value for key, value in report.items() if isinstance(value, (str, int))}
    cells = tuple(
        (row["item"], row["section"], row["asks"], row["answer"].format_map({**named, **words}))
        for row in facts.rows("tripod_ai.csv")
    )
    return Paper(
        f"TRIPOD+AI checklist: {report['name']}",
        (
            *opening(report),
            Sentence("The items are remembered in outline. Hold them against the published list (Collins, BMJ 2024)."),
            Rows("The items", ("item", "part", "what is asked", "answer"), cells),
        ),
    )


def _purpose(report: Mapping[str, Any]) -> Paper:
    return Paper(
        f"Intended purpose: {report['name']}",
        (
            *opening(report),
            Heading("What it is for"),
            Sentence(
                f"To help clinicians of a person's own practice to choose whom to look at first, by the chance of "
                f"{report['outcome']}. It adds to what they know; it takes nothing off their hands."
            ),
            Heading("What it is not for"),
            Items((
                "No diagnosis, no choice of treatment, no decision without a person.",
                "No refusing, ending or delaying of care for anybody.",
                "No comparing of practices or of staff, and no payment.",
                "No use for people who object, and none outside the register's activity.",
            )),
            Heading("Who uses it"),
            Sentence("Staff of the practice where the person is registered. The commissioner sees counts only."),
            Heading("Regulation"),
            Sentence("A score that cannot be checked by hand may be a medical device, and software for care needs a "
                     "clinical safety case (DCB0129, DCB0160). The controller decides this with its clinical safety "
                     "officer before approval; this paper does not."),
        ),
    )  # fmt: skip


def _hazards(report: Mapping[str, Any]) -> Paper:
    keys = ("id", "hazard", "cause", "harm", "severity", "likelihood", "control", "left")
    cells = tuple(tuple(row[key] for key in keys) for row in facts.rows("hazards.csv"))
    return Paper(
        f"Hazard log: {report['name']}",
        (
            *opening(report),
            Sentence("A beginning, by the makers of the program. The clinical safety officer owns it from here on."),
            Rows("Hazards", (*keys[:-1], "risk left"), cells),
        ),
    )


def _short(found: Mapping[str, Any]) -> str:
    if found["value"] is None:
        return "-"
    return f"{found['value']:.3f}" + ("" if found["low"] is None else f" ({found['low']:.3f} to {found['high']:.3f})")
