# SPDX-License-Identifier: PostgreSQL
"""Random tables to be written, and statements that write them.

    table = WriteTable(seed, number)
    statement = Writer(table, rng).make()       # .kind, .query or .rows
"""

import dataclasses

from .generator import (
    Column,
    Const,
    Document,
    Interval,
    Number,
    Overflow,
    Positive,
    Range,
    ShortText,
    Table,
    Text,
    TextForm,
)
from .queries import QueryMaker
from .query import Query
from .widened import is_on

# Where columns may lie inside documents; none is within another.
PATHS = ["m.a", "m.b", "m.deep.x", "m.deep.y", "l[0]", "l[2]", "n[1].y", 'n[1]."z.z"']
# The greatest that floats may be, so that DynamoDB takes what they are rounded to.
MOST = 9.9e125


def is_storable(kind, value):
    return kind.pgtype != "double precision" or value is None or abs(float(value)) < MOST


class WriteTable(Table):
    """One whose rows are written by the extension, and fit."""

    def _make_columns(self):
        rng = self.rng
        self.mismatch_null = self.index = None
        self.consistent_read = rng.random() < 0.1
        super()._make_columns()
        # Equal intervals are several keys, and one in the local table.
        for key in filter(None, (self.pk, self.sk)):
            if isinstance(key.kind, Interval):
                key.kind = Range("int4range")
        if not self.indexes and rng.random() < 0.7:
            for column, path in zip(self.others, rng.sample(PATHS, len(self.others)), strict=True):
                if rng.random() < 0.8:
                    column.attribute = path
        for column in self.others:
            if rng.random() < 0.2:
                column.options = (("null_as", "null"),)
        is_plain = all("." not in c.attribute and "[" not in c.attribute for c in self.others)
        if is_on("overflow") and is_plain and not self.indexes and rng.random() < 0.4:
            # What its own columns reach into it would show, too.
            self.others.append(Column("rest", Overflow(), None))
            self.columns.append(self.others[-1])

    def _make_items(self):
        super()._make_items()
        self.rows = [
            row
            for row in self.rows
            if all(is_storable(c.kind, v) for c, v in zip(self.columns, row, strict=True))
        ]

    def holds(self, value):
        return self.charset is None or self.charset.holds(value)

    @property
    def key_names(self):
        return [c.name for c in (self.pk, self.sk) if c]

    @property
    def is_joined(self):
        """Do its key columns tell just how the keys are stored?"""
        kinds = [c.kind for c in (self.pk, self.sk) if c]
        return not any(
            kind.pgtype == "double precision"
            or dict(kind.options).get("format") == "iso8601"
            or isinstance(kind, TextForm)
            for kind in kinds
        )

    def add(self, row):
        """Statements to come may ask for it."""
        self.rows.append(row)
        for column, value in zip(self.columns, row, strict=True):
            if value is not None:
                self.pools[column.name].append(value)

    def zoned(self, row):
        """Its values as input text that no setting of the session reads otherwise."""
        return [self._zoned(c, v) for c, v in zip(self.columns, row, strict=True)]

    def literals(self, row):
        """The row's values as SQL."""
        return [
            Const(self._zoned(c, v), c.kind.pgtype).literal()
            for c, v in zip(self.columns, row, strict=True)
        ]


@dataclasses.dataclass
class Statement:
    kind: str  # "insert", "query", "copy", "put", "key", "refused", "parts"
    query: Query | None = None
    rows: list | None = None
    suffix: str = ""
    settings: list = dataclasses.field(default_factory=list)
    generic: bool = False


class Writer(QueryMaker):
    """Statements with conditions of QueryMaker."""

    def new_value(self, column):
        rng = self.rng
        while True:
            value = rng.choice(column.few) if column.few else column.kind.random(rng, False, 100)
            if is_storable(column.kind, value) and self.table.holds(value):
                return value

    def new_row(self):
        table, rng = self.table, self.rng
        while True:
            row = [
                None if rng.random() < 0.15 else self.new_value(c) if c in table.others else None
                for c in table.columns
            ]
            for key in (table.pk, table.sk):
                if key:
                    row[table.columns.index(key)] = table._key(key, 200)
            if self.chance(0.5) and table.rows:
                # In a partition that is there, maybe of a key that is.
                other = rng.choice(table.rows)
                keys = [table.pk] if table.sk and self.chance(0.7) else [table.pk, table.sk]
                for key in filter(None, keys):
                    row[table.columns.index(key)] = other[table.columns.index(key)]
            for i, column in enumerate(table.columns):
                if isinstance(column.kind, Overflow) and row[i] is None:
                    row[i] = "{}"
            if all(
                is_storable(c.kind, v) and table.holds(v)
                for c, v in zip(table.columns, row, strict=True)
            ):
                return row

    def new_rows(self, most=30):
        rows = [self.new_row() for _ in range(self.rng.choice([1, 1, 2, 5, most]))]
        if self.chance(0.1):
            rows.append(list(self.rng.choice(rows)))
        return rows

    def expression(self, column):
        """What a column is set to; never what could not be stored."""
        name, kind, roll = f"t.{column.name}", column.kind, self.rng.random()
        twins = [c for c in self.table.others if c.kind is kind and c is not column and not c.few]
        if isinstance(kind, Overflow):
            value = self.const(Const(self.new_value(column), "jsonb"))
            member = self.const(Const(self.rng.choice(kind.MEMBERS), "text"))
            return self.rng.choice([value, f"{name} || {value}", f"{name} - {member}", name])
        if roll < 0.15:
            return self.rng.choice(["NULL", "DEFAULT"])
        if roll < 0.25 and twins and not column.few:
            return f"t.{twins[0].name}"
        if roll < 0.35 and not column.few:
            if isinstance(kind, Text) and not isinstance(kind, ShortText):
                return f"left({name} || 'x', 50)"
            if kind.pgtype in ("integer", "bigint", "smallint") and not isinstance(kind, Positive):
                return f"{name} / 2"
            if kind.pgtype == "boolean":
                return f"NOT {name}"
            if isinstance(kind, Document):
                # JSON's null reads as NULL.
                return f"NULLIF({name} -> 0, 'null')"
            if isinstance(kind, Number) and kind.column_type is None:
                return f"-{name}"
        if roll < 0.4 and not column.few:
            return f"CASE WHEN {self.leaf(column)} THEN {name} END"
        return self.const(Const(self.table._zoned(column, self.new_value(column)), kind.pgtype))

    def returning(self):
        if self.chance(0.6):
            return ""
        return " RETURNING " + ", ".join(f"t.{c.name}" for c in self.table.columns)

    def where(self):
        conjuncts = self.conjuncts()
        if self.table.is_joined and self.chance(0.1):
            other = self.rng.choice(self.table.columns)
            conjuncts.append(
                f"t.pk IN (SELECT s.pk FROM @T@ s WHERE s.{other.name} IS NOT NULL)"
            )
        return conjuncts or [self.leaf(self.table.pk)]

    def _query(self, sql, conjuncts):
        query = Query(sql, conjuncts, self.constants)
        query.may_fail = self.may_fail
        return query

    def update(self):
        columns = self.rng.sample(self.table.others, min(len(self.table.others), self.rng.choice([1, 1, 2, 3])))
        sets = [f"{c.name} = {self.expression(c)}" for c in columns]
        if self.chance(0.05):
            sets.append("pk = t.pk")
        source, conjuncts = "", self.where()
        if self.table.is_joined and self.chance(0.2):
            source = " FROM @L@ l"
            conjuncts.append("t.pk = l.lk")
        sql = f"UPDATE @T@ t SET {', '.join(sets)}{source} WHERE @W@{self.returning()}"
        return Statement("query", self._query(sql, conjuncts))

    def delete(self):
        source, conjuncts = "", self.where()
        if self.table.is_joined and self.chance(0.2):
            source = " USING @L@ l"
            conjuncts.append("t.pk = l.lk")
        if self.chance(0.9):
            # Not all at once.
            conjuncts.append(self.leaf(self.rng.choice(self.table.columns)))
        return Statement(
            "query", self._query(f"DELETE FROM @T@ t{source} WHERE @W@{self.returning()}", conjuncts)
        )

    def insert(self):
        suffix = " ON CONFLICT DO NOTHING" if self.chance(0.5) else ""
        return Statement("insert", rows=self.new_rows(), suffix=suffix + self.returning())

    def insert_from_itself(self):
        pk = self.table.pk
        if not isinstance(pk.kind, Text):
            return self.insert()
        chosen = ["'k' || md5(t.pk)" if c is pk else f"t.{c.name}" for c in self.table.columns]
        suffix = self.returning().replace("t.", "")
        sql = f"INSERT INTO @T@ SELECT {', '.join(chosen)} FROM @T@ t WHERE @W@ ON CONFLICT DO NOTHING{suffix}"
        return Statement("query", self._query(sql, self.where()))

    def copy(self):
        return Statement("copy", rows=self.new_rows(80))

    def put(self):
        return Statement("put", rows=self.new_rows(60))

    def change_key(self):
        key = self.rng.choice([c for c in (self.table.pk, self.table.sk) if c])
        value = self.const(Const(self.table._zoned(key, self.table._key(key, 100)), key.kind.pgtype))
        sql = f"UPDATE @T@ t SET {key.name} = {value} WHERE {key.name} <> {value} AND @W@"
        return Statement("key", self._query(sql, self.where()))

    # ---- statements of several parts ----

    def part(self, where, alias="t"):
        """A part that writes, and what it is."""
        roll = self.rng.random()
        columns = ", ".join(f"{alias}.{c.name}" for c in self.table.columns)
        if roll < 0.45:
            column = self.rng.choice(self.table.others)
            sets = f"{column.name} = {self.expression(column)}"
            return "update", f"UPDATE @T@ t SET {sets} WHERE {where} RETURNING {columns}"
        if roll < 0.8 or not isinstance(self.table.pk.kind, Text):
            return "delete", f"DELETE FROM @T@ t WHERE {where} RETURNING {columns}"
        chosen = [
            "'k' || md5(t.pk)" if c is self.table.pk else f"t.{c.name}" for c in self.table.columns
        ]
        return "insert", (
            f"INSERT INTO @T@ AS n SELECT {', '.join(chosen)} FROM @T@ t WHERE {where}"
            f" ON CONFLICT DO NOTHING RETURNING {columns.replace('t.', 'n.')}"
        )

    def readings(self):
        """What the main query may read of the table that part w writes."""
        on = " AND ".join(f"t.{k} = w.{k}" for k in self.table.key_names)
        sk = self.table.key_names[-1]
        return [
            "SELECT count(*), (SELECT count(*) FROM w) FROM @T@ t WHERE @W@",
            "SELECT (SELECT count(*) FROM w), t.* FROM @T@ t WHERE @W@",
            f"SELECT w.*, t.* FROM w JOIN @T@ t ON {on} WHERE @W@",
            f"SELECT w.*, t.* FROM w LEFT JOIN @T@ t ON {on} AND @W@",
            "SELECT t.*, (SELECT count(*) FROM w WHERE w.pk = t.pk) FROM @T@ t WHERE @W@",
            f"SELECT w.*, EXISTS (SELECT FROM @T@ t WHERE {on} AND @W@) FROM w",
            f"SELECT t.* FROM @T@ t WHERE t.{sk} IN (SELECT w.{sk} FROM w) AND @W@",
            f"SELECT t.* FROM @T@ t WHERE NOT EXISTS (SELECT FROM w WHERE {on}) AND @W@",
            f"SELECT l.lk, t.* FROM @L@ l, @T@ t WHERE t.pk = l.lk AND @W@",
            f"SELECT w.pk, s.* FROM w, LATERAL (SELECT t.* FROM @T@ t WHERE {on} AND @W@ LIMIT 1) s",
        ]

    def parts(self):
        conjuncts = self.where()
        where = " AND ".join(self.where())
        word, part = self.part(where)
        roll = self.rng.random()
        with_w = f"WITH w AS ({part}) "
        if roll < 0.65:
            sql = with_w + self.rng.choice(self.readings())
        elif roll < 0.75:
            columns = ", ".join(f"t.{c.name}" for c in self.table.columns)
            within = f"{columns}, (SELECT count(*) FROM @T@ s WHERE s.pk = t.pk)"
            column = self.rng.choice(self.table.others)
            sets = f"{column.name} = {self.expression(column)}"
            sql = f"UPDATE @T@ t SET {sets} WHERE @W@ RETURNING {within}"
        elif roll < 0.85 and word == "delete":
            column = self.rng.choice(self.table.others)
            value = self.const(
                Const(self.table._zoned(column, self.new_value(column)), column.kind.pgtype)
            )
            chosen = [value if c is column else f"w.{c.name}" for c in self.table.columns]
            sql = f"{with_w}INSERT INTO @T@ SELECT {', '.join(chosen)} FROM w RETURNING *"
            conjuncts = []
        else:
            # Of other rows: which part changes a row that both find is nobody's to say.
            _, main = self.part(f"({where}) IS NOT TRUE AND @W@")
            sql = with_w + main
        return Statement("parts", self._query(sql, conjuncts))

    # ---- statements that are refused ----

    def system_column(self):
        column = self.rng.choice(["ctid", "ctid", "xmin", "cmax"])
        where = " AND ".join(self.where())
        one = f"SELECT s.{column} FROM @T@ s LIMIT 1"
        sql = self.rng.choice(
            [
                f"SELECT t.{column} FROM @T@ t WHERE @W@",
                f"SELECT count(*) FROM @T@ t WHERE t.{column} IS NOT NULL AND @W@",
                f"DELETE FROM @T@ t WHERE t.{column} IN ({one}) AND @W@",
                f"DELETE FROM @T@ t WHERE t.{column} = ANY (ARRAY({one})) AND @W@",
                f"UPDATE @T@ t SET pk = t.pk WHERE t.{column} = ({one}) AND @W@",
                f"DELETE FROM @T@ t WHERE @W@ RETURNING t.{column}",
                f"UPDATE @T@ t SET pk = t.pk WHERE @W@ RETURNING t.pk, t.{column}",
                f"WITH w AS (DELETE FROM @T@ t WHERE @W@ RETURNING t.{column} AS c) SELECT c FROM w",
                f"SELECT FROM @T@ s JOIN @T@ t ON s.{column} = t.{column} WHERE @W@",
            ]
        )
        return Statement("refused", self._query(sql, [*self.where(), where]))

    def make(self):
        makers = [self.insert] * 5 + [self.update] * 7 + [self.delete] * 3
        makers += [self.insert_from_itself, self.copy, self.put, self.put, self.change_key]
        if is_on("parts") and self.table.is_joined:
            makers += [self.parts] * 5
        if is_on("system columns"):
            makers.append(self.system_column)
        statement = self.rng.choice(makers)()
        statement.generic = statement.query is not None and self.chance(0.3)
        if self.chance(0.1):
            statement.settings.append("SET LOCAL ddb_fdw.pushdown = off")
        for setting in ("hashjoin", "mergejoin", "nestloop"):
            if self.chance(0.15):
                statement.settings.append(f"SET LOCAL enable_{setting} = off")
        return statement
