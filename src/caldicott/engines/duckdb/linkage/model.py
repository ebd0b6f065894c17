"""The probabilistic model: Splink trained on the files themselves, without anyone saying who is who.

Training samples by a hash of our own row numbers, so the same files and spec give the
same model. Files too small to learn from are linked by the published starting values,
and the account says so.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass, field
from importlib.metadata import version
from typing import TYPE_CHECKING, Any

from splink import DuckDBAPI, Linker, block_on

from caldicott.engines.duckdb.linkage.counting import one
from caldicott.engines.duckdb.linkage.levels import AGREES, block_sql, comparison, key_sql, prepared_columns, top_level
from caldicott.facts import linkage as facts

if TYPE_CHECKING:
    from collections.abc import Callable

    import duckdb

    from caldicott.linkage.spec import Block, Guard, Spec


@dataclass
class Account:
    """What was done, in counts; no person in it."""

    records: tuple[int, ...] = ()
    remarks: list[str] = field(default_factory=list)
    blocks: list[dict[str, Any]] = field(default_factory=list)
    guards: list[dict[str, Any]] = field(default_factory=list)
    model: dict[str, Any] = field(default_factory=dict)
    saved: dict[str, Any] = field(default_factory=dict)
    """The model as Splink writes and reads it: rules and chances, no value of a row."""
    compared: int = 0


def score_pairs(
    connection: duckdb.DuckDBPyConnection, spec: Spec, account: Account, told: Callable[[str], None]
) -> None:
    """Table `pair`: rec_l, rec_r, probability, weight, and a level a comparison, for every pair looked at."""
    logging.getLogger("splink").setLevel(logging.ERROR)
    told("looking at the blocks")
    _prepare(connection, spec, account)
    linker = _linker(connection, spec, account)
    told("learning from the files")
    _train(linker, spec, account)
    told("comparing the pairs")
    predicted = linker.inference.predict(threshold_match_probability=None)
    _count_first(connection, predicted.physical_name, account)
    levels = ", ".join(f"gamma_{entry.name}" for entry in spec.comparisons)
    connection.execute(
        "CREATE TABLE pair AS SELECT least(rec_l, rec_r) AS rec_l, greatest(rec_l, rec_r) AS rec_r, "
        f"round(match_probability, 9) AS probability, round(match_weight, 6) AS weight, {levels} "
        f"FROM {predicted.physical_name} ORDER BY 1, 2"
    )
    account.saved = linker.misc.save_model_to_json()
    account.model = _model(account.saved, spec)
    (account.compared,) = one(connection, "SELECT count(*) FROM pair")
    _apply_guards(connection, spec, account)


def _prepare(connection: duckdb.DuckDBPyConnection, spec: Spec, account: Account) -> None:
    """The records that say enough, with the columns that comparisons need and a mark a block."""
    fields = [entry.name for entry in spec.fields]
    stated = " + ".join(f"({name} IS NOT NULL)::INTEGER" for name in fields)
    extra = "".join(f", {column}" for column in prepared_columns(spec))
    connection.execute(f"CREATE TABLE telling AS SELECT *{extra} FROM record WHERE {stated} >= {spec.fields_least}")
    silent, left, right = one(
        connection,
        "SELECT (SELECT count(*) FROM record) - count(*), count(*) FILTER (side = 0), count(*) FILTER (side = 1) FROM telling",
    )
    account.records = (left, right)
    if silent:
        account.remarks.append(
            f"{silent:,} records say too little to be compared (fewer than {spec.fields_least} fields) and are linked to nobody."
        )
    marks = [_mark(connection, spec, place, block, account) for place, block in enumerate(spec.blocks)]
    connection.execute(f"CREATE TABLE model_input AS SELECT *, {', '.join(marks)} FROM telling ORDER BY rec")


def _mark(connection: duckdb.DuckDBPyConnection, spec: Spec, place: int, block: Block, account: Account) -> str:
    """SQL that is true where the record's block is small enough; counts what the block costs."""
    keys = [key_sql(key) for key in block.keys]
    grouped = ", ".join(keys)
    known = " AND ".join(f"{key} IS NOT NULL" for key in keys)
    groups = _groups(keys, known, block, both=account.records[1] > 0)
    total, widest, left_out = one(
        connection,
        f"SELECT coalesce(sum(pairs), 0)::BIGINT, coalesce(max(pairs), 0)::BIGINT, "
        f"coalesce(sum(records) FILTER (pairs > {spec.value_most}), 0)::BIGINT FROM ({groups})",
    )
    account.blocks.append({"block": str(block), "pairs": total, "widest_value": widest, "records_left_out": left_out})
    if not left_out:
        return f"true AS look_{place}"
    account.remarks.append(
        f"{left_out:,} records share a value of the block '{block}' with so many others that it tells nobody apart; "
        "this block does not look at them."
    )
    columns = ", ".join(f"k{place}" for place in range(len(keys))) if block.is_swapped else grouped
    heavy = f"SELECT {columns} FROM ({groups}) WHERE pairs > {spec.value_most}"
    return f"(coalesce(({grouped}) NOT IN ({heavy}), false)) AS look_{place}"


def _groups(keys: list[str], known: str, block: Block, *, both: bool) -> str:
    """SQL of the block's values, with the records and the pairs of each; a swapped block meets its mirrored value."""
    grouped = ", ".join(keys)
    if not block.is_swapped:
        pairs = "count(*) FILTER (side = 0) * count(*) FILTER (side = 1)" if both else "count(*) * (count(*) - 1) / 2"
        return f"SELECT {grouped}, count(*) AS records, {pairs} AS pairs FROM telling WHERE {known} GROUP BY ALL"
    named = ", ".join(f"{key} AS k{place}" for place, key in enumerate(keys))
    each = (
        f"SELECT {named}, count(*) AS records, count(*) FILTER (side = 0) AS here, count(*) FILTER (side = 1) AS there "
        f"FROM telling WHERE {known} GROUP BY ALL"
    )
    last = len(keys) - 1
    mirrored = " AND ".join(f"a.k{place} = b.k{ {0: last, last: 0}.get(place, place) }" for place in range(len(keys)))
    pairs = "a.here * b.there" if both else "a.records * b.records / 2"
    columns = ", ".join(f"a.k{place}" for place in range(len(keys)))
    return f"SELECT {columns}, a.records, {pairs} AS pairs FROM ({each}) a JOIN ({each}) b ON {mirrored}"


def _linker(connection: duckdb.DuckDBPyConnection, spec: Spec, account: Account) -> Linker:
    api = DuckDBAPI(connection=connection)
    both = account.records[1] > 0
    if both:
        for side in (0, 1):
            connection.execute(f"CREATE TABLE model_input_{side} AS SELECT * FROM model_input WHERE side = {side}")
    tables = [api.register(f"model_input_{side}") for side in (0, 1)] if both else api.register("model_input")
    rules = [
        {"blocking_rule": f"{block_sql(block)} AND l.look_{place} AND r.look_{place}", "sql_dialect": "duckdb"}
        for place, block in enumerate(spec.blocks)
    ]
    return Linker(
        tables,
        {
            "link_type": "link_only" if both else "dedupe_only",
            "unique_id_column_name": "rec",
            "comparisons": [comparison(entry) for entry in spec.comparisons],
            "blocking_rules_to_generate_predictions": rules,
            "probability_two_random_records_match": _starting_probability(account),
            "retain_matching_columns": True,
            "retain_intermediate_calculation_columns": False,
            "additional_columns_to_retain": [],
            "linker_uid": "caldicott",
        },
        log_level=None,
    )


def _starting_probability(account: Account) -> float:
    """One true partner a record at the most: among few records a match is not as rare as among many."""
    left, right = account.records
    return float(min(0.05, max(facts.priors()["probability"] / 100, 1 / max(left, right, 20))))


def _train(linker: Linker, spec: Spec, account: Account) -> None:
    training = spec.training
    if training is None or sum(account.records) < facts.priors()["train_from"]:
        account.remarks.append(
            "The files are too small to learn from: published starting values were used."
            if training
            else "The spec says nothing of training: published starting values were used."
        )
        return
    if training.sure:
        linker.training.estimate_probability_two_random_records_match(
            [block_on(*fields) for fields in training.sure], recall=training.recall
        )
    linker.training.estimate_u_using_random_sampling(
        max_pairs=training.pairs, seed=training.seed, min_count_per_level=None
    )
    for fields in training.rounds:
        linker.training.estimate_parameters_using_expectation_maximisation(
            block_on(*fields), estimate_without_term_frequencies=True
        )


def _count_first(connection: duckdb.DuckDBPyConnection, predicted: str, account: Account) -> None:
    """How many pairs each block was the first to bring together: what the linkage would miss without it, at the most."""
    rows = connection.execute(f"SELECT match_key::INTEGER, count(*) FROM {predicted} GROUP BY 1").fetchall()
    first = dict(rows)
    for place, block in enumerate(account.blocks):
        block["first_here"] = first.get(place, 0)


def _model(learned: dict[str, Any], spec: Spec) -> dict[str, Any]:
    """What was learned: the chance of each level among true and random pairs. No value of a row."""
    return {
        "engine": "splink",
        "version": version("splink"),
        "probability_two_random_records_match": learned["probability_two_random_records_match"],
        "comparisons": [
            {
                "comparison": entry.name,
                "levels": [
                    {
                        "level": level["label_for_charts"],
                        "m": level.get("m_probability"),
                        "u": level.get("u_probability"),
                    }
                    for level in found["comparison_levels"]
                    if not level.get("is_null_level")
                ],
            }
            for entry, found in zip(spec.comparisons, learned["comparisons"], strict=True)
        ],
    }


def _apply_guards(connection: duckdb.DuckDBPyConnection, spec: Spec, account: Account) -> None:
    """Marks pairs that must not be links whatever their score; a household is not a person."""
    how = {entry.name: entry.how for entry in spec.comparisons}
    connection.execute("ALTER TABLE pair ADD COLUMN is_barred BOOLEAN DEFAULT false")
    connection.execute("ALTER TABLE pair ADD COLUMN is_two BOOLEAN DEFAULT false")
    for guard in spec.guards:
        (number,) = one(
            connection,
            f"UPDATE pair SET is_barred = true, is_two = {bool(guard.differ)} WHERE NOT is_two AND {_barred(guard, how)}",
        )
        account.guards.append({"guard": str(guard), "pairs": number})


def _barred(guard: Guard, how: dict[str, str]) -> str:
    if guard.needs:
        return " AND ".join(f"gamma_{name} < {AGREES[how[name]]}" for name in guard.needs)
    differ = " AND ".join(f"gamma_{name} BETWEEN 0 AND {AGREES[how[name]] - 1}" for name in guard.differ)
    same = " OR ".join(f"gamma_{name} = {top_level(how[name])}" for name in guard.unless)
    return f"{differ} AND NOT ({same})" if same else differ
