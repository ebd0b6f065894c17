"""What a linkage learned and looked at, for a reader: tables with a chart beside each. Counts and chances only."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any, Final

from caldicott.charts import bars, draw

if TYPE_CHECKING:
    from collections.abc import Sequence

_LEAST: Final = 1e-9  # a chance of nought has no logarithm

_OF_BLOCKS: Final = (
    "A pair is looked at when one block brings it together. `first here` are pairs that no earlier block brought: "
    "a block that adds few could go. `widest` is one value's pairs."
)


def report(record: dict[str, Any], *, title: str) -> dict[str, str]:
    """Names of files and their contents: report.md, and the charts of what is in it."""
    files: dict[str, str] = {}
    if record["blocks"]:
        files["blocks.svg"] = _blocks_chart(record["blocks"])
    if record["model"]:
        files["match-weights.svg"] = _weights_chart(record["model"]["comparisons"])
        files["m-and-u.svg"] = _chances_chart(record["model"]["comparisons"])
    return {"report.md": _text(record, title, tuple(files)), **files}


def weight(level: dict[str, Any]) -> float | None:
    """How much an agreement on this level speaks for one person, in doublings of the odds; null where not known."""
    m, u = level["m"], level["u"]
    return None if m is None or u is None else math.log2(max(m, _LEAST) / max(u, _LEAST))


def _text(record: dict[str, Any], title: str, charts: tuple[str, ...]) -> str:
    parts = [
        f"# {title}",
        (
            f"{record['program']}, spec `{record['spec']}` (sha256 {record['spec_sha256']}), "
            f"profile {record['profile']}."
        ),
        _table(("what", "number"), _counts(record)),
    ]
    if record["said_nothing"]:
        rows = [(one["field"], one["reason"], one["values"]) for one in record["said_nothing"]]
        parts += ["## Values that say nothing, or are named here", _table(("field", "why", "values"), rows)]
    if record["blocks"]:
        parts += [
            "## Blocks",
            _OF_BLOCKS,
            _table(
                ("looked at where equal", "pairs", "first here", "widest", "records left out"),
                [
                    (one["block"], one["pairs"], one["first_here"], one["widest_value"], one["records_left_out"])
                    for one in record["blocks"]
                ],
            ),
            _share_looked_at(record),
        ]
    if record["guards"]:
        rows_kept = [(one["guard"], one["pairs"]) for one in record["guards"]]
        parts += ["## Pairs kept apart", _table(("because a pair", "pairs"), rows_kept)]
    if record["model"]:
        parts += [_model_text(record["model"])]
    parts += ["## Remarks", *(f"- {remark}" for remark in record["remarks"])] if record["remarks"] else []
    parts += [f"![{name.removesuffix('.svg')}]({name})" for name in charts]
    return "\n\n".join(part for part in parts if part) + "\n"


def _counts(record: dict[str, Any]) -> list[tuple[str, int]]:
    return [
        *((f"records of file {place}", each) for place, each in enumerate(record["records"], 1) if each),
        ("pairs compared", record["pairs_compared"]),
        ("links", record["links"]),
        *record["outcomes"].items(),
    ]


def _model_text(model: dict[str, Any]) -> str:
    rows = [
        (one["comparison"], level["level"], _chance(level["m"]), _chance(level["u"]), _weight(level))
        for one in model["comparisons"]
        for level in one["levels"]
    ]
    chance = model["probability_two_random_records_match"]
    return (
        f"## Model\n\n{model['engine']} {model['version']}. Two records taken at random are one person with chance "
        f"{chance:.3g}. `m`: how often one person's records meet the level; `u`: how often two people's do.\n\n"
        + _table(("comparison", "level", "m", "u", "match weight"), rows)
    )


def _share_looked_at(record: dict[str, Any]) -> str:
    left, right = (*record["records"], 0)[:2]
    possible = left * right if right else left * (left - 1) // 2
    if not possible:
        return ""
    looked = record["pairs_compared"]
    return f"Of {possible:,} pairs that could be, {looked:,} were looked at ({looked / possible:.4%})."


def _blocks_chart(blocks: Sequence[dict[str, Any]]) -> str:
    heights = [(one["block"], float(one["first_here"])) for one in blocks]
    told = "Pairs that each block was the first to bring together; the table of blocks has the numbers."
    return bars(heights, title="Pairs by block", text=told, across="block", up="pairs first brought here")


def _levels(comparisons: Sequence[dict[str, Any]]) -> list[tuple[str, dict[str, Any]]]:
    return [(f"{one['comparison']}: {level['level']}", level) for one in comparisons for level in one["levels"]]


def _weights_chart(comparisons: Sequence[dict[str, Any]]) -> str:
    rows = [
        {"level": name, "weight": found} for name, level in _levels(comparisons) if (found := weight(level)) is not None
    ]
    told = (
        "To the right an agreement speaks for one person, to the left for two; the table of the model has the numbers."
    )
    return _across(rows, "weight", title="Match weights by level", text=told, along="match weight (log2 of m over u)")


def _chances_chart(comparisons: Sequence[dict[str, Any]]) -> str:
    rows = [
        {"level": name, "chance": level[which], "of": of}
        for name, level in _levels(comparisons)
        for which, of in (("m", "records of one person"), ("u", "records of two people"))
        if level[which] is not None
    ]
    told = "How often each level is met by records of one person and of two; the table of the model has the numbers."
    return _across(rows, "chance", title="m and u by level", text=told, along="chance")


def _across(rows: list[dict[str, Any]], value: str, *, title: str, text: str, along: str) -> str:
    import altair as alt

    encoded: dict[str, Any] = {
        "y": alt.Y("level:N", sort=None, title=None, axis=alt.Axis(labelLimit=400)),
        "x": alt.X(f"{value}:Q", title=along),
    }
    if rows and "of" in rows[0]:
        encoded |= {"yOffset": alt.YOffset("of:N"), "color": alt.Color("of:N", title=None)}
    chart = alt.Chart({"values": rows}).mark_bar().encode(**encoded)
    return draw(chart.properties(width=500), title=title, text=text)


def _weight(level: dict[str, Any]) -> str:
    found = weight(level)
    return "not learned" if found is None else f"{found:+.2f}"


def _chance(value: float | None) -> str:
    return "not learned" if value is None else f"{value:.3g}"


def _table(head: tuple[str, ...], rows: Sequence[tuple[Any, ...]]) -> str:
    lines = [head, tuple("---" for _ in head), *rows]
    return "\n".join("| " + " | ".join(_cell(cell) for cell in line) + " |" for line in lines)


def _cell(cell: Any) -> str:
    return f"{cell:,}" if isinstance(cell, int) else str(cell).replace("|", "/")
