# SPDX-License-Identifier: PostgreSQL
"""Random nested values, and values in a form that can be compared."""

import os
import random
from decimal import Decimal

from support.store import s

ROUND_TRIP_ITEMS = int(os.environ.get("DDB_ROUND_TRIP_ITEMS", "1000"))


class Documents:
    """Random nested values, as boto3 takes them."""

    CHARACTERS = 'abcXYZ 0123"\\/\b\f\n\r\t\x01\x1f\x7féß日😀\U0010ffff\ud7ff\ue000\uffff{}[]:,'

    def __init__(self, seed):
        self.random = random.Random(seed)

    def text(self, shortest=0):
        size = self.random.choice([0, 1, 2, 5, 10, 40])
        return "".join(self.random.choices(self.CHARACTERS, k=max(size, shortest)))

    def number(self):
        digits = self.random.randrange(10 ** self.random.choice([1, 3, 10, 18, 19, 38]))
        scale = self.random.choice([0, 0, 1, 2, 20, 37])
        value = Decimal(self.random.choice([1, -1]) * digits).scaleb(-scale)
        if self.random.random() < 0.1:
            exponent = self.random.choice([125, -130, 90, -90])
            value = Decimal(self.random.randrange(1, 10)).scaleb(exponent)
        text = format(value, "f")
        text = text.rstrip("0").rstrip(".") if "." in text else text
        return "0" if text in ("-0", "") else text

    def bytes(self):
        return self.random.randbytes(self.random.choice([0, 1, 2, 3, 30]))

    def set_of(self, make):
        return sorted({make() for _ in range(self.random.randrange(1, 5))})

    def numbers(self):
        return sorted({Decimal(self.number()) for _ in range(self.random.randrange(1, 5))})

    def value(self, depth):
        kinds = ["S", "N", "B", "BOOL", "NULL", "SS", "NS", "BS"] + ["M", "L"] * 4 * (depth > 0)
        kind = self.random.choice(kinds)
        make = {
            "S": self.text,
            "N": self.number,
            "B": self.bytes,
            "BOOL": lambda: self.random.random() < 0.5,
            "NULL": lambda: True,
            "SS": lambda: self.set_of(self.text),
            "NS": lambda: [format(number, "f") for number in self.numbers()],
            "BS": lambda: self.set_of(self.bytes),
            "M": lambda: self.members(depth - 1),
            "L": lambda: [self.value(depth - 1) for _ in range(self.random.randrange(5))],
        }
        return {kind: make[kind]()}

    def members(self, depth):
        return {self.text(1): self.value(depth) for _ in range(self.random.randrange(5))}

    def item(self, number):
        members = {f"m{name}": value for name, value in self.members(5).items()}
        return {"pk": s(str(number)), **members}


def canonical(value):
    """For comparison: sets in one order, numbers by their value."""
    ((kind, content),) = value.items()
    if kind == "M":
        return {"M": {name: canonical(member) for name, member in content.items()}}
    if kind == "L":
        return {"L": [canonical(element) for element in content]}
    if kind == "NS":
        return {"NS": sorted(Decimal(number) for number in content)}
    if kind in ("SS", "BS"):
        return {kind: sorted(content)}
    return value
