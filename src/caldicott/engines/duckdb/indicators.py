"""Indicators by DuckDB: the true counts of one grouping, with the distinct people behind each.

Age, sex, practice and area are the person's, the same for all their rows of a
snapshot (those of the latest month): so every table of a dataset counts the
same people in the same groups, and the gate can say what two tables tell together.
"""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING, Final, Self

import pyarrow as pa

from caldicott.analytics.cube import Cell
from caldicott.analytics.dimension import MONTH, UNKNOWN, dimension
from caldicott.analytics.expression import columns
from caldicott.engines.duckdb import indicators_sql as sql
from caldicott.engines.duckdb.connection import connect, engine_faults, quoted, text
from caldicott.vocabulary.errors import DoesNotHold, WrongUsage

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    import duckdb

    from caldicott.analytics.cube import Cube
    from caldicott.analytics.definition import Linked, Source
    from caldicott.analytics.question import Axis
    from caldicott.engines.duckdb.indicators_marts import Marts

VALUES_AT_MOST: Final = 2_000
CELLS_AT_MOST: Final = 20_000
_BAND: Final = "~band"
_LISTED_AT_MOST: Final = 256
"""Values of a column that are looked for in a list; the columns people are grouped by are dictionaries in the files."""


class DuckDbIndicators:
    """Counts over the marts of one activity."""

    def __init__(self, marts: Marts, lookups: Mapping[str, Mapping[str, str]], *, threads: int = 2) -> None:
        self._marts, self._lookups = marts, lookups
        self._db: duckdb.DuckDBPyConnection = connect(threads=threads)
        self._types: dict[str, dict[str, str]] = {}
        self._values: dict[tuple[str, str], list[str]] = {}

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._db.close()

    def cells(self, cube: Cube) -> list[Cell]:
        """The true counts of every group that has anybody, in the order of their names.

        Raises:
            DoesNotHold: a column or mart is missing.
            WrongUsage: there are too many groups.
        """
        statement, values = self.statement(cube)
        with engine_faults("count an indicator"):
            found = self._db.sql(statement, params=values).to_arrow_table()
        _check_size(found, len(cube.axes) + bool(cube.edges))
        return [_cell(row, cube) for row in found.to_pylist()]

    def statement(self, cube: Cube) -> tuple[str, dict[str, str | list[str]]]:
        """The SQL of a grouping and its parameters."""
        made = _Statement(self, cube)
        return made.text(), made.values

    def schema(self, dataset: str, where: str) -> sql.Schema:
        """The columns that the mart of a dataset has."""
        types = self._types_of(self._marts.relation(dataset))
        return sql.Schema(dataset, {name: sql.kind_of(found) for name, found in types.items()}, where)

    def _types_of(self, relation: str) -> dict[str, str]:
        if relation not in self._types:
            with engine_faults("read a mart's columns"):
                rows = self._db.execute(f"DESCRIBE SELECT * FROM {relation}").fetchall()
            self._types[relation] = {str(row[0]): str(row[1]) for row in rows}
        return self._types[relation]

    def rows_of(self, dataset: str) -> str:
        """SQL that reads a dataset."""
        return self._marts.relation(dataset)

    def months_of(self, dataset: str) -> list[str]:
        """SQL that reads each of its months; one that reads all where a month has not the columns of the others."""
        whole, months = self._marts.relation(dataset), self._marts.months(dataset)
        alike = all(self._types_of(one) == self._types_of(whole) for one in months.values())
        return list(months.values()) if alike else [whole]

    def named_months(self, dataset: str) -> list[str]:
        """The months there are, in order."""
        return list(self._marts.months(dataset))

    def values_of(self, dataset: str, column: str) -> list[str]:
        """What stands in the column, in order."""
        if (dataset, column) not in self._values:
            name = quoted(column)
            with engine_faults("read the values of a column"):
                rows = self._db.execute(
                    f"SELECT DISTINCT {name}::VARCHAR FROM {self.rows_of(dataset)} WHERE {name} IS NOT NULL"
                ).fetchall()
            self._values[dataset, column] = sorted(str(row[0]) for row in rows)
        return self._values[dataset, column]

    def lookup(self, name: str) -> str:
        """The name of the table that says in which group each value lies.

        Raises:
            DoesNotHold: there is no such table here.
        """
        if not self._lookups.get(name):
            raise DoesNotHold(
                f"there is no table `{name}` that says in which group each value lies", code="lookup-missing",
                where=name, next_step=f"put {name}.csv (value, parent) into the folder of lookups, or ask by another dimension",
            )  # fmt: skip
        pairs = self._lookups[name]
        table = pa.table({"value": list(pairs), "parent": list(pairs.values())}, _PAIRS)
        self._db.register(f"lookup {name}", table)
        return quoted(f"lookup {name}")


_PAIRS: Final = pa.schema([("value", pa.string()), ("parent", pa.string())])


class _Statement:
    """One grouping on its way to SQL: rows, then persons, then each person in each group, then the groups."""

    def __init__(self, engine: DuckDbIndicators, cube: Cube) -> None:
        self._engine, self._cube = engine, cube
        self._schema = engine.schema(cube.source.dataset, cube.where)
        self.values: dict[str, str | list[str]] = {}

    def text(self) -> str:
        """The whole statement."""
        steps = self._in_one_reading() if self._is_of_persons_alone() else self._step_by_step()
        steps.append(("told", self._told()))
        written = ",\n".join(f"{quoted(name)} AS (\n{body}\n)" for name, body in steps)
        return f"WITH {written}\n{self._groups()}"

    def _is_of_persons_alone(self) -> bool:
        """Whether nothing but the person's own groups is asked for, so that one reading of the rows finds all of it."""
        cube, source = self._cube, self._cube.source
        is_own = source.persons in {"", source.dataset}
        return bool(cube.axes) and is_own and not (cube.linked or cube.edges or source.first or self._events)

    @property
    def _events(self) -> list[Axis]:
        return [axis for axis in self._cube.axes if not axis.of_person]

    @property
    def _persons(self) -> list[Axis]:
        return [axis for axis in self._cube.axes if axis.of_person]

    def _in_one_reading(self) -> list[tuple[str, str]]:
        """Each person's groups and counts together."""
        counted = " AND ".join([sql.claim(self._cube.source.where, self._schema), *self._in_groups()])
        chosen = ["person_token", *self._latest(self._schema), f"count(*) FILTER ({counted}) AS events"]
        if self._cube.numerator is not None:
            part = sql.claim(self._cube.numerator, self._schema)
            chosen.append(f"count(*) FILTER ({counted} AND {part}) AS part")
        if self._cube.amount is not None:
            chosen.append(f"sum({self._amount()}) FILTER ({counted}) AS amount")
        rows = self._engine.rows_of(self._schema.dataset)
        body = f"SELECT {', '.join(chosen)}\nFROM {rows}\nWHERE person_token IS NOT NULL GROUP BY person_token"
        return [("each", f"{body} HAVING events > 0")]

    def _step_by_step(self) -> list[tuple[str, str]]:
        """Rows, what is linked to them, what each person put into each group, and who these persons are."""
        months = self._by_month()
        steps = self._of_months(months) if months else self._of_all()
        if self._persons:
            dataset = self._cube.source.persons or self._cube.source.dataset
            schema, rows = self._engine.schema(dataset, self._cube.where), self._engine.rows_of(dataset)
            chosen = ", ".join(self._latest(schema))
            body = f"SELECT person_token, {chosen}\nFROM {rows}\nWHERE person_token IS NOT NULL GROUP BY person_token"
            steps.append(("person", body))
        return steps

    def _of_all(self) -> list[tuple[str, str]]:
        rows = self._rows(self._cube.source, self._schema, self._columns(), self._engine.rows_of(self._schema.dataset))
        if not self._cube.linked:
            return [("rows", rows), ("each", self._each(self._placed("rows")))]
        linked = [(f"link {one.name}", self._link(one)) for one in self._cube.linked]
        numbered = ("numbered", 'SELECT row_number() OVER () AS "~row", * FROM rows')
        return [("rows", rows), numbered, *linked, ("each", self._each(self._placed("numbered")))]

    def _by_month(self) -> list[str]:
        """The months to count by themselves: where the table is by month, no row of one adds to a group of another.

        The engine then groups a twelfth of the people at a time, which costs about two thirds. Not where the first of
        all of a person's rows counts, or what they have in other months.
        """
        is_by_month = any(axis.group is None and axis.level == MONTH for axis in self._events)
        if not is_by_month or self._cube.linked or self._cube.source.first:
            return []
        return self._engine.months_of(self._schema.dataset)

    def _of_months(self, months: Sequence[str]) -> list[tuple[str, str]]:
        columns, placed = self._columns(), self._placed("rows")
        steps = []
        for number, relation in enumerate(months):
            rows = self._rows(self._cube.source, self._schema, columns, relation)
            steps.append((f"each {number}", f"WITH rows AS (\n{rows}\n)\n{self._each(placed)}"))
        every = " UNION ALL ".join(f"FROM {quoted(name)}" for name, _ in steps)
        return [*steps, ("each", every)]

    def _latest(self, schema: sql.Schema) -> list[str]:
        """What each person is in this snapshot: of their latest month, and of two values there the larger."""
        found = []
        for axis in self._persons:
            column = dimension(axis.level).column_in(schema.dataset)
            schema.kind(column)
            found.append(f"{self._last(schema.dataset, column)} AS {quoted('~' + axis.name)}")
        return found

    def _last(self, dataset: str, column: str) -> str:
        """Months and values as places in ordered lists where they are few: numbers compare quicker than texts."""
        months, values = self._engine.named_months(dataset), self._engine.values_of(dataset, column)
        if not values or len(values) > _LISTED_AT_MOST:
            # A month has seven characters, so what follows them is the value.
            return f"substr(max(month || {quoted(column)}::VARCHAR), 8)"
        width, listed = len(values) + 1, self._list(values)
        at = f"list_position({self._list(months)}, month)"
        which = f"list_position({listed}, {quoted(column)}::VARCHAR)"
        return f"{listed}[max({at} * {width} + {which}) % {width}]"

    def _list(self, values: list[str]) -> str:
        """The parameter that is this list."""
        key = next((name for name, known in self.values.items() if known == values), f"v{len(self.values)}")
        self.values[key] = values
        return f"${key}"

    def _amount(self) -> str:
        assert self._cube.amount is not None  # noqa: S101  asked by the callers
        # No amount may end in an error or below nought: whether it does would tell something of a row.
        found = f"TRY_CAST(({sql.value(self._cube.amount, self._schema)}) AS DECIMAL(18,2))"
        return f"CASE WHEN {found} < 0 THEN 0 ELSE {found} END"

    def _columns(self) -> list[str]:
        """What of each row is needed further on."""
        cube, chosen = self._cube, {"person_token": "person_token", "month": "month"}
        for axis in cube.axes:
            if not axis.of_person and axis.name != "time":
                chosen |= self._of_event(axis)
        chosen |= {f"~around {one.name}": quoted(self._day(one.around, self._schema)) for one in cube.linked}
        if cube.numerator is not None and not cube.linked:
            chosen["~part"] = sql.claim(cube.numerator, self._schema)
        elif cube.numerator is not None:
            # What is linked is not known yet: its columns go along.
            chosen |= {name: quoted(name) for name in columns(cube.numerator) if name in self._schema.kinds}
        if cube.amount is not None:
            chosen["~amount"] = self._amount()
        return [f"{expression} AS {quoted(name)}" for name, expression in chosen.items()]

    def _of_event(self, axis: Axis) -> dict[str, str]:
        if axis.group is None:
            found = axis.dimension
            assert found is not None  # noqa: S101  an axis is a dimension or a group
            column = found.column_in(self._schema.dataset)
            self._schema.kind(column)
            return {f"~{axis.name}": f"{quoted(column)}::VARCHAR"}
        self._schema.kind(axis.group.column)
        cases = " ".join(
            f"WHEN {_is_one_of(quoted(axis.group.column), codes, is_start=axis.group.is_start)} THEN {text(value)}"
            for value, codes in axis.group.values.items()
        )
        return {f"~{axis.name}": f"CASE {cases} END"}

    def _in_groups(self) -> list[str]:
        """Only rows that are in some value of each of the indicator's own groups."""
        found = []
        for group in self._cube.groups:
            self._schema.kind(group.column)
            every = [code for codes in group.values.values() for code in codes]
            found.append(_is_one_of(quoted(group.column), every, is_start=group.is_start))
        return found

    def _rows(self, source: Source, schema: sql.Schema, columns: Sequence[str], relation: str) -> str:
        claims = ["person_token IS NOT NULL", sql.claim(source.where, schema)]
        claims += self._in_groups() if source is self._cube.source else []
        body = f"SELECT {', '.join(columns)}\nFROM {relation}\nWHERE {' AND '.join(claims)}"
        if source.first:
            day = quoted(self._day(source.day, schema))
            # Two rows of one day: all that is read of them decides, so that the answer is always the same.
            others = ", ".join(one.rpartition(" AS ")[0] for one in columns)
            body += f"\nQUALIFY row_number() OVER (PARTITION BY person_token ORDER BY {day}, {others}) = 1"
        return body

    @staticmethod
    def _day(column: str, schema: sql.Schema) -> str:
        if schema.kind(column) != sql.DAYS:
            raise DoesNotHold(
                f"`{column}` is no day", code="indicator-kinds", where=schema.where,
                next_step="name a column of days",
            )  # fmt: skip
        return column

    def _link(self, one: Linked) -> str:
        """How many rows of the other dataset each row's person has in the days around it."""
        schema = self._engine.schema(one.source.dataset, self._cube.where)
        day = quoted(self._day(one.source.day, schema))
        columns = ["person_token AS person_token", f"{day}::DATE AS day"]
        other = self._rows(one.source, schema, columns, self._engine.rows_of(one.source.dataset))
        around = quoted(f"~around {one.name}")
        days = f"o.day BETWEEN n.{around}::DATE + {one.from_day} AND n.{around}::DATE + {one.to_day}"
        return (
            f'SELECT n."~row", count(*) AS found FROM numbered n JOIN ({other}) o '
            f"ON o.person_token = n.person_token AND {days} GROUP BY 1"
        )

    def _placed(self, base: str) -> str:
        """Every row with the groups it is in by what happened, limited to those asked for."""
        chosen, joins, claims = self._levels(self._events)
        chosen.insert(0, f"{base}.*")
        for one in self._cube.linked:
            name = quoted(f"link {one.name}")
            joins += f'\nLEFT JOIN {name} USING ("~row")'
            chosen.append(f"coalesce({name}.found, 0) AS {quoted(one.name)}")
        where = f"\nWHERE {' AND '.join(claims)}" if claims else ""
        return f"SELECT *{self._part()} FROM (SELECT {', '.join(chosen)}\nFROM {base} {joins}){where}"

    def _told(self) -> str:
        """What each person put in, with the groups that the person is in, limited to those asked for."""
        chosen, joins, claims = self._levels(self._persons)
        person = "LEFT JOIN person USING (person_token)" if self._persons and not self._is_of_persons_alone() else ""
        where = f"\nWHERE {' AND '.join(claims)}" if claims else ""
        return f"SELECT * FROM (SELECT {', '.join(['each.*', *chosen])}\nFROM each {person} {joins}){where}"

    def _levels(self, axes: Sequence[Axis]) -> tuple[list[str], str, list[str]]:
        """The groups at every level named, the joins that find them, and the claims of the filters."""
        chosen, joins, claims = [], "", []
        for axis in axes:
            for level in axis.levels:
                name, join = self._level(axis, level)
                joins += join
                chosen.append(f"{name} AS {quoted('at ' + level)}")
            for level, value in axis.limits:
                key = f"v{len(self.values)}"
                self.values[key] = value
                claims.append(f"{quoted('at ' + level)} = ${key}")
        return chosen, joins, claims

    def _part(self) -> str:
        """Whether a row is of the numerator, where that hangs on what is linked."""
        cube = self._cube
        if cube.numerator is None or not cube.linked:
            return ""
        counts = {one.name: sql.NUMBERS for one in cube.linked}
        schema = sql.Schema(self._schema.dataset, {**self._schema.kinds, **counts}, cube.where)
        return f', {sql.claim(cube.numerator, schema)} AS "~part"'

    def _level(self, axis: Axis, level: str) -> tuple[str, str]:
        """SQL of the group's name at a level, and the join that finds it."""
        own = "month" if axis.name == "time" else quoted(f"~{axis.name}")
        if axis.group is not None:
            return own, ""
        found = dimension(level)
        if found.lookup == "month-quarter":
            return "left(month, 4) || '-Q' || ((right(month, 2)::INT + 2) // 3)", ""
        if found.lookup == "month-year":
            first = "(left(month, 4)::INT - (right(month, 2)::INT < 4)::INT)"
            return f"{first} || '/' || right(({first} + 1)::VARCHAR, 2)", ""
        if found.name == MONTH:
            return own, ""  # the mart's own partition, known of every row
        if not found.lookup:
            return f"coalesce({own}, {text(found.unknown)})", ""
        table, alias = self._engine.lookup(found.lookup), quoted(f"as {level}")
        return (
            f"coalesce({alias}.parent, {text(found.unknown)})",
            f"\nLEFT JOIN {table} {alias} ON {alias}.value = {own}",
        )

    def _keys(self, axes: Sequence[Axis]) -> list[str]:
        keys = [quoted("at " + axis.level) for axis in axes]
        return [*keys, quoted(_BAND)] if self._cube.edges else keys

    def _each(self, placed: str) -> str:
        """Each person in each group: what they alone put into it."""
        chosen = [*self._keys(self._events), "person_token", "count(*) AS events"]
        if self._cube.numerator is not None:
            chosen.append('count(*) FILTER ("~part") AS part')
        if self._cube.amount is not None:
            chosen.append('sum("~amount") AS amount')
        chosen += [f"sum({quoted(one.name)}) AS {quoted('sum ' + one.name)}" for one in self._cube.linked]
        banded = f"(SELECT *, {self._band()} AS {quoted(_BAND)} FROM ({placed}))" if self._cube.edges else f"({placed})"
        return f"SELECT {', '.join(chosen)} FROM {banded} GROUP BY ALL"

    def _band(self) -> str:
        edges = self._cube.edges
        cases = [f'WHEN "~amount" < {later} THEN {text(f"{edge}-{later - 1}")}' for edge, later in pairwise(edges)]
        below = f'WHEN "~amount" IS NULL OR "~amount" < {edges[0]} THEN {text(UNKNOWN)}'
        return f"CASE {below} {' '.join(cases)} ELSE {text(f'{edges[-1]}+')} END"

    def _groups(self) -> str:
        keys = self._keys(self._cube.axes)
        chosen = [*keys, "sum(events)::BIGINT AS events", "count(*) AS people"]
        if self._cube.numerator is not None:
            chosen += ["sum(part)::BIGINT AS part", "count(*) FILTER (part > 0) AS people_part"]
        if self._cube.amount is not None:
            chosen += [
                "coalesce(sum(amount), 0)::DOUBLE AS amount",
                "max(amount, 2) AS largest",
                "count(*) FILTER (amount > 0) AS contributors",
            ]
        for one in self._cube.linked:
            name = quoted("sum " + one.name)
            chosen += [
                f"coalesce(sum({name}), 0)::BIGINT AS {quoted('events ' + one.name)}",
                f"count(*) FILTER ({name} > 0) AS {quoted('people ' + one.name)}",
            ]
        order = "GROUP BY ALL ORDER BY ALL" if keys else "HAVING count(*) > 0"
        return f"SELECT {', '.join(chosen)} FROM told {order}"


def _is_one_of(name: str, codes: Iterable[str], *, is_start: bool) -> str:
    if is_start:
        return "(" + " OR ".join(f"starts_with({name}, {text(code)})" for code in codes) + ")"
    return f"{name}::VARCHAR IN ({', '.join(text(code) for code in codes)})"


def _check_size(found: pa.Table, keys: int) -> None:
    for place in range(keys):
        if len(found.column(place).unique()) > VALUES_AT_MOST:
            raise _too_wide(f"a dimension has more than {VALUES_AT_MOST:,} values")
    if found.num_rows > CELLS_AT_MOST:
        raise _too_wide(f"the table has more than {CELLS_AT_MOST:,} groups")


def _too_wide(what: str) -> WrongUsage:
    return WrongUsage(
        f"{what}, too many to prove that nobody can be found in it", code="dimension-too-wide", where="--by",
        next_step="ask for larger groups (networks, age groups, quarters) or fewer dimensions",
    )  # fmt: skip


def _cell(row: Mapping[str, object], cube: Cube) -> Cell:
    values = list(row.values())[: len(cube.axes) + bool(cube.edges)]
    number = {name: found for name, found in row.items() if isinstance(found, int | float)}
    amounts = row.get("largest")
    top = [float(one) for one in amounts] if isinstance(amounts, list) else []
    linked = {one.name: (int(number[f"events {one.name}"]), int(number[f"people {one.name}"])) for one in cube.linked}
    return Cell(
        tuple(str(value) for value in values), int(number["events"]), int(number["people"]),
        int(number.get("part", 0)), int(number.get("people_part", 0)),
        float(number["amount"]) if cube.amount is not None and not cube.edges else None,
        top[0] if top else 0.0, top[1] if len(top) > 1 else 0.0, linked, int(number.get("contributors", 0)),
    )  # fmt: skip
