# SPDX-License-Identifier: PostgreSQL
"""UPDATE of a column that shows the whole item: its key stays where it is not set."""

import psycopg
import pytest
from psycopg.types.json import Jsonb
from support.fdw import foreign_table, make_server
from support.systems import definition, index

KEYS = definition(("pk", "sk"), "pk:S sk:N")
COLUMNS = ["pk text", "sk int", "v int", "doc jsonb OPTIONS (attribute '*')"]


@pytest.fixture
def t(db, proxy, make_items):
    items = make_items(KEYS, [{"pk": "a", "sk": n, "v": n, "old": "x"} for n in (1, 2)])
    make_server(db, proxy.endpoint)
    foreign_table(db, "t", COLUMNS, table_name=items.name)
    db.items = items
    return db


def item(t, n=1):
    return t.items.get_item(Key={"pk": "a", "sk": n})["Item"]


FORMS = {
    "by key": "UPDATE t SET doc = %s WHERE pk = 'a' AND sk = 1",
    "by a condition": "UPDATE t SET doc = %s WHERE v = 1",
    "in a join": "UPDATE t SET doc = %s FROM (VALUES (1)) j(n) WHERE sk = n",
    "by a subquery": "UPDATE t SET doc = %s WHERE sk IN (SELECT min(sk) FROM t)",
    "with RETURNING": "UPDATE t SET doc = %s WHERE sk = 1 RETURNING pk, sk, v, doc",
}


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("extra", [{}, {"pk": "a"}, {"pk": "a", "sk": 1}])
def test_the_key_stays(t, form, extra):
    cursor = t.execute(FORMS[form], (Jsonb({"new": [1], **extra}),))
    assert item(t) == {"pk": "a", "sk": 1, "new": [1]}
    assert item(t, 2) == {"pk": "a", "sk": 2, "v": 2, "old": "x"}
    if cursor.description:
        (row,) = cursor.fetchall()
        assert row == ("a", 1, None, {"pk": "a", "sk": 1, "new": [1]})


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("extra", [{"pk": "b"}, {"sk": 7}, {"pk": "b", "sk": 1}])
def test_another_key_is_refused(t, form, extra):
    with pytest.raises(psycopg.errors.FeatureNotSupported):
        t.execute(FORMS[form], (Jsonb({"new": 1, **extra}),))
    assert item(t)["old"] == "x"


def test_columns_that_are_set_too(t):
    t.execute("UPDATE t SET doc = %s, v = 9 WHERE sk = 1", (Jsonb({"v": 5, "w": 6}),))
    assert item(t) == {"pk": "a", "sk": 1, "v": 9, "w": 6}
    t.execute("UPDATE t SET doc = '{}', pk = 'a', sk = 1 WHERE sk = 1")
    assert item(t) == {"pk": "a", "sk": 1}
    with pytest.raises(psycopg.errors.NotNullViolation):
        t.execute("UPDATE t SET doc = NULL WHERE sk = 1")


def test_tables_without_key_columns(db, proxy, make_items):
    """The item says its key itself, to be found by, and keeps it."""
    items = make_items(KEYS, [{"pk": "a", "sk": 1, "v": 1}])
    make_server(db, proxy.endpoint)
    foreign_table(db, "t", ["doc jsonb OPTIONS (attribute '*')"], table_name=items.name)
    assert db.execute("UPDATE t SET doc = '{\"w\": 2}'").rowcount == 1
    assert items.scan()["Items"] == [{"pk": "a", "sk": 1, "w": 2}]


def test_templates(db, proxy, make_items):
    """What the table's key is made of stays with it; the index's is as the new item says."""
    items = make_items(
        definition(("pk",), "pk:S g:S", gsis=[index("by_g", "g")]),
        [{"pk": "USER#7", "g": "CITY#rome", "old": 1}],
    )
    make_server(db, proxy.endpoint)
    foreign_table(
        db,
        "t",
        [
            "id int",
            "city text",
            "doc jsonb OPTIONS (attribute '*')",
            "pk text OPTIONS (template 'USER#${id}')",
            "g text OPTIONS (template 'CITY#${city}')",
        ],
        table_name=items.name,
    )
    update = "UPDATE t SET doc = %s WHERE id = 7 RETURNING id, city"
    assert db.execute(update, (Jsonb({"g": "CITY#oslo", "v": 1}),)).fetchall() == [(7, "oslo")]
    assert items.scan()["Items"] == [{"pk": "USER#7", "g": "CITY#oslo", "v": 1}]
    assert db.execute("UPDATE t SET doc = '{}', city = 'bari' WHERE id = 7").rowcount == 1
    assert items.scan()["Items"] == [{"pk": "USER#7", "g": "CITY#bari"}]
    assert db.execute(update, (Jsonb({"v": 2}),)).fetchall() == [(7, None)]
    assert items.scan()["Items"] == [{"pk": "USER#7", "v": 2}]
    with pytest.raises(psycopg.errors.FeatureNotSupported):
        db.execute(update, (Jsonb({"pk": "USER#8"}),))
