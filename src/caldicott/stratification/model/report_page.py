"""The report on a model as a paper: figures with intervals, each chart beside its table, weaknesses said."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from caldicott.charts import Line, bars, lines
from caldicott.stratification.model.document import Block, Chart, Heading, Items, Paper, Rows, Sentence

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

SOFTWARE_CHECK: Final = (
    "These people are invented. The figures are a check of the software. They are not clinical evidence."
)
NO_PROMISE: Final = (
    "Finding people at risk has not been shown to lower admissions; in a large trial in Wales they rose. "
    "Look at what is done for the people found, and at what happens then."
)


def report_paper(report: Mapping[str, Any]) -> Paper:
    """The whole report."""
    blocks = [
        *opening(report),
        *_about(report),
        *_whole(report),
        *_calibration(report["test"]),
        *_top(report["test"]),
        *_curve(report["test"]),
        *_compared(report),
        *_groups(report["groups"]),
        Heading("What is weak"),
        Items(tuple(report["weak"])),
    ]
    return Paper(f"Risk model {report['name']}: how good it is", tuple(blocks))


def opening(report: Mapping[str, Any]) -> list[Block]:
    """What stands on top of every paper of a model."""
    warnings = [Sentence(SOFTWARE_CHECK, is_warning=True)] if report["invented"] else []
    return [*warnings, Sentence("A score is not a diagnosis. It never decides; a person does.")]


def _about(report: Mapping[str, Any]) -> list[Block]:
    rows = [
        ("Outcome", report["outcome"]),
        ("Kind", report["kind"]),
        ("Fitted on scores as of", report["train_on"]),
        ("Calibrated on scores as of", report["validate_on"]),
        ("Tested on scores as of", report["test_on"]),
        ("Practices kept out of the fitting", f"{report['held_out_practices']} of {report['practices']}"),
        ("Months whose coming in was assumed", str(report["months_assumed"])),
        ("Hash of the model", report["sha256"]),
        ("Hash of the settings", report["settings_sha256"]),
    ]
    return [Heading("What it is"), Rows("The model", ("what", "value"), tuple(rows)), Sentence(NO_PROMISE)]


def _whole(report: Mapping[str, Any]) -> list[Block]:
    parts = [
        ("test year, everybody", report["test"]["whole"], report["test"]),
        ("without those who died unadmitted", report["without_deaths"], report["without_deaths"]),
        ("practices never seen in fitting", report["unseen_practices"], report["unseen_practices"]),
    ]
    cells = [
        (name, *([_count(about.get(key)) for key in ("persons", "events")]), *(_figure(part.get(key)) for key in _KEYS))
        for name, part, about in parts
    ]
    return [
        Heading("The figures"),
        Sentence("Intervals are the middle 95 per cent of a seeded bootstrap. Who dies without an admission counts as "
                 "not admitted; the second line leaves them out."),
        Rows("Discrimination and calibration", ("who", "persons", "events", *_KEYS), tuple(cells)),
        Sentence(f"Of the top 2 per cent, {_share(report['stability'])} are in it a month later too."),
    ]  # fmt: skip


_KEYS: Final = ("auroc", "auprc", "brier", "scaled brier", "slope", "intercept", "observed over expected")


def _calibration(judged: Mapping[str, Any]) -> list[Block]:
    deciles = judged["deciles"]
    points = [
        Line("observed", [(str(one["tenth"]), float(one["observed"])) for one in deciles]),
        Line("expected", [(str(one["tenth"]), float(one["expected"])) for one in deciles]),
    ]
    svg = lines(
        points, title="Admissions by tenth of risk",
        text="Observed and expected admissions, from the highest tenth down.",
        across="tenth of risk, highest first", up="people admitted",
    )  # fmt: skip
    cells = tuple(
        (str(one["tenth"]), _count(one["persons"]), _count(one["observed"]), f"{one['expected']:.1f}",
         f"{one['observed over expected']:.2f}")
        for one in deciles
    )  # fmt: skip
    heads = ("tenth", "persons", "observed", "expected", "observed over expected")
    chart = Chart("charts/calibration.svg", "Admissions by tenth of risk", svg)
    return [Heading("Does it say the right number?"), chart, Rows("By tenth of risk, highest first", heads, cells)]


def _top(judged: Mapping[str, Any]) -> list[Block]:
    listed = [
        *judged["top"],
        {**judged["practice_top"], "percent": f"{judged['practice_top']['percent']:g} of each practice"},
    ]
    cells = tuple(
        (str(one["percent"]), _count(one["flagged"]), _number(one.get("threshold")), _figure(one["ppv"]),
         _figure(one["sensitivity"]), _share(one.get("without_admission_in_two_years")))
        for one in listed
    )  # fmt: skip
    heads = ("top per cent", "flagged", "from", "truly admitted (PPV)", "found of all admitted (sensitivity)",
             "flagged without an emergency admission in two years")  # fmt: skip
    svg = bars(
        [(str(one["percent"]), one["ppv"]["value"] or 0.0) for one in judged["top"]],
        title="Truly admitted among the flagged",
        text="The share admitted among the top so many per cent.", across="top per cent", up="share admitted",
    )  # fmt: skip
    chart = Chart("charts/top.svg", "Truly admitted among the flagged", svg)
    return [Heading("Whom does it find?"), chart, Rows("The people at the top", heads, cells)]


def _curve(judged: Mapping[str, Any]) -> list[Block]:
    curve = judged["curve"]
    drawn = lines(
        [
            Line("model", [(f"{one['threshold']:.0%}", one["model"]["value"]) for one in curve]),
            Line("everybody", [(f"{one['threshold']:.0%}", max(one["everybody"], -0.05)) for one in curve]),
            Line("nobody", [(f"{one['threshold']:.0%}", 0.0) for one in curve]),
        ],
        title="Decision curve", text="Net benefit by threshold, beside calling everybody and calling nobody.",
        across="risk from which one acts", up="net benefit", zero=False,
    )  # fmt: skip
    cells = tuple((f"{one['threshold']:.0%}", _figure(one["model"]), f"{one['everybody']:.4f}") for one in curve)
    table = Rows("Net benefit", ("risk from which one acts", "by the model", "everybody"), cells)
    return [Heading("Is it worth acting on?"), Chart("charts/decision.svg", "Decision curve", drawn), table]


def _compared(report: Mapping[str, Any]) -> list[Block]:
    ours = {"this model": {**report["test"]["whole"], "ppv at top 2%": _at_two(report["test"])}}
    keys = ("auroc", "auprc", "brier", "observed over expected", "ppv at top 2%")
    cells = tuple(
        (name, *(_figure(found.get(key)) for key in keys)) for name, found in {**ours, **report["compared"]}.items()
    )
    challenger = report["challenger"]
    gains = tuple((f"{one['threshold']:.0%}", _figure(one["gain"])) for one in challenger["thresholds"])
    said = (
        "It is taken up." if challenger["adopted"] else "It is not taken up: the gain does not stand clear of chance."
    )
    return [
        Heading("Beside plainer ways, and beside trees"),
        Rows("The same test year", ("by", *keys), cells),
        Rows("Net benefit that the trees add", ("risk from which one acts", "gain"), gains),
        Sentence(said),
    ]


def _groups(groups: Mapping[str, Sequence[Mapping[str, Any]]]) -> list[Block]:
    keys = ("auroc", "brier", "slope", "observed over expected", "ppv", "sensitivity")
    blocks: list[Block] = [
        Heading("For whom is it better or worse?"),
        Sentence(
            "Flagged are the top 5 per cent of everybody. A group with few people or few admissions has no figures."
        ),
    ]
    for name, found in groups.items():
        cells = tuple(
            (one["group"], "too few" if one.get("too_few") else _count(one["persons"]), _count(one.get("events")),
             *(_figure(one.get(key)) for key in keys))
            for one in found
        )  # fmt: skip
        blocks.append(Rows(f"By {name}", (name, "persons", "events", *keys), cells))
    return blocks


def _at_two(judged: Mapping[str, Any]) -> Any:
    return next((one["ppv"] for one in judged["top"] if one["percent"] == 2), None)  # noqa: PLR2004  the top 2 per cent


def _figure(found: Mapping[str, Any] | None) -> str:
    if not found or found["value"] is None:
        return "-"
    if found["low"] is None:
        return f"{found['value']:.3f}"
    return f"{found['value']:.3f} ({found['low']:.3f} to {found['high']:.3f})"


def _count(number: Any) -> str:
    return "-" if number is None else f"{number:,}"


def _number(number: Any) -> str:
    return "-" if number is None else f"{number:.3f}"


def _share(number: float | None) -> str:
    return "-" if number is None else f"{number:.0%}"
