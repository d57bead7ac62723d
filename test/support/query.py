# SPDX-License-Identifier: PostgreSQL
"""A random query: its text with marks, and what goes beside it.

    query.literal("t", "lookup")    # its SQL; .prepared() with parameters
"""

import dataclasses
import re


@dataclasses.dataclass
class Query:
    """SQL with marks: @T@ the table, @H@ its local twin, @L@ the local table to join
    with, @W@ all conjuncts, \\x01n\\x01 the n-th constant."""

    sql: str
    conjuncts: list
    constants: list
    sort_keys: int = 0  # last columns of the result, which ORDER BY goes by
    limited: str | None = None  # the same without LIMIT, when ties may choose the rows
    cursor: list = dataclasses.field(default_factory=list)  # FETCH and MOVE
    settings: list = dataclasses.field(default_factory=list)
    partial: bool = False  # an index finds the rows, and lacks columns
    may_fail: bool = False  # a pattern that is an error once it is looked at
    tolerated: tuple = ()  # messages of errors that the foreign table alone may give

    def _where(self, sql):
        where = " AND ".join(self.conjuncts) if self.conjuncts else "true"
        return sql.replace("@W@", where)

    @staticmethod
    def _named(text, table, lookup):
        twin = lookup.removesuffix("_l")
        return text.replace("@T@", table).replace("@L@", lookup).replace("@H@", twin)

    @property
    def joins(self):
        return sum(map(self.sql.count, ("@T@", "@L@", "@H@"))) > 1

    def literal(self, table, lookup, sql=None):
        text = re.sub(
            "\x01(\\d+)\x01",
            lambda m: self.constants[int(m[1])].literal(),
            self._where(sql or self.sql),
        )
        return self._named(text, table, lookup)

    def prepared(self, table, lookup):
        """(text with $1, types, values) of the statement, constants as parameters."""
        used = []

        def number(match):
            used.append(self.constants[int(match[1])])
            return f"${len(used)}"

        text = re.sub("\x01(\\d+)\x01", number, self._where(self.sql))
        text = self._named(text, table, lookup)
        return text, [c.pgtype for c in used], [c.literal() for c in used]
