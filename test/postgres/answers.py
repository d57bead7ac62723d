# SPDX-License-Identifier: PostgreSQL
"""Are two outcomes the same?  Rows as multisets, numbers by value; in order
where the statement's own ORDER BY says which column of the answer decides."""

import re
from collections import Counter

from .twins import ROW, canonical

NUMERIC_OID = 1700


def kept(answer):
    """Places of the columns that the suite knows of."""
    return [i for i, name in enumerate(answer.names) if name != ROW]


def forms(answer):
    """Rows as they are compared."""
    places = kept(answer)
    numeric = [answer.types[i] == NUMERIC_OID for i in range(len(answer.types))]
    return [
        tuple(canonical(row[i], "numeric") if numeric[i] else row[i] for i in places)
        for row in answer.rows
    ]


def top_level(sql):
    """The text outside parentheses, quotes left empty."""
    sql = re.sub(r"'(?:[^']|'')*'", "''", sql)
    depth, out = 0, []
    for char in sql:
        if char == ")":
            depth -= 1
        if depth == 0:
            out.append(char)
        if char == "(":
            depth += 1
    return "".join(out)


def deciding_columns(sql, names):
    """Places of the columns by which the whole answer is ordered, as far as
    ORDER BY names them plainly."""
    text = top_level(sql)
    found = list(re.finditer(r"\border\s+by\s+", text, re.IGNORECASE))
    if not found or not re.match(r"\s*(select|with|table|values|\()", sql, re.IGNORECASE):
        return []
    rest = text[found[-1].end() :]
    rest = re.split(r"\b(?:limit|offset|fetch|for\s+(?:update|share|no|key)|union|except|intersect)\b", rest, maxsplit=1, flags=re.IGNORECASE)[0]
    lowered = [name.lower() for name in names]
    places = []
    for item in rest.split(","):
        match = re.match(r'\s*"?([\w$]+)"?\s*(?:asc|desc)?\s*(?:nulls\s+(?:first|last))?\s*;?\s*$', item, re.IGNORECASE)
        if not match:
            break
        word = match.group(1).lower()
        if word.isdigit() and 0 < int(word) <= len(names):
            places.append(int(word) - 1)
        elif lowered.count(word) == 1:
            places.append(lowered.index(word))
        else:
            break
    return places


def differ(sql, local, foreign):
    """None, or what is not the same."""
    if local.error or foreign.error:
        if local.error == foreign.error:
            return None
        return "error" if foreign.error else "no error"
    if len(local.answers) != len(foreign.answers):
        return "number of answers"
    if re.match(r"\s*explain\b", sql, re.IGNORECASE):
        return None
    for here, there in zip(local.answers, foreign.answers, strict=True):
        if here.tag != there.tag:
            return "tag"
        if [here.names[i] for i in kept(here)] != [there.names[i] for i in kept(there)]:
            return "columns"
        rows_here, rows_there = forms(here), forms(there)
        if Counter(rows_here) != Counter(rows_there):
            return "rows"
        places = deciding_columns(sql, [here.names[i] for i in kept(here)])
        if [[r[i] for i in places] for r in rows_here] != [[r[i] for i in places] for r in rows_there]:
            return "order"
    return None


def unexpected_warnings(local, foreign):
    """Warnings that only the foreign tables gave, but for those of each ROLLBACK."""
    own = [w for w in foreign.warnings if not w.startswith("not rolled back in DynamoDB")]
    return list((Counter(own) - Counter(local.warnings)).elements())
