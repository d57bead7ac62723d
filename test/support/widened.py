# SPDX-License-Identifier: PostgreSQL
"""What random statements are made with besides tables, rows and conditions; and in which
sessions they are run.

    if is_on("parts"): ...          # unless DDB_FUZZ_WITHOUT=parts,styles
    prepare_style(db, seed)
    charset_of(seed)                # of the database: None is UTF8
"""

import os
import random

# Each can be left out, to see what a difference hangs on, by DDB_FUZZ_WITHOUT.
KINDS = {
    "booleans": "stored as N and S",
    "charsets": "databases that are not UTF8",
    "documents": "sets and binary values beside what an UPDATE changes",
    "fractions": "times with 7 to 9 digits of fraction",
    "inheritance": "foreign parents with foreign children",
    "neighbours": "values of neighbouring types, and what is made of a column",
    "overflow": "columns of what no other column shows",
    "parts": "statements whose parts write what others read",
    "partitions": "UPDATE of partition keys",
    "returning": "RETURNING while others write the same items",
    "styles": "intervalstyle, datestyle and timezone of the session",
    "system columns": "refused in every statement",
    "text forms": "intervals and ranges, in keys and templates too",
}
# Those that are not run unless DDB_FUZZ_WITHOUT says otherwise: not yet tried for long.
PENDING = set(KINDS) - {"neighbours"}


def is_on(kind):
    assert kind in KINDS
    without = os.environ.get("DDB_FUZZ_WITHOUT", ",".join(PENDING))
    return kind not in without.split(",")


def prepare_style(db, seed):
    """Settings that say how values look in this session; the same for both tables."""
    rng = random.Random(f"style {seed}")
    if not is_on("styles") or rng.random() < 0.25:
        return
    zones = ["UTC", "Asia/Kolkata", "America/St_Johns", "Pacific/Kiritimati", "<odd>-05:45"]
    values = {
        "timezone": rng.choice(zones),
        "datestyle": ", ".join(
            [rng.choice(["ISO", "SQL", "Postgres", "German"]), rng.choice(["MDY", "DMY", "YMD"])]
        ),
        "intervalstyle": rng.choice(["postgres", "postgres_verbose", "sql_standard", "iso_8601"]),
        "bytea_output": rng.choice(["hex", "escape"]),
        "extra_float_digits": rng.choice(["1", "1", "0", "-3"]),
    }
    for name, value in values.items():
        db.execute(f"SET {name} = '{value}'")


# Of encodings of databases: python's name, and whether PostgreSQL has ICU for them.
ENCODINGS = {
    "WIN1252": ("cp1252", True),
    "LATIN1": ("latin-1", True),
    "LATIN9": ("iso8859-15", True),
    "SQL_ASCII": ("utf-8", False),
}


class Charset:
    """What a database of another encoding than UTF8 can hold."""

    def __init__(self, encoding):
        self.encoding = encoding
        self.codec, self.has_icu = ENCODINGS[encoding]

    def holds(self, text):
        try:
            return text is None or text.encode(self.codec) is not None
        except UnicodeEncodeError:
            return False

    def holds_all(self, value):
        """Of an item, or of whatever it is made of."""
        if isinstance(value, dict):
            return all(self.holds(name) and self.holds_all(v) for name, v in value.items())
        if isinstance(value, (list, tuple, set)):
            return all(map(self.holds_all, value))
        return not isinstance(value, str) or self.holds(value)

    def kept(self, text):
        return text and "".join(c for c in text if self.holds(c))


def charset_of(seed):
    """Every fourth seed has another encoding."""
    if not is_on("charsets") or seed % 4 != 3:
        return None
    return Charset(sorted(ENCODINGS)[seed // 4 % len(ENCODINGS)])
