# SPDX-License-Identifier: PostgreSQL
"""Times with more digits of fraction than a microsecond, as Java and Go write
them: cut where the column holds microseconds, misfits where it holds less; keys,
conditions and writes agree."""

from datetime import UTC, datetime, time, timedelta

import psycopg
import pytest
from support.fdw import foreign_table
from support.store import Tables, check, check_misfits, n, s

LAST = "2026-11-01T23:59:59.9999999Z"
LAST_READ = datetime(2026, 11, 1, 23, 59, 59, 999999, UTC)


@pytest.fixture
def tables(store):
    return Tables(store.db, store.ddb)


def test_cut_to_microseconds(store):
    cases = []
    for text, micros in (
        ("2026-11-01T10:11:12.1234565Z", 123456),
        ("2026-11-01T10:11:12.123456999Z", 123456),
        ("2026-11-01T10:11:12.999999999+00:00", 999999),
        ("20261101T101112.0000009Z", 0),
    ):
        when = datetime(2026, 11, 1, 10, 11, 12, micros, UTC)
        cases.append(("timestamptz", s(text), when))
        cases.append(("timestamptz(6)", s(text), when))
        cases.append(("timestamp", s(text), when.replace(tzinfo=None)))
        cases.append(("timestamptz[]", {"L": [s(text)]}, [when]))
        cases.append(("timestamptz[]", {"SS": [text]}, [when]))
    cases.append(("timestamptz", s(LAST), LAST_READ))
    before = datetime(1969, 12, 31, 23, 59, 59, 999999, UTC)
    cases.append(("timestamptz", s("1969-12-31T23:59:59.9999999Z"), before))
    cases.append(("timestamptz OPTIONS (format 'epoch')", n("-0.0000001"), before))
    second = datetime(1970, 1, 1, 0, 0, 1, 999999, UTC)
    cases.append(("timestamptz OPTIONS (format 'epoch')", n("1.9999999"), second))
    cases.append(("timestamptz OPTIONS (format 'epoch_ms')", n("1999.9999"), second))
    check(store, cases)


def test_through_the_text_form(store):
    check(
        store,
        [
            ("time", s("23:59:59.9999999"), time(23, 59, 59, 999999)),
            ("timetz", s("23:59:59.999999999+00"), time(23, 59, 59, 999999, UTC)),
            ("interval", s("00:00:01.9999999"), timedelta(seconds=1, microseconds=999999)),
            ("interval", s("PT1.9999999S"), timedelta(seconds=1, microseconds=999999)),
            ("interval", s("1.9999999"), timedelta(seconds=1, microseconds=999999)),
            ("interval", s("1.9999999 secs"), timedelta(seconds=1, microseconds=999999)),
            ("interval", s("10:00:01.9999999 ago"), -timedelta(seconds=36001, microseconds=999999)),
            # A fraction of another unit is no fraction of a second.
            ("interval", s("0.0000005 hours"), timedelta(microseconds=1800)),
            ("time(3)", s("10:00:00.1230000"), time(10, 0, 0, 123000)),
            ("time[]", {"L": [s("23:59:59.9999999")]}, [time(23, 59, 59, 999999)]),
        ],
    )


def test_in_ranges(store):
    text = '["2026-11-01 10:00:00.1234567+00","2026-11-01 23:59:59.9999999+00")'
    multi = "{[2026-11-01 10:00:00.1234567,2026-11-01 23:59:59.9999999)}"
    store.db.execute("CREATE TYPE shifts AS RANGE (subtype = time)")
    store.columns(
        [
            ("tstzrange", s(text)),
            ("tsmultirange", s(multi)),
            ("shifts", s("[10:00:00.1234567,23:59:59.9999999]")),
            ("timestamp[] OPTIONS (type 'S')", s("{2026-11-01 23:59:59.9999999}")),
            ("daterange", s("[20260101,20260201)")),
        ]
    )
    assert store.db.execute("SELECT " + ", ".join(f"c{i}::text" for i in range(5)) + " FROM v").fetchone() == (
        '["2026-11-01 10:00:00.123456+00","2026-11-01 23:59:59.999999+00")',
        '{["2026-11-01 10:00:00.123456","2026-11-01 23:59:59.999999")}',
        "[10:00:00.123456,23:59:59.999999]",
        '{"2026-11-01 23:59:59.999999"}',
        "[2026-01-01,2026-02-01)",
    )


def test_nothing_coarser_fits(store):
    check_misfits(
        store,
        [
            ("date", s(LAST)),
            ("date", s("2026-11-01T00:00:00.0000001Z")),
            ("date OPTIONS (format 'epoch')", n("-0.0000001")),
            ("date OPTIONS (format 'epoch')", n("86400.0000001")),
            ("timestamptz(3)", s(LAST)),
            ("timestamptz(3)", s("2026-11-01T10:00:00.1230001Z")),
            ("timestamp(0)", s("2026-11-01T10:00:00.0000001Z")),
            ("timestamptz(0) OPTIONS (format 'epoch')", n("1.0000001")),
            ("timestamptz OPTIONS (format 'iso8601:6')", s("2026-11-01T10:00:00.1230000Z")),
            ("time(3)", s("10:00:00.1239")),
            ("time(3)", s("10:00:00.1230001")),
            ("timetz(0)", s("10:00:00.9+00")),
            ("interval(3)", s("00:00:00.1239")),
            ("interval second(0)", s("00:00:00.5")),
        ],
    )


FINE = [
    "2026-11-01T23:59:59.9999990Z",
    "2026-11-01T23:59:59.9999994Z",
    "2026-11-01T23:59:59.999999999Z",
    "2026-11-02T00:00:00.000000001Z",
    "2026-11-02T00:00:00Z",
    "2026-11-02T00:00:00.000001000Z",
    "1969-12-31T23:59:59.999999999Z",
]


def conditions(column):
    for text in ("2026-11-01 23:59:59.999999", "2026-11-02", "1969-12-31 23:59:59.999999"):
        for operator in ("=", "<>", "<", "<=", ">", ">="):
            yield f"{column} {operator} '{text}+00'"
    yield f"{column} BETWEEN '2026-11-01 23:59:59.999999+00' AND '2026-11-02+00'"
    yield f"{column} IN ('2026-11-01 23:59:59.999999+00', '2026-11-02+00')"


def test_conditions(tables):
    epochs = ["1.9999999", "1.999999", "2", "2.000000001", "-0.0000001", "0", "-1.0000011"]
    items = [{"pk": s(f"a{i}"), "at": s(text)} for i, text in enumerate(FINE)]
    items += [{"pk": s(f"e{i}"), "e": n(number)} for i, number in enumerate(epochs)]
    tables.make(["at timestamptz", "e timestamptz OPTIONS (format 'epoch')"], items)
    for condition in conditions("at"):
        tables.check(condition, pushed=None)
    assert tables.check("at = '2026-11-01 23:59:59.999999+00'") == ["a0", "a1", "a2"]
    assert tables.check("at = '2026-11-02+00'") == ["a3", "a4"]
    for text in ("1970-01-01 00:00:01.999999", "1970-01-01 00:00:02", "1970-01-01",
                 "1969-12-31 23:59:59.999999", "1969-12-31 23:59:58.999998"):
        for operator in ("=", "<>", "<", "<=", ">", ">="):
            tables.check(f"e {operator} '{text}+00'")
    assert tables.check("e = '1970-01-01 00:00:01.999999+00'") == ["e0", "e1"]
    assert tables.check("e = '1969-12-31 23:59:59.999999+00'") == ["e4"]


def test_sort_key(tables, ddb):
    """One instant may be the key of several items."""
    store = tables.store
    name = store.table(
        [{"pk": s("p"), "at": s(text), "v": s(text)} for text in FINE], sort="at"
    )
    foreign_table(store.db, "k", ["pk text", "at timestamptz", "v text"], table_name=name)
    for condition in conditions("at"):
        query = f"SELECT v FROM k WHERE pk = 'p' AND {condition} ORDER BY v"
        rows = store.db.execute(query).fetchall()
        store.db.execute("SET ddb_fdw.pushdown = off")
        assert rows == store.db.execute(query).fetchall(), condition
        store.db.execute("RESET ddb_fdw.pushdown")
    last = "pk = 'p' AND at = '2026-11-01 23:59:59.999999+00'"
    assert store.db.execute(f"UPDATE k SET v = 'set' WHERE {last}").rowcount == 3
    assert store.db.execute("SELECT count(*) FROM k").fetchone() == (len(FINE),)
    assert store.db.execute(f"DELETE FROM k WHERE {last} AND v = 'set'").rowcount == 3
    left = {item["at"]["S"] for item in ddb.scan(TableName=name)["Items"]}
    assert left == set(FINE[3:])


@pytest.mark.parametrize("optimistic", ["false", "true"])
def test_update_by_a_fine_time(store, ddb, optimistic):
    """The stored value is what the write is conditional on, not the cut one."""
    text = "2026-11-01T10:00:00.123456789Z"
    name = store.table([{"pk": s("a"), "at": s(text), "e": n("1.9999999"), "v": n(1)}])
    foreign_table(
        store.db,
        "u",
        ["pk text", "at timestamptz", "e timestamptz OPTIONS (format 'epoch')", "v int"],
        table_name=name,
        optimistic=optimistic,
    )
    where = "at = '2026-11-01 10:00:00.123456+00' AND e = '1970-01-01 00:00:01.999999+00'"
    for statement in (
        f"UPDATE u SET v = v + 1 WHERE {where}",
        f"UPDATE u SET v = v + 1 WHERE pk = 'a' AND {where}",
        f"UPDATE u SET v = v + 1 WHERE pk IN ('a', 'b') AND {where}",
    ):
        assert store.db.execute(statement).rowcount == 1, statement
    item = ddb.get_item(TableName=name, Key={"pk": s("a")})["Item"]
    assert item == {"pk": s("a"), "at": s(text), "e": n("1.9999999"), "v": n(4)}
    assert store.db.execute(f"UPDATE u SET at = at + '1s' WHERE {where} RETURNING at").fetchone() == (
        datetime(2026, 11, 1, 10, 0, 1, 123456, UTC),
    )
    assert store.db.execute("DELETE FROM u WHERE e < '1970-01-01 00:00:02+00'").rowcount == 1


def test_templates(store):
    """An item's own time, however fine, belongs to the day and the millisecond
    that its keys name."""
    name = store.table(
        [
            {"pk": s("D#2026-11-01"), "sk": s("2026-11-01T23:59:59.999Z#a"), "at": s(LAST)},
            {"pk": s("D#2026-11-01"), "sk": s("2026-11-01T10:00:00.123Z#b"),
             "at": s("2026-11-01T10:00:00.123999999Z")},
        ],
        sort="sk",
    )
    foreign_table(
        store.db,
        "d",
        [
            "pk text OPTIONS (template 'D#${at:YYYY-MM-DD}')",
            "sk text OPTIONS (template '${at:iso8601:3}#${id}')",
            "at timestamptz OPTIONS (attribute 'at')",
            "id text",
        ],
        table_name=name,
    )
    assert store.db.execute("SELECT id, at FROM d ORDER BY id").fetchall() == [
        ("a", LAST_READ),
        ("b", datetime(2026, 11, 1, 10, 0, 0, 123999, UTC)),
    ]
    for day, ids in (("2026-11-01", ["b", "a"]), ("2026-11-02", [])):
        query = "SELECT id FROM d WHERE at >= %s AND at < %s::timestamptz + '1 day' ORDER BY at"
        assert [row[0] for row in store.db.execute(query, (day, day))] == ids
    assert store.db.execute(f"SELECT id FROM d WHERE at = '{LAST_READ}'").fetchall() == [("a",)]


def test_keys_of_epochs_are_exact(store):
    """A condition could not name a key that is finer."""
    name = store.table([{"pk": s("a"), "at": n("1.9999999")}], sort="at", sort_type="N")
    foreign_table(store.db, "k", ["pk text", "at timestamptz"], table_name=name)
    with pytest.raises(psycopg.Error, match="does not fit"):
        store.db.execute("SELECT * FROM k")
