# SPDX-License-Identifier: PostgreSQL
"""Random single-table designs, from a seed: DynamoDB tables in which several
entities live, each told apart by the templates of its keys.

    universe = Universe(seed, number)
    universe.description(), universe.items      # of the DynamoDB table
    universe.entities                           # as support.generator's Table

Which items are rows of an entity, and what they show, is reckoned here from
what the manual says (Key templates), without asking the extension.
"""

import base64
import json
import random
import re
import time
from collections import Counter
from datetime import date, timedelta

from .forms import (
    PATTERNS,
    TODAY,
    WALK_DAYS,
    Literal,
    Padded,
    Plain,
    Shard,
    Template,
    TimeForm,
    Unspecified,
    Variable,
    WalkDate,
    WalkTime,
    fine_time_form,
    scalar_variable,
    time_variable,
)
from .generator import (
    Array,
    Boolean,
    COLLATIONS,
    Column,
    Const,
    Date,
    Document,
    Enum,
    Number,
    TEXTS,
    Text,
    Time,
    Uuid,
    foreign_table_sql,
    plain,
    quote,
)

MISFIT = object()
MISFITS = [{"S": "?"}, {"N": "0.33"}, {"L": []}]
EXPIRES = "expires"
NOW = int(time.time())
PAST = [str(NOW - 1), f"{NOW - 1000}.5", str(NOW - 4 * 365 * 86400)]
FUTURE = ["4102444800", "1" + "0" * 30]
# DynamoDB never deletes what is more than five years past.
KEPT = FUTURE * 2 + ["1", "0", "-5", "1000000000", "1000000000.5"]

TAGS = ["USER", "USER", "U", "USERS", "Order", "é", "", "", "a'b", "100%", '"', "A_B"]
SEPARATORS = ["#", "#", "#", "##", "|", "-", "_", ":", "é", "#X#", "%", "/", " "]


class EntityColumn(Column):
    """One of a foreign table with templates."""

    template = None
    since = None  # partitions_since
    own = False  # of variables: its values are in an attribute, not in a key
    explicit = True  # has the option "attribute"
    with_options = True  # has those of its kind
    __eq__, __hash__ = object.__eq__, object.__hash__

    def sql(self, foreign):
        text = self.name + " " + (self.kind.column_type or self.kind.pgtype)
        options = [("attribute", self.attribute)] if self.explicit else []
        options += [*self.kind.options, *self.options] if self.with_options else []
        if self.template:
            options.append(("template", str(self.template)))
        if self.since:
            options.append(("partitions_since", self.since))
        if foreign and options:
            text += f" OPTIONS ({', '.join(f'{n} {quote(v)}' for n, v in options)})"
        if self.collation and self.kind.is_text:
            text += f" COLLATE {self.collation}"
        return text


# ---- the DynamoDB table ------------------------------------------------------------


class Item:
    def __init__(self):
        self.attributes = {}  # as DynamoDB has them
        self.known = {}  # attribute → value, as PostgreSQL's input text, or MISFIT


class Index:
    def __init__(self, kind, number, partition, sort, projection):
        self.kind, self.name = kind, f"index.{number}"
        self.partition, self.sort, self.projection = partition, sort, projection
        self.attributes = [partition, *([sort] if sort else [])]

    def holds(self, attribute, universe):
        names = [*universe.key, *self.attributes, *self.projection.get("NonKeyAttributes", ())]
        return self.projection["ProjectionType"] == "ALL" or attribute in names


class Universe:
    def __init__(self, seed, number):
        self.seed, self.number = seed, number
        self.rng = rng = random.Random(f"universe {seed} {number}")
        self.name = f"Entities{seed}.{number}"
        self.key = ["PK", "SK"] if rng.random() < 0.85 else ["PK"]
        self.kinds = {}  # of attributes that are no keys of text
        for i in range(3):
            kinds = [Text(), Number(), Number("integer"), Boolean(), Document(), Uuid(), Enum()]
            kinds += [Array("S", "text[]"), Time("epoch"), Time("iso8601:3"), Text()]
            self.kinds[f"Attribute {i}"] = rng.choice(kinds)
        self.expires = rng.random() < 0.4
        if self.expires:
            self.kinds[EXPIRES] = Number()
        self.key_variable = rng.random() < 0.3
        if self.key_variable:
            self.kinds["platform"] = rng.choice([Text(), Number("integer"), Uuid(), Enum(), Date()])
        self.indexes = self._make_indexes()
        self.entities = [Entity(self, i) for i in range(rng.choice([2, 2, 3, 4]))]
        self._make_items()
        for entity in self.entities:
            entity.take_rows(self.items)
        self.known = [item.known for item in self.items]
        self.items = [item.attributes for item in self.items]

    def _make_indexes(self):
        rng, made = self.rng, []
        for number in range(rng.choice([0, 1, 1, 2, 3])):
            partition, sort = f"G{number}PK", rng.choice([f"G{number}SK"] * 3 + [None])
            kind, roll = "Global", rng.random()
            if roll < 0.2 and len(self.key) > 1:
                sort = "SK"
            elif roll < 0.3 and len(self.key) > 1:
                partition, sort = "SK", "PK"
            elif roll < 0.5 and len(self.key) > 1:
                kind, partition, sort = "Local", "PK", f"L{number}SK"
            elif roll < 0.7 and self.key_variable:
                partition = "platform"
            elif roll > 0.85 and number:
                partition = "G0PK"  # shared by several indexes
            word = rng.choice(["ALL", "ALL", "ALL", "KEYS_ONLY", "INCLUDE"])
            projection = {"ProjectionType": word}
            if word == "INCLUDE":
                projection["NonKeyAttributes"] = [f"Attribute {i}" for i in rng.sample(range(3), 2)]
            made.append(Index(kind, number, partition, sort, projection))
        return made

    def key_attributes(self):
        return sorted({*self.key, *(name for index in self.indexes for name in index.attributes)})

    def description(self):
        def schema(names):
            roles = ("HASH", "RANGE")
            return [{"AttributeName": n, "KeyType": r} for n, r in zip(names, roles, strict=False)]

        def stored(name):
            return self.kinds[name].stored if name in self.kinds else "S"

        made = {
            "BillingMode": "PAY_PER_REQUEST",
            "KeySchema": schema(self.key),
            "AttributeDefinitions": [
                {"AttributeName": n, "AttributeType": stored(n)} for n in self.key_attributes()
            ],
        }
        for index in self.indexes:
            described = {"IndexName": index.name, "KeySchema": schema(index.attributes)}
            described["Projection"] = index.projection
            made.setdefault(f"{index.kind}SecondaryIndexes", []).append(described)
        return made

    # -- items

    def _make_items(self):
        rng = self.rng
        made = {}
        for entity in self.entities:
            own = [entity.make_item() for _ in range(rng.choice([20, 60, 150]))]
            own = [item for item in own if item]
            for item in rng.choices(own, k=len(own) // 3 if own else 0):
                own.append(self._stranger(item))
            for item in own:
                self._dress(item, entity)
                if self._is_sound(item):
                    made.setdefault(tuple(item.known[name] for name in self.key), item)
        self.items = list(made.values())

    def _stranger(self, item):
        """One whose keys only nearly are an entity's."""
        other = Item()
        other.attributes, other.known = dict(item.attributes), dict(item.known)
        names = [n for n in self.key_attributes() if n not in self.kinds and n in other.known]
        for name in self.rng.sample(names, min(len(names), self.rng.choice([1, 1, 2]))):
            self.set_key(other, name, mangle(self.rng, other.known[name]))
        return other

    @staticmethod
    def set_key(item, name, text):
        item.known[name] = text
        item.attributes[name] = {"S": text}

    def _dress(self, item, entity):
        """Attributes that are no keys."""
        rng = self.rng
        for name, kind in self.kinds.items():
            roll = rng.random()
            if name in item.known or roll < 0.25 or name.startswith("Own"):
                continue
            if name == EXPIRES:
                self._set_expiry(item)
            elif name in self.key_attributes() or roll > 0.35:
                value = kind.random(rng, name in self.key_attributes(), 100)
                item.known[name], item.attributes[name] = value, kind.attribute(rng, value)
            elif roll < 0.3:
                item.attributes[name] = {"NULL": True}
            else:
                fitting = {kind.stored, *kind.accepts}
                misfits = [m for m in MISFITS if not fitting & set(m)]
                if misfits:
                    item.known[name], item.attributes[name] = MISFIT, rng.choice(misfits)
        if rng.random() < 0.1:
            variable = rng.choice(entity.variables).name if entity.variables else "other"
            if variable not in item.attributes and variable not in self.kinds:
                item.attributes[variable] = {"S": "an attribute of that name"}

    def _set_expiry(self, item):
        rng = self.rng
        if rng.random() < 0.2:
            item.attributes[EXPIRES], item.known[EXPIRES] = {"S": "1000000000"}, MISFIT
            return
        value = rng.choice(PAST + KEPT)
        item.known[EXPIRES], item.attributes[EXPIRES] = value, {"N": value}

    def _is_sound(self, item):
        """Can it be stored, and is it clear what all entities make of it?"""
        for name in self.key_attributes():
            value = item.known.get(name)
            if value is None and name not in self.key:
                continue
            if not value or len(value.encode()) > 900:
                return False
        try:
            return not any(entity.stumbles(item) for entity in self.entities)
        except Unspecified:
            return False


def mangle(rng, text):
    """Nearly the same key."""
    change = rng.randrange(18)
    digits = [m.start() for m in re.finditer(r"\d+", text)]
    spot = rng.choice(digits) if digits else rng.randrange(len(text) + 1)
    if change < 4:
        return text[:spot] + rng.choice(["0", "00", "+", "-", " ", "1", "9" * 20]) + text[spot:]
    if change < 6:
        return text + rng.choice(["#", "#x", "0", " ", "Z", "é", "\U0010ffff", ".0", "/"])
    if change == 6:
        return text[:-1]
    if change == 7:
        return text.swapcase()
    if change == 8:
        return rng.choice(TEXTS) + text
    if change == 9:
        return re.sub(r"\d+", "", text, count=1)
    if change == 10:
        return text.replace("0", "", 1)
    if change == 11:
        separator = rng.choice(SEPARATORS)
        return text[:spot] + separator + text[spot:]
    if change == 12:
        return text.split("#")[0]
    if change == 13:
        return re.sub(r"\d\d", "31", text, count=rng.randrange(1, 4))
    if change == 14:
        return text[: rng.randrange(len(text) + 1)]
    ends = [i for i, c in enumerate(text) if c in "#|-_:%/ "]
    if change > 15 and ends:
        # The end of a range of keys that begin so.
        end = rng.choice(ends)
        return text[:end] + chr(ord(text[end]) + 1)
    return rng.choice([*TEXTS, text[::-1], "PROFILE"])


# ---- one entity ------------------------------------------------------------------


class Entity:
    """The face of support.generator's Table, which queries are made of."""

    id = None
    index = None
    charset = None  # of the database: UTF8

    def __init__(self, universe, number):
        self.universe, self.rng = universe, universe.rng
        self.seed, self.number = universe.seed, universe.number * 10 + number
        self.replay = f"DDB_FUZZ_TODAY={TODAY} "
        self.prefix = f"{number}"
        self.variables = []
        self.columns = []
        self.of_key = {}  # key attribute → its column
        self.form_of = {}  # variable → its form, where it has one in all keys
        self._choose_walk()
        self._make_key_columns()
        self.rng.shuffle(self.columns)
        self._settle_sources()
        self._make_other_columns()
        self._make_since()
        rng = self.rng
        self.mismatch_null = rng.choice([None] * 6 + ["table", "setting"])
        self.hides = universe.expires and rng.random() < 0.7
        able = [i for i in universe.indexes if i.projection["ProjectionType"] == "ALL"]
        self.forced = rng.choice(able) if able and rng.random() < 0.15 else None
        self.consistent_read = not self.forced and rng.random() < 0.1
        self.few = {v.name: self._few_values(v) for v in self.variables}

    # -- columns and templates

    def _choose_walk(self):
        rng = self.rng
        self.walk = self.walks_by = None
        if rng.random() < 0.5:
            self.walks_by = rng.choice(["year", "month", "day", "day", "day", "hour"])
            forms = ["iso8601:0", "iso8601:3", "iso8601:6", "iso8601", "epoch", "epoch_ms"]
            kinds = [
                WalkTime(WALK_DAYS[self.walks_by], rng.choice(forms), pgtype)
                for pgtype in ("timestamptz", "timestamptz", "timestamp")
            ]
            if self.walks_by != "hour":
                kinds.append(WalkDate(WALK_DAYS[self.walks_by]))
            self.walk = self._add_variable(rng.choice(kinds))

    def _add_variable(self, kind, name=None):
        rng = self.rng
        number = f"{self.prefix}{len(self.variables)}"
        column = EntityColumn(name or f"v{number}", kind, None, rng.choice(COLLATIONS))
        if kind.is_text and rng.random() < 0.6:
            column.collation = '"C"'
        if name:
            column.own, column.attribute, column.explicit = True, name, False
        elif rng.random() < 0.15 and not isinstance(kind, Boolean | Document):
            column.own, column.attribute = True, f"Own {number}"
            self.universe.kinds[column.attribute] = kind
        self.variables.append(column)
        self.columns.append(column)
        return column

    def _make_key_columns(self):
        rng, universe = self.rng, self.universe
        for place, name in enumerate(universe.key):
            none = not any(c.template for c in self.of_key.values())
            templated = rng.random() < 0.9 or (none and place + 1 == len(universe.key))
            template = self._make_template(place == 0) if templated else None
            self._add_key_column(name, name.lower(), template)
        self.pk = self.of_key["PK"]
        self.sk = self.of_key.get("SK")
        for index in universe.indexes:
            for place, name in enumerate(index.attributes):
                if name in self.of_key or rng.random() < 0.15:
                    continue
                if name in universe.kinds:
                    if not any(v.name == name for v in self.variables):
                        self._add_variable(universe.kinds[name], name)
                        self.form_of[name] = Plain(universe.kinds[name])
                    continue
                template = self._make_template(place == 0, index) if rng.random() < 0.8 else None
                self._add_key_column(name, name.lower(), template)

    def _add_key_column(self, attribute, name, template):
        column = EntityColumn(name, Text(), attribute, self.rng.choice(['"C"', '"C"', *COLLATIONS]))
        column.template = template
        self.of_key[attribute] = column
        self.columns.append(column)

    def _make_template(self, is_partition, index=None):
        rng = self.rng
        separator = rng.choice(SEPARATORS)
        tag = rng.choice(TAGS)
        parts = [Literal(tag + separator)] if tag else []
        if is_partition and self.walk and rng.random() < (0.8 if index is None else 0.5):
            parts.append(self._walk_part())
            if rng.random() < 0.5:
                parts += [Literal(rng.choice(SEPARATORS)), self._shard_part()]
                if rng.random() < 0.2:
                    parts.reverse()
        elif self.walk and not is_partition and rng.random() < 0.8:
            is_date = isinstance(self.walk.kind, WalkDate)
            form = Plain(self.walk.kind) if is_date else fine_time_form(rng)
            parts += [Variable(self.walk, form), Literal(separator)]
            if rng.random() < 0.8:
                parts.append(self._some_part(index))
        else:
            for _ in range(rng.choice([0, 1, 1, 1, 2, 2, 3] if parts else [1, 1, 2])):
                end = rng.choice([separator] * 3 + SEPARATORS)
                parts += [self._some_part(index), Literal(end)]
            if parts and isinstance(parts[-1], Literal) and rng.random() < 0.85 and len(parts) > 1:
                parts.pop()
        return Template(Template.joined(rng, parts))

    def _walk_part(self):
        column = self.walk
        patterns = PATTERNS[self.walks_by]
        form = TimeForm.of_pattern(self.rng.choice(patterns))
        if isinstance(column.kind, WalkDate) and self.walks_by == "day" and self.rng.random() < 0.5:
            form = Plain(column.kind)
        return Variable(column, form)

    def _shard_part(self):
        form = Shard(*self.rng.choice([(0, 3, 1), (0, 1, 1), (8, 11, 0), (0, 2, 1)]))
        if self.rng.random() < 0.5:
            return Variable(None, form)
        column = self._add_variable(self.rng.choice([Number("integer"), Text()]))
        self.form_of[column.name] = form
        return Variable(column, form)

    def _some_part(self, index):
        """A variable: of another key, or a new one."""
        rng = self.rng
        if self.variables and rng.random() < (0.6 if index else 0.1):
            column = rng.choice(self.variables)
            if column is not self.walk:
                return Variable(column, self.form_of[column.name])
        names = [n for n in self.universe.key_attributes() if n in self.universe.kinds]
        if names and rng.random() < 0.3 and not any(v.name in names for v in self.variables):
            kind = self.universe.kinds[names[0]]
            form = Plain(kind)
            column = self._add_variable(kind, names[0])
        else:
            kind, form = scalar_variable(rng) if rng.random() < 0.8 else time_variable(rng)
            if isinstance(kind, Time | Date) and form.unit != "fraction":
                # In a partition key its units may be walked through.
                kind = WalkDate(20) if isinstance(kind, Date) else WalkTime(20, pgtype=kind.pgtype)
            column = self._add_variable(kind)
        self.form_of[column.name] = form
        return Variable(column, form)

    def _templates(self):
        """(index, attribute that several indexes share, or None for the table,
        [(attribute, column)]) of what matches as a whole, in order."""
        yield None, [(n, self.of_key[n]) for n in self.universe.key if self.of_key[n].template]
        places = Counter(n for index in self.universe.indexes for n in index.attributes)
        shared = set()
        for index in sorted(self.universe.indexes, key=self._first_column):
            names = [n for n in index.attributes if n in self.of_key and n not in self.universe.key]
            names = [n for n in names if self.of_key[n].template]
            for name in names:
                if places[name] > 1 and name not in shared:
                    shared.add(name)
                    yield name, [(name, self.of_key[name])]
            yield index, [(n, self.of_key[n]) for n in names if n not in shared]

    def _first_column(self, index):
        shown = [c.attribute for c in self.columns]
        names = [n for n in index.attributes if n in shown and n not in self.universe.key]
        places = [shown.index(name) for name in names]
        return min(places, default=0), places

    def _settle_sources(self):
        """Where variables have their values from."""
        self.source = {}  # column name → (key attribute, position)
        for _, columns in self._templates():
            for name, column in columns:
                for position, part in enumerate(column.template.parts):
                    if not isinstance(part, Variable) or part.column is None or part.column.own:
                        continue
                    if part.column.name not in self.source and part.form.tells(part.column.kind):
                        self.source[part.column.name] = (name, position)
        for column in self.variables:
            if column.name in self.source:
                column.explicit = column.with_options = False
            elif not column.own:
                # No key tells it: an attribute of its own, of its name.
                column.own, column.attribute, column.explicit = True, column.name, False
                self.universe.kinds[column.name] = column.kind

    def _make_other_columns(self):
        rng, universe = self.rng, self.universe
        names = [n for n in universe.kinds if n.startswith("Attribute") or n == EXPIRES]
        for i, name in enumerate(names):
            if rng.random() < 0.5:
                column = EntityColumn(f"c{i}", universe.kinds[name], name, rng.choice(COLLATIONS))
                self._insert(column)
        self.whole = None
        if rng.random() < 0.25:
            self.whole = EntityColumn("item", Document(), "*", None)
            if rng.random() < 0.5:
                self.whole.explicit, self.whole.options = False, (("overflow", "true"),)
            self._insert(self.whole)

    def _insert(self, column):
        self.columns.insert(self.rng.randrange(len(self.columns) + 1), column)

    def _make_since(self):
        for column in self.of_key.values():
            if column.template and any(
                v.column is self.walk and isinstance(v.form, TimeForm) and v.form.walks
                for v in column.template.variables()
                if v.column
            ):
                if self.rng.random() < 0.6:
                    days = WALK_DAYS[self.walks_by] + self.rng.choice([5, 9])
                    column.since = str(TODAY - timedelta(days=days))

    # -- items and rows

    def _few_values(self, column):
        rng = self.rng
        count = rng.choice([2, 4, 8]) if column is not self.walk else 30
        form = self.form_of.get(column.name)
        values = {self._fit(column, self._random(column.kind, form)) for _ in range(count)}
        if column.kind.is_text:
            values |= {rng.choice(["", "a#b", "#", "a", "b", "-", "a|b"]) for _ in range(2)}
        return sorted(v for v in values if v is not None) or [None]

    def _random(self, kind, form):
        if isinstance(form, Shard):
            number = str(self.rng.randint(form.first, form.last))
            return form.value(form.text(number), kind)
        if isinstance(form, Padded):
            end = self.rng.choice([5, 20, 10**6])
            return str(self.rng.randrange(min(10**form.width, kind.limit, end)))
        return kind.random(self.rng, True, 30)

    def _fit(self, column, value):
        """What a key can tell of it."""
        for template in (c.template for c in self.of_key.values() if c.template):
            for part in template.variables():
                if part.column is column and value is not None and part.form.tells(column.kind):
                    try:
                        text = part.form.text(value)
                    except Unspecified:
                        return None
                    value = None if text is None else part.form.value(text, column.kind)
        return value

    def make_item(self):
        rng, universe = self.rng, self.universe
        values = {v.name: rng.choice(self.few[v.name]) for v in self.variables}
        item = Item()
        for name, column in self.of_key.items():
            in_table = name in universe.key
            if not in_table and rng.random() < 0.2:
                continue
            text = rng.choice(TEXTS) + rng.choice(["", "1", "2", "abc"])
            if column.template:
                text = column.template.text(values, rng)
            if text is None or (text == "" and in_table):
                return None
            if text and not in_table and rng.random() < 0.15:
                text = mangle(rng, text)
            if text:
                universe.set_key(item, name, text)
        for column in self.variables:
            if column.own:
                self._set_own(item, column, values)
        return item

    def _set_own(self, item, column, values):
        rng, name = self.rng, column.attribute
        roll, value = rng.random(), values[column.name]
        if roll < 0.06 or value is None:
            return
        if roll < 0.12:
            value = rng.choice(self.few[column.name])
        if roll > 0.95 and name not in self.universe.key_attributes():
            item.attributes[name] = {"NULL": True}
            return
        if value is None or (value == "" and name in self.universe.key_attributes()):
            return
        item.known[name] = value
        item.attributes[name] = column.kind.attribute(rng, value)

    def stumbles(self, item):
        """Would reading it be an error?"""
        row = self.show(item)
        if row and any(not self._is_within_walks(c, row[c.name]) for c in self.variables):
            return True
        if self.mismatch_null:
            return False
        if row is None:
            # It may be that own attribute that decides.
            tables = [self.of_key[n] for n in self.universe.key if self.of_key[n].template]
            if any(c.template.split(item.known[c.attribute]) is None for c in tables):
                return False
        columns = self.columns if row else self.variables
        return any(item.known.get(c.attribute) is MISFIT for c in columns if c.attribute)

    def _is_within_walks(self, column, value):
        """Walks have ends, beyond which they find nothing."""
        if value is None or not any(
            part.column is column and part.form.walks
            for c in self.of_key.values()
            if c.template
            for part in c.template.variables()
        ):
            return True
        days = WALK_DAYS[self.walks_by] if column is self.walk else 20
        return TODAY - timedelta(days=days + 5) <= date.fromisoformat(value[:10]) < TODAY

    def show(self, item):
        """column name → value of the item's row; None: it is none."""
        if self.hides and self._has_expired(item):
            return None
        if self.forced and any(n not in item.attributes for n in self.forced.attributes):
            return None
        keys = [(index, columns) for index, columns in self._templates() if columns]
        split = {}
        for _, columns in keys:
            for name, column in columns:
                text = item.known.get(name)
                split[name] = None if text is None else column.template.split(text)
        alive = list(keys)
        while True:
            told = {name for _, columns in alive for name, _ in columns}
            row = self._values(item, told, split)
            dead = [key for key in alive if not self._matches(item, key, split, row, told)]
            if not dead:
                break
            if any(self._is_required(key) for key in dead):
                return None
            alive = [key for key in alive if key not in dead]
        return row

    def _is_required(self, key):
        """Of the table, or of the index that it is."""
        index, _ = key
        forced = self.forced.attributes if self.forced else ()
        return index is None or index is self.forced or index in forced

    def _values(self, item, told, split):
        """The row, if just these key attributes match."""
        row = {}
        for column in self.columns:
            if column is self.whole:
                row[column.name] = self._whole(item)
            elif column.template:
                value = item.known.get(column.attribute)
                row[column.name] = value if column.attribute in told else None
            elif column.name in self.source:
                name, position = self.source[column.name]
                parts = split[name] if name in told else None
                form = self.of_key[name].template.parts[position].form
                value = None if parts is None else form.value(parts[position], column.kind)
                row[column.name] = value
            else:
                value = item.known.get(column.attribute)
                row[column.name] = None if value is MISFIT else value
        return row

    def _matches(self, item, key, split, row, told):
        index, columns = key
        shown = {c.attribute for c in self.columns}
        if isinstance(index, Index) and any(
            n not in item.attributes or (n in split and n not in told)
            for n in index.attributes
            if n in shown
        ):
            return False
        for name, column in columns:
            if split[name] is None:
                return False
            for part, text in zip(column.template.parts, split[name], strict=True):
                if isinstance(part, Variable) and not part.agrees(text, row):
                    return False
        return True

    @staticmethod
    def _has_expired(item):
        value = item.known.get(EXPIRES)
        return value is not None and value is not MISFIT and value in PAST

    def _whole(self, item):
        shown = set()
        if not self.whole.explicit:
            shown = {c.attribute for c in self.columns if c.attribute and c is not self.whole}
        return plain_json({"M": {n: v for n, v in item.attributes.items() if n not in shown}})

    def take_rows(self, items):
        shown = [row for row in (self.show(item) for item in items) if row]
        self.rows = [[row[c.name] for c in self.columns] for row in shown]
        self.pools = {
            c.name: [row[i] for row in self.rows if row[i] is not None]
            for i, c in enumerate(self.columns)
        }
        for name, column in self.of_key.items():
            others = [item.known[name] for item in items if item.known.get(name)]
            self.pools[column.name] += self.rng.sample(others, min(len(others), 5))
        self.indexes = list(self._indexes_in_play())
        self.lookup = self._lookup_rows()

    # -- what queries are made of

    def _parts_of(self, attribute):
        """Variables of a key attribute, or its column."""
        column = self.of_key.get(attribute)
        if column is None:
            return [v for v in self.variables if v.own and v.attribute == attribute]
        parts = column.template.variables() if column.template else []
        variables = [part.column for part in parts if part.column]
        return list(dict.fromkeys(variables)) or [column]

    def _indexes_in_play(self):
        for index in [self.forced] if self.forced else self.universe.indexes:
            partition = self._parts_of(index.partition)
            sort = self._parts_of(index.sort) if index.sort else []
            if partition:
                sort = [c for c in sort if c not in partition]
                yield (index.kind, partition, sort, index)

    def keys(self):
        partition = self._parts_of("PK")
        sort = [c for c in self._parts_of("SK") if c not in partition] if self.sk else []
        every = [(partition, sort), ([self.pk], [self.sk] if self.sk else [])]
        return [*every, *(found[1:3] for found in self.indexes)]

    def held_by(self, index):
        found = index[3]
        held = []
        for column in self.columns:
            attribute, _ = self.source.get(column.name, (column.attribute, None))
            if column is self.whole:
                held += [column] if found.projection["ProjectionType"] == "ALL" else []
            elif found.holds(attribute, self.universe):
                held.append(column)
        return held

    def _lookup_rows(self):
        """A local table to join with: (n, pk, sk, every variable)."""
        rng, rows = self.rng, []
        names = [c.name for c in (self.pk, self.sk) if c] + [v.name for v in self.variables]
        places = [[c.name for c in self.columns].index(name) for name in names]
        for n in range(8):
            if self.rows and n < 6:
                row = rng.choice(self.rows)
                values = [row[i] for i in places]
            else:
                values = [rng.choice(self.pools[name] or [None]) for name in names]
            rows.append([str(n) if n < 7 else None, *values])
        return [*rows, [str(n + 1), *[None] * len(names)]]

    def foreign_sql(self, name, server, parent=None, **options):
        options["table_name"] = self.universe.name
        if self.mismatch_null == "table":
            options["on_type_mismatch"] = "null"
        if self.consistent_read:
            options["consistent_read"] = "true"
        if self.hides:
            options["hide_expired"] = "true"
        if self.forced:
            options["index_name"] = self.forced.name
        return foreign_table_sql(name, self.columns, server, parent, options)

    def local_sql(self, name):
        yield f"CREATE TABLE {name} ({', '.join(c.sql(False) for c in self.columns)})"
        yield from self._inserts(name, self.columns, self.rows)
        keys = [(c, alias) for c, alias in ((self.pk, "lk"), (self.sk, "ls")) if c]
        collates = [f" COLLATE {c.collation}" if c.collation else "" for c, _ in keys]
        columns = [f"{k[1]} text{collate}" for k, collate in zip(keys, collates, strict=True)]
        columns += [f"{v.name} {self._lookup_type(v)}" for v in self.variables]
        yield f"CREATE TABLE {name}_l ({', '.join(['n integer', *columns])})"
        types = [Column("n", Number("integer"), ""), *(c for c, _ in keys), *self.variables]
        yield from self._inserts(f"{name}_l", types, self.lookup)

    def _lookup_type(self, column):
        """A type that values of the column are compared with."""
        kind, rng = column.kind, self.rng
        if rng.random() < 0.6:
            return column.sql(False).split(" ", 1)[1]
        if isinstance(kind, Number):
            return rng.choice(["numeric", "bigint"] if kind.limit else ["numeric"])
        if isinstance(kind, Time | Date):
            return rng.choice(["timestamptz", "timestamp", "date"])
        return "varchar" if kind.is_text else kind.pgtype

    @staticmethod
    def _inserts(name, columns, rows):
        def spell(column, value):
            zoned = value is not None and column.kind.pgtype == "timestamptz"
            return Const(value + "+00" if zoned else value, column.kind.pgtype).literal()

        for row in rows:
            values = (spell(c, v) for c, v in zip(columns, row, strict=True))
            yield f"INSERT INTO {name} VALUES ({', '.join(values)})"


def plain_json(value):
    """An attribute value as the manual says that jsonb shows it."""
    ((kind, content),) = value.items()
    if kind == "M":
        names = [json.dumps(name, ensure_ascii=False) for name in content]
        members = zip(names, map(plain_json, content.values()), strict=True)
        return "{" + ", ".join(f"{name}: {value}" for name, value in members) + "}"
    if kind in ("L", "SS", "NS", "BS"):
        elements = content if kind == "L" else [{kind[0]: element} for element in content]
        return "[" + ", ".join(map(plain_json, elements)) + "]"
    if kind == "N":
        return plain(content)
    if kind == "B":
        content = base64.b64encode(content).decode()
    return "null" if kind == "NULL" else json.dumps(content, ensure_ascii=False)
