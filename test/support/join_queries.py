# SPDX-License-Identifier: PostgreSQL
"""Random joins: what support.queries makes of the table and others."""

import dataclasses

from .generator import Boolean, Date, Number, Time
from .query import Query

ORDERED = (Boolean, Date, Number, Time)


@dataclasses.dataclass
class Sides:
    """Of a join by key: the outer side l, and how t belongs to it."""

    outer: str
    on: str
    equal: list  # columns of the same name that are compared by equality
    columns: str  # of t, to be shown
    conjuncts: list

    @property
    def is_lookup(self):
        return self.outer == "@L@ l"

    @property
    def own(self):
        return "l.n" if self.is_lookup else "l.pk"

    @property
    def own_key(self):
        return "l.lk" if self.is_lookup else "l.pk"


class JoinQueries:
    """Mixed into QueryMaker."""

    def joined(self):
        """Condition of a join with the local table, by the partition …"""
        return "t.pk = l.lk"

    def sort_joined(self, operators):
        """… and by the sort key."""
        return f"t.sk {self.rng.choice(operators)} l.ls"

    def join(self):
        on = equal = self.joined()
        if self.chance(0.2):
            on = f"t.pk IN (l.lk, {self.known(self.table.pk)})"
        if self.table.sk and self.chance(0.5):
            on += f" AND {self.sort_joined(['=', '>=', '<', '>'])}"
        if self.table.sk and self.chance(0.1):
            on = "(t.pk = l.lk AND t.sk >= l.ls) OR (t.pk = l.lk AND t.sk <= l.ls)"
        word = self.rng.choice(["JOIN", "JOIN", "LEFT JOIN", "RIGHT JOIN", "FULL JOIN"])
        if word == "FULL JOIN":
            on = equal
        conjuncts = self.conjuncts(0.3)
        return Query(
            f"SELECT l.n, {', '.join(self.columns())} FROM @L@ l {word} @T@ t ON {on} WHERE @W@",
            conjuncts, [],
        )  # fmt: skip

    def key_join(self):
        """By the key of the table, as batched joins do it."""
        on = self.joined()
        if self.table.sk and self.chance(0.6):
            on += f" AND {self.sort_joined(['=', '=', '>=', '<', '>', '<='])}"
        elif self.table.sk and self.chance(0.3):
            on += f" AND t.sk = {self.known(self.table.sk)}"
        if self.chance(0.3):
            on += f" AND {self.condition(1)}"
        if self.chance(0.15):
            on += " AND l.n > 1"
        conjuncts = self.conjuncts(0.4)
        roll = self.rng.random()
        if roll < 0.15:
            word = self.rng.choice(["", "NOT "])
            return Query(
                f"SELECT l.* FROM @L@ l WHERE {word}EXISTS"
                f" (SELECT 1 FROM @T@ t WHERE {on} AND @W@)", conjuncts, [],
            )  # fmt: skip
        columns = ", ".join(self.columns())
        if roll < 0.3:
            return Query(
                f"SELECT {columns} FROM @T@ t WHERE @W@ AND EXISTS"
                f" (SELECT 1 FROM @L@ l WHERE {on})", conjuncts, [],
            )  # fmt: skip
        joined = f"@L@ l {self.rng.choice(['JOIN', 'LEFT JOIN'])} @T@ t ON {on}"
        if roll < 0.5:
            joined += " LEFT JOIN @T@ u ON u.pk = t.pk"
            if self.table.sk:
                joined += self.rng.choice(["", " AND u.sk = t.sk", " AND u.sk < t.sk"])
            columns += ", u.pk"
        if roll < 0.6:
            return Query(
                f"SELECT m.n, (SELECT count(*) FROM {joined} WHERE l.n <= m.n AND @W@)"
                " FROM @L@ m", conjuncts, [],
            )  # fmt: skip
        return Query(f"SELECT l.n, {columns} FROM {joined} WHERE @W@", conjuncts, [])

    def self_join(self):
        columns = ", ".join(self.columns())
        on = "u.pk = t.pk"
        if self.table.sk and self.chance(0.7):
            on += self.rng.choice(
                [
                    " AND u.sk = t.sk",
                    " AND u.sk > t.sk",
                    " AND u.sk IN (t.sk, t.sk)",
                    " OR u.sk = t.sk",
                ]
            )
        return Query(
            f"SELECT {columns}, u.pk FROM @T@ t JOIN @T@ u ON {on} WHERE @W@",
            self.conjuncts(0.9), [],
        )  # fmt: skip

    # -- by keys, as batched joins do it

    def twin(self, few):
        """The outer side, from the local twin or the table itself; all columns."""
        number = self.rng.choice([1, 3, 8, 20])
        first = f"(SELECT * FROM @H@ t ORDER BY {self.total_order()} LIMIT {number}) l"
        choices = [first, first, first.replace("@H@", "@T@")]
        if not few:
            choices += ["@H@ l", "@H@ l", "@T@ l", "(SELECT * FROM @H@ UNION ALL SELECT * FROM @H@) l"]
            choices += [f"(SELECT * FROM @H@ t WHERE {self.condition(1)}) l"]
        return self.rng.choice(choices)

    def sort_matched(self, column):
        name = f"t.{column.name}"
        other = f"l.{column.name}"
        return self.rng.choice(
            [
                f"{name} {self.rng.choice(['=', '>=', '<', '>', '<='])} {other}",
                f"{name} BETWEEN {other} AND {self.known(column)}",
                f"{name} BETWEEN {self.known(column)} AND {other}",
                f"({name} >= {other} AND {name} <= {other})",
                f"{name} IN ({other}, {self.known(column)})",
                f"{name} = {self.known(column)}",
            ]
        )

    def sides(self):
        columns = ", ".join(self.columns())
        conjuncts = self.conjuncts(0.15)
        if self.chance(0.3):
            on = self.joined()
            if self.table.sk and self.chance(0.6):
                on += f" AND {self.sort_joined(['=', '=', '>=', '<', '>', '<='])}"
            return Sides("@L@ l", on, [], columns, conjuncts)
        partition, sort, _ = self.some_key()
        equal = [*partition, *sort[: self.rng.randrange(len(sort) + 1)]]
        conditions = [f"t.{c.name} = l.{c.name}" for c in equal]
        whole = len(equal) == len(partition) + len(sort)
        if not whole and self.chance(0.6):
            conditions.append(self.sort_matched(sort[len(equal) - len(partition)]))
        outer = self.twin(not whole or not sort)
        return Sides(outer, " AND ".join(conditions), equal, columns, conjuncts)

    def batch_join(self):
        sides = self.sides()
        if self.chance(0.2):
            sides.on += f" AND {self.condition(1)}"
        if self.chance(0.1) and sides.equal:
            sides.on += f" AND l.{self.rng.choice(sides.equal).name} IS NOT NULL"
        forms = [self.inner_or_left] * 4 + [self.semi, self.anti, self.chain, self.nested]
        if sides.equal:
            forms.append(self.in_list)
        return self.rng.choice(forms)(sides)

    def inner_or_left(self, sides):
        word = self.rng.choice(["JOIN", "LEFT JOIN", "LEFT JOIN"])
        base = (
            f"SELECT {sides.own}, {sides.columns} FROM {sides.outer} {word} @T@ t ON {sides.on}"
            " WHERE @W@"
        )
        roll = self.rng.random()
        if roll < 0.15:
            limit = self.rng.choice([1, 3, 10])
            return Query(f"{base} LIMIT {limit}", sides.conjuncts, [], 0, base)
        if roll < 0.25:
            return Query(f"SELECT count(*), count(DISTINCT a) FROM ({base}) s(a)", sides.conjuncts, [])
        if roll < 0.4 and sides.outer in ("@L@ l", "@H@ l"):
            return Query(f"{base} FOR UPDATE OF l", sides.conjuncts, [])
        return Query(base, sides.conjuncts, [])

    def semi(self, sides):
        word = self.rng.choice(["", "NOT "])
        inner = f"SELECT 1 FROM @T@ t WHERE {sides.on} AND @W@"
        lock = " FOR SHARE OF l" if sides.outer == "@H@ l" else ""
        text = f"SELECT {sides.own} FROM {sides.outer} WHERE {word}EXISTS ({inner}){lock}"
        return Query(text, sides.conjuncts, [])

    def anti(self, sides):
        joined = f"{sides.outer} LEFT JOIN @T@ t ON {sides.on} AND @W@"
        return Query(f"SELECT {sides.own} FROM {joined} WHERE t.pk IS NULL", sides.conjuncts, [])

    def in_list(self, sides):
        word = self.rng.choice(["IN", "IN", "NOT IN"])
        left = ", ".join(f"l.{c.name}" for c in sides.equal)
        right = ", ".join(f"t.{c.name}" for c in sides.equal)
        inner = f"SELECT {right} FROM @T@ t WHERE @W@"
        text = f"SELECT {sides.own} FROM {sides.outer} WHERE ({left}) {word} ({inner})"
        return Query(text, sides.conjuncts, [])

    def chain(self, sides):
        """Three tables: the third by the second's key, or by the first's."""
        words = [self.rng.choice(["JOIN", "LEFT JOIN"]) for _ in range(2)]
        source = "t" if sides.is_lookup else self.rng.choice("tl")
        third = f"u.pk = {source}.pk"
        if self.table.sk:
            third += f" AND u.sk {self.rng.choice(['=', '=', '=', '>'])} {source}.sk"
        text = (
            f"SELECT {sides.own}, {sides.columns}, u.pk FROM {sides.outer}"
            f" {words[0]} @T@ t ON {sides.on} {words[1]} @T@ u ON {third} WHERE @W@"
        )
        return Query(text, sides.conjuncts, [])

    def nested(self, sides):
        """The join is inside another one, or inside a subquery."""
        inside = f"{sides.outer} {self.rng.choice(['JOIN', 'LEFT JOIN'])} @T@ t ON {sides.on}"
        match = f"{sides.own_key} = m.lk"
        if self.chance(0.3) and self.table.sk:
            match += f" AND t.sk {self.rng.choice(['<>', '>=', '='])} m.ls"
        text = self.rng.choice(
            [
                f"SELECT m.n, (SELECT count(*) FROM {inside} WHERE {match} AND @W@) FROM @L@ m",
                f"SELECT m.n FROM @L@ m WHERE EXISTS (SELECT 1 FROM {inside} WHERE {match} AND @W@)",
                f"SELECT m.n, {sides.own}, {sides.columns} FROM @L@ m LEFT JOIN ({inside})"
                f" ON {match} WHERE @W@",
            ]
        )
        return Query(text, sides.conjuncts, [])

    # -- subqueries that run for each outer row

    def changing(self):
        """A condition that differs from run to run; on any column that has an order."""
        column = self.rng.choice(
            [self.table.sk or self.table.pk]
            + [c for c in self.columns_in_play if c.kind.is_text or isinstance(c.kind, ORDERED)]
        )
        own, other = f"t.{column.name}", f"l.{column.name}"
        return self.rng.choice(
            [f"{own} = {other}"] * 4
            + [f"{own} {operator} {other}" for operator in ("<", ">=", "<>")]
            + [
                f"{own} IS NOT DISTINCT FROM {other}",
                f"({own} = {other} OR {self.condition(1)})",
                f"NOT ({own} = {other})",
                f"{own} IN ({other}, {self.known(column)})",
                f"{own} BETWEEN {other} AND {self.known(column)}",
                f"coalesce({own}, {other}) = {other}",
            ]
        )

    def rescans(self):
        on = [self.changing() for _ in range(self.rng.choice([0, 1, 1, 1, 2, 3]))]
        if self.chance(0.5):
            partition, sort, _ = self.some_key()
            keys = [*partition, *sort[: self.rng.randrange(len(sort) + 1)]]
            on += [f"t.{c.name} = l.{c.name}" for c in keys]
        if self.chance(0.2):
            on.append(self.condition(1))
        rows = f"@T@ t WHERE {' AND '.join([*on, '@W@'])}"
        outer = self.twin(False)
        conjuncts = self.conjuncts(0.15)
        column = self.rng.choice(self.columns_in_play).name
        few = f"{rows} ORDER BY {self.total_order()} LIMIT {self.rng.choice([1, 2, 5])}"
        lateral = self.rng.choice([rows, f"{rows} OFFSET 0", few, few])
        columns = ", ".join(self.columns())
        word = self.rng.choice(["CROSS JOIN", "LEFT JOIN"])
        true = " ON true" if word == "LEFT JOIN" else ""
        shown = self.rng.choice(
            [
                f"(SELECT count(*) FROM {rows})",
                f"(SELECT count(t.{column}) FROM {rows})",
                f"(SELECT t.{column} FROM {rows} ORDER BY {self.total_order()} LIMIT 1)",
                f"EXISTS (SELECT 1 FROM {rows})",
                f"l.pk IN (SELECT t.pk FROM {rows})",
                f"l.pk > ALL (SELECT t.pk FROM {rows})",
                f"ARRAY(SELECT t.pk FROM {rows} ORDER BY {self.total_order()})",
                f"(SELECT count(*) FROM (SELECT t.pk FROM {few}) s JOIN @T@ u ON u.pk = s.pk)",
                f"(SELECT count(*) FROM {rows} AND EXISTS"
                " (SELECT 1 FROM @T@ u WHERE u.pk = t.pk AND u.pk <> l.pk))",
            ]
        )
        if self.chance(0.2):
            # of one item, which may be a join
            keys = [c for c in (self.table.pk, self.table.sk) if c]
            one = " AND ".join([*(f"t.{c.name} = l.{c.name}" for c in keys), "@W@"])
            shown = f"(SELECT t.{column} FROM @T@ t WHERE {one})"
        whole = f"SELECT l.pk, {shown} FROM {outer}"
        roll = self.rng.random()
        if roll < 0.1:
            order = self.total_order().replace("t.", "l.")
            query = Query(f"DECLARE c SCROLL CURSOR FOR {whole} ORDER BY {order}", conjuncts, [])
            query.cursor = ["FETCH 2 FROM c", "MOVE BACKWARD ALL FROM c", "FETCH ALL FROM c"]
            return query
        if roll < 0.6:
            return Query(whole, conjuncts, [])
        return Query(
            f"SELECT l.pk, s.* FROM {outer} {word} LATERAL (SELECT {columns} FROM {lateral}) s{true}",
            conjuncts, [],
        )  # fmt: skip
