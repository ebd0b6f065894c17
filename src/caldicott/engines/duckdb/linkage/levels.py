"""How two records are compared, as Splink's comparison levels: from the best agreement down to "anything else".

SQL of our own, so that a level means the same in every version of the engine. Where a
level starts (its prior) is a fact, not code.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from caldicott.facts import linkage as facts

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from caldicott.linkage.spec import Block, Comparison, Key, Spec

Level = tuple[str, str, str]
"""A label, its condition, and the column whose rare values count for more ("" for none)."""

AGREES: Final = {
    "exact": 1, "name": 2, "short-name": 2, "person-name": 1, "date": 4, "postcode": 1, "number": 1, "code": 1,
    "text": 1, "words": 1,
}  # fmt: skip
"""From which level up (0 is "anything else") a comparison is an agreement; an initial, or days a year apart, is none."""


def comparison(entry: Comparison) -> dict[str, Any]:
    """One comparison as Splink reads it."""
    levels = _LEVELS[entry.how](*entry.fields)
    priors = facts.priors()["levels"][entry.how]
    absent = " AND ".join(f"({name}_l IS NULL OR {name}_r IS NULL)" for name in entry.fields)
    rows: list[dict[str, Any]] = [{"sql_condition": absent, "label_for_charts": "not known", "is_null_level": True}]
    for (label, condition, rare), m, u in zip(
        (*levels, ("anything else", "ELSE", "")), priors["m"], priors["u"], strict=True
    ):
        row: dict[str, Any] = {
            "sql_condition": condition, "label_for_charts": label, "m_probability": m, "u_probability": u,
        }  # fmt: skip
        if rare and entry.rare_counts:
            row |= {
                "tf_adjustment_column": rare,
                "tf_adjustment_weight": 1.0,
                "tf_minimum_u_value": 0.00001,
                "disable_tf_exact_match_detection": True,
            }
        rows.append(row)
    return {"output_column_name": entry.name, "comparison_levels": rows}


def top_level(how: str) -> int:
    """The number of the best level of a comparison."""
    return len(facts.priors()["levels"][how]["m"]) - 1


def prepared_columns(spec: Spec) -> list[str]:
    """Columns that comparisons and blocks need beside the fields themselves."""
    columns: dict[str, str] = {}
    for entry in spec.comparisons:
        if entry.how == "person-name":
            given, family = entry.fields
            columns[f"{given}_{family}_whole"] = f"{given} || ' ' || {family}"
        if entry.how == "short-name":
            (given,) = entry.fields
            columns[f"{given}_full"] = f"full_names({given})"
        if entry.how == "words":
            (name,) = entry.fields
            columns[f"{name}_words"] = f"list_sort(list_distinct(string_split({name}, ' ')))"
    for block in spec.blocks:
        for key in block.keys:
            if key.part == "sound":
                columns[f"{key.field}_sound"] = f"sound_of({key.field})"
    return [f"{sql} AS {name}" for name, sql in columns.items()]


def block_sql(block: Block) -> str:
    """The rule under which two records are looked at."""
    if block.is_swapped:
        first, last = block.keys[0], block.keys[-1]
        crossed = [f"l.{first.field} = r.{last.field}", f"l.{last.field} = r.{first.field}"]
        return " AND ".join(crossed + [_equal(key) for key in block.keys[1:-1]])
    return " AND ".join(_equal(key) for key in block.keys)


def key_sql(key: Key) -> str:
    """The part of a field that two records must share; null where it is too short to say anything."""
    match key.part:
        case "":
            return key.field
        case "sound":
            return f"{key.field}_sound"
        case "year":
            return f"substr({key.field}, 1, 4)"
        case "outward":
            return f"split_part({key.field}, ' ', 1)"
        case length:
            return f"substr({key.field}, 1, {int(length)})"


def _equal(key: Key) -> str:
    sql = key_sql(key)
    return f"{_of('l', key, sql)} = {_of('r', key, sql)}"


def _of(side: str, key: Key, sql: str) -> str:
    return sql.replace(key.field, f"{side}.{key.field}", 1)


def _same(name: str) -> str:
    return f"{name}_l = {name}_r"


def _alike(name: str, least: float) -> str:
    return f"jaro_winkler_similarity({name}_l, {name}_r) >= {least}"


def _slips(name: str, most: int) -> str:
    return f"damerau_levenshtein({name}_l, {name}_r) <= {most}"


def _initial(name: str) -> str:
    return f"(length({name}_l) = 1 OR length({name}_r) = 1) AND substr({name}_l, 1, 1) = substr({name}_r, 1, 1)"


def _exact(name: str) -> Sequence[Level]:
    return [("the same", _same(name), name)]


def _name(name: str) -> Sequence[Level]:
    # A lone initial is written by thousands: it agrees a little, never as a name does.
    return [
        ("the same", f"{_same(name)} AND length({name}_l) > 1", name),
        ("one slip", _slips(name, 1), ""),
        ("alike 0.92", _alike(name, 0.92), ""),
        ("alike 0.88", _alike(name, 0.88), ""),
        ("alike 0.7 or initial", f"({_initial(name)}) OR {_alike(name, 0.7)}", ""),
    ]


def _short_name(name: str) -> Sequence[Level]:
    same, slip, alike, *_ = _name(name)
    whole = f"length({name}_l) > 1 AND length({name}_r) > 1"
    short = ("short for the other", f"{whole} AND len(list_intersect({name}_full_l, {name}_full_r)) > 0", "")
    rest = [("alike 0.7", f"{whole} AND {_alike(name, 0.7)}", ""), ("initial", _initial(name), "")]
    return [same, short, *((label, f"{whole} AND {sql}", rare) for label, sql, rare in (slip, alike)), *rest]


def _person_name(given: str, family: str) -> Sequence[Level]:
    whole = f"{given}_{family}_whole"
    return [
        ("both the same", f"{_same(whole)} AND length({given}_l) > 1", whole),
        ("swapped", f"{given}_l = {family}_r AND {family}_l = {given}_r", ""),
        ("both alike 0.92", f"{_alike(given, 0.92)} AND {_alike(family, 0.92)}", ""),
        ("both alike 0.88", f"{_alike(given, 0.88)} AND {_alike(family, 0.88)}", ""),
        ("family the same", _same(family), family),
        ("given the same", f"{_same(given)} AND length({given}_l) > 1", given),
        ("one of them alike 0.92", f"{_alike(given, 0.92)} OR {_alike(family, 0.92)}", ""),
    ]


def _date(name: str) -> Sequence[Level]:
    days = f"abs(try_cast({name}_l AS DATE) - try_cast({name}_r AS DATE))"
    left, right = f"{name}_l", f"{name}_r"
    turned = (
        f"substr({left}, 1, 4) = substr({right}, 1, 4) AND substr({left}, 6, 2) = substr({right}, 9, 2) "
        f"AND substr({left}, 9, 2) = substr({right}, 6, 2)"
    )
    return [
        ("the same", _same(name), ""),
        ("one slip", _slips(name, 1), ""),
        ("day and month turned", turned, ""),
        ("within a month", f"{days} <= 31", ""),
        ("within a year", f"{days} <= 366", ""),
        ("within ten years", f"{days} <= 3653", ""),
    ]


def _postcode(name: str) -> Sequence[Level]:
    left, right = f"{name}_l", f"{name}_r"
    return [
        ("the same", _same(name), name),
        ("one slip", _slips(name, 1), ""),
        ("outward code and a digit", f"left({left}, -2) = left({right}, -2)", ""),
        (
            "area",
            f"regexp_extract({left}, '^[A-Z]+') = regexp_extract({right}, '^[A-Z]+') AND regexp_matches({left}, '^[A-Z]')",
            "",
        ),
    ]


def _number(name: str) -> Sequence[Level]:
    return [("the same", _same(name), ""), ("one slip", _slips(name, 1), ""), ("two slips", _slips(name, 2), "")]


def _code(name: str) -> Sequence[Level]:
    return [("the same", _same(name), name), ("one slip", _slips(name, 1), ""), ("two slips", _slips(name, 2), "")]


def _text(name: str) -> Sequence[Level]:
    return [
        ("the same", _same(name), name),
        ("alike 0.92", _alike(name, 0.92), ""),
        ("alike 0.8", _alike(name, 0.8), ""),
    ]


def _words(name: str) -> Sequence[Level]:
    shared = f"len(list_intersect({name}_words_l, {name}_words_r))"
    most = f"greatest(len({name}_words_l), len({name}_words_r))"
    fewest = f"least(len({name}_words_l), len({name}_words_r))"
    return [
        ("the same", _same(name), name),
        ("all words of the shorter", f"{shared} = {fewest} AND {shared} >= 2", ""),
        ("half of the words, or alike 0.9", f"2 * {shared} >= {most} OR {_alike(name, 0.9)}", ""),
    ]


_LEVELS: Final[dict[str, Callable[..., Sequence[Level]]]] = {
    "exact": _exact,
    "name": _name,
    "short-name": _short_name,
    "person-name": _person_name,
    "date": _date,
    "postcode": _postcode,
    "number": _number,
    "code": _code,
    "text": _text,
    "words": _words,
}
