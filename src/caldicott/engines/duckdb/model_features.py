"""Features of a model over pseudonymised marts as of one day, and, for training, what happened afterwards.

One pass over each mart, no loop over rows. After every step the guard asks for
the newest day that was counted: one after the day asked about refuses the whole.
"""

from __future__ import annotations

import tempfile
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Final

import pyarrow as pa

from caldicott.engines.duckdb.connection import connect, engine_faults, quoted, text
from caldicott.engines.duckdb.features import Features, Marts
from caldicott.engines.duckdb.model_families import EMERGENCY, FAMILIES, WORD_OF
from caldicott.engines.duckdb.model_sql import adds_of, probability_of
from caldicott.engines.duckdb.scores import Question, ScoreEngine, Sources
from caldicott.stratification import catalogue
from caldicott.stratification.model.features import Feature, feature_after_index, require_before_the_day

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import date

    from caldicott.stratification.model.form import Model

GROUPS: Final = ("group_age", "group_sex", "group_ethnic", "group_tenth")
_OF_A_PERSON: Final = ("birth_year", "sex", "lsoa", "ethnic_category")
_TELLING: Final = ("gp-patients", "sus-apc", "sus-ec")
_ETHNIC: Final = {
    "ethnic-asian": ("Asian",),
    "ethnic-black": ("Black",),
    "ethnic-mixed-or-other": ("Mixed", "Other"),
}


@dataclass(frozen=True)
class ModelMarts:
    """The files of the marts that were known on the day, by dataset, and what of them may be used."""

    files: Mapping[str, Sequence[Path]]
    whitelist: frozenset[str]
    on: date
    areas: Mapping[str, int] = field(default_factory=dict)
    """Small area to tenth of deprivation; empty where no table was loaded."""
    ethnic_groups: Mapping[str, str] = field(default_factory=dict)
    """Ethnic category to the group it is reported in."""
    after: Sequence[Path] = ()
    """For training: every file of admissions, later ones too. Read for what happened afterwards, never for features."""


class ModelTables:
    """The tables of one day on a connection that has never seen an identifier."""

    def __init__(self, marts: ModelMarts, *, threads: int = 2, memory_limit: str = "3GB") -> None:
        self._marts, self._threads = marts, threads
        self._db = connect(threads=threads, memory_limit=memory_limit)
        self._columns = {name: self._described(paths) for name, paths in marts.files.items() if paths}
        self._made: list[str] = []

    @property
    def made(self) -> tuple[str, ...]:
        """Names of the features that the marts could give, in the order asked."""
        return tuple(self._made)

    def meet(self, remaining: pa.Table) -> int:
        """Everybody of `remaining` who was known, born and alive on the day; how many."""
        self._take("remaining", remaining)
        self._make_persons()
        dead = f"ANTI JOIN (SELECT person_token FROM death WHERE died_on <= {self._on}) USING (person_token)"
        with engine_faults("find who was known on the day"):
            self._db.execute(
                "CREATE OR REPLACE TEMP TABLE population AS SELECT person_token, practice FROM listed "
                "SEMI JOIN remaining USING (person_token) LEFT JOIN person USING (person_token) "
                f"{dead} WHERE (since IS NULL OR since <= {self._on} OR person_token IN (FROM known_before)) "
                f"AND coalesce(birth_year, 0) <= {self._marts.on.year}"
            )
            return _number(self._db.execute("SELECT count(*) FROM population").fetchall())

    def meet_exactly(self, population: pa.Table) -> None:
        """The population of a run: person_token and practice, settled before."""
        self._make_persons()
        self._take("population", population.select(["person_token", "practice"]))

    def make(self, features: Sequence[Feature], scratch: Path) -> None:
        """The table of features.

        Raises:
            DoesNotHold: a feature knows what happened after the day.
        """
        require_before_the_day(features)
        families: dict[str, list[Feature]] = {}
        for feature in features:
            families.setdefault(feature.family, []).append(feature)
        tables = [self._count(name, wanted) for name, wanted in families.items() if name in FAMILIES]
        scored = [one for one in features if one.family == "score"]
        tables += [self._score(scored, scratch)] if scored else []
        self._join([one for one in tables if one], features)

    def rows(self, *, months: int = 0) -> pa.Table:
        """person_token, practice, the groups of the report, the features; with `months` also what happened by then."""
        after = ", happened, died" if months else ""
        if months:
            self._make_outcomes(months)
        joined = "LEFT JOIN outcome USING (person_token)" if months else ""
        names = "".join(f", {quoted(name)}" for name in self._made)
        with engine_faults("put the features together"):
            return self._db.sql(
                f"SELECT person_token, practice, {', '.join(GROUPS)}{names}{after} FROM featured {joined} ORDER BY person_token"
            ).to_arrow_table()

    def probabilities(self, model: Model, controller: str) -> pa.Table:
        """person_token and probability, by the model's one expression."""
        with engine_faults("score by the model"):
            return self._db.sql(
                f"SELECT person_token, {probability_of(model, controller)} AS probability FROM featured ORDER BY person_token"
            ).to_arrow_table()

    def terms(self, model: Model) -> pa.Table:
        """person_token and, for each term, what it adds against the average of all, and the number it read."""
        told = [term for term in model.terms if hasattr(term, "feature")]
        columns = "".join(
            f", {adds_of(term)} - avg({adds_of(term)}) OVER () AS {quoted('adds ' + term.feature)}, {quoted(term.feature)}"
            for term in told
        )
        with engine_faults("tell what a score is made of"):
            return self._db.sql(f"SELECT person_token{columns} FROM featured ORDER BY person_token").to_arrow_table()

    @property
    def _on(self) -> str:
        return f"DATE '{self._marts.on}'"

    def _make_persons(self) -> None:
        """What a person is, by the practices' lists first, then by the hospitals; where and since when registered."""
        picks = {name: [d for d in _TELLING if self._usable(d, name)] for name in _OF_A_PERSON}
        with engine_faults("see who they are"):
            self._db.execute(f"CREATE OR REPLACE TEMP TABLE person AS {self._person(picks)}")
            self._db.execute(f"CREATE OR REPLACE TEMP TABLE listed AS {self._listed()}")
            self._db.execute(f"CREATE OR REPLACE TEMP TABLE death AS {self._deaths()}")
            self._db.execute(f"CREATE OR REPLACE TEMP TABLE known_before AS {self._known_before()}")
        areas = pa.table({"lsoa": [*self._marts.areas], "tenth": pa.array([*self._marts.areas.values()], pa.int64())})
        groups = self._marts.ethnic_groups
        ethnic = pa.table({"ethnic_category": [*groups], "ethnic": [*groups.values()]})
        self._take("area", areas.cast(pa.schema([("lsoa", pa.string()), ("tenth", pa.int64())])))
        self._take("ethnic_group", ethnic.cast(pa.schema([("ethnic_category", pa.string()), ("ethnic", pa.string())])))

    def _person(self, picks: Mapping[str, list[str]]) -> str:
        kinds = {name: "BIGINT" if name == "birth_year" else "VARCHAR" for name in picks}
        parts = []
        for rank, dataset in enumerate(_TELLING):
            columns = ", ".join(
                f"{f'{name}::{kind}' if dataset in picks[name] else f'NULL::{kind}'} AS {name}"
                for name, kind in kinds.items()
            )
            if any(dataset in found for found in picks.values()):
                parts.append(f"SELECT person_token, {rank} AS rank, {columns} FROM {self._rows(dataset)}")
        nobody = ", ".join(f"NULL::{kind} AS {name}" for name, kind in kinds.items())
        parts = parts or [f"SELECT NULL::VARCHAR AS person_token, 0 AS rank, {nobody} WHERE false"]
        chosen = ", ".join(f"arg_min({name}, (rank, {name})) FILTER ({name} IS NOT NULL) AS {name}" for name in kinds)
        return f"SELECT person_token, {chosen} FROM ({' UNION ALL '.join(parts)}) WHERE person_token IS NOT NULL GROUP BY person_token"

    def _listed(self) -> str:
        if not self._columns.get("gp-patients"):
            return "SELECT NULL::VARCHAR AS person_token, NULL::VARCHAR AS practice, NULL::DATE AS since WHERE false"
        practice, since = (
            f"{name}" if self._usable("gp-patients", name) else f"NULL::{kind}"
            for name, kind in (("practice", "VARCHAR"), ("registered_on", "DATE"))
        )
        return (
            f"SELECT person_token, arg_max(upper(trim(p)), (s, p)) AS practice, min(s) AS since FROM ("
            f"SELECT person_token, {practice} AS p, ({since})::DATE AS s FROM {self._rows('gp-patients')}) "
            "WHERE person_token IS NOT NULL GROUP BY person_token"
        )

    def _deaths(self) -> str:
        if not self._usable("gp-patients", "died_on"):
            return "SELECT NULL::VARCHAR AS person_token, NULL::DATE AS died_on WHERE false"
        return (
            f"SELECT person_token, min(died_on::DATE) AS died_on FROM {self._rows('gp-patients')} "
            "WHERE died_on IS NOT NULL GROUP BY person_token"
        )

    def _known_before(self) -> str:
        """Who had been seen by anybody by the day, though the present registration began later."""
        seen = [
            f"SELECT person_token FROM ({family.rows(self._rows(family.dataset))}) WHERE day <= {self._on}"
            for name, family in FAMILIES.items()
            if name in {"emergency", "attendance", "medicine"} and self._has(family.dataset, family.columns)
        ]
        return " UNION ".join(seen) or "SELECT NULL::VARCHAR AS person_token WHERE false"

    def _count(self, name: str, wanted: list[Feature]) -> str:
        family = FAMILIES[name]
        if not self._has(family.dataset, family.columns):
            return ""
        windows = {one.name: _window(one, self._marts.on) for one in wanted}
        columns = ", ".join(f"{_measure(one, windows[one.name], self._on)} AS {quoted(one.name)}" for one in wanted)
        newest = ", ".join(f"max(day) FILTER ({window})" for window in windows.values())
        table = f"family_{len(self._made)}"
        with engine_faults("count what happened"):
            self._db.execute(
                f"CREATE OR REPLACE TEMP TABLE {table} AS SELECT person_token, greatest({newest}) AS newest, {columns} "
                f"FROM ({family.rows(self._rows(family.dataset))}) SEMI JOIN population USING (person_token) GROUP BY person_token"
            )
            late = _number(self._db.execute(f"SELECT count(*) FROM {table} WHERE newest > {self._on}").fetchall())
        if late:
            raise feature_after_index([one.name for one in wanted])
        self._made += [one.name for one in wanted]
        return table

    def _score(self, wanted: list[Feature], scratch: Path) -> str:
        """Published scores as features: the same engine, tables and windows as everywhere."""
        choice = catalogue.choose([one.name for one in wanted], own={})
        with tempfile.TemporaryDirectory(dir=scratch, prefix="scoring-") as folder:
            features = Features(self._db, Marts(self._marts.files, self._marts.whitelist, self._marts.on), Path(folder))
            persons, codes = features.persons(), features.codes()
            if codes is None:
                return ""
            question = Question(scores=choice.to_compute, asked=choice.asked, on=self._marts.on, any_age=True)
            engine = ScoreEngine(question, Sources(codes=codes, persons=persons), threads=self._threads)
            engine.prepare()
            self._take("scored", engine.table().rename_columns(["person_token", *choice.asked]))
        self._made += list(choice.asked)
        return "scored"

    def _join(self, tables: list[str], features: Sequence[Feature]) -> None:
        columns = {}
        for one in features:
            if one.name in self._made:
                columns[one.name] = quoted(one.name) if one.measure == "since" else f"coalesce({quoted(one.name)}, 0)"
            elif (value := self._value(one)) is not None:
                columns[one.name] = value
        self._made = [*columns]
        chosen = "".join(f", ({column})::DOUBLE AS {quoted(name)}" for name, column in columns.items())
        joins = "".join(f" LEFT JOIN {table} USING (person_token)" for table in tables)
        with engine_faults("put the features together"):
            self._db.execute(
                f"CREATE OR REPLACE TEMP TABLE featured AS SELECT person_token, practice, {self._groups()}"
                f"{chosen} FROM population LEFT JOIN person USING (person_token) "
                "LEFT JOIN area ON area.lsoa = person.lsoa LEFT JOIN ethnic_group "
                f"ON ethnic_group.ethnic_category = upper(trim(person.ethnic_category)){joins}"
            )

    def _groups(self) -> str:
        age = f"CASE WHEN {self._marts.on.year} - birth_year BETWEEN 0 AND 130 THEN {self._marts.on.year} - birth_year END"
        sex = "CASE WHEN upper(trim(sex)) IN ('2', 'F', 'FEMALE') THEN 'female' WHEN upper(trim(sex)) IN ('1', 'M', 'MALE') THEN 'male' END"
        return f"{age} AS group_age, {sex} AS group_sex, ethnic AS group_ethnic, tenth AS group_tenth"

    def _value(self, feature: Feature) -> str | None:
        """What a person is, where the marts and the whitelist tell it."""
        match feature.family:
            case "age" if self._anywhere("birth_year"):
                return f"CASE WHEN {self._marts.on.year} - birth_year BETWEEN 0 AND 130 THEN {self._marts.on.year} - birth_year END"
            case "sex" if self._anywhere("sex"):
                return "CASE WHEN sex IS NOT NULL THEN upper(trim(sex)) IN ('2', 'F', 'FEMALE') END::INTEGER"
            case "deprivation" if self._anywhere("lsoa") and self._marts.areas:
                return "tenth"
            case family if family in _ETHNIC and self._anywhere("ethnic_category"):
                return f"(ethnic IN ({', '.join(text(one) for one in _ETHNIC[family])}))::INTEGER"
        return None

    def _anywhere(self, column: str) -> bool:
        return any(self._usable(dataset, column) for dataset in _TELLING)

    def _make_outcomes(self, months: int) -> None:
        """The first emergency admission after the day, and death without one; both within so many months."""
        window = f"day > {self._on} AND day <= {self._on} + INTERVAL {months} MONTH"
        with engine_faults("see what happened afterwards"):
            self._db.execute(
                "CREATE OR REPLACE TEMP TABLE outcome AS SELECT p.person_token, a.day IS NOT NULL AS happened, "
                "(a.day IS NULL AND d.died_on IS NOT NULL) AS died FROM population p LEFT JOIN ("
                f"SELECT person_token, min(day) AS day FROM ({EMERGENCY.rows(_read(self._marts.after))}) "
                f"WHERE {window} GROUP BY person_token) a USING (person_token) LEFT JOIN ("
                f"SELECT person_token, died_on FROM death WHERE {window.replace('day >', 'died_on >').replace('day <=', 'died_on <=')}) d USING (person_token)"
            )

    def _take(self, name: str, rows: pa.Table) -> None:
        self._db.register("arriving", rows)
        self._db.execute(f"CREATE OR REPLACE TEMP TABLE {name} AS FROM arriving")
        self._db.unregister("arriving")

    def _has(self, dataset: str, columns: Sequence[str]) -> bool:
        return all(self._usable(dataset, column) for column in columns)

    def _usable(self, dataset: str, column: str) -> bool:
        return column in self._columns.get(dataset, ()) and WORD_OF[column] in self._marts.whitelist

    def _rows(self, dataset: str) -> str:
        return _read(self._marts.files[dataset])

    def _described(self, paths: Sequence[Path]) -> tuple[str, ...]:
        with engine_faults("look at a mart"):
            return tuple(str(row[0]) for row in self._db.execute(f"DESCRIBE SELECT * FROM {_read(paths)}").fetchall())


def _read(paths: Sequence[Path]) -> str:
    listed = ", ".join(text(str(path)) for path in paths)
    return f"read_parquet([{listed}], union_by_name = true, hive_partitioning = false)"


def _window(feature: Feature, on: date) -> str:
    day = f"DATE '{on}'"
    begins = f"{day} - INTERVAL {feature.months + feature.ends_months_ago} MONTH"
    ends = f"{day} - INTERVAL ({feature.ends_months_ago}) MONTH"
    return f"day > {begins} AND day <= {ends}"


def _measure(feature: Feature, window: str, on: str) -> str:
    match feature.measure:
        case "distinct":
            return f"count(DISTINCT what) FILTER ({window})"
        case "sum":
            return f"coalesce(sum(amount) FILTER ({window}), 0)"
        case "since":
            return f"date_diff('day', max(day) FILTER ({window}), {on})"
        case _:
            return f"count(*) FILTER ({window})"


def _number(rows: list[tuple[object, ...]]) -> int:
    return int(str(rows[0][0]))
