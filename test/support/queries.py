# SPDX-License-Identifier: PostgreSQL
"""Random queries over a random table of support.generator.

    query = make_query(table, n)    # the n-th of that table; source: support.shrinking
    query.literal("t", "lookup")    # its SQL; .prepared() with parameters
"""

import random
import re
from decimal import Decimal

from .contest import KIND
from .generator import COLLATIONS, TEXTS, Array, Boolean, Const, Date, Document, Number, Time, quote
from .join_queries import JoinQueries
from .query import Query
from .widened import is_on


def make_query(table, n, source=random.Random):
    return QueryMaker(table, source(f"query {table.seed} {table.number} {n}")).make()


class QueryMaker(JoinQueries):
    def __init__(self, table, rng):
        self.table, self.rng = table, rng
        self.constants = []
        self.may_fail = False
        # Often a query that one of the indexes serves, alone …
        self.focus = rng.choice(table.indexes) if table.indexes and rng.random() < 0.75 else None
        alone = self.focus and rng.random() < 0.6
        # … or in two steps: its key is bound, and it lacks columns.
        held = table.held_by(self.focus) if self.focus else table.columns
        self.partial = not alone and len(held) < len(table.columns)
        self.columns_in_play = held if alone else table.columns

    # -- parts

    def const(self, const):
        if self.table.charset and const.text is not None:
            const.text = self.table.charset.kept(const.text)
        self.constants.append(const)
        return f"\x01{len(self.constants) - 1}\x01"

    def value(self, column):
        pool = self.table.pools[column.name]
        return self.const(column.kind.constant(self.rng, pool))

    def number(self, *choices, pgtype="bigint"):
        return self.const(Const(self.rng.choice(choices), pgtype))

    def chance(self, probability):
        return self.rng.random() < probability

    def exact(self, column, value):
        """A value as it is stored."""
        kind = column.kind
        if value is not None and kind.pgtype == "timestamptz":
            value += "+00"
        bare = self.chance(0.5) and not isinstance(kind, Number)
        return self.const(Const(value, kind.pgtype, bare))

    def known(self, column, row=None):
        """A value that occurs, of a certain row if it has one."""
        value = row[self.table.columns.index(column)] if row else None
        if value is None and self.table.pools[column.name]:
            value = self.rng.choice(self.table.pools[column.name])
        if value is None or self.chance(0.05):
            return self.value(column)
        return self.exact(column, value)

    def some_key(self):
        """(partition, sort) columns of the table or of an index; a row."""
        keys = self.table.keys()
        key = keys[0] if self.chance(0.5) else self.rng.choice(keys)
        if self.focus and (self.partial or self.chance(0.8)):
            key = self.focus[1:3]
        return key[0], key[1], self.rng.choice(self.table.rows) if self.table.rows else None

    def element(self, column):
        """One of an array, which has the column's type."""
        kind, pool = column.kind, self.table.pools[column.name]
        const = kind.constant(self.rng, pool)
        if isinstance(kind, Number) and const.text is not None:
            while (
                not Decimal(const.text).is_finite()
                or not kind.fits(const.text)
                or len(const.text) > 40
                or (kind.pgtype == "real" and abs(Decimal(const.text).adjusted()) > 30)
                or (kind.limit and "." in const.text)
            ):
                const.text = kind.random(self.rng, False, 30)
        return const.text

    def array(self, column):
        """An array constant: any length, duplicates, NULLs, or NULL itself."""
        length = self.rng.choice([0, 1, 1, 2, 3, 5, 8, 20])
        if self.chance(0.06):
            length = self.rng.choice([98, 99, 100, 101, 199, 305, 420])
        if self.chance(0.02):
            return self.const(Const(None, f"{column.kind.pgtype}[]"))
        few = [self.element(column) for _ in range(min(length, self.rng.choice([2, 30, 500])))]
        values = [self.rng.choice(few) for _ in range(length)]
        if values and self.chance(0.15):
            values[self.rng.randrange(len(values))] = None
        spelled = (
            "NULL" if v is None else '"' + re.sub(r'(["\\\\])', r"\\\1", v) + '"' for v in values
        )
        text = "{" + ",".join(spelled) + "}"
        return self.const(Const(text, f"{column.kind.pgtype}[]"))

    def equal_key(self):
        """Values for all that a Query needs, perhaps more."""
        partition, sort, row = self.some_key()
        conditions = []
        for column in partition:
            name = f"t.{column.name}"
            mark = self.known(column, row)
            conditions.append(self.rng.choice([f"{name} = {mark}", f"{mark} = {name}"]))
        for column in sort:
            if self.partial and self.chance(0.4):
                conditions.append(f"t.{column.name} IS NOT NULL")
            elif self.partial or self.chance(0.5):
                conditions.append(self.key_range(column, row))
        return conditions

    def many_keys(self):
        """Several partitions, by a list."""
        partition, sort, row = self.some_key()
        conditions = [self.members(column, row) for column in partition]
        for column in sort:
            if self.partial or self.chance(0.7):
                make = self.members if self.chance(0.4) else self.key_range
                conditions.append(make(column, row))
        return conditions

    def members(self, column, row):
        """IN a list with duplicates, or = ANY of an array."""
        if self.chance(0.25):
            return f"t.{column.name} = ANY ({self.array(column)})"
        values = [self.known(column, row)]
        for _ in range(self.rng.choice([1, 1, 2, 3, 5, 9])):
            again = self.rng.choice(values) if self.chance(0.3) else self.known(column)
            values.append(again)
        return f"t.{column.name} IN ({', '.join(values)})"

    def key_range(self, column, row):
        name = f"t.{column.name}"
        marks = [self.known(column, row), self.known(column), self.known(column)]
        form = self.rng.randrange(6)
        if form < 2:
            return f"{name} {self.rng.choice(['=', '<', '<=', '>', '>='])} {marks[0]}"
        if form == 2:
            return f"{name} BETWEEN {marks[1]} AND {marks[2]}"
        if form == 3 and column.kind.is_text:
            return f"{name} {self.rng.choice(['LIKE', 'LIKE', '^@'])} {self.pattern(column)}"
        low, high = self.rng.choice([">", ">="]), self.rng.choice(["<", "<="])
        return f"({name} {low} {marks[1]} AND {name} {high} {marks[2]})"

    def key_or(self):
        """OR of key ranges that overlap, touch, contain each other."""
        partition, sort, row = self.some_key()
        few = {c.name: [self.known(c, row)] for c in (*partition, *sort)}
        for column in (*partition, *sort):
            few[column.name] += [self.known(column) for _ in range(2)]
        arms = []
        for _ in range(self.rng.choice([2, 2, 3, 4, 7])):
            arm = []
            for c in partition:
                if self.chance(0.15):
                    arm.append(f"t.{c.name} IN ({', '.join(self.rng.choices(few[c.name], k=2))})")
                else:
                    arm.append(f"t.{c.name} = {self.rng.choice(few[c.name])}")
            for c in sort:
                arm += self.range_of(c, few[c.name])
            if self.chance(0.1):
                arm.append(self.condition(1))
            self.rng.shuffle(arm)
            arms.append("(" + " AND ".join(arm) + ")")
        return "(" + " OR ".join(arms) + ")"

    def range_of(self, column, marks):
        name = f"t.{column.name}"
        one, other = self.rng.choices(marks, k=2)
        low, high = self.rng.choice([">", ">="]), self.rng.choice(["<", "<="])
        return self.rng.choice(
            [
                [],
                [f"{name} = {one}"],
                [f"{name} {low} {one}"],
                [f"{name} {high} {one}"],
                [f"{name} {low} {one}", f"{name} {high} {other}"],
                [f"{name} BETWEEN {one} AND {other}"],
                [f"{name} IN ({one}, {other}, {one})"],
            ]
        )

    def row_list(self):
        """(pk, sk) IN (...), duplicates and all."""
        partition, sort, row = self.some_key()
        columns = [*partition, *sort]
        if len(columns) == 1:
            return self.members(columns[0], row)
        rows = [[self.known(c, row) for c in columns]]
        for _ in range(self.rng.choice([1, 2, 3, 8])):
            one = self.rng.choice(self.table.rows)
            rows.append([self.known(c, one) for c in columns])
        rows += self.rng.choices(rows, k=self.rng.randrange(3))
        names = ", ".join(f"t.{c.name}" for c in columns)
        return f"({names}) IN ({', '.join('(' + ', '.join(r) + ')' for r in rows)})"

    def long_condition(self):
        """More than one expression holds."""
        word = self.rng.choice([" AND ", " OR "])
        columns = self.rng.sample(self.columns_in_play, min(2, len(self.columns_in_play)))
        operators = ["<>", "IS DISTINCT FROM"] if word == " AND " else ["=", "=", "<"]
        if self.chance(0.3):
            operators.append("IS NOT DISTINCT FROM" if word == " OR " else ">=")
        leaves = []
        for _ in range(self.rng.choice([40, 90, 160, 310])):
            column = self.rng.choice(columns)
            operator = self.rng.choice(operators)
            if isinstance(column.kind, Boolean) and operator in ("<", ">="):
                operator = "="
            leaves.append(f"t.{column.name} {operator} {self.value(column)}")
        return "(" + word.join(leaves) + ")"

    def column_pair(self, column):
        """Compares two columns, where SQL has an operator."""
        kind = column.kind
        others = [
            c
            for c in self.columns_in_play
            if c is not column
            and (
                c.kind.pgtype == kind.pgtype
                or (c.kind.is_text and kind.is_text)
                or (isinstance(c.kind, Number) and isinstance(kind, Number))
                or (isinstance(c.kind, Time | Date) and isinstance(kind, Time | Date))
            )
        ]
        if not others:
            return None
        other = self.rng.choice(others)
        operators = ["=", "=", "<>", "<", "<=", ">", ">=", "IS DISTINCT FROM"]
        operator = self.rng.choice(operators + ["IS NOT DISTINCT FROM"])
        collate = ' COLLATE "C"' if kind.is_text else ""
        return f"t.{column.name} {operator} t.{other.name}{collate}"

    def pattern(self, column):
        pool = [v for v in self.table.pools[column.name] if len(v) < 50] or TEXTS
        text = self.rng.choice(pool if self.chance(0.6) else TEXTS)
        text = text[: self.rng.randrange(len(text) + 1)] if self.chance(0.6) else text
        if self.chance(0.7):
            text = re.sub(r"([\\%_])", r"\\\1", text)
        elif text.endswith("\\"):
            self.may_fail = True
        for _ in range(self.rng.choice([0, 1, 1, 1, 2])):
            position = len(text) if self.chance(0.6) else self.rng.randrange(len(text) + 1)
            text = (
                text[:position]
                + self.rng.choice(["%", "%", "%%", "_", "\\%", "%_"])
                + text[position:]
            )
        if re.sub(r"\\.", "", text, flags=re.S).endswith("\\"):
            self.may_fail = True
        return self.const(Const(text, "text", bare=self.chance(0.3)))

    def text_leaf(self, column):
        name = f"t.{column.name}"
        form = self.rng.randrange(12)
        if form >= 10:
            needle = self.prefix(column)
            side = self.rng.choice([f"strpos({name}, {needle})", f"position({needle} IN {name})"])
            return f"{side} {self.rng.choice(['> 0', '= 0', '>= 1', '<> 0', '< 1', '> 1', '<= 0'])}"
        if form < 4:
            word = self.rng.choice(["LIKE", "LIKE", "LIKE", "NOT LIKE", "NOT LIKE", "ILIKE"])
            return f"{name} {word} {self.pattern(column)}"
        if form == 4:
            return f"starts_with({name}, {self.prefix(column)})"
        if form == 5:
            return f"{name} ^@ {self.prefix(column)}"
        if form == 6:
            return f"{name} {self.rng.choice(['~<~', '~<=~', '~>=~', '~>~'])} {self.value(column)}"
        if form == 7:
            collation = self.rng.choice(['"C"', '"und-x-icu"', '"POSIX"'])
            operator = self.rng.choice(["<", "<=", ">", ">=", "="])
            return f"{name} COLLATE {collation} {operator} {self.value(column)}"
        if form == 8:
            return (
                f"length({name}) {self.rng.choice(['<', '>=', '='])} {self.number('1', '2', '3')}"
            )
        return f"{name} || 'x' > {self.value(column)}"

    def prefix(self, column):
        pool = self.table.pools[column.name] or TEXTS
        text = self.rng.choice(pool if self.chance(0.7) else [*TEXTS, ""])
        start = self.rng.randrange(len(text) + 1) if self.chance(0.3) else 0
        text = text[start:]
        return self.const(Const(text[: self.rng.randrange(min(len(text), 20) + 1)], "text"))

    def document_leaf(self, column):
        """What documents hold; now and then of the document itself."""
        kind, rng = column.kind, self.rng
        names = [rng.choice(kind.NAMES) for _ in range(rng.choice([0, 1, 1, 1, 2]))]
        if rng.random() < 0.3 and names and not any(n[0].isdigit() for n in names):
            path = self.const(Const("{" + ",".join(f'"{n}"' for n in names) + "}", "text[]"))
            inside, text = f"(t.{column.name} #> {path})", f"(t.{column.name} #>> {path})"
        else:
            steps = [f"-> {quote(name)}" for name in names]
            inside = "(" + " ".join([f"t.{column.name}", *steps]) + ")"
            text = inside.replace("-> ", "->> ") if len(names) == 1 else f"({inside} ->> 'a')"
        form = rng.randrange(12)
        if form < 4:
            value = self.const(Const(rng.choice(kind.TEXTS), "text"))
            operator = rng.choice(["=", "=", "=", "<>", ">"])
            return f"{text} {operator} {value}"
        if form == 4:
            values = "{" + ",".join(f'"{v}"' for v in rng.sample(["x", "5", "true", "AP8="], 2)) + "}"
            word = rng.choice(["= ANY", "<> ALL"])
            return f"{text} {word} ({self.const(Const(values, 'text[]'))})"
        if form == 5:
            return f"{rng.choice([text, inside])} {rng.choice(['IS NULL', 'IS NOT NULL'])}"
        if form == 6:
            return f"{inside} = {self.const(Const(kind.scalar(rng), 'jsonb'))}"
        if form < 10:
            value = self.const(Const(kind.random(rng, False, 30, rng.choice([1, 2, 2])), "jsonb"))
            return rng.choice([f"{inside} @> {value}", f"{value} <@ {inside}"])
        if form == 10:
            return f"{inside} ? {self.const(Const(rng.choice(kind.NAMES + kind.TEXTS), 'text'))}"
        names = "{" + ",".join(f'"{n}"' for n in rng.sample(kind.NAMES, 2)) + "}"
        return f"{inside} {rng.choice(['?|', '?&'])} {self.const(Const(names, 'text[]'))}"

    def array_leaf(self, column):
        kind, rng, name = column.kind, self.rng, f"t.{column.name}"
        form = rng.randrange(10)
        value = self.const(Const(kind.spell(kind.elements(rng)), kind.pgtype))
        if form < 4:
            operator = rng.choice(["@>", "@>", "<@", "&&"])
            return rng.choice([f"{name} {operator} {value}", f"{value} {operator} {name}"])
        if form < 7:
            element = rng.choice([None, *[e for e in kind.elements(rng) if e is not None] * 3])
            element = self.const(Const(element, kind.pgtype.removesuffix("[]")))
            return f"{element} {rng.choice(['= ANY', '= ANY', '<> ALL'])} ({name})"
        if form == 7:
            operator = rng.choice(["=", "<>", ">", "<="])
            return f"cardinality({name}) {operator} {self.number('0', '1', '2', pgtype='integer')}"
        if form == 8:
            return f"{name} {rng.choice(['IS NULL', 'IS NOT NULL'])}"
        operator = rng.choice(["=", "<", ">=", "<>", "IS DISTINCT FROM", "IS NOT DISTINCT FROM"])
        return f"{name} {operator} {value}"

    def neighbour(self, column):
        """Compares with a value of another type, or what is made of the column."""
        kind, name = column.kind, f"t.{column.name}"
        operator = self.rng.choice(["=", "=", "<", "<=", ">", ">=", "<>"])
        if kind.is_text:
            return self.beginning(column)
        if isinstance(kind, Number):
            other = self.rng.choice(["numeric", "numeric", "float8"])
            subject = self.rng.choice([name, name, f"{name}::{other}"])
            sides = [subject, f"({self.value(column)})::{other}"]
        elif isinstance(kind, Date):
            self.may_fail = True
            subject = self.rng.choice([name, name, f"{name}::timestamp", f"extract(year from {name})"])
            hours = self.rng.choice([0, 0, 1, 25])
            other = self.rng.choice(["timestamp", "timestamptz"])
            value = f"({self.value(column)}::date::{other} + interval '{hours} hours')"
            sides = [subject, f"extract(year from {value})" if "extract" in subject else value]
        elif isinstance(kind, Time):
            self.may_fail = True
            sides = [part.format(name) for part in self.time_view(kind)]
            sides[1] = sides[1].replace("\x02", f"({self.value(column)})::{kind.pgtype}")
        else:
            return None
        if self.chance(0.25):
            sides.reverse()
        return f"{sides[0]} {operator} {sides[1]}"

    def time_view(self, kind):
        """What is made of a time ({{}}), and what it is compared with, \x02 the value."""
        other = {"timestamp": "timestamptz", "timestamptz": "timestamp"}[kind.pgtype]
        zone = self.rng.choice(["UTC", "Asia/Seoul", "America/New_York"])
        unit = self.rng.choice(["second", "hour", "day", "week", "month", "year"])
        return self.rng.choice(
            [
                ("{}", "\x02::date"),
                ("{}", f"\x02::{other}"),
                ("{}::date", "\x02::date"),
                ("{}::date", "\x02"),
                (f"{{}}::{other}", f"\x02::{other}"),
                (f"{{}} AT TIME ZONE '{zone}'", f"(\x02 AT TIME ZONE '{zone}')"),
                (f"({{}} AT TIME ZONE '{zone}')::date", "\x02::date"),
                (f"date_trunc('{unit}', {{}})", f"date_trunc('{unit}', \x02)"),
                ("extract(year from {})", "extract(year from \x02)"),
                ("date_part('epoch', {})", "date_part('epoch', \x02)"),
            ]
        )

    def beginning(self, column):
        """How a text begins, in other words than LIKE."""
        name = f"t.{column.name}"
        text = self.rng.choice(self.table.pools[column.name] or TEXTS)
        text = text[: self.rng.randrange(min(len(text), 12) + 1)]
        length = max(len(text) + self.rng.choice([0, 0, 0, 1, -1]), 0)
        form = self.rng.randrange(4)
        if form == 0:
            return f"left({name}, {length}) = {self.const(Const(text, 'text'))}"
        if form == 1:
            return f"substr({name}, 1, {length}) = {self.const(Const(text, 'text'))}"
        plain = re.sub(r"[^A-Za-z0-9#:/_ -]", ".", text)
        if form == 2:
            end = self.rng.choice(["", ".*", "$", "(a|b)"])
            return f"{name} ~ {self.const(Const(f'^{plain}{end}', 'text'))}"
        plain = re.sub(r"[^A-Za-z0-9#:/ -]", "_", text)
        return f"{name} SIMILAR TO {self.const(Const(plain + '%', 'text'))}"

    def leaf(self, column):
        name = f"t.{column.name}"
        kind = column.kind
        if isinstance(kind, Array):
            return self.array_leaf(column)
        if isinstance(kind, Document) and self.chance(0.7):
            return self.document_leaf(column)
        if is_on("neighbours") and self.chance(0.12):
            neighbour = self.neighbour(column)
            if neighbour:
                return neighbour
        if isinstance(kind, Boolean):
            forms = ["", "", " IS TRUE", " IS NOT TRUE", " IS FALSE", " IS UNKNOWN", " IS NULL"]
            forms += [" IS NOT FALSE", " IS NOT UNKNOWN", " IS NOT NULL"]
            if self.chance(0.6):
                return self.rng.choice(["", "NOT "]) + name + self.rng.choice(forms)
        if kind.is_text and self.chance(0.45):
            return self.text_leaf(column)
        if self.chance(0.08):
            pair = self.column_pair(column)
            if pair:
                return pair
        if self.chance(0.1):
            word = self.rng.choice(["= ANY", "= ANY", "<> ALL"])
            return f"{name} {word} ({self.array(column)})"
        form = self.rng.randrange(22)
        if form < 11:
            operator = self.rng.choice(["=", "<", "<=", ">", ">=", "<", ">", "<>"])
            sides = [name, self.value(column)]
            if self.chance(0.25):
                sides.reverse()
            return f"{sides[0]} {operator} {sides[1]}"
        if form < 14:
            word = self.rng.choice(["BETWEEN", "BETWEEN", "BETWEEN SYMMETRIC", "NOT BETWEEN"])
            return f"{name} {word} {self.value(column)} AND {self.value(column)}"
        if form < 16:
            values = [self.value(column) for _ in range(self.rng.randrange(1, 5))]
            return f"{name} {self.rng.choice(['IN', 'IN', 'NOT IN'])} ({', '.join(values)})"
        if form == 16:
            values = ", ".join(self.value(column) for _ in range(self.rng.randrange(1, 4)))
            cast = "" if isinstance(kind, Number) else f"::{kind.pgtype}[]"
            return f"{name} = ANY (ARRAY[{values}]{cast})"
        if form == 17:
            return f"{name} {self.rng.choice(['IS NULL', 'IS NOT NULL'])}"
        if form == 18:
            return f"{name} IS {self.rng.choice(['', 'NOT '])}DISTINCT FROM {self.value(column)}"
        if form == 19 and kind.ordered:
            function = self.rng.choice(["min", "max"])
            other = "lk" if column is self.table.pk else "ls" if column is self.table.sk else None
            if other:
                operator = self.rng.choice(["<=", ">=", "="])
                return f"{name} {operator} (SELECT {function}({other}) FROM @L@)"
        if form == 20:
            return f"{name} {self.rng.choice(['=', '<', '>='])} {name}"
        return f"{name} >= {self.value(column)}"

    def condition(self, depth=4):
        roll = self.rng.random()
        if depth == 0 or roll < 0.6:
            table = self.table
            column = self.rng.choice([table.sk or table.pk, *self.columns_in_play])
            return self.leaf(column)
        if roll < 0.7:
            return f"NOT ({self.condition(depth - 1)})"
        word = " AND " if roll < 0.86 else " OR "
        return "(" + word.join(self.condition(depth - 1) for _ in range(2)) + ")"

    def row_comparison(self):
        pk, sk = self.table.pk, self.table.sk
        if self.chance(0.5):
            operator = self.rng.choice(["<", "<=", ">", ">=", "="])
            return f"(t.pk, t.sk) {operator} ({self.value(pk)}, {self.value(sk)})"
        pairs = ", ".join(f"({self.value(pk)}, {self.value(sk)})" for _ in range(2))
        return f"(t.pk, t.sk) IN ({pairs})"

    def conjuncts(self, with_key=0.7):
        conditions = []
        if self.chance(0.95 if self.partial else with_key):
            roll = self.rng.random()
            if roll < 0.5:
                conditions += self.equal_key()
            elif roll < 0.7:
                conditions += self.many_keys()
            elif roll < 0.85:
                conditions.append(self.key_or())
            else:
                conditions.append(self.row_list())
        if self.chance(0.015):
            conditions.append(self.long_condition())
        if self.chance(0.02):
            conditions.append("t.tableoid <> 0")
        if self.table.sk:
            sort = self.rng.choice([0, 0, 0, 1, 1, 1, 2, 3])
            conditions += [self.leaf(self.table.sk) for _ in range(sort)]
            if self.chance(0.04):
                conditions.append(self.row_comparison())
        conditions += [self.condition() for _ in range(self.rng.choice([0, 0, 0, 1, 1, 2]))]
        if conditions and self.chance(0.05):
            conditions.append(self.rng.choice(conditions))
        self.rng.shuffle(conditions)
        return conditions

    def columns(self):
        chosen = self.rng.sample(
            self.columns_in_play, self.rng.randrange(0, len(self.columns_in_play) + 1)
        )
        return [f"t.{c.name}" for c in chosen] or ["1"]

    def sort_item(self, expression):
        direction = self.rng.choice(["", "", " ASC", " DESC", " DESC"])
        return expression + direction + self.rng.choice(["", "", " NULLS FIRST", " NULLS LAST"])

    def sort_expressions(self):
        table = self.table
        key = table.sk or table.pk
        sorts = [c for _, sort in table.keys() for c in sort]
        sorts = self.focus[2] if self.focus else sorts
        if sorts and self.chance(0.4):
            key = self.rng.choice(sorts)
        roll = self.rng.random()
        if roll < 0.55:
            return [f"t.{key.name}"]
        if roll < 0.7:
            return ["t.pk", f"t.{key.name}"]
        if roll < 0.8:
            return [f"t.{key.name}", f"t.{self.rng.choice(self.columns_in_play).name}"]
        if roll < 0.85 and key.kind.is_text:
            return [f"t.{key.name} COLLATE {self.rng.choice(COLLATIONS[:1] + COLLATIONS[3:])}"]
        count = min(self.rng.randrange(1, 3), len(self.columns_in_play))
        return [f"t.{c.name}" for c in self.rng.sample(self.columns_in_play, count)]

    def total_order(self, descending=None):
        """ORDER BY that leaves nothing open."""
        key = self.table.sk or self.table.pk
        if descending is None:
            descending = self.chance(0.5)
        items = [f"t.{key.name}" + (" DESC" if descending else "")]
        items += ["t.pk"] if self.table.sk else []
        items += ["t.id"] if self.table.id else []
        return ", ".join(items)

    def limit(self, ordered):
        """(clause, does it leave no choice among ties)"""
        roll = self.rng.random()
        offset = ""
        if self.chance(0.3):
            offset = f" OFFSET {self.number('0', '1', '2', '5', '40', None)}"
        if roll < 0.45:
            return "", False
        if roll < 0.55:
            return f"{offset} FETCH FIRST {self.rng.randrange(1, 9)} ROWS ONLY", False
        if roll < 0.65 and ordered:
            return f"{offset} FETCH FIRST {self.rng.randrange(1, 6)} ROWS WITH TIES", not offset
        if roll < 0.7:
            return f" LIMIT (SELECT {self.rng.randrange(5)}){offset}", False
        count = self.number(
            "0", "1", "1", "2", "3", "5", "10", "50", "1000", None, "9223372036854775807"
        )
        return f" LIMIT {count}{offset}", False

    # -- whole queries

    def simple(self):
        columns = self.columns()
        if self.chance(0.1):
            columns = ["t.*"]
        sort = self.sort_expressions() if self.chance(0.65) else []
        select = ", ".join([*columns, *sort])
        conjuncts = self.conjuncts()
        base = f"SELECT {select} FROM @T@ t WHERE @W@"
        if sort:
            base += " ORDER BY " + ", ".join(map(self.sort_item, sort))
        limit, ties = self.limit(bool(sort))
        return Query(base + limit, conjuncts, [], len(sort), base if limit and not ties else None)

    def counts(self):
        """count() of things, all under the same FILTER or none."""
        table = self.table
        keys = [f"t.{c.name}" for c in (table.pk, table.sk) if c]
        column = f"t.{self.rng.choice(self.columns_in_play).name}"
        choices = [["count(*)"], [f"count({keys[0]})", "count(*)"], [f"count({keys[-1]})"]]
        choices += [[f"count({column})"], [f"count({column})", f"count({column})"], ["count(*)"]]
        functions = self.rng.choice(choices)
        if self.chance(0.2):
            condition = self.condition(1)
            functions = [f"{function} FILTER (WHERE {condition})" for function in functions]
        if self.chance(0.2):
            functions.append(f"{functions[0]} * 2 + 1")
        return functions

    def some_counts(self):
        functions = self.counts()
        having = self.rng.choice(["", "", f" HAVING count(*) > {self.number('0', '1', '3')}"])
        if self.chance(0.5):
            return Query(
                f"SELECT {', '.join(functions)} FROM @T@ t WHERE @W@{having}", self.conjuncts(), []
            )
        partition = self.table.keys()[0][0]
        if self.focus and self.chance(0.5):
            partition = self.focus[1]
        columns = [f"t.{column.name}" for column in partition]
        conjuncts = [self.members(column, None) for column in partition]
        conjuncts += self.conjuncts(0.1)
        if having and self.chance(0.5):
            having += f" AND {columns[0]} IS NOT NULL"
        return Query(
            f"SELECT {', '.join(columns + functions)} FROM @T@ t WHERE @W@"
            f" GROUP BY {', '.join(columns)}{having}",
            conjuncts, [],
        )  # fmt: skip

    def partitions(self):
        """Which partitions there are."""
        conjuncts = [self.leaf(self.table.pk) for _ in range(self.rng.choice([0, 0, 1, 2]))]
        if self.chance(0.15):
            conjuncts += self.conjuncts(0.1)
        forms = [
            "SELECT DISTINCT t.pk FROM @T@ t WHERE @W@",
            "SELECT t.pk FROM @T@ t WHERE @W@ GROUP BY t.pk",
            "SELECT t.pk, max(t.pk::text) FROM @T@ t WHERE @W@ GROUP BY t.pk",
            "SELECT count(DISTINCT t.pk) FROM @T@ t WHERE @W@",
            "SELECT DISTINCT t.pk, t.pk IS NULL FROM @T@ t WHERE @W@",
            "SELECT count(DISTINCT t.pk), count(*) FROM @T@ t WHERE @W@",
        ]
        return Query(self.rng.choice(forms), conjuncts, [])

    def first_of_each(self):
        """The first rows of each partition, where ties show nothing."""
        partition, sort, row = self.some_key()
        if not sort:
            return self.partitions()
        conjuncts = [self.members(column, row) for column in partition] + self.conjuncts(0.1)
        groups = ", ".join(f"t.{column.name}" for column in partition)
        key = f"t.{sort[0].name}"
        direction = self.rng.choice(["", " DESC"])
        roll = self.rng.random()
        if roll < 0.3:
            text = (
                f"SELECT DISTINCT ON ({groups}) {groups}, {key} FROM @T@ t WHERE @W@"
                f" ORDER BY {groups}, {key}{direction}"
            )
        elif roll < 0.6 and sort[0].kind.ordered:
            function = self.rng.choice(["min", "max"])
            having = self.rng.choice(["", f" HAVING {function}({key}) IS NOT NULL"])
            text = (
                f"SELECT {groups}, {function}({key}) FROM @T@ t WHERE @W@ GROUP BY {groups}{having}"
            )
        else:
            over = self.rng.choice(["", f"PARTITION BY {groups} "])
            bound = self.rng.choice(["< 3", "<= 2", "= 1", "<= 20", "<= 0", "= 2"])
            text = (
                f"SELECT * FROM (SELECT {key}, row_number() OVER ({over}ORDER BY {key}{direction})"
                f" AS n FROM @T@ t WHERE @W@) x WHERE n {bound}"
            )
        return Query(text, conjuncts, [])

    def aggregate(self):
        functions = ["count(*)"]
        for column in self.columns_in_play:
            if self.chance(0.4):
                functions.append(f"count(t.{column.name})")
            if column.kind.ordered and self.chance(0.5 if column is self.table.sk else 0.15):
                function = self.rng.choice(["min", "max"])
                functions.append(f"{function}(t.{column.name})")
        self.rng.shuffle(functions)
        functions = functions[: self.rng.randrange(1, 4)]
        if self.chance(0.3):
            return Query(
                f"SELECT t.pk, {', '.join(functions)} FROM @T@ t WHERE @W@ GROUP BY t.pk",
                self.conjuncts(0.3), [],
            )  # fmt: skip
        return Query(f"SELECT {', '.join(functions)} FROM @T@ t WHERE @W@", self.conjuncts(), [])

    def lateral(self):
        columns = ", ".join(self.columns())
        where = f"{self.joined()} AND @W@"
        if self.table.sk and self.chance(0.5):
            where += f" AND {self.sort_joined(['>=', '<', '>', '<=', '='])}"
        limit = self.rng.choice(
            ["", "LIMIT l.n", "LIMIT l.n OFFSET 1", "LIMIT 2 OFFSET l.n", "LIMIT"]
        )
        if limit == "LIMIT":
            limit += f" {self.number('1', '2', '3', None)}"
        inner = f"SELECT {columns} FROM @T@ t WHERE {where} ORDER BY {self.total_order()} {limit}"
        word = self.rng.choice(["CROSS JOIN LATERAL", "LEFT JOIN LATERAL"])
        on = " ON true" if word.startswith("LEFT") else ""
        return Query(f"SELECT l.n, x.* FROM @L@ l {word} ({inner}) x{on}", self.conjuncts(0.1), [])

    def lateral_inner(self, where, few=False):
        """What a subquery for each row may do besides a LIMIT; pk is one of its columns."""
        roll = self.rng.random()
        names = [c.name for c in self.table.columns if c.kind.ordered]
        if roll < 0.25 and self.table.pk.kind.ordered:
            column = self.rng.choice(names)
            return f"SELECT count(*), min(t.{column}), max(t.pk) AS pk FROM @T@ t WHERE {where}"
        if roll < 0.35 and not few:
            return f"SELECT t.pk, count(*) FROM @T@ t WHERE {where} GROUP BY t.pk"
        if roll < 0.45 and not few:
            return f"SELECT DISTINCT t.pk, t.pk IS NULL AS v FROM @T@ t WHERE {where}"
        if roll < 0.55 and not few:
            rank = f"row_number() OVER (ORDER BY {self.total_order()})"
            return f"SELECT t.pk, {rank} AS r FROM @T@ t WHERE {where}"
        limits = ["1", "2"] if few else ["1", "3", "l.n", f"{self.number('1', '2', None)} OFFSET 1"]
        limit = self.rng.choice(limits)
        inner = f"SELECT t.* FROM @T@ t WHERE {where} ORDER BY {self.total_order()} LIMIT {limit}"
        if roll < 0.7:
            return f"SELECT t.* FROM ({inner}) t WHERE {self.condition(1)}"
        return inner

    def concurrent_loop(self):
        """A subquery for each of many rows, that repeat or not."""
        where = "t.pk = l.lk"
        if self.chance(0.3):
            where = f"t.pk IN (l.lk, {self.known(self.table.pk)})"
        if self.table.sk and self.chance(0.3):
            where += f" AND t.sk {self.rng.choice(['>=', '<', '='])} l.ls"
        if self.chance(0.2):
            where += " AND l.n > 1"
        twice = self.chance(0.3)
        words = ["CROSS JOIN LATERAL", "LEFT JOIN LATERAL"]
        word = self.rng.choice(words)
        on = self.rng.choice([" ON true", " ON x.pk = l.lk", " ON l.n < 3"])
        joined = f"{word} ({self.lateral_inner(where + ' AND @W@', twice)}) x"
        joined += on if word == words[1] else ""
        columns, rows = "l.*, x.*", "@L@ l"
        if twice:
            other = self.rng.choice(["t.pk = x.pk", "t.pk = coalesce(x.pk, l.lk)"])
            word = self.rng.choice(words)
            joined += f" {word} ({self.lateral_inner(other, True)}) y"
            joined += " ON true" if word == words[1] else ""
            columns += ", y.*"
        elif self.chance(0.5):
            rows = f"(SELECT l.* FROM @L@ l, generate_series(1, {self.rng.choice([2, 3, 7])})) l"
        elif self.chance(0.3):
            return Query(
                f"SELECT m.n, (SELECT count(x.pk) FROM {rows} {joined} WHERE l.n <= m.n)"
                " FROM @L@ m", self.conjuncts(0.1), [],
            )  # fmt: skip
        return Query(f"SELECT {columns} FROM {rows} {joined}", self.conjuncts(0.1), [])

    def scalar(self):
        roll = self.rng.random()
        conjuncts = self.conjuncts(0.1)
        column = self.rng.choice(self.columns_in_play).name
        joined = self.joined()
        if roll < 0.5:
            inner = f"SELECT count(t.{column}) FROM @T@ t WHERE {joined} AND @W@"
        else:
            inner = (
                f"SELECT t.{column} FROM @T@ t WHERE {joined} AND @W@"
                f" ORDER BY {self.total_order()} LIMIT 1"
            )
        return Query(f"SELECT l.n, ({inner}) FROM @L@ l", conjuncts, [])

    def exists(self):
        conjuncts = self.conjuncts(0.2)
        word = self.rng.choice(["", "NOT "])
        if self.chance(0.3):
            return Query(
                f"SELECT * FROM @L@ l WHERE l.lk {word}IN (SELECT t.pk FROM @T@ t WHERE @W@)",
                conjuncts, [],
            )  # fmt: skip
        if self.chance(0.2):
            return Query(f"SELECT {word}EXISTS (SELECT 1 FROM @T@ t WHERE @W@)", conjuncts, [])
        more = ""
        if self.table.sk and self.chance(0.5):
            more = f" AND {self.sort_joined(['=', '>', '<='])}"
        return Query(
            f"SELECT * FROM @L@ l WHERE {word}EXISTS"
            f" (SELECT 1 FROM @T@ t WHERE {self.joined()}{more} AND @W@)",
            conjuncts, [],
        )  # fmt: skip

    def union(self):
        columns = ", ".join(f"t.{c.name}" for c in self.table.columns)
        other = " AND ".join(self.conjuncts(0.9)) or "true"
        word = self.rng.choice(["UNION ALL", "UNION ALL", "UNION", "INTERSECT", "EXCEPT"])
        branch = f"SELECT {columns} FROM @T@ t WHERE {other}"
        if self.chance(0.3):
            branch = f"({branch} ORDER BY {self.total_order()} LIMIT {self.number('1', '3')})"
        return Query(f"SELECT {columns} FROM @T@ t WHERE @W@ {word} {branch}", self.conjuncts(), [])

    def distinct(self):
        return Query(
            f"SELECT DISTINCT {', '.join(self.columns())} FROM @T@ t WHERE @W@",
            self.conjuncts(0.5),
            [],
        )

    def window(self):
        order = self.total_order()
        columns = ", ".join(self.columns())
        return Query(
            f"SELECT {columns}, row_number() OVER (ORDER BY {order}),"
            " count(*) OVER (PARTITION BY t.pk) FROM @T@ t WHERE @W@", self.conjuncts(), [],
        )  # fmt: skip

    def subquery(self):
        limit, _ = self.limit(False)
        inner = f"SELECT * FROM @T@ t WHERE @W@ ORDER BY {self.total_order()}{limit}"
        return Query(
            f"SELECT {', '.join(self.columns())} FROM ({inner}) t WHERE {self.condition(1)}",
            self.conjuncts(),
            [],
        )

    def cursor(self):
        scroll = self.rng.choice(["SCROLL", "NO SCROLL", ""])
        query = Query(
            f"DECLARE c {scroll} CURSOR FOR SELECT {', '.join(self.columns())} FROM @T@ t"
            f" WHERE @W@ ORDER BY {self.total_order()}", self.conjuncts(0.8), [],
        )  # fmt: skip
        moves = ["FETCH 1 FROM c", "FETCH 3 FROM c", "MOVE 2 FROM c", "FETCH 20 FROM c"]
        if scroll == "SCROLL":
            moves += ["FETCH BACKWARD 2 FROM c", "FETCH FIRST FROM c", "FETCH LAST FROM c"]
            moves += ["MOVE ABSOLUTE 2 FROM c", "FETCH PRIOR FROM c", "FETCH ABSOLUTE -1 FROM c"]
            moves += ["MOVE BACKWARD ALL FROM c", "FETCH 0 FROM c"]
        query.cursor = self.rng.choices(moves, k=self.rng.randrange(1, 7)) + ["FETCH ALL FROM c"]
        return query

    def make(self):
        makers = [self.simple] * 10 + [self.aggregate] * 3 + [self.lateral, self.cursor] * 2
        makers += [self.some_counts] * 3 + [self.partitions, self.first_of_each]
        makers += [self.join, self.join, self.scalar, self.exists, self.union, self.distinct]
        makers += [self.window, self.subquery, self.self_join, self.key_join, self.key_join]
        makers += [self.concurrent_loop] * 2 + [self.batch_join] * 3 + [self.rescans] * 2
        if KIND:
            makers = [getattr(self, KIND)]
        return self.settle(self.rng.choice(makers)())

    def settle(self, query):
        """With all that goes beside its text."""
        query.constants = self.constants
        query.may_fail = self.may_fail
        query.partial = self.partial
        if self.table.mismatch_null == "setting":
            query.settings.append("SET LOCAL ddb_fdw.on_type_mismatch = 'null'")
        for setting in ("hashjoin", "mergejoin", "material", "sort", "hashagg", "memoize"):
            if self.chance(0.25 if query.joins else 0.12):
                query.settings.append(f"SET LOCAL enable_{setting} = off")
        # What is left then are batched joins.
        if query.joins and self.chance(0.4):
            for setting in ("hashjoin", "mergejoin", "nestloop"):
                query.settings.append(f"SET LOCAL enable_{setting} = off")
        if query.joins and self.chance(0.3):
            query.settings.append("SET LOCAL work_mem = '64kB'")
        return query
