# SPDX-License-Identifier: PostgreSQL
"""RETURNING shows rows as they were written or deleted, whoever else writes them, and
asks for them in the request that writes."""

from decimal import Decimal

import psycopg
import pytest
from support import proxy as faults
from support.fdw import explain, foreign_table
from support.systems import definition

UNKNOWN = psycopg.errors.TransactionResolutionUnknown

KEYS = definition(("pk", "sk"), "pk:S sk:N")
COLUMNS = ["pk text", "sk int", "v int", "w int", "s text"]
KEY = "pk = 'a' AND sk = 1"
ITEM = {"pk": "a", "sk": 1, "v": 10, "w": 20, "s": "x"}


@pytest.fixture
def items(make_items):
    return make_items(KEYS, [ITEM])


@pytest.fixture
def t(dynamo, items):
    foreign_table(dynamo, "t", COLUMNS, table_name=items.name)
    return dynamo


@pytest.fixture
def others(items, proxy):
    """Context: another client sets w to 99 just before the statement writes."""

    def change():
        items.update_item(
            Key={"pk": "a", "sk": 1},
            UpdateExpression="SET w = :w",
            ExpressionAttributeValues={":w": 99},
        )

    class Both:
        def __enter__(self):
            self.stack = [
                proxy.inject(faults.Meanwhile(change), operation=operation)
                for operation in ("UpdateItem", "DeleteItem")
            ]
            for one in self.stack:
                one.__enter__()

        def __exit__(self, *exception):
            for one in reversed(self.stack):
                one.__exit__(*exception)

    return Both()


def sent(db, proxy, statement, parameters=None):
    with proxy.record() as calls:
        rows = db.execute(statement, parameters).fetchall()
    return rows, calls.data


def row(items):
    found = items.get_item(Key={"pk": "a", "sk": 1}, ConsistentRead=True).get("Item")
    return found and {k: int(v) if isinstance(v, Decimal) else v for k, v in found.items()}


# ---- while others write -------------------------------------------------------------

CHANGES = {
    "by key": f"{{}} t {{}} WHERE {KEY}",
    "by key and more": f"{{}} t {{}} WHERE {KEY} AND v = 10",
    "by a list of keys": "{} t {} WHERE pk IN ('a', 'b') AND sk = 1",
    "by partition": "{} t {} WHERE pk = 'a'",
    "by scan": "{} t {} WHERE v = 10",
    "checked here": f"{{}} t {{}} WHERE {KEY} AND abs(v) = 10",
    "in a join": "{} t {} {} (VALUES ('a')) x (k) WHERE t.pk = x.k",
    "in a subquery": "{} t {} WHERE v IN (SELECT 10)",
}


def statements(change):
    update = change.format("UPDATE", "SET v = 11", "FROM")
    delete = change.format("DELETE FROM", "", "USING").replace("  ", " ")
    return update, delete


@pytest.mark.parametrize("change", CHANGES)
def test_the_row_as_it_is_written(t, items, others, proxy, change):
    update, delete = statements(CHANGES[change])
    with others:
        rows, _ = sent(t, proxy, f"{update} RETURNING t.*, t.w + 1")
    assert rows == [("a", 1, 11, 99, "x", 100)]
    items.put_item(Item=ITEM)
    with others:
        rows, _ = sent(t, proxy, f"{delete} RETURNING t.*, t, tableoid::regclass::text")
    assert rows == [("a", 1, 10, 99, "x", "(a,1,10,99,x)", "t")]
    assert row(items) is None


@pytest.mark.parametrize("change", ["by key", "by partition", "in a join"])
def test_rows_through_parents_and_views(t, items, others, proxy, change):
    t.execute("CREATE TABLE parent (w int, pk text, sk int, v int, s text)")
    t.execute("ALTER FOREIGN TABLE t INHERIT parent")
    t.execute("CREATE VIEW shown AS SELECT w AS other, sk, pk, v FROM t")
    for table in ("parent", "shown"):
        update, delete = (s.replace(" t ", f" {table} t ") for s in statements(CHANGES[change]))
        column = "w" if table == "parent" else "other"
        items.put_item(Item=ITEM)
        with others:
            rows, _ = sent(t, proxy, f"{update} RETURNING t.{column}, v")
        assert rows == [(99, 11)]
        items.put_item(Item=ITEM)
        with others:
            rows, _ = sent(t, proxy, f"WITH d AS ({delete} RETURNING t.{column}) SELECT * FROM d")
        assert rows == [(99,)]


def test_triggers_see_the_row_as_it_is_written(t, items, others, proxy):
    t.execute(
        "CREATE TABLE seen (op text, w int, v int);"
        "CREATE FUNCTION f() RETURNS trigger LANGUAGE plpgsql AS"
        " 'BEGIN INSERT INTO seen VALUES (TG_OP, NEW.w, NEW.v); RETURN NULL; END';"
        "CREATE TRIGGER f AFTER UPDATE OR INSERT ON t FOR EACH ROW EXECUTE FUNCTION f()"
    )
    with others:
        t.execute(f"UPDATE t SET v = 11 WHERE {KEY}")
    with others:
        rows, _ = sent(t, proxy, f"DELETE FROM t WHERE {KEY} RETURNING w")
    assert rows == [(99,)]
    t.execute("INSERT INTO t VALUES ('b', 1, 1, 1)")
    assert t.execute("SELECT * FROM seen ORDER BY op").fetchall() == [
        ("INSERT", 1, 1),
        ("UPDATE", 99, 11),
    ]


def test_before_triggers(t, items, others, proxy):
    t.execute(
        "CREATE FUNCTION f() RETURNS trigger LANGUAGE plpgsql AS"
        " 'BEGIN IF TG_OP = ''DELETE'' THEN RETURN OLD; END IF;"
        "        NEW.s := ''trigger''; RETURN NEW; END';"
        "CREATE TRIGGER f BEFORE UPDATE OR DELETE ON t FOR EACH ROW EXECUTE FUNCTION f()"
    )
    with others:
        rows, _ = sent(t, proxy, f"UPDATE t SET v = 11 WHERE {KEY} RETURNING *")
    assert rows == [("a", 1, 11, 99, "trigger")]
    items.put_item(Item=ITEM)
    with others:
        rows, _ = sent(t, proxy, f"DELETE FROM t WHERE {KEY} RETURNING *")
    assert rows == [("a", 1, 10, 99, "x")]


def test_columns_within_others(dynamo, items, others, proxy):
    foreign_table(
        dynamo,
        "d",
        [
            "pk text",
            "sk int",
            "v int",
            "city text OPTIONS (attribute 'a.city')",
            "a jsonb",
            "rest jsonb OPTIONS (overflow 'true')",
            "doc jsonb OPTIONS (attribute '*')",
        ],
        table_name=items.name,
    )
    for where in (KEY, "v = 10", f"{KEY} AND v IN (SELECT 10)"):
        for change in ("city = 'Rome'", """rest = '{"w": 20, "s": "x", "t": 1}', city = 'Rome'"""):
            items.put_item(Item=ITEM)
            with others:
                rows, _ = sent(
                    dynamo,
                    proxy,
                    f"UPDATE d SET {change} WHERE {where} RETURNING city, a, rest->'w', doc->'w'",
                )
            assert rows == [("Rome", {"city": "Rome"}, 99, 99)]
        with others:
            rows, _ = sent(
                dynamo,
                proxy,
                f"DELETE FROM d WHERE {where} RETURNING city, a, rest->'w', doc->'w'",
            )
        assert rows == [("Rome", {"city": "Rome"}, 99, 99)]
    # The whole item is set: what others have set meanwhile is gone.
    items.put_item(Item=ITEM)
    doc = '{"pk": "a", "sk": 1, "v": 5}'
    rows, _ = sent(dynamo, proxy, f"UPDATE d SET doc = %s WHERE {KEY} RETURNING v, rest", [doc])
    assert rows == [(5, {})]


# ---- requests -----------------------------------------------------------------------

ONE_REQUEST = {
    f"UPDATE t SET v = 11 WHERE {KEY} RETURNING *": ("UpdateItem", "ALL_NEW"),
    f"UPDATE t SET v = 11 WHERE {KEY} AND w = 20 RETURNING s": ("UpdateItem", "ALL_NEW"),
    f"UPDATE t SET v = 11 WHERE {KEY} RETURNING pk": ("UpdateItem", None),
    f"UPDATE t SET v = 11 WHERE {KEY} RETURNING 1": ("UpdateItem", None),
    f"UPDATE t SET v = 11 WHERE {KEY}": ("UpdateItem", None),
    f"DELETE FROM t WHERE {KEY} RETURNING *": ("DeleteItem", "ALL_OLD"),
    f"DELETE FROM t WHERE {KEY} AND v = 10 RETURNING s": ("DeleteItem", "ALL_OLD"),
    f"DELETE FROM t WHERE {KEY} RETURNING sk, pk || sk": ("DeleteItem", None),
    f"DELETE FROM t WHERE {KEY} RETURNING tableoid": ("DeleteItem", None),
    f"DELETE FROM t WHERE {KEY}": ("DeleteItem", None),
}


@pytest.mark.parametrize("statement", ONE_REQUEST)
def test_one_request(t, proxy, statement):
    with proxy.record() as calls:
        assert t.execute(statement).rowcount == 1
    operation, values = ONE_REQUEST[statement]
    assert calls.data.operations == [operation]
    assert calls.data[0].request.get("ReturnValues") == values
    with proxy.record() as calls:
        assert t.execute(statement.replace("sk = 1", "sk = 7")).rowcount == 0
    assert calls.data.operations == [operation]


def test_what_one_request_shows(t, items, proxy):
    update = "UPDATE t SET v = v.x FROM (VALUES (11)) v (x)"
    for statement, expected in {
        f"UPDATE t SET v = 11, s = NULL WHERE {KEY} RETURNING *": ("a", 1, 11, 20, None),
        f"UPDATE t SET v = 11 WHERE {KEY} RETURNING t, pk": ("(a,1,11,20,x)", "a"),
        f"UPDATE t SET v = 11 WHERE {KEY} RETURNING sk + 1, pk": (2, "a"),
        f"UPDATE t SET v = 11 WHERE {KEY} RETURNING (SELECT t.sk + 1)": (2,),
        f"{update} WHERE {KEY} RETURNING t.v, v.x, t.pk": (11, 11, "a"),
        f"DELETE FROM t WHERE {KEY} RETURNING pk, 7": ("a", 7),
        f"DELETE FROM t WHERE {KEY} RETURNING w, t": (20, "(a,1,10,20,x)"),
        f"DELETE FROM t WHERE {KEY} RETURNING (SELECT count(*) FROM pg_class WHERE t.v = 0)": (0,),
    }.items():
        items.put_item(Item=ITEM)
        assert sent(t, proxy, statement)[0] == [expected], statement


def test_what_needs_the_old_item_reads_it(t, proxy):
    for statement in (
        f"UPDATE t SET v = v + 1 WHERE {KEY} RETURNING v",
        f"UPDATE t SET s = 'y' WHERE {KEY} AND abs(v) > 1 RETURNING pk",
    ):
        _, calls = sent(t, proxy, statement)
        assert calls.operations == ["GetItem", "UpdateItem"]


def test_many_keys(t, items, proxy):
    with items.batch_writer() as batch:
        for i in range(1, 601):
            batch.put_item(Item={"pk": "a", "sk": i, "v": i, "s": "x" * 100})
    keys = list(range(1, 1001))
    rows, calls = sent(
        t, proxy, "UPDATE t SET w = 5 WHERE pk = 'a' AND sk = ANY (%s) RETURNING *", [keys]
    )
    assert sorted(rows) == [("a", i, i, 5, "x" * 100) for i in range(1, 601)]
    assert set(calls.operations) == {"UpdateItem"}
    rows, calls = sent(
        t, proxy, "DELETE FROM t WHERE pk = 'a' AND sk = ANY (%s) RETURNING sk, w", [keys]
    )
    assert sorted(rows) == [(i, 5) for i in range(1, 601)]
    assert set(calls.operations) == {"DeleteItem"}


def test_columns_that_are_not_shown_are_not_asked_for(t, proxy):
    _, calls = sent(t, proxy, "DELETE FROM t WHERE pk = 'a' RETURNING v")
    (query,) = calls.of("Query")
    assert set(query.request["ExpressionAttributeNames"].values()) == {"pk", "sk", "v"}


def test_prepared_statements_and_conditions_of_a_run(t, items, proxy):
    t.execute("SET plan_cache_mode = force_generic_plan")
    t.execute(
        "PREPARE u (text, int, text) AS UPDATE t SET v = 11"
        " WHERE pk = $1 AND sk = $2 AND s LIKE $3 RETURNING *"
    )
    for pattern, operations in {
        "x%": ["UpdateItem"],
        "%x": ["GetItem", "UpdateItem"],
    }.items():
        rows, calls = sent(t, proxy, f"EXECUTE u ('a', 1, '{pattern}')")
        assert rows == [("a", 1, 11, 20, "x")]
        assert calls.operations[-1:] == operations[-1:]
    assert explain(t, f"DELETE FROM t WHERE {KEY} RETURNING *")["Node Type"] == "ModifyTable"


def test_rows_of_functions_and_cursors(t, items):
    t.execute(
        """CREATE FUNCTION f(i int) RETURNS t LANGUAGE plpgsql AS $$
           DECLARE r t; BEGIN
               UPDATE t SET v = i WHERE pk = 'a' AND sk = 1 RETURNING * INTO STRICT r;
               DELETE FROM t WHERE pk = 'a' AND sk = 1 RETURNING * INTO STRICT r;
               RETURN r; END $$"""
    )
    assert t.execute("SELECT * FROM f(12)").fetchone() == ("a", 1, 12, 20, "x")
    assert row(items) is None


# ---- values -------------------------------------------------------------------------


def test_values_of_every_kind(dynamo, items, proxy):
    columns = {
        "n": ("numeric(10,2)", "1.5", Decimal("1.50")),
        "f": ("float8", "0.1", 0.1),
        "b": ("boolean", "true", True),
        "y": ("bytea", "'\\x00ff'", b"\x00\xff"),
        "c": ("char(5)", "'ab'", "ab   "),
        "j": ("jsonb", """'{"a": [1, null]}'""", {"a": [1, None]}),
        "a": ("int[] OPTIONS (type 'NS')", "'{3,1}'", None),
        "at": ("timestamptz OPTIONS (format 'iso8601:0')", "'2026-01-01 00:00:00.9Z'", None),
    }
    foreign_table(
        dynamo,
        "e",
        ["pk text", "sk int", *(f"{name} {kind}" for name, (kind, _, _) in columns.items())],
        table_name=items.name,
    )
    dynamo.execute("SET timezone = 'UTC'")
    names = ", ".join(columns)
    sets = ", ".join(f"{name} = {value}" for name, (_, value, _) in columns.items())
    rows, calls = sent(
        dynamo, proxy, f"UPDATE e SET {sets} WHERE {KEY} RETURNING {names}, at::text"
    )
    assert calls.operations == ["UpdateItem"]
    *values, text = rows[0]
    for (name, (_, _, expected)), value in zip(columns.items(), values, strict=True):
        if expected is not None:
            assert value == expected, name
    assert sorted(values[6]) == [1, 3]
    assert text == "2026-01-01 00:00:00+00"
    shown, _ = sent(dynamo, proxy, f"SELECT {names} FROM e")
    assert tuple(values) == shown[0]
    assert sent(dynamo, proxy, f"DELETE FROM e WHERE {KEY} RETURNING {names}")[0] == shown


def test_values_that_do_not_fit(dynamo, items):
    """What is returned only: of what is not, nobody asks."""
    foreign_table(dynamo, "e", ["pk text", "sk int", "v int", "s int"], table_name=items.name)
    assert dynamo.execute(f"UPDATE e SET v = 1 WHERE {KEY} RETURNING v").fetchall() == [(1,)]
    for where in (KEY, "pk = 'a'", "v = 1"):
        with pytest.raises(psycopg.Error) as caught:
            dynamo.execute(f"UPDATE e SET v = 2 WHERE {where} RETURNING *")
        assert caught.value.diag.sqlstate == "22018"
        # Where the row is read, it is looked at before it is written.
        written = "is not undone" in (caught.value.diag.context or "")
        assert (row(items)["v"] == 2) == written == (where == KEY)
        items.put_item(Item={**ITEM, "v": 1})
    dynamo.execute("ALTER FOREIGN TABLE e ALTER s OPTIONS (ADD on_type_mismatch 'null')")
    assert dynamo.execute(f"DELETE FROM e WHERE {KEY} RETURNING *").fetchall() == [
        ("a", 1, 1, None)
    ]


def test_keys_of_templates(dynamo, make_items, proxy):
    items = make_items(KEYS, [{"pk": "U#7", "sk": 1, "v": 1}])
    foreign_table(
        dynamo,
        "t",
        ["pk text OPTIONS (template 'U#${id}')", "id int", "sk int", "v int"],
        table_name=items.name,
    )
    for returning, expected, values in (
        ("*", ("U#7", 7, 1, 2), "ALL_NEW"),
        ("id, sk", (7, 1), None),
    ):
        rows, calls = sent(
            dynamo, proxy, f"UPDATE t SET v = 2 WHERE id = 7 AND sk = 1 RETURNING {returning}"
        )
        assert rows == [expected]
        assert calls.operations == ["UpdateItem"]
        assert calls[0].request.get("ReturnValues") == values
    assert sent(dynamo, proxy, "DELETE FROM t WHERE id = 7 AND sk = 1 RETURNING *")[0] == [
        ("U#7", 7, 1, 2)
    ]


@pytest.mark.parametrize("mode", ["insert", "put"])
def test_inserts(t, items, proxy, mode):
    t.execute(f"ALTER FOREIGN TABLE t OPTIONS (ADD insert_mode '{mode}')")
    rows, calls = sent(
        t, proxy, "INSERT INTO t SELECT 'b', i, i FROM generate_series(1, 30) i RETURNING *"
    )
    assert rows == [("b", i, i, None, None) for i in range(1, 31)]
    assert all("ReturnValues" not in call.request for call in calls)
    conflict = "INSERT INTO t VALUES ('a', 1, 5) ON CONFLICT DO NOTHING RETURNING v"
    assert sent(t, proxy, conflict)[0] == []
    assert row(items) == ITEM
    if mode == "put":
        rows, _ = sent(t, proxy, "INSERT INTO t VALUES ('a', 1, 5) RETURNING *")
        assert rows == [("a", 1, 5, None, None)]
        assert row(items) == {"pk": "a", "sk": 1, "v": 5}


# ---- lost answers -------------------------------------------------------------------


def lose(function=None):
    def gone(reply):
        raise faults.Gone

    return faults.Change(function or gone)


def test_an_update_whose_answer_is_lost(t, items, proxy):
    with proxy.inject(lose(), operation="UpdateItem", times=1):
        rows, _ = sent(t, proxy, f"UPDATE t SET v = 11 WHERE {KEY} RETURNING *")
    assert rows == [("a", 1, 11, 20, "x")]
    # Its own effect, or somebody else's, stands against its condition when it is sent again.
    with proxy.inject(lose(), operation="UpdateItem", times=1), pytest.raises(UNKNOWN):
        t.execute(f"UPDATE t SET v = 12 WHERE {KEY} AND v = 11 RETURNING *")


def test_a_delete_whose_answer_is_lost(t, items, proxy):
    """Who has deleted it nobody knows, whatever is asked for."""
    for where, returning in (("v = 10", "*"), (KEY, "pk, sk"), (KEY, "1"), (KEY, "v")):
        items.put_item(Item=ITEM)
        with (
            proxy.inject(lose(), operation="DeleteItem", times=1),
            pytest.raises(UNKNOWN) as caught,
        ):
            t.execute(f"DELETE FROM t WHERE {where} RETURNING {returning}")
        assert row(items) is None
        assert "(pk, sk)=(a, 1)" in caught.value.diag.message_detail
    assert row(items) is None
    # There was none: nothing was removed.
    assert sent(t, proxy, f"DELETE FROM t WHERE {KEY} RETURNING v")[0] == []
