# SPDX-License-Identifier: PostgreSQL
"""Random writes through the entities of support.entities, and what becomes of
items: reckoned from what the manual says (Writes, Key templates).

    book = Book(entity)
    row = book.insert(values, named)  # column → value, all of it; or Refused
    changes = book.update(item, values)     # attribute → value; or Refused
"""

from datetime import datetime, timedelta

from .entities import EXPIRES, KEPT, PAST, Item, mangle
from .forms import Literal, Shard, Variable
from .generator import TEXTS, Time

FNV_OFFSET, FNV_PRIME, BITS = 0xCBF29CE484222325, 0x100000001B3, (1 << 64) - 1


WRITTEN = {"NULL": True}  # stands for an attribute until it is looked at


class Refused(Exception):
    """The statement has to be an error."""


def fnv(texts):
    """The hash that chooses shards."""
    value = FNV_OFFSET
    for text in texts:
        for byte in text.encode():
            value = (value ^ byte) * FNV_PRIME & BITS
        value = value * FNV_PRIME & BITS
    return value ^ value >> 32


class Book:
    """What an entity's writes make of rows and items."""

    def __init__(self, entity):
        self.entity, self.universe = entity, entity.universe
        self.rng = entity.rng
        self.templates = {n: c.template for n, c in entity.of_key.items() if c.template}
        groups = [(index, [c for _, c in columns]) for index, columns in entity._templates()]
        self.table = groups[0][1]
        # Keys that several indexes share come first.
        self.indexes = [(i, c) for i, c in groups[1:] if c]
        self.indexes.sort(key=lambda group: len(self.companions(*group)) > 1)

    def companions(self, index, columns):
        """The columns that match as a whole."""
        if isinstance(index, str):
            return columns
        names = [n for n in index.attributes if n not in self.universe.key]
        shown = {c.attribute: c for c in reversed(self.entity.columns) if c.attribute}
        return [shown[n] for n in names if n in shown]

    def is_stored(self, column):
        return column is not self.entity.whole and column.name not in self.entity.source

    # -- texts of variables

    @staticmethod
    def parts(column):
        """(position, variable, the part behind it)"""
        parts = column.template.parts
        for i, part in enumerate(parts):
            if isinstance(part, Variable):
                yield i, part, parts[i + 1] if i + 1 < len(parts) else None

    @staticmethod
    def text(part, following, value):
        """That of a value in a key."""
        text = part.form.text(value)
        if text is None:
            raise Refused(f"{value!r} has no text")
        data = text.encode()
        if part.form.width:
            fits = len(data) == part.form.width
        else:
            after = following.literal.encode() if following else b""
            fits = not following or (data + after).find(after) == len(data)
        if not fits:
            raise Refused(f"{value!r} does not go before {following}")
        return text

    def is_source(self, column, position, part):
        place = part.column and self.entity.source.get(part.column.name)
        return place == (column.attribute, position)

    def cut(self, row):
        """Times that attributes of their own tell are cut to their format."""
        for column in self.entity.columns:
            form, value = getattr(column.kind, "form", ""), row[column.name]
            if self.is_stored(column) and value is not None and ":" in form:
                when = datetime.fromisoformat(value)
                unit = 10 ** (6 - int(form[-1]))
                when = when.replace(microsecond=when.microsecond // unit * unit)
                row[column.name] = when.isoformat(sep=" ")

    def settle_values(self, row, given=None):
        """What keys alone tell is cut to what they tell."""
        for column in self.columns():
            for i, part, following in self.parts(column):
                if not self.is_source(column, i, part) or row[part.column.name] is None:
                    continue
                if given is not None and part.column.name not in given:
                    continue
                text = self.text(part, following, row[part.column.name])
                value = part.form.value(text, part.column.kind)
                if value is None:
                    raise Refused(f"{text!r} is not read back")
                row[part.column.name] = value

    def columns(self):
        return [*self.table, *(c for _, columns in self.indexes for c in columns)]

    def take_apart(self, row, column, given=()):
        if row[column.name] is None:
            return
        texts = column.template.split(row[column.name])
        if texts is None:
            raise Refused(f"{row[column.name]!r} is no {column.template}")
        for i, part, _ in self.parts(column):
            if not self.is_source(column, i, part) or part.column.name in given:
                continue
            if row[part.column.name] is None:
                value = part.form.value(texts[i], part.column.kind)
                if value is None:
                    raise Refused(f"{texts[i]!r} is no value")
                row[part.column.name] = value

    # -- keys

    def hash(self, row):
        texts = []
        for name in self.universe.key:
            column = self.entity.of_key[name]
            if not column.template:
                texts.append(row[column.name])
                continue
            for _, part, following in self.parts(column):
                if not isinstance(part.form, Shard):
                    texts.append(self.text(part, following, row[part.column.name]))
        return fnv(texts)

    def shard(self, form, row):
        return form.text(str(form.first + self.hash(row) % (form.last - form.first + 1)))

    @staticmethod
    def null_variable(row, column):
        for part in column.template.variables():
            if part.column and row[part.column.name] is None:
                if not isinstance(part.form, Shard):
                    return part.column
        return None

    def compose(self, row, column):
        """Sets a key, or holds the one that is given against the row."""
        given = row[column.name]
        split = None if given is None else column.template.split(given)
        if given is not None and split is None:
            raise Refused(f"{given!r} is no {column.template}")
        for _, part, _ in self.parts(column):
            if isinstance(part.form, Shard) and part.column and row[part.column.name] is None:
                text = self.shard(part.form, row)
                row[part.column.name] = part.form.value(text, part.column.kind)
        texts = [p.literal if isinstance(p, Literal) else None for p in column.template.parts]
        for i, part, following in self.parts(column):
            if part.column:
                texts[i] = self.text(part, following, row[part.column.name])
            elif split:
                texts[i] = split[i] if part.form.value(split[i]) is not None else None
                if texts[i] is None:
                    raise Refused(f"{split[i]!r} is no shard")
            else:
                texts[i] = self.shard(part.form, row)
        text = "".join(texts)
        if column.template.split(text) != texts:
            raise Refused(f"{text!r} is taken apart otherwise")
        if given not in (None, text):
            raise Refused(f"{given!r} is not {text!r}")
        row[column.name] = text

    def missing(self, row, index, columns, given):
        """given: the columns in which NULL means NULL."""
        for column in columns:
            if self.null_variable(row, column):
                return True
        for column in self.companions(index, columns):
            if row[column.name] is None and (column not in columns or column.name in given):
                return True
        return False

    def settle_index(self, row, index, columns, given=None, named=()):
        """given: of an UPDATE, the columns that it sets; named: those that an INSERT names."""
        if not self.missing(row, index, columns, named if given is None else given):
            for column in columns:
                self.compose(row, column)
            return
        for column in columns:
            for i, part, _ in self.parts(column):
                if not self.is_source(column, i, part) or row[part.column.name] is None:
                    continue
                is_found_out = given is not None and part.column.name not in given
                if not (isinstance(part.form, Shard) and is_found_out):
                    raise Refused(f"{part.column.name} without the rest of the key")
                row[part.column.name] = None
            if row[column.name] is not None:
                raise Refused(f"{column.name} without the rest of the key")

    def check_keys(self, row):
        names = self.universe.key_attributes()
        for column in self.entity.columns:
            if self.is_stored(column) and column.attribute in names and row[column.name] == "":
                raise Refused(f"empty {column.attribute}")

    # -- statements

    def insert(self, values, named=()):
        """The whole row, of a statement that names these columns."""
        row = dict(values)
        self.cut(row)
        for column in self.columns():
            self.take_apart(row, column)
        self.settle_values(row)
        for column in self.table:
            if self.null_variable(row, column):
                raise Refused(f"{column.name} lacks a variable")
        for name in self.universe.key:
            column = self.entity.of_key[name]
            if not column.template and row[column.name] is None:
                raise Refused(f"no {name}")
        for column in self.table:
            self.compose(row, column)
        for index, columns in self.indexes:
            self.settle_index(row, index, columns, named=named)
        self.check_keys(row)
        return row

    def item(self, row):
        """What is known of the item."""
        item = Item()
        for column in self.entity.columns:
            if self.is_stored(column) and row[column.name] is not None:
                item.known[column.attribute] = row[column.name]
                item.attributes[column.attribute] = WRITTEN
        return item

    def check_table_key(self, row, old, values, changed):
        for name in self.universe.key:
            column = self.entity.of_key[name]
            if column.name in values and values[column.name] != old[column.name]:
                raise Refused(f"{name} changes")
        for column in self.table:
            texts = column.template.split(old[column.name])
            for i, part, following in self.parts(column):
                if part.column is None or part.column.name not in changed:
                    continue
                value = row[part.column.name]
                if value is None or self.text(part, following, value) != texts[i]:
                    raise Refused(f"{part.column.name} changes {column.name}")

    def follow_keys(self, row, values):
        changed = set(values)
        for _, columns in self.indexes:
            for column in columns:
                if column.name not in values:
                    continue
                for i, part, _ in self.parts(column):
                    if self.is_source(column, i, part) and part.column.name not in values:
                        row[part.column.name] = None
                        changed.add(part.column.name)
                self.take_apart(row, column, values)
        return changed

    def update(self, old, values):
        """Attributes of the item of an old row: what they are set to, None: removed."""
        row = {**old, **values}
        self.cut(row)
        changed = self.follow_keys(row, values)
        self.check_table_key(row, old, values, changed)
        self.settle_values(row, values)
        for index, columns in self.indexes:
            variables = {v.column.name for c in columns for v in c.template.variables() if v.column}
            names = {c.name for c in self.companions(index, columns)}
            if not (variables | names) & changed:
                continue
            for column in columns:
                changed.add(column.name)
                if column.name not in values:
                    row[column.name] = None
            self.settle_index(row, index, columns, values)
        self.check_keys(row)
        return {
            c.attribute: row[c.name]
            for c in self.entity.columns
            if c.name in changed and self.is_stored(c) and c.attribute not in self.universe.key
        }

    # -- random values

    def value(self, column):
        rng, entity = self.rng, self.entity
        if column in entity.variables:
            value = rng.choice(entity.few[column.name])
            return self.finer(value) if isinstance(column.kind, Time) else value
        if column.attribute == EXPIRES:
            return rng.choice(PAST + KEPT)
        if column.attribute in entity.of_key:
            return rng.choice(TEXTS) + rng.choice(["", "1", "#"])
        return column.kind.random(rng, False, 30)

    def finer(self, value):
        """A time that keys may not tell apart from this one."""
        rng = self.rng
        if value is None or value.startswith("9999") or rng.random() < 0.6:
            return value
        later = timedelta(microseconds=rng.choice([1, 999, 1000, 99000, 400000]))
        return (datetime.fromisoformat(value) + later).isoformat(sep=" ")

    def random_row(self):
        rng, entity = self.rng, self.entity
        row = dict.fromkeys(c.name for c in entity.columns)
        in_table = {v.column for c in self.table for v in c.template.variables() if v.column}
        for column in entity.columns:
            if column.template or column is entity.whole:
                continue
            rare = column in in_table or column.attribute in self.universe.key
            if isinstance(entity.form_of.get(column.name), Shard) and rng.random() < 0.6:
                continue
            if rng.random() > (0.02 if rare else 0.25):
                row[column.name] = self.value(column)
        return self._with_keys(row) if rng.random() < 0.3 else row

    def _with_keys(self, row):
        """Keys that are given, some of the variables left to them."""
        rng = self.rng
        try:
            whole = self.insert(row)
        except Refused:
            return row
        given = dict(row)
        for column in self.columns():
            if whole[column.name] is None or rng.random() < 0.4:
                continue
            given[column.name] = whole[column.name]
            if rng.random() < 0.15:
                given[column.name] = mangle(rng, whole[column.name])
            for i, part, _ in self.parts(column):
                if self.is_source(column, i, part) and rng.random() < 0.5:
                    given[part.column.name] = None
        return given

    def random_change(self, old):
        """Of a row: what is set."""
        rng, entity = self.rng, self.entity
        able = [c for c in entity.columns if c is not entity.whole]
        changed = {}
        for column in rng.sample(able, min(len(able), rng.choice([1, 1, 2, 3]))):
            roll = rng.random()
            if roll < 0.15:
                changed[column.name] = None
            elif roll < 0.3 or (column.attribute in self.universe.key and roll < 0.9):
                changed[column.name] = old[column.name]
            elif column.template:
                changed[column.name] = column.template.text(
                    {v.name: rng.choice(entity.few[v.name]) for v in entity.variables}, rng
                )
            else:
                changed[column.name] = self.value(column)
        return changed
