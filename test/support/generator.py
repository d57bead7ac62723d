# SPDX-License-Identifier: PostgreSQL
"""Random DynamoDB tables, from a seed; support.queries asks of them.

    table = Table(seed, number)     # items, rows, CREATE statements

Values are PostgreSQL's input text throughout; what DynamoDB is to store for
them is computed here, without asking the extension.
"""

import base64
import binascii
import dataclasses
import json
import random
import uuid
from datetime import datetime, timedelta
from decimal import Decimal

from .widened import is_on

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
    # In an order of their own in WIN1252 and LATIN9.
    *("€", "Š", "ž", "Œ", "Ÿ", "€a", "a€", "aš", "ÿ", "Ž"),
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
    """A type of column: what it holds and what it is compared with.  Keys have one
    spelling (key_attribute), other attributes may have several."""

    stored = "S"
    pgtype = "text"
    options = ()
    ordered = True  # min(), max() exist
    is_text = False
    odd = ()
    column_type = None  # of the column, where constants have another
    misfits = ()  # of the stored type, and yet no value of the column
    accepts = ()  # stored types, where there are several

    def random(self, rng, key, longest):
        raise NotImplementedError

    def attribute(self, rng, value):
        return {self.stored: value}

    def key_attribute(self, rng, value):
        return self.attribute(rng, value)

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
    misfits = [{"S": "a\0b"}]
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


class ShortText(Text):
    column_type = "varchar(5)"
    misfits = [{"S": "abcdef"}, {"S": "a      "}]

    def __init__(self):
        super().__init__("varchar")

    def random(self, rng, key, longest):
        return super().random(rng, key, longest)[:5]


class Number(Kind):
    stored = "N"

    def __init__(self, pgtype="numeric"):
        self.pgtype = pgtype
        self.limit = {"smallint": 2**15, "integer": 2**31, "bigint": 2**63}.get(pgtype)
        self.odd = [*ODD_NUMBERS]
        if self.limit:
            self.misfits = [{"N": "0.33"}, {"N": "-1.5"}, {"N": "1" + "0" * 30}]

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
            if self.pgtype == "real" and not Decimal("1e-30") < abs(Decimal(value)) < 10**30:
                continue
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
        if rng.random() < 0.5 and number.is_finite() and self.fits(const.text):
            const.pgtype = "numeric" if self.limit is None else self.pgtype
            if self.pgtype in ("double precision", "real"):
                narrow = abs(number.adjusted()) < (300 if self.pgtype != "real" else 30)
                const.pgtype = self.pgtype if narrow else "numeric"
        return const


class Money(Number):
    """numeric with a scale: what does not fit it is a misfit."""

    column_type = "numeric(8,2)"

    def __init__(self):
        super().__init__()
        self.misfits = [{"N": "0.333"}, {"N": "1000000"}, {"N": "-0.001"}]

    def fits(self, text):
        number = Decimal(text)
        return abs(number) < 10**6 and number == number.quantize(Decimal("0.01"))


class Positive(Number):
    """A domain."""

    column_type = "positive"

    def __init__(self):
        super().__init__("integer")
        self.misfits = [{"N": "-5"}, {"N": "0"}, {"N": "0.5"}]

    def fits(self, text):
        return super().fits(text) and Decimal(text) > 0

    def random(self, rng, key, longest):
        while True:
            value = super().random(rng, key, longest)
            if self.fits(value):
                return value


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


class StoredBoolean(Boolean):
    """boolean as mappers store it that know no BOOL, and as keys have to be."""

    def __init__(self, stored):
        self.stored = stored
        self.options = (("type", stored),)
        self.spelled = {"N": {"true": ["1"], "false": ["0"]}}.get(
            stored, {"true": ["true", "true", "t"], "false": ["false", "false", "f"]}
        )
        self.misfits = [{"N": "2"}, {"N": "-1"}] if stored == "N" else [{"S": "yes"}, {"S": "T"}]

    def attribute(self, rng, value):
        return {self.stored: rng.choice(self.spelled[value])}

    def key_attribute(self, rng, value):
        return {self.stored: self.spelled[value][0]}


class TextForm(Kind):
    """A type that is stored as its text, of which values have a few; canonical first."""

    misfits = [{"S": "not of this form"}, {"S": "[5,1,2)"}]
    spelled = {}

    def random(self, rng, key, longest):
        return rng.choice(list(self.spelled))

    def attribute(self, rng, value):
        return {"S": rng.choice(self.spelled[value])}

    def key_attribute(self, rng, value):
        return {"S": value}

    def near(self, rng, value):
        return self.random(rng, False, 0)


class Interval(TextForm):
    """Some are equal, and spelled differently even so."""

    pgtype = "interval"
    odd = ["1000 years", "-178000000 years", "720:00:00", "0.0000005 seconds"]
    spelled = {
        "1 day": ["1 day", "P1D", "@ 1 day", "1 0:00:00"],
        "24:00:00": ["24:00:00", "PT24H"],
        "1 mon": ["1 mon", "P1M", "0-1"],
        "30 days": ["30 days", "30 d"],
        "-1 days": ["-1 days", "P-1D", "@ 1 day ago"],
        "1 year 2 mons 3 days 04:05:06.789": [
            "1 year 2 mons 3 days 04:05:06.789", "P1Y2M3DT4H5M6.789S",
            "@ 1 year 2 mons 3 days 4 hours 5 mins 6.789 secs", "+1-2 +3 +4:05:06.789",
        ],
        "00:00:00": ["00:00:00", "PT0S", "0"],
        "-00:00:01.5": ["-00:00:01.5", "PT-1.5S", "@ 1.5 secs ago"],
        "-1 years -2 mons +3 days": ["-1 years -2 mons +3 days", "P-1Y-2M3D"],
        "00:00:00.000001": ["00:00:00.000001", "0.0000019 s"],
    }  # fmt: skip


class Range(TextForm):
    ordered = False

    FORMS = {
        "int4range": {
            "[1,5)": ["[1,5)", "[1,4]", "(0,5)"], "[1,)": ["[1,)", "(0,)"], "(,3)": ["(,3)", "(,2]"],
            "empty": ["empty", "[2,2)"], "(,)": ["(,)"], "[-7,-6)": ["[-7,-6)", "[-7,-7]"],
        },
        "numrange": {
            "[1.5,2]": ["[1.5,2]", "[1.50,2]"], "(0,0.5)": ["(0,0.5)"], "empty": ["empty"],
            "[1,2]": ["[1,2]"], "(,1e3]": [],
        },
        "daterange": {
            "[2026-11-01,2026-12-01)": ["[2026-11-01,2026-12-01)", "[2026-11-01,2026-11-30]"],
            "[2026-01-02,)": ["[2026-01-02,)", "(2026-01-01,]"], "empty": ["empty"],
            "(,2026-02-03)": ["(,2026-02-03)", "(,2026-02-02]"],
        },
        "tsrange": {
            '["2026-11-01 00:00:00","2026-11-02 03:04:05.5")': [
                '["2026-11-01 00:00:00","2026-11-02 03:04:05.5")',
                "[2026-11-01T00:00,2026-11-02 03:04:05.500)",
            ],
            '["2026-02-01 12:00:00",)': ['["2026-02-01 12:00:00",)', "[2026-02-01T12:00,]"],
            "empty": ["empty"],
        },
        "tstzrange": {
            '["2026-11-01 00:00:00+00","2026-11-02 03:04:05+00")': [
                '["2026-11-01 00:00:00+00","2026-11-02 03:04:05+00")',
                "[2026-11-01T02:00+02,2026-11-02 03:04:05Z)",
            ],
            '(,"2026-02-01 12:00:00+00"]': ['(,"2026-02-01 12:00:00+00"]'],
            "empty": ["empty"],
        },
    }  # fmt: skip

    def __init__(self, pgtype):
        self.pgtype = pgtype
        self.spelled = {value: texts for value, texts in self.FORMS[pgtype].items() if texts}
        self.odd = ["(,)", "empty"]


class Uuid(Kind):
    pgtype = "uuid"
    ordered = False
    misfits = [{"S": "not a uuid"}, {"S": "~"}, {"S": "0"}]
    odd = ["00000000-0000-0000-0000-000000000000", "ffffffff-ffff-ffff-ffff-ffffffffffff"]

    def random(self, rng, key, longest):
        return str(uuid.UUID(int=rng.choice([rng.getrandbits(128), rng.randrange(256) << 120])))


class Enum(Kind):
    pgtype = "mood"
    misfits = [{"S": "no mood"}, {"S": ""}]
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
        odd = {"N": ["1" + "0" * 30], "S": ["2026", "~"]}[self.stored]
        self.misfits = [{self.stored: text} for text in odd]

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


class FineTime(Time):
    """Stored with more digits of fraction than PostgreSQL keeps, which are cut."""

    def attribute(self, rng, value):
        when = datetime.fromisoformat(value)
        more = "".join(rng.choice("0123456789") for _ in range(rng.choice([1, 3, 3, 3, 6])))
        if rng.random() < 0.3:
            more = "9" * len(more)
        if self.stored == "S":
            text = spell_fixed(when, 6)
            return {"S": text[:-1] + more + rng.choice(["Z", "Z", "+00:00"])}
        micros = (when - EPOCH) // timedelta(microseconds=1)
        scale = 10**3 if self.form == "epoch_ms" else 10**6
        # What is cut takes a time back, before 1970 too.
        return {"N": plain((Decimal(micros) + Decimal(f"0.{more}")) / scale)}


class Date(Kind):
    pgtype = "date"
    misfits = [{"S": "2026-13-01"}, {"S": "~"}]
    odd = ["infinity", "-infinity", "0044-03-15 BC", "10000-01-01", "5000000-01-01"]

    def random(self, rng, key, longest):
        days = timedelta(days=rng.randrange(60))
        return rng.choice(["0001-01-01", "9999-12-31", str((datetime(2026, 10, 1) + days).date())])


def as_base64(text):
    """The bytes of which this is the base64 text, if it is."""
    try:
        data = base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        return None
    return data if base64.b64encode(data).decode() == text else None


class Document(Kind):
    """jsonb of whatever is stored: strings that may be binary, arrays that may
    be sets, of which only those of one element keep their order."""

    stored = "M"
    accepts = frozenset({"S", "N", "B", "BOOL", "SS", "NS", "BS", "M", "L"})
    pgtype = "jsonb"
    ordered = False
    misfits = [{"S": "a\0b"}, {"M": {"a": {"L": [{"S": "\0"}]}}}, {"SS": ["\0"]}]
    odd = ['{"a": 1e200}', "1e-131", "[[]]", '{"": 1}', "null"]
    NAMES = ("a", "b", "c d", "é", "0", "1", "a.b", "AP8=", "#n0")
    TEXTS = ("x", "", "5", "5.5", "true", "AP8=", "name", "{}", "[1]", "é", "a", "null")
    NUMBERS = ("0", "5", "5.5", "-1", "1" * 38, "1" + "0" * 125, "0." + "0" * 129 + "1")

    def text(self, rng):
        return json.dumps(rng.choice(self.TEXTS), ensure_ascii=False)

    def scalar(self, rng):
        scalars = [self.text, self.text, lambda rng: rng.choice(self.NUMBERS)]
        return rng.choice([*scalars, lambda rng: rng.choice(["true", "false", "null"])])(rng)

    def random(self, rng, key, longest, depth=3):
        form = rng.randrange(10)
        if depth == 0 or form < 3:
            value = self.scalar(rng)
            return value if value != "null" or depth < 3 else "5"
        parts = [self.random(rng, key, longest, depth - 1) for _ in range(rng.choice([0, 1, 1, 2, 3]))]
        if form < 5:
            return "[" + ", ".join(parts) + "]"
        names = rng.sample(self.NAMES, len(parts))
        members = (f"{json.dumps(n, ensure_ascii=False)}: {p}" for n, p in zip(names, parts, strict=True))
        return "{" + ", ".join(members) + "}"

    def attribute(self, rng, value):
        return self.stored_as(rng, json.loads(value, parse_int=Decimal, parse_float=Decimal))

    def stored_as(self, rng, value):
        if value is None or isinstance(value, bool):
            return {"NULL": True} if value is None else {"BOOL": value}
        if isinstance(value, Decimal):
            return {"N": plain(value)}
        if isinstance(value, str):
            data = as_base64(value) if rng.random() < 0.3 else None
            return {"S": value} if data is None else {"B": data}
        if isinstance(value, dict):
            return {"M": {name: self.stored_as(rng, member) for name, member in value.items()}}
        elements = [self.stored_as(rng, element) for element in value]
        if len(elements) == 1 and rng.random() < 0.5:
            ((kind, content),) = elements[0].items()
            if kind in "SNB":
                return {kind + "S": [content]}
        return {"L": elements}


class Overflow(Document):
    """An object of what no other column shows; never NULL."""

    options = (("overflow", "true"),)
    MEMBERS = ("o", "o 2", "ö", "#n0", "o.p", "o[0]")

    def random(self, rng, key, longest, depth=3):
        names = rng.sample(self.MEMBERS, rng.choice([0, 1, 1, 2, 3]))
        members = (
            f"{json.dumps(name, ensure_ascii=False)}: {Document.random(self, rng, key, longest, 2)}"
            for name in names
        )
        return "{" + ", ".join(members) + "}"


class Array(Kind):
    """Of texts or numbers, as a list, or as a set of one element."""

    stored = "L"
    ordered = False

    def __init__(self, of, pgtype):
        self.of, self.pgtype = of, pgtype
        self.accepts = frozenset({"L", of + "S"})
        odd = {"S": {"L": [{"N": "1"}]}, "N": {"L": [{"N": "1"}, {"N": "1.5"}]}}
        self.misfits = [odd[of], {"L": [{"L": []}]}, {"BS": [b"a"]}]

    def elements(self, rng):
        texts = ["x", "y", "xy", "", "a b", "é", '"', "\\", "NULL", "😀"]
        numbers = ["0", "1", "2", "-1", "2147483647"]
        choices = [None, *(texts if self.of == "S" else numbers) * 2]
        return rng.choices(choices, k=rng.choice([0, 1, 1, 2, 3, 5]))

    def spell(self, elements):
        quoted = ("NULL" if e is None else '"' + e.replace("\\", "\\\\").replace('"', '\\"') + '"' for e in elements)
        return "{" + ",".join(quoted) + "}"

    def random(self, rng, key, longest):
        # What an item is made of is not taken apart from text again.
        text = self.spell(elements := self.elements(rng))
        self.known = {**getattr(self, "known", {}), text: elements}
        return text

    def attribute(self, rng, value):
        elements = self.known[value]
        if len(elements) == 1 and elements[0] is not None and rng.random() < 0.5:
            return {self.of + "S": elements}
        return {"L": [{"NULL": True} if e is None else {self.of: e} for e in elements]}


KEY_KINDS = {
    "S": [Text(), Text(), Text(), Text("varchar"), Uuid(), Enum(), Time("iso8601:3"),
          Time("iso8601:0"), ShortText(), Time("iso8601:6", "timestamp"), Time("iso8601"), Date()],
    "N": [Number(), Number(), Number(), Number(), Number("bigint"), Number("integer"), Number("smallint"),
          Number("double precision"), Money(), Positive(), Time("epoch"), Time("epoch_ms")],
    "B": [Bytea()],
}  # fmt: skip
if is_on("booleans"):
    KEY_KINDS["S"].append(StoredBoolean("S"))
    KEY_KINDS["N"].append(StoredBoolean("N"))
if is_on("text forms"):
    KEY_KINDS["S"] += [Interval(), Range("daterange"), Range("tstzrange")]
OTHER_KINDS = [
    *(Text(), Text(), Number(), Number("bigint"), Number("integer"), Number("double precision")),
    *(Number("real"), Money(), Positive(), ShortText(), Time("iso8601:3"), Time("epoch")),
    *(Bytea(), Boolean(), Boolean(), Text(), Uuid(), Enum()),
    *(Time("iso8601"), Time("epoch_ms"), Date()),
    *(Document(), Document(), Document(), Array("S", "text[]"), Array("N", "integer[]")),
]
if is_on("booleans"):
    OTHER_KINDS += [StoredBoolean("S"), StoredBoolean("N")]
if is_on("text forms"):
    OTHER_KINDS += [Interval(), *(Range(pgtype) for pgtype in Range.FORMS)]
if is_on("fractions"):
    OTHER_KINDS += [FineTime("iso8601"), FineTime("iso8601", "timestamp"), FineTime("epoch")]
    OTHER_KINDS.append(FineTime("epoch_ms"))
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
    few: list | None = None  # an index's key: its values, which repeat
    options: tuple = ()

    def sql(self, foreign):
        parts = [self.name, self.kind.column_type or self.kind.pgtype]
        if foreign:
            options = [("attribute", self.attribute)] if self.attribute else []
            options += [*self.kind.options, *self.options]
            options = ", ".join(f"{n} {quote(v)}" for n, v in options)
            parts.append(f"OPTIONS ({options})")
        if self.collation and self.kind.is_text:
            parts.append(f"COLLATE {self.collation}")
        return " ".join(parts)


def foreign_table_sql(name, columns, server, parent, options):
    columns = ",\n  ".join(column.sql(True) for column in columns)
    inherits = f" INHERITS ({parent})" if parent else ""
    options = ", ".join(f"{option} {quote(str(value))}" for option, value in options.items())
    return (
        f"CREATE FOREIGN TABLE {name} (\n  {columns}\n){inherits} SERVER {server}"
        f" OPTIONS ({options})"
    )


class Table:
    """Items, the rows they are, and the statements that declare both."""

    replay = ""  # of the environment, besides what all tests take

    def __init__(self, seed, number, charset=None):
        self.seed, self.number, self.charset = seed, number, charset
        rng = random.Random(f"table {seed} {number}")
        self.rng = rng
        self.name = f"Fuzz{seed}.{number}"
        # Every combination of key types turns up over the seeds.
        combination = (seed * 5 + number * 7) % 16
        self.partition_type = "SNBS"[combination % 4]
        self.sort_type = ["S", "N", "B", None][combination // 4]
        if rng.random() < 0.25:
            self.sort_type = "S"
        # Where misfits are said to be NULL, if they are.
        self.mismatch_null = rng.choice([None] * 5 + ["table", "column", "setting"])
        # Read through an index: repeating keys, and items that it does not hold.
        self.index = rng.choice([None] * 8 + ["Global", "Local" if self.sort_type else None])
        self.consistent_read = not self.index and rng.random() < 0.1
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
        for twin in rng.sample(self.others, rng.randrange(2)):
            # Two of one kind, to be compared with each other.
            self.others.append(Column(f"c{len(kinds)}", twin.kind, "Twin"))
        for column in self.others:
            column.collation = rng.choice(COLLATIONS)
            if self.mismatch_null == "column":
                column.options = (("on_type_mismatch", "null"),)
        self.indexes = [] if self.index else self._make_indexes()
        self.id = Column("id", Text(), "id", '"C"') if self.index else None
        self.columns = [c for c in (self.pk, self.sk, self.id, *self.others) if c]
        rng.shuffle(self.columns)
        for column in self.columns:
            if self.charset and not self.charset.holds(column.attribute):
                column.attribute = f"attribute {column.name}"
            if self.charset and not self.charset.has_icu and "icu" in (column.collation or ""):
                column.collation = '"C"'

    def _make_indexes(self):
        """Indexes of the planner's choice: (kind, partition, sort, projection)."""
        rng = self.rng
        able = [c for c in self.others if c.kind.stored in "SNB" and c.kind.stored != "BOOL"]
        keys = rng.sample(able, min(len(able), rng.choice([0, 1, 2, 2, 2, 3, 3])))
        for column in keys:
            column.few = [
                column.kind.random(rng, True, 100) for _ in range(rng.choice([1, 3, 6, 12]))
            ]
        able = [*keys, *keys, self.pk, *([self.sk] if self.sk else [])]
        indexes = []
        for _ in range(rng.randrange(1, 6) if keys else 0):
            if self.sk and rng.random() < 0.4:
                chosen = [[self.pk], [rng.choice(keys)]]
            else:
                distinct = list({c.name: c for c in rng.sample(able, len(able))}.values())
                chosen = [distinct[:1], distinct[1 : rng.choice([1, 2, 2, 2])]]
            rest = [c.attribute for c in self.others if c not in chosen[0] + chosen[1]]
            word = rng.choice(["ALL", "KEYS_ONLY", "INCLUDE"] if rest else ["ALL", "KEYS_ONLY"])
            projection = {"ProjectionType": word}
            if word == "INCLUDE":
                projection["NonKeyAttributes"] = rng.sample(rest, rng.randrange(1, len(rest) + 1))
            local = chosen[0] == [self.pk] and self.sk and len(chosen[1]) == 1
            local = local and self.sk not in chosen[1] and rng.random() < 0.7
            indexes.append(("Local" if local else "Global", *chosen, projection))
        return indexes

    def keys(self):
        """(partition, sort) columns of the table and of all indexes."""
        own = ([self.pk], [self.sk] if self.sk else [])
        return [own, *(index[1:3] for index in self.indexes)]

    def held_by(self, index):
        """The columns that an index projects."""
        _, partition, sort, projection = index
        names = {c.attribute for c in (self.pk, self.sk, *partition, *sort) if c}
        names |= set(projection.get("NonKeyAttributes", ()))
        every = projection["ProjectionType"] == "ALL"
        return [c for c in self.columns if every or c.attribute in names]

    def _make_items(self):
        rng = self.rng
        count = rng.choice([30, 60, 100, 150])
        # The key of an enum or a small integer does not give that many.
        longest = 1024 if self.indexes else 2048  # as an index's sort key
        partitions = {self._key(self.pk, longest) for _ in range(count if not self.sk else 6)}
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
        item = {c.attribute: c.kind.key_attribute(rng, values[c.name]) for c in keys}
        for column in self.others:
            roll = rng.random()
            values[column.name] = None
            if roll < 0.15:
                continue
            if roll < 0.3 and self.mismatch_null and column.kind.misfits and rng.random() < 0.4:
                misfit = rng.choice(column.kind.misfits)
                if not column.few or list(misfit.values()) != [""]:
                    item[column.attribute] = misfit
            elif roll < 0.22 and not column.few:
                item[column.attribute] = {"NULL": True}
            elif roll < 0.3 and self.mismatch_null and not column.few:
                misfit = rng.choice(MISFITS)
                if not {column.kind.stored, *column.kind.accepts} & set(misfit):
                    item[column.attribute] = misfit
            else:
                value = (
                    rng.choice(column.few) if column.few else column.kind.random(rng, False, 100)
                )
                twin = values.get(next((c.name for c in self.others if c.kind is column.kind), ""))
                if twin and not column.few and rng.random() < 0.3:
                    value = twin
                values[column.name] = value
                spell = column.kind.key_attribute if column.few else column.kind.attribute
                item[column.attribute] = spell(rng, value)
                if isinstance(column.kind, Uuid) and not column.few and rng.random() < 0.2:
                    item[column.attribute] = {"S": value.upper()}
        if rng.random() < 0.3:
            item['unmapped "one"'] = {"L": [{"M": {"a": {"N": "1"}}}, {"S": "}],\\"}]}
        if self.charset and not self.charset.holds_all([item, list(values.values())]):
            return
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
                for name, key_type in dict([*own, *keys, *self._index_types()]).items()
            ],
        }
        if self.index:
            index = {"IndexName": "the.index", "Projection": {"ProjectionType": "ALL"}}
            index["KeySchema"] = self._schema(keys)
            description[f"{self.index}SecondaryIndexes"] = [index]
        for number, (kind, partition, sort, projection) in enumerate(self.indexes):
            schema = [(c.attribute, "HASH") for c in partition]
            schema += [(c.attribute, "RANGE") for c in sort]
            description.setdefault(f"{kind}SecondaryIndexes", []).append(
                {
                    "IndexName": f"index.{number}",
                    "KeySchema": [{"AttributeName": n, "KeyType": r} for n, r in schema],
                    "Projection": projection,
                }
            )
        return description

    def _index_types(self):
        return [
            (column.attribute, column.kind.stored)
            for _, partition, sort, _ in self.indexes
            for column in (*partition, *sort)
        ]

    @staticmethod
    def _schema(keys):
        roles = ("HASH", "RANGE")
        return [{"AttributeName": k[0], "KeyType": r} for k, r in zip(keys, roles, strict=False)]

    def foreign_sql(self, name, server, parent=None, **options):
        options["table_name"] = self.name
        if self.mismatch_null == "table":
            options["on_type_mismatch"] = "null"
        if self.consistent_read:
            options["consistent_read"] = "true"
        if self.index:
            options["index_name"] = "the.index"
        return foreign_table_sql(name, self.columns, server, parent, options)

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
