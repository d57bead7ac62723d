# SPDX-License-Identifier: PostgreSQL
"""Random queries over the entities of support.entities: those of support.queries,
by the variables of key templates, and walks through times."""

import random

from .forms import TODAY, WalkDate, WalkTime
from .generator import Const, Date, Time
from .queries import Query, QueryMaker

ZONES = [
    *("Asia/Kathmandu", "America/St_Johns", "Europe/Berlin", "America/New_York", "UTC"),
    *("Pacific/Apia", "Pacific/Kiritimati", "Australia/Lord_Howe", "Etc/GMT+12"),
]
TOLERATED = ("too many partitions of foreign table", "too many combinations of key values")


def make_entity_query(entity, n, source=random.Random):
    rng = source(f"entity query {entity.seed} {entity.number} {n}")
    return EntityQueries(entity, rng).make()


class EntityQueries(QueryMaker):
    def __init__(self, table, rng):
        super().__init__(table, rng)
        times = [c for c in table.variables if isinstance(c.kind, Time | Date)]
        self.times = [c for c in times if c in self.columns_in_play] or times

    # -- joins, by variables

    def joined(self):
        partition, _, _ = self.some_key()
        names = [c.name for c in partition if c in self.table.variables]
        if not names or self.chance(0.15):
            return "t.pk = l.lk"
        return " AND ".join(f"t.{name} = l.{name}" for name in names)

    def sort_joined(self, operators):
        _, sort, _ = self.some_key()
        names = [c.name for c in sort if c in self.table.variables]
        if not names or self.chance(0.15):
            return super().sort_joined(operators)
        last = self.rng.randrange(len(names))
        equal = [f"t.{name} = l.{name}" for name in names[:last]]
        name, operator = names[last], self.rng.choice(operators)
        return " AND ".join([*equal, f"t.{name} {operator} l.{name}"])

    # -- conditions

    def conjuncts(self, with_key=0.7):
        conditions = super().conjuncts(with_key)
        if self.times and self.chance(0.15):
            conditions += self.time_range(self.rng.choice(self.times))
        if self.table.variables and self.chance(0.12):
            conditions.append(self.leaf(self.rng.choice(self.table.variables)))
        return conditions

    def time_value(self, column):
        """Also of other types, which a session's time zone tells apart."""
        if not isinstance(column.kind, WalkTime | WalkDate) or self.chance(0.6):
            return self.value(column)
        pgtype = self.rng.choice(["date", "timestamp", "timestamptz"])
        pool = self.table.pools[column.name] or [str(TODAY)]
        text = self.rng.choice(pool)
        if pgtype == "date" or self.chance(0.4):
            text = text[:10]
        elif self.chance(0.5):
            text = text[:13] + ":00:00" if len(text) > 10 else text
        if pgtype == "timestamptz" and self.chance(0.5):
            text += self.rng.choice(["+00", "+05:45", "-03:30"])
        return self.const(Const(text, pgtype))

    def time_range(self, column):
        name = f"t.{column.name}"
        low, high = self.rng.choice([">", ">="]), self.rng.choice(["<", "<="])
        one, other = self.time_value(column), self.time_value(column)
        return self.rng.choice(
            [
                [f"{name} {low} {one}"],
                [f"{name} {low} {one}", f"{name} {high} {other}"],
                [f"{name} {low} {one}", f"{name} {high} {other}"],
                [f"{name} BETWEEN {one} AND {other}"],
                [f"{name} {high} {other}"],
                [f"{name} = {one}"],
                [f"{name} {low} {one} AND {name} <= now() + interval '2 years'"],
                [f"({name} {low} {one} OR {name} = {other})"],
            ]
        )

    def row_comparison(self):
        """Row by row, of variables that follow each other."""
        _, sort, _ = self.some_key()
        if len(sort) < 2 or self.chance(0.3):
            return super().row_comparison()
        operator = self.rng.choice(["<", "<=", ">", ">=", "="])
        names = ", ".join(f"t.{c.name}" for c in sort)
        return f"({names}) {operator} ({', '.join(map(self.value, sort))})"

    # -- order

    def sort_expressions(self):
        _, sort, _ = self.some_key()
        if self.chance(0.4):
            return super().sort_expressions()
        columns = sort[: self.rng.choice([1, 1, 2, 3])]
        if self.times and self.chance(0.5):
            columns = [self.rng.choice(self.times), *columns]
        return [f"t.{c.name}" for c in dict.fromkeys(columns)] or super().sort_expressions()

    def total_order(self, descending=None):
        if descending is None:
            descending = self.chance(0.5)
        word = " DESC" if descending else ""
        _, sort, _ = self.some_key()
        if self.times and self.chance(0.4):
            sort = [self.rng.choice(self.times), *sort]
        items = [f"t.{c.name}{word}" for c in dict.fromkeys(sort)] if self.chance(0.7) else []
        keys = [c for c in (self.table.sk, self.table.pk) if c]
        return ", ".join([*items, *(f"t.{c.name}{word}" for c in keys)])

    # -- whole queries

    def walk(self):
        """A range of time, the newest, the oldest; open ends."""
        column = self.rng.choice(self.times)
        conjuncts = self.time_range(column) if self.chance(0.8) else []
        if self.chance(0.3):
            conjuncts += self.conjuncts(0.2)
        order = self.rng.choice([f"t.{column.name} DESC", f"t.{column.name}"])
        nulls = self.rng.choice(["", "", "", " NULLS FIRST", " NULLS LAST"])
        sort = [f"t.{column.name}"]
        order += nulls
        if self.chance(0.5):
            keys = [c.name for c in (self.table.sk, self.table.pk) if c]
            order += "".join(f", t.{name}{' DESC' if 'DESC' in order else ''}" for name in keys)
            sort += [f"t.{name}" for name in keys]
        base = f"SELECT {', '.join([*self.columns(), *sort])} FROM @T@ t WHERE @W@ ORDER BY {order}"
        limit, ties = self.limit(True)
        return Query(base + limit, conjuncts, [], len(sort), base if limit and not ties else None)

    def time_aggregate(self):
        column = self.rng.choice(self.times)
        name = f"t.{column.name}"
        select = self.rng.choice(
            [
                f"max({name}), min({name})",
                f"max({name})",
                f"min({name})",
                "count(*)",
                f"count({name})",
            ]
        )
        group = ""
        if self.chance(0.3):
            group = self.rng.choice([name, f"date_trunc('day', {name})", f"{name}::date"])
            select, group = f"{group}, count(*)", f" GROUP BY {group}"
        if self.chance(0.15):
            select, group = f"DISTINCT {name}", ""
        conjuncts = self.time_range(column) + (self.conjuncts(0.3) if self.chance(0.3) else [])
        return Query(f"SELECT {select} FROM @T@ t WHERE @W@{group}", conjuncts, [])

    def make(self):
        if self.times and self.chance(0.25):
            query = self.walk() if self.chance(0.7) else self.time_aggregate()
            self.settle(query)
        else:
            query = super().make()
        if self.chance(0.5):
            query.settings.append(f"SET LOCAL timezone = '{self.rng.choice(ZONES)}'")
        query.tolerated = TOLERATED
        return query
