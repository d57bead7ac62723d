# SPDX-License-Identifier: PostgreSQL
"""Characters that a database's encoding lacks: values and keys that hold them do not fit."""

import psycopg
import pytest
from support.fdw import both, foreign_table, make_server
from support.regress_data import load_table
from support.systems import definition

ITEMS = [
    {"pk": "é", "v": "é", "j": {"x": "é"}, "l": ["é"]},
    {"pk": "b", "v": "日", "j": {"x": "日"}, "l": ["日"]},
    {"pk": "日", "v": "x", "j": {"日": "x"}, "l": ["x"], "n": "no number"},
]


@pytest.fixture
def latin1(cluster, administration, proxy, ddb_resource):
    """A database that cannot show every character."""
    load_table(ddb_resource, "Latin1", definition(("pk",), "pk:S"), ITEMS)
    administration(
        "CREATE DATABASE latin1 ENCODING LATIN1 LOCALE 'C'"
        " LOCALE_PROVIDER libc TEMPLATE template0"
    )
    with psycopg.connect(**cluster.conninfo("latin1"), autocommit=True) as db:
        db.execute("CREATE EXTENSION ddb_fdw")
        make_server(db, proxy.endpoint)
        columns = ["pk text", "v text", "j jsonb", "js json OPTIONS (attribute 'j')", "l text[]"]
        foreign_table(db, "t", [*columns, "n int"], table_name="Latin1")
        yield db
    administration("DROP DATABASE latin1 WITH (FORCE)")


@pytest.mark.parametrize("column", ["v", "j", "js", "l"])
def test_characters_without_an_equivalent_do_not_fit(latin1, column):
    query = f"SELECT {column} IS NULL FROM t WHERE pk = 'b'"
    with pytest.raises(psycopg.Error) as caught:
        latin1.execute(query)
    assert caught.value.sqlstate == "22018"
    assert 'key pk = "b"' in caught.value.diag.message_detail
    latin1.execute("SET ddb_fdw.on_type_mismatch = 'null'")
    assert latin1.execute(query).fetchall() == [(True,)]
    assert latin1.execute(query.replace("'b'", "'é'")).fetchall() == [(False,)]


def test_keys_without_an_equivalent_do_not_fit(latin1):
    for query in ("SELECT pk FROM t", "SELECT pk, n FROM t WHERE v = 'x'"):
        with pytest.raises(psycopg.Error) as caught:
            latin1.execute(query)
        assert caught.value.sqlstate == "22018"
    latin1.execute("SET ddb_fdw.on_type_mismatch = 'null'")
    pushed, local = both(latin1, "SELECT coalesce(pk, 'none') FROM t")
    assert pushed == local == [("b",), ("none",), ("é",)]
    latin1.execute("ANALYZE t")
