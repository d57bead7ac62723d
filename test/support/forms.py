# SPDX-License-Identifier: PostgreSQL
"""Key templates and the forms of their variables, as the manual describes them:
values ↔ text in keys, of one spelling each.

Values are PostgreSQL's input text, as in support.generator.
"""

import os
import re
from datetime import date, datetime, timedelta, timezone
from decimal import Decimal

from .generator import (
    Boolean,
    Date,
    Enum,
    Interval,
    Money,
    Number,
    Positive,
    Range,
    ShortText,
    Text,
    TextForm,
    Time,
    Uuid,
    plain,
    spell_fixed,
)
from .widened import is_on

# Walks with an open end stop at the present, so their times lie before this day.
TODAY = date.fromisoformat(
    os.environ.get("DDB_FUZZ_TODAY", str(datetime.now(timezone.utc).date()))
)

EPOCH = datetime(1970, 1, 1)
WIDTHS = {"YYYY": 4, "MM": 2, "DD": 2, "HH24": 2, "MI": 2, "SS": 2, "MS": 3, "US": 6}
ORDER = ["year", "month", "day", "hour", "minute", "second", "fraction"]
UNITS = {**dict(zip(WIDTHS, ORDER, strict=False)), "US": "fraction"}


class Unspecified(Exception):
    """What nobody says: such items are left out."""


class Form:
    spec = ""  # behind the colon
    width = 0  # in bytes, where all values have the same
    unit = None  # of times: the finest that the text tells
    walks = False

    def tells(self, kind):
        """Is the whole value in the key?"""
        if self.unit is None:
            return True
        enough = "day" if isinstance(kind, Date) else "second"
        return ORDER.index(self.unit) >= ORDER.index(enough)


class Plain(Form):
    """As PostgreSQL writes a value of the column's type."""

    def __init__(self, kind):
        self.kind = kind
        if isinstance(kind, Date):
            self.width, self.unit, self.walks = 10, "day", True
        if isinstance(kind, Uuid):
            self.width = 36

    def text(self, value):
        return value if self.value(value) is not None else None

    def value(self, text, kind=None):
        fits = {
            Text: self._text, Number: self._number, Uuid: self._uuid,
            Date: self._date, Enum: self._label, Boolean: self._boolean,
            TextForm: self._spelled,
        }  # fmt: skip
        for base, check in fits.items():
            if isinstance(self.kind, base):
                return text if check(text) else None
        raise AssertionError(self.kind)

    def _text(self, text):
        limit = re.search(r"\((\d+)\)", self.kind.column_type or "")
        return "\0" not in text and (not limit or len(text) <= int(limit[1]))

    def _number(self, text):
        pattern = r"0|-?[1-9][0-9]*"
        if not isinstance(self.kind, Positive) and not self.kind.limit:
            pattern = r"-?(0|[1-9][0-9]*)(\.[0-9]*[1-9])?"
        if not re.fullmatch(pattern, text) or text == "-0":
            return False
        if not self.kind.limit and len(text.strip("-").replace(".", "")) > 38:
            raise Unspecified
        return self.kind.fits(text)

    def _uuid(self, text):
        return re.fullmatch("[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", text)

    def _date(self, text):
        if not re.fullmatch("[0-9]{4}-[0-9]{2}-[0-9]{2}", text):
            return False
        try:
            return datetime.fromisoformat(text)
        except ValueError:
            return False

    def _label(self, text):
        return text in self.kind.labels

    def _boolean(self, text):
        return text in ("true", "false")

    def _spelled(self, text):
        if text not in self.kind.spelled and (re.search("[0-9]", text) or "empty" in text):
            raise Unspecified
        return text in self.kind.spelled


class Padded(Form):
    def __init__(self, digits):
        self.spec, self.width = f"0{digits}", digits

    def text(self, value):
        text = f"{int(value):0{self.width}}"
        return text if int(value) >= 0 and len(text) == self.width else None

    def value(self, text, kind=None):
        if not re.fullmatch(f"[0-9]{{{self.width}}}", text):
            return None
        if kind and kind.limit and not kind.fits(text):
            return None
        return str(int(text))


class Shard(Form):
    """From first to last; digits: of all of them, 0 where they differ."""

    def __init__(self, first, last, digits):
        self.first, self.last, self.width = first, last, digits
        self.spec = f"{first:0{max(digits, 1)}}..{last}"

    def text(self, value):
        if not re.fullmatch("-?[0-9]+", value) or not self.first <= int(value) <= self.last:
            return None
        return f"{int(value):0{max(self.width, 1)}}"

    def value(self, text, kind=None):
        known = [f"{n:0{max(self.width, 1)}}" for n in range(self.first, self.last + 1)]
        if text not in known:
            return None
        return text if isinstance(kind, Text) else str(int(text))


class TimeForm(Form):
    """One of the formats by name, or a pattern: fields and what stands between."""

    def __init__(self, spec, tokens=None):
        self.spec, self.tokens = spec, tokens
        self.unit = "fraction"
        if spec.startswith("iso8601:"):
            self.width = 20 + (int(spec[-1]) + 1 if spec[-1] != "0" else 0)
            self.unit = "second" if spec[-1] == "0" else "fraction"
            self.walks = self.unit == "second"
        if tokens:
            fields = [t for t in tokens if t in WIDTHS]
            self.width = sum(WIDTHS.get(t, len(t)) for t in tokens)
            units = [ORDER.index(UNITS[f]) for f in fields]
            self.unit = ORDER[max(units)]
            self.walks = units == sorted(units) and self.unit != "fraction"

    @classmethod
    def of_pattern(cls, tokens):
        return cls("".join(tokens), [t for t in tokens if t != '"'])

    def text(self, value):
        """Cut off to what the form tells; a form that always tells all does not cut."""
        when = datetime.fromisoformat(value)
        micros = (when - EPOCH) // timedelta(microseconds=1)
        if self.tokens:
            parts = [*when.timetuple()[:6], when.microsecond // 1000, when.microsecond]
            fields = dict(zip(WIDTHS, parts, strict=True))
            return "".join(f"{fields[t]:0{WIDTHS[t]}}" if t in fields else t for t in self.tokens)
        if self.spec.startswith("epoch"):
            return plain(Decimal(micros) / (10**3 if self.spec == "epoch_ms" else 10**6))
        digits = 6 if micros % 1000 else 3 if micros % 10**6 else 0
        return spell_fixed(when, digits if self.spec == "iso8601" else int(self.spec[-1]))

    def value(self, text, kind=None):
        try:
            when = self._parse(text)
        except (ValueError, OverflowError):
            return None
        if when is None:
            return None
        spelled = when.date().isoformat() if isinstance(kind, Date) else when.isoformat(sep=" ")
        if isinstance(kind, Date) and when != datetime(when.year, when.month, when.day):
            return None
        return spelled if self.text(when.isoformat(sep=" ")) == text else None

    def _parse(self, text):
        if self.tokens:
            return self._parse_pattern(text)
        if self.spec.startswith("epoch"):
            if not re.fullmatch(r"-?(0|[1-9][0-9]*)(\.[0-9]*[1-9])?", text):
                return None
            micros = Decimal(text) * (10**3 if self.spec == "epoch_ms" else 10**6)
            if not -62135596800 * 10**6 <= micros < 253402300800 * 10**6:
                raise Unspecified
            return EPOCH + timedelta(microseconds=int(micros)) if micros == int(micros) else None
        found = re.fullmatch(r"([0-9]{4}-[0-9]{2}-[0-9]{2})T([0-9:]{8})(\.[0-9]{1,6})?Z", text)
        if not found:
            return None
        return datetime.fromisoformat(f"{found[1]} {found[2]}{(found[3] or '.').ljust(7, '0')}")

    def _parse_pattern(self, text):
        parts = (
            f"(?P<{token}>[0-9]{{{WIDTHS[token]}}})" if token in WIDTHS else re.escape(token)
            for token in self.tokens
        )
        found = re.fullmatch("".join(parts), text)
        if not found:
            return None
        fields = {name: int(number) for name, number in found.groupdict().items()}
        day = [fields.get(name, 1) for name in ("YYYY", "MM", "DD")]
        clock = [fields.get(name, 0) for name in ("HH24", "MI", "SS")]
        return datetime(*day, *clock, fields.get("US", fields.get("MS", 0) * 1000))


class Literal:
    def __init__(self, text):
        self.literal = text


class Variable:
    """column None: a shard that is no column."""

    def __init__(self, column, form):
        self.column, self.form = column, form

    def __str__(self):
        name, spec = self.column.name if self.column else "", self.form.spec
        return "${" + name + (":" if name and spec else "") + spec + "}"

    def agrees(self, text, row):
        """Is this the text of the row's value?"""
        if self.column is None:
            return self.form.value(text) is not None
        value = row[self.column.name]
        return value is not None and self.form.text(value) == text


class Template:
    def __init__(self, parts):
        self.parts = parts

    @staticmethod
    def joined(rng, parts):
        """Neighbouring literals as one; variables that must not touch apart."""
        joined = []
        for part in parts:
            last = joined[-1] if joined else None
            if isinstance(part, Literal) and isinstance(last, Literal):
                joined[-1] = Literal(last.literal + part.literal)
                continue
            if isinstance(part, Variable) and isinstance(last, Variable):
                if not last.form.width:
                    joined.append(Literal("#"))
            elif isinstance(part, Literal) and last and last.form.width and rng.random() < 0.1:
                continue  # a fixed width ends by itself
            joined.append(part)
        return joined

    def __str__(self):
        return "".join(p.literal if isinstance(p, Literal) else str(p) for p in self.parts)

    def variables(self):
        return [part for part in self.parts if isinstance(part, Variable)]

    def text(self, values, rng):
        """The key of these values (by column name), or None."""
        texts = []
        for part in self.parts:
            if isinstance(part, Literal):
                texts.append(part.literal)
            elif part.column is None:
                texts.append(part.form.text(str(rng.randint(part.form.first, part.form.last))))
            else:
                value = values[part.column.name]
                texts.append(None if value is None else part.form.text(value))
        return None if None in texts else "".join(texts)

    def split(self, key):
        """The texts of the parts; None: it is not of this form."""
        rest, texts = key.encode(), []
        for i, part in enumerate(self.parts):
            following = self.parts[i + 1] if i + 1 < len(self.parts) else None
            if isinstance(part, Literal):
                end = len(part.literal.encode())
                if rest[:end] != part.literal.encode():
                    return None
            elif part.form.width:
                end = part.form.width
            elif following is None:
                end = len(rest)
            else:
                end = rest.find(following.literal.encode())
            if end < 0 or end > len(rest):
                return None
            texts.append(rest[:end])
            rest = rest[end:]
        try:
            return None if rest else [text.decode() for text in texts]
        except UnicodeDecodeError:
            return None


# ---- kinds of variables ---------------------------------------------------------


class WalkTime(Time):
    """Instants before today, of which partitions may be derived."""

    def __init__(self, days, form="iso8601:6", pgtype="timestamptz"):
        super().__init__(form, pgtype)
        self.days = days
        self.odd = ["infinity", "-infinity", "9999-12-31 00:00:00", "2000-01-01 00:00:00"]

    def random(self, rng, key, longest):
        start = datetime(TODAY.year, TODAY.month, TODAY.day)
        when = start - timedelta(days=rng.randrange(1, self.days + 1))
        if rng.random() < 0.8:
            seconds = [1, 3600, 3599, 7200, 86399, rng.randrange(86400)]
            when += timedelta(seconds=rng.choice(seconds))
        if rng.random() < 0.4:
            when += timedelta(microseconds=rng.choice([1000, 345000, 1, 999999, 500000]))
        if rng.random() < 0.1:
            when = start - timedelta(days=1) + timedelta(microseconds=1)
        digits = int(self.form[-1]) if self.form[-2] == ":" else 6
        cut = 10 ** (6 - digits)
        return when.replace(microsecond=when.microsecond // cut * cut).isoformat(sep=" ")

    def near(self, rng, value):
        when = datetime.fromisoformat(value)
        step = rng.choice([1, -1, 1000, 10**6, 3600 * 10**6, 86400 * 10**6, -86400 * 10**6])
        if rng.random() < 0.3:
            when = when.replace(hour=0, minute=0, second=0, microsecond=0)
        return (when + timedelta(microseconds=step * rng.choice([0, 1, 1, 2]))).isoformat(sep=" ")


class WalkDate(Date):
    def __init__(self, days):
        self.days = days
        self.odd = ["infinity", "-infinity", "9999-12-31", "2000-01-01"]

    def random(self, rng, key, longest):
        return str(TODAY - timedelta(days=rng.randrange(1, self.days + 1)))

    def near(self, rng, value):
        return str(date.fromisoformat(value) + timedelta(days=rng.choice([1, -1, 3])))


PATTERNS = {
    "year": [["YYYY"]],
    "month": [["YYYY", "-", "MM"], ["YYYY", "MM"], ["MM", "/", "YYYY"]],
    "day": [["YYYY", "-", "MM", "-", "DD"], ["YYYY", "MM", "DD"], ["YYYY", "/", "MM", "/", "DD"],
            ["DD", ".", "MM", ".", "YYYY"], ["YYYY", "-", "MM", "-", "DD", "T"]],
    "hour": [["YYYY", "-", "MM", "-", "DD", "T", "HH24"], ["YYYY", "MM", "DD", "HH24"],
             ["YYYY", "-", "MM", "-", "DD", '"', "at", '"', "HH24"]],
    "second": [["YYYY", "-", "MM", "-", "DD", " ", "HH24", ":", "MI", ":", "SS"],
               ["YYYY", "MM", "DD", "HH24", "MI", "SS", "Z"],
               ["HH24", "MI", "SS", " ", "DD", "MM", "YYYY"]],
    "fraction": [["YYYY", "MM", "DD", "HH24", "MI", "SS", "MS"],
                 ["YYYY", "-", "MM", "-", "DD", "T", "HH24", ":", "MI", ":", "SS", ".", "US"]],
}  # fmt: skip
WALK_DAYS = {"year": 900, "month": 200, "day": 20, "hour": 3}


def scalar_variable(rng):
    """(kind, form) of a variable that is no time."""
    choice = rng.randrange(13)
    if choice < 4:
        kind = rng.choice([Text(), Text(), Text("varchar"), ShortText()])
    elif choice < 6:
        kind = Number(rng.choice(["bigint", "integer", "smallint"]))
    elif choice < 8:
        kind = Number(rng.choice(["bigint", "integer"]))
        return kind, Padded(rng.choice([1, 3, 5, 18 if kind.pgtype == "bigint" else 9]))
    elif choice == 8:
        kind = rng.choice([Number(), Money(), Positive()])
    elif choice == 9:
        spans = [(0, 3, 1), (0, 9, 1), (8, 12, 0), (0, 15, 2)]
        kind = rng.choice([Number("integer"), Text(), Number("smallint")])
        return kind, Shard(*rng.choice(spans))
    else:
        kinds = [Uuid(), Enum(), Boolean(), Date(), Uuid()]
        if is_on("text forms"):
            kinds += [Interval(), Range("daterange"), Range("int4range"), Range("tstzrange")]
            kinds += [Range("tsrange"), Range("numrange")]
        kind = rng.choice(kinds)
    return kind, Plain(kind)


def time_variable(rng):
    pgtype = rng.choice(["timestamptz", "timestamptz", "timestamp"])
    if rng.random() < 0.2:
        return Date(), TimeForm.of_pattern(rng.choice(PATTERNS["day"]))
    return Time("iso8601:6", pgtype), fine_time_form(rng)


def fine_time_form(rng):
    forms = ["iso8601:0", "iso8601:3", "iso8601:3", "iso8601:6", "iso8601:1", "iso8601"]
    forms += ["epoch", "epoch_ms"]
    if rng.random() < 0.75:
        return TimeForm(rng.choice(forms))
    return TimeForm.of_pattern(rng.choice(PATTERNS["second"] + PATTERNS["fraction"]))
