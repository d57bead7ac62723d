# SPDX-License-Identifier: PostgreSQL
"""Which items an INSERT or UPDATE puts into an index whose key a template composes:
not against a NULL that the statement names, and with template_when only where a
boolean column is true."""

import pytest
from psycopg import errors
from support.fdw import foreign_table
from support.systems import index

COLUMNS = [
    "pk text OPTIONS (attribute 'PK', template 'USER#${user_id}')",
    "sk text OPTIONS (attribute 'SK', template 'HIST#${id}')",
    "user_id int",
    "id int",
    "is_public boolean",
    "title text",
    "feed text OPTIONS (attribute 'GSI1PK', template 'PUBLIC#true'WHEN)",
    "feed_at text OPTIONS (attribute 'GSI1SK')",
]
WHEN = ", template_when 'is_public'"


@pytest.fixture
def site(dynamo, make_table):
    table = make_table(
        ("PK", "SK"),
        "PK:S SK:S GSI1PK:S GSI1SK:S",
        gsis=[index("GSI1", "GSI1PK", "GSI1SK")],
    )
    for name, when in (("history", WHEN), ("plain", "")):
        foreign_table(
            dynamo, name, [column.replace("WHEN", when) for column in COLUMNS], table_name=table.name
        )
    dynamo.table = table
    return dynamo


def published(table):
    """The ids of the items that are in the index."""
    return {
        int(item["SK"].removeprefix("HIST#")) for item in table.scan(IndexName="GSI1")["Items"]
    }


def test_a_private_item_is_not_published(site):
    site.execute(
        "INSERT INTO history (user_id, id, is_public, feed_at) VALUES"
        " (1, 1, true, 'a'), (1, 2, false, 'b'), (1, 3, NULL, 'c')"
    )
    site.execute("INSERT INTO history (user_id, id, feed_at) VALUES (1, 4, 'd')")
    assert published(site.table) == {1}
    assert site.execute("SELECT id, feed, feed_at FROM history ORDER BY id").fetchall() == [
        (1, "PUBLIC#true", "a"), (2, None, "b"), (3, None, "c"), (4, None, "d"),
    ]  # fmt: skip


def test_copy_and_other_ways_in(site):
    with site.cursor().copy("COPY history (user_id, id, is_public, feed_at) FROM STDIN") as copy:
        copy.write_row((1, 1, False, "a"))
        copy.write_row((1, 2, True, "b"))
    site.execute(
        "INSERT INTO history (user_id, id, is_public, feed_at) SELECT 1, i, i % 2 = 0, 'x'"
        " FROM generate_series(3, 6) i"
    )
    assert published(site.table) == {2, 4, 6}
    row = site.execute(
        "INSERT INTO history (user_id, id, is_public, feed_at) VALUES (1, 7, true, 'z') RETURNING feed"
    ).fetchone()
    assert row == ("PUBLIC#true",)


def test_updates_publish_and_withdraw(site, proxy):
    site.execute(
        "INSERT INTO history (user_id, id, is_public, feed_at) VALUES (1, 1, true, 'a'), (1, 2, false, 'b')"
    )
    assert site.execute("UPDATE history SET is_public = true WHERE user_id = 1 AND id = 2").rowcount == 1
    assert published(site.table) == {1, 2}
    site.execute("UPDATE history SET is_public = NOT is_public WHERE user_id = 1 AND id = 1")
    assert published(site.table) == {2}
    site.execute("UPDATE history SET title = 'new' WHERE user_id = 1")
    assert published(site.table) == {2}
    site.execute("UPDATE history h SET is_public = v.p FROM (VALUES (1, true), (2, false)) v(id, p) WHERE h.user_id = 1 AND h.id = v.id")
    assert published(site.table) == {1}
    site.execute("UPDATE history SET feed = NULL WHERE user_id = 1 AND id = 1")
    assert published(site.table) == set()


def test_a_key_that_is_given_against_the_condition(site):
    with pytest.raises(errors.InvalidParameterValue) as e:
        site.execute(
            "INSERT INTO history (user_id, id, is_public, feed, feed_at)"
            " VALUES (1, 1, false, 'PUBLIC#true', 'a')"
        )
    assert 'column "feed" of foreign table' in str(e.value)
    assert 'while column "is_public" is not true' in str(e.value)
    assert published(site.table) == set()


def test_items_are_not_put_into_an_index_against_a_null(site):
    site.execute("INSERT INTO plain (user_id, id, feed, feed_at) VALUES (1, 1, NULL, 'a')")
    site.execute("INSERT INTO plain (user_id, id, feed, feed_at) VALUES (1, 2, NULL, 'b'), (1, 3, 'PUBLIC#true', 'c')")
    site.execute("INSERT INTO plain (user_id, id, feed, feed_at) VALUES (%s, %s, %s, %s)", (1, 4, None, "d"))
    site.execute("INSERT INTO plain (user_id, id, feed, feed_at) SELECT 1, 5, NULL, 'e'")
    with site.cursor().copy("COPY plain (user_id, id, feed, feed_at) FROM STDIN") as copy:
        copy.write_row((1, 6, None, "f"))
    assert published(site.table) == {3}
    # Not named, it is composed, and so it is by DEFAULT.
    site.execute("INSERT INTO plain (user_id, id, feed_at) VALUES (1, 7, 'g')")
    site.execute("INSERT INTO plain (user_id, id, feed, feed_at) VALUES (1, 8, DEFAULT, 'h')")
    with site.cursor().copy("COPY plain (user_id, id, feed_at) FROM STDIN") as copy:
        copy.write_row((1, 9, "i"))
    assert published(site.table) == {3, 7, 8, 9}


def test_the_keys_of_the_table_are_composed_all_the_same(site):
    site.execute("INSERT INTO plain (pk, sk, user_id, id) VALUES (NULL, NULL, 5, 6)")
    assert site.execute("SELECT pk, sk FROM plain WHERE user_id = 5").fetchall() == [("USER#5", "HIST#6")]


def test_through_a_partitioned_parent(site):
    site.execute("CREATE TABLE parent (LIKE plain) PARTITION BY LIST (user_id)")
    site.execute("ALTER TABLE parent ATTACH PARTITION plain FOR VALUES IN (1)")
    site.execute("INSERT INTO parent (user_id, id, feed, feed_at) VALUES (1, 1, NULL, 'a'), (1, 2, 'PUBLIC#true', 'b')")
    site.execute("INSERT INTO parent (user_id, id, feed_at) VALUES (1, 3, 'c')")
    assert published(site.table) == {2, 3}


@pytest.mark.parametrize(
    "change, detail",
    [
        ("ALTER COLUMN feed OPTIONS (SET template_when 'nothing')", 'names "nothing"'),
        ("ALTER COLUMN feed OPTIONS (SET template_when 'title')", 'names "title"'),
        ("ALTER COLUMN feed OPTIONS (DROP template)", "needs a template"),
        ("ALTER COLUMN sk OPTIONS (ADD template_when 'is_public')", "keys of indexes"),
    ],
)
def test_wrong_conditions_are_told(site, change, detail):
    site.execute(f"ALTER FOREIGN TABLE history {change}")
    with pytest.raises(errors.Error) as e:
        site.execute("SELECT * FROM history")
    assert detail in e.value.diag.message_detail
