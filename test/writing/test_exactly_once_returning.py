# SPDX-License-Identifier: PostgreSQL
"""RETURNING with exactly_once: nothing comes back from a transaction, so what is shown is
what was read, and was unchanged when the row was written."""

import psycopg
import pytest
from support import proxy as faults
from support.fdw import explain, foreign_scan, foreign_table, make_server
from support.systems import definition, index

KEYS = definition(("pk", "sk"), "pk:S sk:N kind:S", gsis=[index("byKind", "kind", "sk")])
COLUMNS = [
    "pk text",
    "sk int",
    "v int",
    "w int",
    "s text",
    "doc jsonb",
    "city text OPTIONS (attribute 'address.city')",
    "street text OPTIONS (attribute 'address.street')",
    "tags text[]",
    "third text OPTIONS (attribute 'tags[2]')",
]
KEY = "pk = 'a' AND sk = 1"
ITEM = {"pk": "a", "sk": 1, "v": 10, "w": 20, "s": "x", "hidden": 1}
WRITE = "TransactWriteItems"


@pytest.fixture
def items(make_items):
    return make_items(KEYS, [ITEM])


@pytest.fixture
def t(db, proxy, items):
    make_server(db, proxy.endpoint, exactly_once=True)
    foreign_table(db, "t", COLUMNS, table_name=items.name)
    db.execute("CREATE TABLE l AS SELECT 'a' AS k")
    db.execute("SELECT FROM t WHERE pk = 'none'")
    return db


def store(items, **attributes):
    """Attributes that are None are missing."""
    found = {name: value for name, value in (ITEM | attributes).items() if value is not None}
    items.put_item(Item=found)


def stored(items):
    found = items.get_item(Key={"pk": "a", "sk": 1}, ConsistentRead=True).get("Item")
    return found and {name: value for name, value in found.items() if name not in ("pk", "sk")}


def others(proxy, function, times=1):
    return proxy.inject(faults.Meanwhile(function, times), operation=WRITE)


CHANGES = {
    "by key": f"{{}} t {{}} WHERE {KEY}",
    "by key and more": f"{{}} t {{}} WHERE {KEY} AND v = 10",
    "by a list of keys": "{} t {} WHERE pk IN ('a', 'b') AND sk = 1",
    "by partition": "{} t {} WHERE pk = 'a'",
    "by scan": "{} t {} WHERE v = 10",
    "checked here": f"{{}} t {{}} WHERE {KEY} AND abs(v) = 10",
    "in a join": "{} t {} {} l WHERE t.pk = l.k",
    "in a subquery": "{} t {} WHERE v IN (SELECT 10)",
}


def statements(change):
    update = change.format("UPDATE", "SET v = 11", "FROM")
    delete = change.format("DELETE FROM", "", "USING").replace("  ", " ")
    return update, delete


@pytest.mark.parametrize("change", CHANGES)
def test_the_row_as_it_is_written(t, items, proxy, change):
    update, delete = statements(CHANGES[change])
    with others(proxy, lambda: store(items, w=99)):
        rows = t.execute(f"{update} RETURNING t.pk, t.v, t.w, t.w + 1").fetchall()
    assert rows == [("a", 11, 99, 100)]
    assert stored(items) == {"v": 11, "w": 99, "s": "x", "hidden": 1}
    store(items)
    with others(proxy, lambda: store(items, w=99, s=None, doc={"new": [1]})):
        rows = t.execute(f"{delete} RETURNING t.*, t.tableoid::regclass::text").fetchall()
    assert rows == [("a", 1, 10, 99, None, {"new": [1]}, None, None, None, None, "t")]
    assert stored(items) is None


@pytest.mark.parametrize("change", CHANGES)
def test_what_is_not_shown_may_change(t, items, proxy, change):
    update, _ = statements(CHANGES[change])
    with others(proxy, lambda: store(items, hidden=2, s="y")), proxy.record() as calls:
        assert t.execute(f"{update} RETURNING t.w").fetchall() == [(20,)]
    assert calls.data.count(WRITE) == 1
    assert stored(items) == {"v": 11, "w": 20, "s": "y", "hidden": 2}


@pytest.mark.parametrize("change", ["by key and more", "by scan"])
def test_rows_that_are_not_meant_any_more(t, items, proxy, change):
    for statement in statements(CHANGES[change]):
        store(items)
        with others(proxy, lambda: store(items, v=12, w=99)), proxy.record() as calls:
            assert t.execute(f"{statement} RETURNING t.*").fetchall() == []
        assert calls.data.count(WRITE) == 2
        assert stored(items)["v"] == 12


@pytest.mark.parametrize("change", CHANGES)
def test_rows_that_are_gone(t, items, proxy, change):
    for statement in statements(CHANGES[change]):
        store(items)
        with others(proxy, lambda: items.delete_item(Key={"pk": "a", "sk": 1})):
            assert t.execute(f"{statement} RETURNING t.*").fetchall() == []
        assert stored(items) is None


def test_gone_before_it_is_read(t, items, proxy):
    join = "UPDATE t SET v = 11 FROM l WHERE t.pk = l.k RETURNING t.w"
    gone = faults.Meanwhile(lambda: items.delete_item(Key={"pk": "a", "sk": 1}))
    with proxy.inject(gone, operation="GetItem"), proxy.record() as calls:
        assert t.execute(join).fetchall() == []
    assert WRITE not in calls.operations


TOLD = {
    "the key": (f"UPDATE t SET v = 11 WHERE {KEY} RETURNING pk, sk", ("a", 1)),
    "what is set": (f"UPDATE t SET v = 11, s = NULL WHERE {KEY} RETURNING sk, v, s", (1, 11, None)),
    "a claim": (f"UPDATE t SET s = 'mine' WHERE {KEY} AND v = 10 RETURNING s", ("mine",)),
    "a key that is gone": (f"DELETE FROM t WHERE {KEY} RETURNING pk", ("a",)),
}


@pytest.mark.parametrize("name", TOLD)
def test_what_is_told_by_itself_needs_no_reading(t, items, proxy, name):
    statement, expected = TOLD[name]
    with others(proxy, lambda: store(items, w=99)), proxy.record() as calls:
        assert t.execute(statement).fetchall() == [expected]
    assert calls.data.operations == [WRITE]
    assert name == "a key that is gone" or stored(items)["w"] == 99


def test_reading_takes_few_requests(t, items, proxy):
    """Whole keys are looked up together, and what is set to itself is not written."""
    for k in range(2, 31):
        items.put_item(Item=ITEM | {"sk": k})
    keys = ", ".join(map(str, range(1, 31)))
    with proxy.record() as calls:
        rows = t.execute(f"UPDATE t SET v = 11 WHERE pk = 'a' AND sk IN ({keys}) RETURNING w")
    assert rows.fetchall() == [(20,)] * 30
    assert sorted(calls.data.operations) == ["BatchGetItem"] + [WRITE] * 30
    assert calls.of("BatchGetItem")[0].request["RequestItems"][items.name]["ConsistentRead"]
    with proxy.record() as calls:
        rows = t.execute("UPDATE t SET v = v WHERE pk = 'a' AND sk = 1 RETURNING v, w")
    assert rows.fetchall() == [(11, 20)]
    assert "ConsistentRead" not in calls.data[0].request
    (action,) = calls.of(WRITE)[0].request["TransactItems"]
    assert list(action) == ["ConditionCheck"]


def test_a_known_key_is_looked_up_as_it_is_by_now(t, proxy):
    """As the write would see it: not as it was when it was last copied."""
    with proxy.record() as calls:
        t.execute(f"UPDATE t SET v = 11 WHERE {KEY} AND v = 10 RETURNING w")
        t.execute(f"DELETE FROM t WHERE {KEY} RETURNING w")
    assert calls.data.operations == ["GetItem", WRITE] * 2
    assert [call.request["ConsistentRead"] for call in calls.of("GetItem")] == [True] * 2
    plan = foreign_scan(explain(t, f"UPDATE t SET v = 11 WHERE {KEY} RETURNING w"))
    assert plan["Estimated Read Units"] == 1


# ---- inside values -------------------------------------------------------------------

ADDRESS = {"city": "c", "street": "s"}


def test_members(t, items, proxy):
    store(items, address=ADDRESS)
    change = f"UPDATE t SET city = 'new' WHERE {KEY} RETURNING city, street"
    with others(proxy, lambda: store(items, address=ADDRESS | {"street": "theirs"})):
        assert t.execute(change).fetchall() == [("new", "theirs")]
    assert stored(items)["address"] == {"city": "new", "street": "theirs"}
    delete = f"DELETE FROM t WHERE {KEY} RETURNING city"
    with others(proxy, lambda: store(items, address={"city": "their"})):
        assert t.execute(delete).fetchall() == [("their",)]


@pytest.mark.parametrize("where", [KEY, "v = 10", f"{KEY} AND v = 10"])
def test_a_missing_map(t, items, proxy, where):
    change = f"UPDATE t SET city = 'new' WHERE {where} RETURNING city, street, w"
    assert t.execute(change).fetchall() == [("new", None, 20)]
    store(items)
    missing = faults.Change(lambda reply: store(items, address={"street": "theirs"}, w=99))
    with proxy.inject(missing, operation=WRITE, times=1):
        assert t.execute(change).fetchall() == [("new", "theirs", 99)]
    assert stored(items)["address"] == {"city": "new", "street": "theirs"}


def test_elements(t, items, proxy):
    change = f"UPDATE t SET third = 'c' WHERE {KEY} RETURNING tags, third, w"
    store(items, tags=["a", "b"])
    assert t.execute(change).fetchall() == [(["a", "b", "c"], "c", 20)]
    with others(proxy, lambda: store(items, tags=["x", "y", "z"], w=99)):
        assert t.execute(change).fetchall() == [(["x", "y", "c"], "c", 99)]
    store(items, tags=["a", "b", "c"])
    with others(proxy, lambda: store(items, tags=["a"], w=98)):
        assert t.execute(change).fetchall() == [(["a", None, "c"], "c", 98)]
    remove = f"UPDATE t SET third = NULL WHERE {KEY} RETURNING tags"
    assert t.execute(remove).fetchall() == [(["a", None, None],)]


def test_documents(t, items, proxy):
    store(items, doc={"a": {"b": 1}, "c": {1, 2}})
    change = f"UPDATE t SET doc = jsonb_set(doc, '{{a,b}}', '2') WHERE {KEY} RETURNING doc"
    with others(proxy, lambda: store(items, doc={"a": {"b": 1, "d": 3}, "c": {2, 3}})):
        assert t.execute(change).fetchall() == [({"a": {"b": 2, "d": 3}, "c": [2, 3]},)]
    assert stored(items)["doc"] == {"a": {"b": 2, "d": 3}, "c": {2, 3}}


def test_columns_of_many_attributes(t, items):
    for column in ("item jsonb OPTIONS (attribute '*')", "rest jsonb OPTIONS (overflow 'true')"):
        name = column.split()[0]
        columns = ["pk text", "sk int", "v int", column]
        foreign_table(t, f"with_{name}", columns, table_name=items.name)
        for statement in (
            f"UPDATE with_{name} SET v = 1 WHERE {KEY} RETURNING {name}",
            f"DELETE FROM with_{name} WHERE v = 10 RETURNING *",
            f"UPDATE with_{name} SET v = 1 FROM l WHERE pk = k RETURNING {name}",
        ):
            with pytest.raises(psycopg.errors.FeatureNotSupported) as caught:
                t.execute(statement)
            assert f'column "{name}"' in caught.value.diag.message_primary
            assert "exactly_once" in caught.value.diag.message_detail
        change = f"UPDATE with_{name} SET v = v + 1 WHERE {KEY} RETURNING v"
        assert t.execute(change).rowcount == 1
        added = t.execute(f"INSERT INTO with_{name} (pk, sk) VALUES ('{name}', 1) RETURNING *")
        assert added.rowcount == 1
    assert stored(items)["v"] == 12


def test_more_columns_than_a_condition_can_name(t, items):
    columns = ["pk text", "sk int", *(f"c{i} int" for i in range(160))]
    foreign_table(t, "wide", columns, table_name=items.name)
    for returned, error in ((160, "54000"), (120, None)):
        names = ", ".join(f"c{i}" for i in range(returned))
        statement = f"UPDATE wide SET c159 = 1 WHERE {KEY} RETURNING {names}"
        if error is None:
            assert t.execute(statement).rowcount == 1
            continue
        with pytest.raises(psycopg.Error) as caught:
            t.execute(statement)
        assert caught.value.sqlstate == error
    assert stored(items)["c159"] == 1


# ---- through PostgreSQL ----------------------------------------------------------------


def test_triggers_see_the_row_that_is_written(t, items, proxy):
    t.execute("CREATE TABLE log (old int, new int, w int)")
    t.execute(
        "CREATE FUNCTION note() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN"
        " INSERT INTO log VALUES (OLD.v, NEW.v, NEW.w); RETURN NULL; END $$"
    )
    t.execute("CREATE TRIGGER note AFTER UPDATE ON t FOR EACH ROW EXECUTE FUNCTION note()")
    with others(proxy, lambda: store(items, w=99)):
        assert t.execute("UPDATE t SET v = v + 1 WHERE w = 20").rowcount == 1
    assert t.execute("TABLE log").fetchall() == [(10, 11, 99)]


def test_key_templates(t, items, proxy):
    columns = [
        "pk text OPTIONS (template 'a')",
        "sk int",
        "kind text OPTIONS (template '${s}#${w}')",
        "s text",
        "w int",
        "v int",
    ]
    foreign_table(t, "entity", columns, table_name=items.name)
    store(items, kind="x#20")
    change = "UPDATE entity SET v = v + 1 WHERE sk = 1 RETURNING s, w, v, kind"
    with others(proxy, lambda: store(items, kind="y#20", s="y")):
        assert t.execute(change).fetchall() == [("y", 20, 11, "y#20")]


def test_optimistic_tables(t, items, proxy):
    foreign_table(t, "careful", COLUMNS, table_name=items.name, optimistic=True)
    change = f"UPDATE careful SET v = v + 1 WHERE {KEY} AND s = 'x' RETURNING v, w"
    with others(proxy, lambda: store(items, w=99)):
        assert t.execute(change).fetchall() == [(11, 99)]
    store(items)
    with (
        others(proxy, lambda: store(items, v=12, w=98)),
        pytest.raises(psycopg.errors.SerializationFailure, match="was changed by others"),
    ):
        t.execute(change)
    assert stored(items)["v"] == 12


def test_an_item_that_never_rests(t, items, proxy):
    number = iter(range(100, 200))
    with (
        others(proxy, lambda: store(items, w=next(number)), times=100),
        proxy.record() as calls,
        pytest.raises(psycopg.errors.SerializationFailure, match="concurrent changes"),
    ):
        t.execute(f"UPDATE t SET v = 11 WHERE {KEY} RETURNING w")
    assert calls.count(WRITE) == 20
    assert stored(items)["v"] == 10


def test_many_rows_of_which_some_change(t, items, proxy):
    for k in range(2, 61):
        items.put_item(Item=ITEM | {"sk": k})

    def change():
        for k in range(1, 61, 7):
            items.put_item(Item=ITEM | {"sk": k, "w": 99})
        items.delete_item(Key={"pk": "a", "sk": 60})

    with others(proxy, change):
        rows = t.execute("UPDATE t SET v = v + 1 WHERE pk = 'a' RETURNING sk, v, w").fetchall()
    expected = [(k, 11, 99 if k % 7 == 1 else 20) for k in range(1, 60)]
    found = items.scan(ConsistentRead=True)["Items"]
    assert sorted((item["sk"], item["v"], item["w"]) for item in found) == sorted(rows)
    assert [row for row in sorted(rows) if row[0] > 16] == expected[16:]
    assert len(rows) == 59
