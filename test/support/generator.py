"""Random DynamoDB tables, and random queries over them, from a seed.

    fuzz = Table(seed, number)      # items, rows, CREATE statements
    query = fuzz.query(n)           # the n-th query of that table: .text(literals)

Values are PostgreSQL's input text throughout; what DynamoDB is to store for
them is computed here, without asking the extension.
"""

import dataclasses
import random
import re
import uuid
from datetime import datetime, timedelta
from decimal import Decimal

# ---- constants ------------------------------------------------------------------


def quote(text):
    return "'" + text.replace("'", "''") + "'"


@dataclasses.dataclass
class Const:
    """A value in a query: a literal, or a parameter of that type."""

    text: str | None
    pgtype: str
    bare: bool = False  # leave it to PostgreSQL to find the literal's type

    def literal(self):
        value = "NULL" if self.text is None else quote(self.text)
        return value if self.bare else f"{value}::{self.pgtype}"


# ---- values of each kind of column -------------------------------------------------

TEXTS = [
    *("a", "ab", "abc", "abd", "abcd", "ABC", "B", "b", "Z", "z", "zz", "10", "9", "-1", "á", "é"),
    *("e\u0301", "ß", "ss", "İ", "i", "ı", "ﬁ", "ü", "a b", "a-b", "ab ", " ", "  ", "\t", "\n"),
    *("\x01", "\x1f", "\x7f", "a\x01b", "%", "_", "a%b", "a_b", "100%", "\\", "a\\b", "\\%", "'"),
    *('"', "a'b", 'a"b', "$1", ":v0", "#n0", "NULL", "\ud7ff", "\ue000", "\ufffd", "\uffff"),
    *("😀", "😀a", "a😀", "\U00010000", "\U0010ffff", "\U0010ffffa", "日本", "日本語"),
]
NUMBERS = [
    *(
        "0",
        "1",
        "-1",
        "2",
        "3",
        "5",
        "10",
        "-10",
        "42",
        "0.1",
        "-0.1",
        "0.5",
        "1.5",
        "-1.5",
        "1.25",
    ),
    *("32767", "32768", "-32768", "-32769", "2147483647", "2147483648", "-2147483648"),
    *("9223372036854775807", "9223372036854775808", "-9223372036854775808", "1e38", "1e18"),
    *("1e125", "-1e125", "9" * 38 + "e88", "-" + "9" * 38 + "e88", "1e-130", "-1e-130", "2e-130"),
    *("1" * 38, "-" + "1" * 38, "1" * 37 + "2", "0." + "1" * 38, "1." + "0" * 36 + "1"),
    *("123456789012345678901234567890.12345678", "1e-10", "100", "1000000"),
]
ODD_NUMBERS = [
    *("NaN", "Infinity", "-Infinity", "1e126", "-1e126", "1e500", "-1e500", "1e-131", "-1e-131"),
    *("1e-200", "-1e-200", "1" * 39, "-" + "1" * 39, "1" * 38 + ".5", "1." + "0" * 50 + "1", "0.0"),
    *("15e-131", "-15e-131", "9" * 39, "-" + "9" * 39, "1.50", "9" * 126, "-0"),
]
BYTES = [
    *(b"\0", b"\0\0", b"\0\1", b"\1", b"a", b"ab", b"abc", b"\x7f", b"\x80", b"\xff", b"\xff\0"),
    *(b"\xff\xff", b"\xfe", b"'", b"\\"),
]
EPOCH = datetime(1970, 1, 1)
TIMES = [
    *("2026-11-01 10:11:12", "2026-11-01 10:11:12.5", "2026-11-01 10:11:12.345"),
    *("2026-11-01 00:00:00", "1970-01-01 00:00:00", "1969-12-31 23:59:59.5", "0001-01-01 00:00:00"),
    *("9999-12-31 23:59:59.999", "2000-02-29 12:00:00", "2026-10-31 23:59:59.999"),
]
ODD_TIMES = [
    *("infinity", "-infinity", "0044-03-15 00:00:00 BC", "10000-01-01 00:00:00"),
    *("2026-11-01 10:11:12.3450001", "2026-11-01 10:11:12.345001", "2026-11-01 10:11:12.344999"),
    *("1969-12-31 23:59:59.500001", "294276-12-31 00:00:00", "4713-01-01 00:00:00 BC"),
]


def plain(number):
    """Without exponent, as DynamoDB writes numbers."""
    text = format(Decimal(number), "f")
    if "." in text:
        text = text.rstrip("0").rstrip(".")
    return "0" if text in ("-0", "") else text


class Kind:
    """A type of column: what it holds and what it is compared with."""

    stored = "S"
    pgtype = "text"
    options = ()
    ordered = True  # min(), max() exist
    is_text = False
    odd = ()

    def random(self, rng, key, longest):
        raise NotImplementedError

    def attribute(self, rng, value):
        return {self.stored: value}

    def constant(self, rng, pool):
        """Mostly values that occur, or nearly occur."""
        roll = rng.random()
        if roll < 0.03:
            return Const(None, self.pgtype)
        if roll < 0.15 and self.odd:
            return Const(rng.choice(self.odd), self.pgtype)
        value = rng.choice(pool) if pool and roll < 0.8 else self.random(rng, False, 30)
        if roll > 0.65:
            value = self.near(rng, value)
        return Const(value, self.pgtype, bare=rng.random() < 0.3)

    def near(self, rng, value):
        return value


class Text(Kind):
    is_text = True
    odd = ["", "a" * 3000, "é" * 1500, "😀" * 700, "a" * 1024, "a" * 1025, "a" * 2049]

    def __init__(self, pgtype="text"):
        self.pgtype = pgtype

    def random(self, rng, key, longest):
        roll = rng.random()
        if not key and roll < 0.08:
            return ""
        if roll < 0.02:
            return rng.choice(["a", "é", "😀"]) * (longest // 4)
        if roll < 0.04:
            return "a" * (longest - rng.randrange(2))
        value = rng.choice(TEXTS)
        if roll < 0.4:
            value += rng.choice(TEXTS)
        if roll < 0.15:
            value += rng.choice(TEXTS)
        return value

    def near(self, rng, value):
        change = rng.randrange(4)
        if change == 0:
            return value[: rng.randrange(len(value) + 1)]
        if change == 1:
            return value + rng.choice(["a", " ", "\x01", "\U0010ffff", "%"])
        if change == 2 and value:
            code = min(ord(value[-1]) + 1, 0x10FFFF)
            return value[:-1] + chr(0xE000 if 0xD800 <= code < 0xE000 else code)
        return value.swapcase().replace("\0", "")

    def constant(self, rng, pool):
        const = super().constant(rng, pool)
        const.pgtype = rng.choice(["text", "text", "varchar"])
        return const


class Number(Kind):
    stored = "N"

    def __init__(self, pgtype="numeric"):
        self.pgtype = pgtype
        self.limit = {"smallint": 2**15, "integer": 2**31, "bigint": 2**63}.get(pgtype)
        self.odd = [*ODD_NUMBERS]

    def fits(self, text):
        number = Decimal(text)
        if self.limit is None:
            return True
        return number == number.to_integral_value() and -self.limit <= number < self.limit

    def random(self, rng, key, longest):
        if rng.random() < 0.4:
            return str(rng.randrange(-20, 21))
        while True:
            value = rng.choice(NUMBERS)
            if key and self.pgtype == "double precision":
                # No two that a float cannot tell apart.
                value = repr(float(value))
            if self.fits(value) and abs(Decimal(value)) < Decimal("1e126"):
                return plain(value)

    def near(self, rng, value):
        if rng.random() < 0.3:
            # Just beyond what DynamoDB holds: the 39th digit and later.
            return value + ("" if "." in value else ".") + "0" * 130 + "1"
        return plain(Decimal(value) + rng.choice([1, -1, Decimal("0.5"), Decimal("-0.1")]))

    def constant(self, rng, pool):
        const = super().constant(rng, pool)
        const.bare = False
        if const.text is None:
            return const
        number = Decimal(const.text)
        choices = ["numeric"]
        if number.is_finite() and number == number.to_integral_value():
            for pgtype, bits in (("smallint", 15), ("integer", 31), ("bigint", 63)):
                if -(2**bits) <= number < 2**bits:
                    choices += [pgtype, pgtype]
        if rng.random() < 0.1 and not (number.is_finite() and abs(number) > Decimal("1e300")):
            choices = (
                ["float8"] if abs(number.adjusted()) < 300 or not number.is_finite() else choices
            )
        const.pgtype = rng.choice(choices)
        return const


class Bytea(Kind):
    stored = "B"
    pgtype = "bytea"
    ordered = False
    odd = ["\\x", "\\x" + "61" * 1024, "\\x" + "61" * 1025, "\\x" + "ff" * 2049]

    def random(self, rng, key, longest):
        roll = rng.random()
        if not key and roll < 0.08:
            return "\\x"
        if roll < 0.02:
            return "\\x" + "ff" * longest
        value = rng.choice(BYTES)
        if roll < 0.4:
            value += rng.choice(BYTES)
        return "\\x" + value.hex()

    def attribute(self, rng, value):
        return {"B": bytes.fromhex(value[2:])}

    def near(self, rng, value):
        return value + rng.choice(["00", "ff"]) if rng.random() < 0.5 else value[:-2] or "\\x"


class Boolean(Kind):
    stored = "BOOL"
    pgtype = "boolean"
    ordered = False

    def random(self, rng, key, longest):
        return rng.choice(["true", "false"])

    def attribute(self, rng, value):
        return {"BOOL": value == "true"}


class Uuid(Kind):
    pgtype = "uuid"
    ordered = False
    odd = ["00000000-0000-0000-0000-000000000000", "ffffffff-ffff-ffff-ffff-ffffffffffff"]

    def random(self, rng, key, longest):
        return str(uuid.UUID(int=rng.choice([rng.getrandbits(128), rng.randrange(256) << 120])))


class Enum(Kind):
    pgtype = "mood"
    labels = ("zufrieden", "sad", "ok", "Happy", "très bien")

    def random(self, rng, key, longest):
        return rng.choice(self.labels)


def spell_fixed(when, digits):
    text = when.strftime("%Y-%m-%dT%H:%M:%S").rjust(19, "0")
    return text + (f".{when.microsecond:06}"[: digits + 1] if digits else "") + "Z"


class Time(Kind):
    """timestamptz in a format."""

    def __init__(self, form, pgtype="timestamptz"):
        self.form = form
        self.pgtype = pgtype
        self.options = (("format", form),)
        self.stored = "N" if form.startswith("epoch") else "S"
        self.odd = ODD_TIMES

    def random(self, rng, key, longest):
        text = rng.choice(TIMES)
        when = datetime.fromisoformat(text)
        if rng.random() < 0.6:
            when = datetime(2026, 11, 1) + timedelta(milliseconds=rng.randrange(10**8))
        if ":" in self.form:
            digits = int(self.form[-1])
            when = when.replace(
                microsecond=when.microsecond // 10 ** (6 - digits) * 10 ** (6 - digits)
            )
        return when.isoformat(sep=" ")

    def attribute(self, rng, value):
        when = datetime.fromisoformat(value)
        if ":" in self.form:
            return {"S": spell_fixed(when, int(self.form[-1]))}
        micros = (when - EPOCH) // timedelta(microseconds=1)
        if self.stored == "N":
            return {"N": plain(Decimal(micros) / (10**3 if self.form == "epoch_ms" else 10**6))}
        if when.year < 2:
            return {"S": spell_fixed(when, 6)}
        return {"S": self.spell(rng, when)}

    @staticmethod
    def spell(rng, when):
        """Any ISO-8601 spelling of an instant."""
        hours = rng.choice([0, 0, 2, -5])
        local = when + timedelta(hours=hours) if when.year < 9999 else when
        hours = hours if when.year < 9999 else 0
        text = local.isoformat(sep=rng.choice("T "))
        zone = rng.choice([f"{hours:+03d}:00", f"{hours:+03d}00", f"{hours:+03d}"])
        return text + (rng.choice(["Z", zone]) if hours == 0 else zone)

    def near(self, rng, value):
        when = datetime.fromisoformat(value)
        step = timedelta(microseconds=rng.choice([1, -1, 500, 10**6, -(10**6)]))
        return (when + step).isoformat(sep=" ") if 1 < when.year < 9999 else value

    def constant(self, rng, pool):
        const = super().constant(rng, pool)
        if const.text and self.pgtype == "timestamptz" and "infinity" not in const.text:
            zone = "+00"
            const.text = (
                const.text.replace(" BC", zone + " BC")
                if " BC" in const.text
                else const.text + zone
            )
        return const


class Date(Kind):
    pgtype = "date"
    odd = ["infinity", "-infinity", "0044-03-15 BC", "10000-01-01", "5000000-01-01"]

    def random(self, rng, key, longest):
        days = timedelta(days=rng.randrange(60))
        return rng.choice(["0001-01-01", "9999-12-31", str((datetime(2026, 10, 1) + days).date())])


KEY_KINDS = {
    "S": [Text(), Text(), Text(), Text("varchar"), Uuid(), Enum(), Time("iso8601:3"),
          Time("iso8601:0"), Time("iso8601:6", "timestamp"), Time("iso8601"), Date()],
    "N": [Number(), Number(), Number(), Number(), Number("bigint"), Number("integer"), Number("smallint"),
          Number("double precision"), Time("epoch"), Time("epoch_ms")],
    "B": [Bytea()],
}  # fmt: skip
OTHER_KINDS = [
    *(Text(), Text(), Number(), Number("bigint"), Number("integer"), Number("double precision")),
    *(Bytea(), Boolean(), Uuid(), Enum(), Time("iso8601"), Time("epoch_ms"), Date()),
]
COLLATIONS = ['"C"', '"C"', None, '"und-x-icu"', '"POSIX"']

MISFITS = [
    *({"S": "not what you want"}, {"N": "0.33"}, {"M": {"a": {"S": "x"}}}, {"L": []}),
    *({"SS": ["a", "b"]}, {"BOOL": True}, {"B": b"\x01"}),
]


# ---- tables ---------------------------------------------------------------------


@dataclasses.dataclass
class Column:
    name: str
    kind: Kind
    attribute: str
    collation: str | None = None

    def sql(self, foreign):
        parts = [self.name, self.kind.pgtype]
        if foreign:
            options = [("attribute", self.attribute), *self.kind.options]
            options = ", ".join(f"{n} {quote(v)}" for n, v in options)
            parts.append(f"OPTIONS ({options})")
        if self.collation and self.kind.is_text:
            parts.append(f"COLLATE {self.collation}")
        return " ".join(parts)


class Table:
    """Items, the rows they are, and the statements that declare both."""

    def __init__(self, seed, number):
        self.seed, self.number = seed, number
        rng = random.Random(f"table {seed} {number}")
        self.rng = rng
        self.name = f"Fuzz{seed}.{number}"
        # Every combination of key types turns up over the seeds.
        combination = (seed * 5 + number * 7) % 16
        self.partition_type = "SNBS"[combination % 4]
        self.sort_type = ["S", "N", "B", None][combination // 4]
        if rng.random() < 0.25:
            self.sort_type = "S"
        self.mismatch_null = rng.random() < 0.3
        # Read through an index: repeating keys, and items that it does not hold.
        self.index = rng.choice([None, None, None, "Global", "Local" if self.sort_type else None])
        self._make_columns()
        self._make_items()

    def _make_columns(self):
        rng = self.rng
        self.pk = Column("pk", rng.choice(KEY_KINDS[self.partition_type]), "Partition key")
        self.pk.collation = rng.choice(COLLATIONS)
        self.sk = None
        if self.sort_type:
            kind = Text() if self.sort_type == "S" and rng.random() < 0.3 else None
            kind = kind or rng.choice(KEY_KINDS[self.sort_type])
            self.sk = Column("sk", kind, "sort.key", rng.choice(COLLATIONS))
            self.sk.attribute = rng.choice(["sk", "range", "Sort Key", "größe"])
        kinds = rng.sample(OTHER_KINDS, rng.randrange(2, 5))
        self.others = [
            Column(f"c{i}", kind, rng.choice([f"c{i}", f"name {i}", f"_{i}", f"É{i}"]))
            for i, kind in enumerate(kinds)
        ]
        for column in self.others:
            column.collation = rng.choice(COLLATIONS)
        self.id = Column("id", Text(), "id", '"C"') if self.index else None
        self.columns = [c for c in (self.pk, self.sk, self.id, *self.others) if c]
        rng.shuffle(self.columns)

    def _make_items(self):
        rng = self.rng
        count = rng.choice([30, 60, 100, 150])
        # The key of an enum or a small integer does not give that many.
        partitions = {self._key(self.pk, 2048) for _ in range(count if not self.sk else 6)}
        sizes = rng.choices([1, 3, 20, 60], k=len(partitions)) if self.sk else [1] * len(partitions)
        self.items, self.rows = [], []
        for partition, size in zip(sorted(partitions), sizes, strict=True):
            for sort in sorted(
                {self._key(self.sk, 1024) for _ in range(size)} if self.sk else {None}
            ):
                for _ in range(rng.choice([1, 1, 2]) if self.index else 1):
                    self._make_item(partition, sort)
        self.pools = {
            c.name: [r[i] for r in self.rows if r[i] is not None]
            for i, c in enumerate(self.columns)
        }
        self.partitions = [r[self.columns.index(self.pk)] for r in self.rows]
        self.lookup = self._lookup_rows()

    def _key(self, column, longest):
        return column.kind.random(self.rng, True, longest)

    def _make_item(self, partition, sort):
        rng = self.rng
        values = {"pk": partition, "sk": sort, "id": f"{rng.getrandbits(32):x}"}
        keys = [c for c in (self.pk, self.sk, self.id) if c]
        item = {c.attribute: c.kind.attribute(rng, values[c.name]) for c in keys}
        for column in self.others:
            roll = rng.random()
            values[column.name] = None
            if roll < 0.15:
                continue
            if roll < 0.22:
                item[column.attribute] = {"NULL": True}
            elif roll < 0.3 and self.mismatch_null:
                misfit = rng.choice(MISFITS)
                if column.kind.stored not in misfit:
                    item[column.attribute] = misfit
            else:
                value = column.kind.random(rng, False, 100)
                values[column.name] = value
                item[column.attribute] = column.kind.attribute(rng, value)
        if rng.random() < 0.3:
            item['unmapped "one"'] = {"L": [{"M": {"a": {"N": "1"}}}, {"S": "}],\\"}]}
        self.items.append(item)
        left_out = {"Global": self.sk or self.pk, "Local": self.sk}.get(self.index)
        if left_out and rng.random() < 0.1:
            del item[left_out.attribute]
            return
        self.rows.append([values[c.name] for c in self.columns])

    def _lookup_rows(self):
        """A small local table to join with: keys that exist, and others."""
        rng = self.rng
        rows = []
        for n in range(6):
            partition = rng.choice(self.partitions) if n < 4 else self._key(self.pk, 30)
            sort = rng.choice(self.pools["sk"]) if self.sk else None
            rows.append((n, partition, sort))
        return [*rows, (3, None, None), (None, self.partitions[0], None)]

    def description(self):
        """What CreateTable needs beside the name."""
        keys = [(self.pk.attribute, self.partition_type)]
        keys += [(self.sk.attribute, self.sort_type)] if self.sk else []
        own = {"Global": [("id", "S")], "Local": [keys[0], ("id", "S")]}.get(self.index, keys)
        description = {
            "BillingMode": "PAY_PER_REQUEST",
            "KeySchema": self._schema(own),
            "AttributeDefinitions": [
                {"AttributeName": name, "AttributeType": key_type}
                for name, key_type in dict([*own, *keys]).items()
            ],
        }
        if self.index:
            index = {"IndexName": "the.index", "Projection": {"ProjectionType": "ALL"}}
            index["KeySchema"] = self._schema(keys)
            description[f"{self.index}SecondaryIndexes"] = [index]
        return description

    @staticmethod
    def _schema(keys):
        roles = ("HASH", "RANGE")
        return [{"AttributeName": k[0], "KeyType": r} for k, r in zip(keys, roles, strict=False)]

    def foreign_sql(self, name, server, parent=None, **options):
        columns = ",\n  ".join(c.sql(True) for c in self.columns)
        options["table_name"] = self.name
        if self.mismatch_null:
            options["on_type_mismatch"] = "null"
        if self.index:
            options["index_name"] = "the.index"
        inherits = f" INHERITS ({parent})" if parent else ""
        options = ", ".join(f"{option} {quote(str(value))}" for option, value in options.items())
        return (
            f"CREATE FOREIGN TABLE {name} (\n  {columns}\n){inherits} SERVER {server}"
            f" OPTIONS ({options})"
        )

    def local_sql(self, name):
        """Statements that make the local twin and the table to join with."""
        yield f"CREATE TABLE {name} ({', '.join(c.sql(False) for c in self.columns)})"
        yield from self._inserts(name, self.columns, self.rows)
        sk_type = self.sk.kind.pgtype if self.sk else "text"
        collate = (
            f" COLLATE {self.pk.collation}" if self.pk.collation and self.pk.kind.is_text else ""
        )
        yield f"CREATE TABLE {name}_l (n integer, lk {self.pk.kind.pgtype}{collate}, ls {sk_type})"
        types = [Column("n", Number("integer"), ""), self.pk, self.sk or Column("s", Text(), "")]
        rows = [[None if n is None else str(n), k, s] for n, k, s in self.lookup]
        yield from self._inserts(f"{name}_l", types, rows)

    @staticmethod
    def _inserts(name, columns, rows):
        for row in rows:
            values = (
                Const(Table._zoned(c, v), c.kind.pgtype).literal()
                for c, v in zip(columns, row, strict=True)
            )
            yield f"INSERT INTO {name} VALUES ({', '.join(values)})"

    @staticmethod
    def _zoned(column, value):
        return value + "+00" if value and column.kind.pgtype == "timestamptz" else value

    def query(self, n):
        return QueryMaker(self, random.Random(f"query {self.seed} {self.number} {n}")).make()


# ---- queries --------------------------------------------------------------------


@dataclasses.dataclass
class Query:
    """SQL with marks: @T@ the table, @L@ the local table, @W@ all conjuncts,
    \\x01n\\x01 the n-th constant."""

    sql: str
    conjuncts: list
    constants: list
    sort_keys: int = 0  # last columns of the result, which ORDER BY goes by
    limited: str | None = None  # the same without LIMIT, when ties may choose the rows
    cursor: list = dataclasses.field(default_factory=list)  # FETCH and MOVE
    settings: list = dataclasses.field(default_factory=list)
    may_fail: bool = False  # a pattern that is an error once it is looked at

    def _where(self, sql):
        where = " AND ".join(self.conjuncts) if self.conjuncts else "true"
        return sql.replace("@W@", where)

    def literal(self, table, lookup, sql=None):
        text = re.sub(
            "\x01(\\d+)\x01",
            lambda m: self.constants[int(m[1])].literal(),
            self._where(sql or self.sql),
        )
        return text.replace("@T@", table).replace("@L@", lookup)

    def prepared(self, table, lookup):
        """(text with $1, types, values) of the statement, constants as parameters."""
        used = []

        def number(match):
            used.append(self.constants[int(match[1])])
            return f"${len(used)}"

        text = re.sub("\x01(\\d+)\x01", number, self._where(self.sql))
        text = text.replace("@T@", table).replace("@L@", lookup)
        return text, [c.pgtype for c in used], [c.literal() for c in used]


class QueryMaker:
    def __init__(self, table, rng):
        self.table, self.rng = table, rng
        self.constants = []
        self.may_fail = False

    # -- parts

    def const(self, const):
        self.constants.append(const)
        return f"\x01{len(self.constants) - 1}\x01"

    def value(self, column):
        pool = self.table.pools[column.name]
        return self.const(column.kind.constant(self.rng, pool))

    def number(self, *choices, pgtype="bigint"):
        return self.const(Const(self.rng.choice(choices), pgtype))

    def chance(self, probability):
        return self.rng.random() < probability

    def equal_partition(self):
        pool = self.table.partitions
        kind = self.table.pk.kind
        value = self.rng.choice(pool)
        if kind.pgtype == "timestamptz":
            value += "+00"
        const = Const(value, kind.pgtype, bare=self.chance(0.5))
        if self.chance(0.1):
            return f"t.pk = {self.value(self.table.pk)}"
        mark = self.const(const)
        return self.rng.choice([f"t.pk = {mark}", f"t.pk = {mark}", f"{mark} = t.pk"])

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
        form = self.rng.randrange(10)
        if form < 4:
            word = self.rng.choice(["LIKE", "LIKE", "LIKE", "NOT LIKE", "ILIKE"])
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
        return self.const(Const(text[: self.rng.randrange(min(len(text), 20) + 1)], "text"))

    def leaf(self, column):
        name = f"t.{column.name}"
        kind = column.kind
        if isinstance(kind, Boolean):
            forms = ["", " IS TRUE", " IS NOT TRUE", " IS FALSE", " IS UNKNOWN", " IS NULL"]
            return self.rng.choice(["", "NOT "]) + name + self.rng.choice(forms)
        if kind.is_text and self.chance(0.45):
            return self.text_leaf(column)
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

    def condition(self, depth=2):
        roll = self.rng.random()
        if depth == 0 or roll < 0.7:
            table = self.table
            column = self.rng.choice([table.sk or table.pk, table.sk or table.pk, *table.columns])
            return self.leaf(column)
        if roll < 0.78:
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
        if self.chance(with_key):
            conditions.append(self.equal_partition())
        if self.table.sk:
            sort = self.rng.choice([0, 0, 1, 1, 1, 2, 2, 3])
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
            self.table.columns, self.rng.randrange(0, len(self.table.columns) + 1)
        )
        return [f"t.{c.name}" for c in chosen] or ["1"]

    def sort_item(self, expression):
        direction = self.rng.choice(["", "", " ASC", " DESC", " DESC"])
        return expression + direction + self.rng.choice(["", "", " NULLS FIRST", " NULLS LAST"])

    def sort_expressions(self):
        table = self.table
        key = table.sk or table.pk
        roll = self.rng.random()
        if roll < 0.55:
            return [f"t.{key.name}"]
        if roll < 0.7:
            return ["t.pk", f"t.{key.name}"]
        if roll < 0.8:
            return [f"t.{key.name}", f"t.{self.rng.choice(table.columns).name}"]
        if roll < 0.85 and key.kind.is_text:
            return [f"t.{key.name} COLLATE {self.rng.choice(COLLATIONS[:1] + COLLATIONS[3:])}"]
        return [f"t.{c.name}" for c in self.rng.sample(table.columns, self.rng.randrange(1, 3))]

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

    def aggregate(self):
        functions = ["count(*)"]
        for column in self.table.columns:
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

    def join(self):
        on = "t.pk = l.lk"
        if self.table.sk and self.chance(0.5):
            on += f" AND t.sk {self.rng.choice(['=', '>=', '<', '>'])} l.ls"
        word = self.rng.choice(["JOIN", "JOIN", "LEFT JOIN", "RIGHT JOIN", "FULL JOIN"])
        if word == "FULL JOIN":
            on = "t.pk = l.lk"
        conjuncts = self.conjuncts(0.3)
        return Query(
            f"SELECT l.n, {', '.join(self.columns())} FROM @L@ l {word} @T@ t ON {on} WHERE @W@",
            conjuncts, [],
        )  # fmt: skip

    def self_join(self):
        columns = ", ".join(self.columns())
        return Query(
            f"SELECT {columns}, u.pk FROM @T@ t JOIN @T@ u ON u.pk = t.pk WHERE @W@",
            self.conjuncts(0.9), [],
        )  # fmt: skip

    def lateral(self):
        columns = ", ".join(self.columns())
        where = "t.pk = l.lk AND @W@"
        if self.table.sk and self.chance(0.5):
            where += f" AND t.sk {self.rng.choice(['>=', '<', '>', '<=', '='])} l.ls"
        limit = self.rng.choice(
            ["", "LIMIT l.n", "LIMIT l.n OFFSET 1", "LIMIT 2 OFFSET l.n", "LIMIT"]
        )
        if limit == "LIMIT":
            limit += f" {self.number('1', '2', '3', None)}"
        inner = f"SELECT {columns} FROM @T@ t WHERE {where} ORDER BY {self.total_order()} {limit}"
        word = self.rng.choice(["CROSS JOIN LATERAL", "LEFT JOIN LATERAL"])
        on = " ON true" if word.startswith("LEFT") else ""
        return Query(f"SELECT l.n, x.* FROM @L@ l {word} ({inner}) x{on}", self.conjuncts(0.1), [])

    def scalar(self):
        roll = self.rng.random()
        conjuncts = self.conjuncts(0.1)
        column = self.rng.choice(self.table.columns).name
        if roll < 0.5:
            inner = f"SELECT count(t.{column}) FROM @T@ t WHERE t.pk = l.lk AND @W@"
        else:
            inner = (
                f"SELECT t.{column} FROM @T@ t WHERE t.pk = l.lk AND @W@"
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
            more = f" AND t.sk {self.rng.choice(['=', '>', '<='])} l.ls"
        return Query(
            f"SELECT * FROM @L@ l WHERE {word}EXISTS"
            f" (SELECT 1 FROM @T@ t WHERE t.pk = l.lk{more} AND @W@)",
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
        makers += [self.join, self.join, self.scalar, self.exists, self.union, self.distinct]
        makers += [self.window, self.subquery, self.self_join]
        query = self.rng.choice(makers)()
        query.constants = self.constants
        query.may_fail = self.may_fail
        for setting in ("hashjoin", "mergejoin", "material", "sort", "hashagg", "memoize"):
            if self.chance(0.12):
                query.settings.append(f"SET LOCAL enable_{setting} = off")
        return query
