# SPDX-License-Identifier: PostgreSQL
"""Two steps: an index finds the rows, BatchGetItem fetches what it lacks."""

import json
import secrets
import time
from collections import Counter

import psycopg
import pytest
from support import proxy as proxies
from support.fdw import explain, foreign_scan, foreign_table, make_server, plan_nodes
from support.joins import NODE
from support.proxy import Behaviour
from support.regress_data import load_table
from support.systems import definition, index, padded
from support.wire import in_short, projection

ITEM_BYTES = 1000

COLUMNS = [
    "pk text",
    'sk text COLLATE "C"',
    "status text",
    "opened int",
    "owner text",
    "priority int",
    "note text",
]

DEFINITION = definition(
    ("pk", "sk"),
    "pk:S sk:S status:S opened:N owner:S",
    gsis=[
        index("byStatus", "status", "opened", "KEYS_ONLY"),
        index("byOwner", "owner", "opened", "INCLUDE", ["priority"]),
    ],
    lsis=[index("byOpened", "pk", "opened", "KEYS_ONLY")],
)


def ticket(number):
    """600 of them: of 10 customers, 12 are open, 150 are waiting."""
    status = "open" if number % 50 == 7 else "waiting" if number % 4 == 0 else "closed"
    return padded(
        {
            "pk": f"P{number % 10}",
            "sk": f"{number:04}",
            "status": status,
            "opened": number * 7919 % 1000,
            "owner": f"o{number % 20}",
            "priority": number % 3,
            "note": f"note {number}",
        },
        "pad",
        ITEM_BYTES,
    )


ITEMS = [ticket(number) for number in range(600)]


def rows_of(*names, where=lambda item: True):
    return [tuple(item[name] for name in names) for item in ITEMS if where(item)]


def is_open(item):
    return item["status"] == "open"


@pytest.fixture(scope="module")
def tickets(ddb_resource):
    load_table(ddb_resource, "Tickets", DEFINITION, ITEMS)


@pytest.fixture
def t(db, proxy, tickets):
    make_server(db, proxy.endpoint)
    foreign_table(db, "t", COLUMNS, table_name="Tickets")
    db.execute("EXPLAIN SELECT 1 FROM t")
    return db


def ask(db, proxy, query, parameters=None):
    """(rows, the calls)"""
    with proxy.record() as calls:
        rows = db.execute(query, parameters).fetchall()
    return rows, calls.data


def keys_of(call, table="Tickets", pk="pk", sk="sk"):
    """The keys a BatchGetItem asks for, as pk and sk."""
    keys = call.request["RequestItems"][table]["Keys"]
    return [(key[pk]["S"], key[sk]["S"]) for key in keys]


def units_of(calls):
    total = 0
    for call in calls:
        consumed = call.response["ConsumedCapacity"]
        for one in consumed if isinstance(consumed, list) else [consumed]:
            total += one["CapacityUnits"]
    return total


# ---- what is sent ---------------------------------------------------------------


def test_a_global_index_of_keys_finds_what_is_fetched(t, proxy):
    rows, calls = ask(t, proxy, "SELECT note FROM t WHERE opened IS NOT NULL AND status = 'open'")
    assert Counter(rows) == Counter(rows_of("note", where=is_open))
    query, fetch = calls
    assert in_short(query) == "Query on byStatus status = 'open'"
    # The index holds nothing that could be left out.
    assert "ProjectionExpression" not in query.request
    assert fetch.operation == "BatchGetItem"
    assert sorted(keys_of(fetch)) == sorted(rows_of("pk", "sk", where=is_open))
    asked = fetch.request["RequestItems"]["Tickets"]
    assert projection(asked) == {"pk", "sk", "status", "opened", "note"}
    assert "ConsistentRead" not in asked
    assert units_of(calls) == 0.5 + 12 * 0.5


def test_conditions_on_what_the_index_holds_are_decided_before(t, proxy):
    rows, calls = ask(
        t,
        proxy,
        """SELECT note FROM t WHERE opened IS NOT NULL AND owner = 'o7' AND priority = 1
           AND note <> 'note 7'""",
    )
    expected = rows_of(
        "note",
        where=lambda i: i["owner"] == "o7" and i["priority"] == 1 and i["note"] != "note 7",
    )
    assert Counter(rows) == Counter(expected)
    query, fetch = calls
    assert in_short(query) == "Query on byOwner owner = 'o7'"
    assert projection(query.request) == {"pk", "sk"}
    assert "FilterExpression" in query.request
    assert set(query.request["ExpressionAttributeNames"].values()) == {
        "owner",
        "priority",
        "pk",
        "sk",
    }
    # The note is not in the index: its condition takes the item.
    assert len(keys_of(fetch)) == 10


def test_postgresql_checks_what_the_index_holds_before_items_are_fetched(t, proxy):
    rows, calls = ask(
        t, proxy, "SELECT note FROM t WHERE owner = 'o7' AND priority % 2 = 1 AND opened > 100"
    )
    expected = rows_of(
        "note",
        where=lambda i: i["owner"] == "o7" and i["priority"] % 2 == 1 and i["opened"] > 100,
    )
    assert Counter(rows) == Counter(expected)
    query, fetch = calls
    assert in_short(query) == "Query on byOwner owner = 'o7' AND opened > '100'"
    assert projection(query.request) == {"pk", "sk", "priority"}
    assert len(keys_of(fetch)) == len(expected)


def test_no_entry_no_fetch(t, proxy):
    rows, calls = ask(t, proxy, "SELECT note FROM t WHERE opened IS NOT NULL AND status = 'lost'")
    assert rows == [] and calls.operations == ["Query"]
    rows, calls = ask(t, proxy, "SELECT note FROM t WHERE opened >= 0 AND owner = 'o7' AND priority % 7 = 6")
    assert rows == [] and calls.operations == ["Query"]


def test_a_single_key_is_a_batch_too(t, proxy):
    (item,) = [i for i in ITEMS if i["owner"] == "o7" and i["sk"] == "0007"]
    rows, calls = ask(
        t, proxy, f"SELECT note FROM t WHERE owner = 'o7' AND opened = {item['opened']}"
    )
    assert rows == [(item["note"],)]
    assert calls.operations == ["Query", "BatchGetItem"]
    assert keys_of(calls[1]) == [(item["pk"], item["sk"])]


def enlarge(response):
    """DynamoDB says that the table is large."""
    table = response["Table"]
    for part in (table, *table["GlobalSecondaryIndexes"], *table.get("LocalSecondaryIndexes", ())):
        part["ItemCount"] = 10**6
    table["TableSizeBytes"] = ITEM_BYTES * 10**6


@pytest.fixture
def big(db, proxy, tickets):
    make_server(db, proxy.endpoint)
    foreign_table(db, "t", COLUMNS, table_name="Tickets")
    with proxy.inject(proxies.rewrite(enlarge), operation="DescribeTable"):
        db.execute("EXPLAIN SELECT 1 FROM t")
    return db


def test_a_hundred_keys_a_request(big, proxy):
    rows, calls = ask(big, proxy, "SELECT sk, note FROM t WHERE opened IS NOT NULL AND status = 'waiting'")
    assert Counter(rows) == Counter(
        rows_of("sk", "note", where=lambda i: i["status"] == "waiting")
    )
    assert calls.operations == ["Query", "BatchGetItem", "BatchGetItem"]
    assert sorted(len(keys_of(call)) for call in calls.of("BatchGetItem")) == [50, 100]


def test_batches_are_under_way_at_once(big, proxy):
    with proxy.inject(proxies.together(2), operation="BatchGetItem"):
        rows, calls = ask(big, proxy, "SELECT note FROM t WHERE opened IS NOT NULL AND status = 'waiting'")
    assert len(rows) == 150 and calls.count("BatchGetItem") == 2


def test_several_pages_of_entries_fill_batches(big, proxy):
    with proxy.inject(proxies.pages_of(7), operation="Query"):
        rows, calls = ask(big, proxy, "SELECT note FROM t WHERE opened IS NOT NULL AND status = 'waiting'")
    assert len(rows) == 150
    assert sorted(len(keys_of(call)) for call in calls.of("BatchGetItem")) == [50, 100]


def test_as_many_batches_as_it_takes(big, proxy):
    """Most of these items are gone."""

    def pad(response):
        first = response["Items"][0]
        gone = [{**first, "sk": {"S": f"gone {number}"}} for number in range(3000)]
        response["Items"] = gone[:2500] + response["Items"] + gone[2500:]
        response["Count"] = response["ScannedCount"] = len(response["Items"])

    with proxy.inject(proxies.rewrite(pad), operation="Query"):
        for order in ("", " ORDER BY opened"):
            query = f"SELECT sk FROM t WHERE opened >= 0 AND status = 'waiting' AND note <> ''{order}"
            rows, calls = ask(big, proxy, query)
            assert Counter(rows) == Counter(
                rows_of("sk", where=lambda i: i["status"] == "waiting")
            )
            sizes = [len(keys_of(call)) for call in calls.of("BatchGetItem")]
            assert sorted(sizes) == [50] + [100] * 31


def test_a_local_index_reads_both_steps_consistently(db, proxy, tickets):
    """A condition on what it holds spares most of its items, which DynamoDB
    would fetch all."""
    make_server(db, proxy.endpoint)
    foreign_table(db, "c", COLUMNS, table_name="Tickets", consistent_read="true")

    def of_large_items(response):
        enlarge(response)
        response["Table"]["TableSizeBytes"] *= 50

    query = "SELECT sk, note FROM c WHERE pk = 'P7' AND opened > 900 AND right(sk, 1) = '7'"
    with proxy.inject(proxies.rewrite(of_large_items), operation="DescribeTable"):
        plan = foreign_scan(explain(db, query))
    assert plan["DynamoDB Index"] == "byOpened"
    assert plan["Fetch"] == "BatchGetItem of Tickets"
    rows, calls = ask(db, proxy, query)
    assert Counter(rows) == Counter(
        rows_of("sk", "note", where=lambda i: i["pk"] == "P7" and i["opened"] > 900)
    )
    assert calls.operations == ["Query", "BatchGetItem"]
    assert calls[0].request["ConsistentRead"] is True
    assert calls[1].request["RequestItems"]["Tickets"]["ConsistentRead"] is True


def test_consistent_reads_rule_global_indexes_out(db, proxy, tickets):
    make_server(db, proxy.endpoint)
    foreign_table(db, "c", COLUMNS, table_name="Tickets", consistent_read="true")
    plan = foreign_scan(explain(db, "SELECT note FROM c WHERE opened > 0 AND status = 'open'"))
    assert plan["DynamoDB Operation"] == "Scan" and "Fetch" not in plan


def test_lookups_of_a_join_go_in_two_steps(big, proxy):
    big.execute("SET ddb_fdw.batch_join = off")
    big.execute("CREATE TABLE names (owner text); INSERT INTO names VALUES ('o1'), ('o2'), ('o1')")
    big.execute("ANALYZE names")
    big.execute("SET enable_hashjoin = off; SET enable_mergejoin = off; SET enable_memoize = off")
    query = """SELECT n.owner, t.note FROM names n JOIN t ON t.owner = n.owner
               WHERE t.opened BETWEEN 100 AND 300"""
    plan = explain(big, query)
    assert foreign_scan(plan)["Fetch"] == "BatchGetItem of Tickets"
    rows, calls = ask(big, proxy, query)
    expected = [
        (item["owner"], item["note"])
        for owner in ("o1", "o2", "o1")
        for item in ITEMS
        if item["owner"] == owner and 100 <= item["opened"] <= 300
    ]
    assert Counter(rows) == Counter(expected)
    # What was read for the first row is kept for the third.
    assert calls.operations == ["Query", "BatchGetItem"] * 2


@pytest.fixture
def owners(big):
    big.execute("CREATE TABLE owners (owner text, since int)")
    big.execute("INSERT INTO owners SELECT 'o' || n % 12, n * 90 FROM generate_series(0, 11) n")
    big.execute("INSERT INTO owners SELECT 'x' || n, n FROM generate_series(0, 11) n")
    big.execute("ANALYZE owners")
    big.execute("SET enable_hashjoin = off; SET enable_mergejoin = off; SET enable_nestloop = off")
    return big


def joined(db, proxy, query, *columns):
    plan = explain(db, query)
    assert foreign_scan(plan)["Fetch"] == "BatchGetItem of Tickets"
    assert any(node.get("Custom Plan Provider") == NODE for node in plan_nodes(plan))
    return ask(db, proxy, query)


def test_batched_joins_look_up_in_two_steps(owners, proxy):
    """24 Queries of the index, and no more batches than their entries take."""
    query = """SELECT t.owner, t.note FROM owners o JOIN t ON t.owner = o.owner
               WHERE t.opened >= 0 AND t.priority = 1"""
    rows, calls = joined(owners, proxy, query)
    assert Counter(rows) == Counter(
        rows_of(
            "owner",
            "note",
            where=lambda i: int(i["owner"][1:]) < 12 and i["priority"] == 1,
        )
    )
    assert calls.count("Query") == 24
    fetched = [len(keys_of(call)) for call in calls.of("BatchGetItem")]
    assert sum(fetched) == len(rows) and len(fetched) <= 3


@pytest.mark.parametrize("kind", ["EXISTS", "NOT EXISTS"])
def test_batched_semijoins_in_two_steps(owners, proxy, kind):
    query = f"""SELECT o.owner FROM owners o WHERE {kind} (
                SELECT FROM t WHERE t.owner = o.owner AND t.opened >= 0 AND t.note LIKE '%7')"""
    rows, _ = joined(owners, proxy, query)
    found = {item["owner"] for item in ITEMS if item["note"].endswith("7")}
    owners_ = [f"o{n}" for n in range(12)] + [f"x{n}" for n in range(12)]
    assert sorted(rows) == sorted((o,) for o in owners_ if (o in found) == (kind == "EXISTS"))


def test_batched_joins_check_what_is_fetched(owners, proxy):
    """The index still lists an item under its owner of before."""

    def other(response):
        for item in response["Responses"]["Tickets"]:
            if item["sk"]["S"] == "0027":
                item["owner"] = {"S": "o8"}

    query = """SELECT t.owner, t.sk, t.note FROM owners o JOIN t ON t.owner = o.owner
               WHERE t.opened > o.since"""
    with proxy.inject(proxies.rewrite(other), operation="BatchGetItem"):
        rows, _ = joined(owners, proxy, query)
    changed = [{**i, "owner": "o8"} if i["sk"] == "0027" else i for i in ITEMS]
    expected = [
        (item["owner"], item["sk"], item["note"])
        for item in changed
        if int(item["owner"][1:]) < 12 and item["opened"] > int(item["owner"][1:]) * 90
    ]
    assert ("o8", "0027", "note 27") in rows
    assert Counter(rows) == Counter(expected)


def test_generic_plans_and_rescans(t, proxy):
    t.execute("SET plan_cache_mode = force_generic_plan")
    t.execute("PREPARE q (text) AS SELECT note FROM t WHERE opened IS NOT NULL AND status = $1")
    plan = foreign_scan(explain(t, "EXECUTE q ('open')"))
    assert plan["Fetch"] == "BatchGetItem of Tickets"
    for status, many in (("'open'", 12), ("NULL", 0), ("'lost'", 0), ("'open'", 12)):
        assert len(t.execute(f"EXECUTE q ({status})").fetchall()) == many


# ---- order and LIMIT ------------------------------------------------------------


def by_opened(status):
    """The newest first, as (opened, note)."""
    found = rows_of("opened", "note", where=lambda i: i["status"] == status)
    return sorted(found, reverse=True)


def test_ten_of_many_fetch_ten_items(big, proxy):
    rows, calls = ask(
        big,
        proxy,
        "SELECT opened, note FROM t WHERE opened IS NOT NULL AND status = 'waiting' ORDER BY opened DESC LIMIT 10",
    )
    assert rows == by_opened("waiting")[:10]
    assert calls.operations == ["Query", "BatchGetItem"]
    assert in_short(calls[0]) == "Query on byStatus status = 'waiting' limit 10 backward"
    assert len(keys_of(calls[1])) == 10


def test_keys_grow_behind_a_condition_on_the_item(big, proxy):
    rows, calls = ask(
        big,
        proxy,
        """SELECT opened FROM t WHERE opened IS NOT NULL AND status = 'waiting' AND note ~ '[05]$'
           ORDER BY opened LIMIT 4""",
    )
    expected = sorted(
        rows_of("opened", where=lambda i: i["status"] == "waiting" and i["note"][-1] in "05")
    )
    assert rows == expected[:4]
    assert sum(len(keys_of(call)) for call in calls.of("BatchGetItem")) <= 40


@pytest.mark.parametrize("count", [1, 99, 100, 101, 150, 200])
def test_all_are_in_order(big, proxy, count):
    rows, calls = ask(
        big,
        proxy,
        f"""SELECT opened, note FROM t WHERE opened IS NOT NULL AND status = 'waiting'
            ORDER BY opened DESC LIMIT {count}""",
    )
    assert rows == by_opened("waiting")[:count]
    fetched = sum(len(keys_of(call)) for call in calls.of("BatchGetItem"))
    assert fetched == min(count, 150)


def test_partitions_of_the_index_are_merged(big, proxy):
    query = """SELECT opened, note FROM t WHERE opened IS NOT NULL AND status IN ('waiting', 'open')
               ORDER BY opened LIMIT 20"""
    assert foreign_scan(explain(big, query))["Fetch"] == "BatchGetItem of Tickets"
    rows, calls = ask(big, proxy, query)
    expected = rows_of("opened", "note", where=lambda i: i["status"] in ("waiting", "open"))
    assert rows == sorted(expected)[:20]
    assert calls.operations == ["Query", "Query", "BatchGetItem"]


def test_a_cursor_fetches_what_is_asked_of_it(big, proxy):
    with big.transaction():
        big.execute(
            """DECLARE c CURSOR FOR SELECT opened, note FROM t
               WHERE opened IS NOT NULL AND status = 'waiting' ORDER BY opened DESC"""
        )
        rows = []
        for count in (1, 9, 120, 100):
            rows += big.execute(f"FETCH {count} FROM c").fetchall()
    assert rows == by_opened("waiting")


def test_order_is_claimed_only_where_it_is_shown(big):
    """What has moved in the index since would break merge joins and groups."""

    def sorts(query):
        return "Sort" in str(explain(big, query))

    index_serves = "FROM t WHERE opened IS NOT NULL AND status = 'waiting'"
    assert not sorts(f"SELECT note {index_serves} ORDER BY opened")
    assert sorts(f"SELECT note, row_number() OVER (ORDER BY opened) {index_serves}")
    big.execute("SET enable_hashagg = off")
    assert sorts(f"SELECT opened, max(note) {index_serves} GROUP BY opened")
    assert sorts(f"SELECT * FROM (SELECT note {index_serves} ORDER BY opened) s OFFSET 1")
    assert not sorts(
        f"SELECT * FROM (SELECT note {index_serves} ORDER BY opened LIMIT 5) s OFFSET 1"
    )


# ---- replies that are not whole -------------------------------------------------


class Leaves(Behaviour):
    """Answers only the last so many keys of a BatchGetItem."""

    def __init__(self, count):
        self.count = count

    def ask(self, body):
        request = json.loads(body)
        (table,) = request["RequestItems"]
        keys = request["RequestItems"][table]["Keys"]
        self.left = keys[: -self.count]
        self.asked = dict(request["RequestItems"][table])
        request["RequestItems"][table]["Keys"] = keys[-self.count :]
        return json.dumps(request).encode()

    def change(self, reply, connection):
        response = json.loads(reply.body)
        if self.left:
            response["UnprocessedKeys"] = {"Tickets": {**self.asked, "Keys": self.left}}
        reply.body = json.dumps(response).encode()
        reply.sign()


@pytest.mark.parametrize("order", ["", "ORDER BY opened DESC"])
@pytest.mark.parametrize("times", [1, 2])
def test_keys_left_unprocessed_are_asked_for_again(t, proxy, order, times):
    query = f"SELECT opened, note FROM t WHERE opened >= 0 AND status = 'open' {order}"
    with proxy.inject(Leaves(5), operation="BatchGetItem", times=times):
        rows, calls = ask(t, proxy, query)
    assert (rows if order else sorted(rows, reverse=True)) == by_opened("open")
    assert [len(keys_of(call)) for call in calls.of("BatchGetItem")] == [12, 7, 2][: times + 1]


class NoItems(Behaviour):
    """Leaves all keys of a BatchGetItem unprocessed."""

    def ask(self, body):
        self.asked = json.loads(body)["RequestItems"]
        return body

    def change(self, reply, connection):
        response = json.loads(reply.body)
        reply.body = json.dumps(
            {**response, "Responses": {"Tickets": []}, "UnprocessedKeys": self.asked}
        ).encode()
        reply.sign()


class LeavesOthers(Leaves):
    """Says of keys that were not asked for that they are left."""

    def ask(self, body):
        self.asked = dict(json.loads(body)["RequestItems"]["Tickets"])
        self.left = [{name: {kind: value + "9" for kind, value in v.items()} for name, v in key.items()}
                     for key in self.asked["Keys"][:2]]
        return body


def test_keys_left_that_were_never_asked_for(t, proxy):
    query = "SELECT opened, note FROM t WHERE opened >= 0 AND status = 'open'"
    with (
        proxy.inject(LeavesOthers(5), operation="BatchGetItem"),
        proxy.record() as calls,
        pytest.raises(psycopg.Error) as failure,
    ):
        t.execute(query)
    assert failure.value.sqlstate == "HV00M"
    assert calls.data.count("BatchGetItem") == 1


def test_keys_that_stay_unprocessed_are_an_error(t, proxy):
    """Replies that bring nothing are counted as attempts are."""
    t.execute("ALTER SERVER dynamo OPTIONS (ADD max_attempts '3')")
    query = "SELECT note FROM t WHERE opened >= 0 AND status = 'open'"
    with (
        proxy.inject(NoItems(), operation="BatchGetItem"),
        proxy.record() as calls,
        pytest.raises(psycopg.errors.InsufficientResources) as failure,
    ):
        t.execute(query)
    assert "unprocessed" in failure.value.diag.message_primary
    assert calls.data.count("BatchGetItem") == 3


def test_throttled_fetches_are_repeated(t, proxy):
    with proxy.inject(proxies.throttle(), operation="BatchGetItem", times=2):
        rows, calls = ask(t, proxy, "SELECT note FROM t WHERE opened IS NOT NULL AND status = 'open'")
    assert len(rows) == 12 and calls.count("BatchGetItem") == 3


def test_an_item_that_was_not_asked_for_is_an_error(t, proxy):
    def other(response):
        response["Responses"]["Tickets"][0]["sk"] = {"S": "other"}

    with (
        proxy.inject(proxies.rewrite(other), operation="BatchGetItem"),
        pytest.raises(psycopg.Error, match="could not understand a reply") as caught,
    ):
        t.execute("SELECT note FROM t WHERE opened IS NOT NULL AND status = 'open' ORDER BY opened")
    assert "an item that was not asked for" in caught.value.diag.message_detail


def test_an_entry_without_its_key_is_an_error(t, proxy):
    def lose(response):
        del response["Items"][3]["sk"]

    with (
        proxy.inject(proxies.rewrite(lose), operation="Query"),
        pytest.raises(psycopg.Error, match="could not understand a reply") as caught,
    ):
        t.execute("SELECT note FROM t WHERE opened IS NOT NULL AND status = 'open'")
    assert 'an item lacks its key "sk"' in caught.value.diag.message_detail


# ---- an index that lags behind --------------------------------------------------


@pytest.fixture
def moving(db, ddb, proxy):
    """A table of 20 jobs and 500 done ones; returns what changes a job after its
    index was read: change(number, **attributes), or change(number) to delete it."""
    name = f"Jobs.{secrets.token_hex(4)}"
    ddb.create_table(
        TableName=name,
        **definition(
            ("id",), "id:S state:S due:N", gsis=[index("byState", "state", "due", "KEYS_ONLY")]
        ),
    )

    def item(number, state, due):
        return {
            "id": {"S": f"j{number:03}"},
            "state": {"S": state},
            "due": {"N": str(due)},
            "text": {"S": f"job {number}"},
            "pad": {"S": "x" * 2000},
        }

    items = [item(n, "ready" if n < 20 else "done", n * 10) for n in range(300)]
    for start in range(0, len(items), 25):
        puts = [{"PutRequest": {"Item": one}} for one in items[start : start + 25]]
        ddb.batch_write_item(RequestItems={name: puts})
    make_server(db, proxy.endpoint)
    foreign_table(db, "jobs", ["id text", "state text", "due int", "text text"], table_name=name)

    class Change(Behaviour):
        def __init__(self):
            self.changes = []

        def change(self, reply, connection):
            for one in self.changes:
                one()
            self.changes = []

    behaviour = Change()

    def change(number, state="ready", due=None, delete=False):
        def now():
            if delete:
                ddb.delete_item(TableName=name, Key={"id": {"S": f"j{number:03}"}})
            else:
                ddb.put_item(TableName=name, Item=item(number, state, due))

        behaviour.changes.append(now)

    with proxy.inject(behaviour, operation="Query"):
        yield db, change
    ddb.delete_table(TableName=name)


READY = "SELECT id, due, text FROM jobs WHERE state = 'ready' AND due < 150"


def jobs(*numbers):
    return [(f"j{n:03}", n * 10, f"job {n}") for n in numbers]


def test_deleted_since(moving):
    db, change = moving
    assert foreign_scan(explain(db, READY))["Fetch"]
    change(3, delete=True)
    rows = db.execute(READY).fetchall()
    assert sorted(rows) == jobs(*(n for n in range(15) if n != 3))


@pytest.mark.parametrize("order", ["", "ORDER BY due", "ORDER BY due DESC LIMIT 9"])
def test_what_has_changed_is_checked_again(moving, order):
    db, change = moving
    change(5, state="done", due=50)
    change(7, due=70_000)
    change(9, state="failed", due=90)
    rows = db.execute(f"{READY} {order}").fetchall()
    left = [n for n in range(15) if n not in (5, 7, 9)]
    if "DESC" in order:
        left = left[::-1][:9]
    assert (rows if order else sorted(rows)) == jobs(*left)


def test_a_limit_is_filled_in_spite_of_stale_entries(moving, proxy):
    db, change = moving
    for number in (0, 1, 2):
        change(number, delete=True)
    with proxy.record() as calls:
        rows = db.execute(f"{READY} ORDER BY due LIMIT 5").fetchall()
    assert rows == jobs(3, 4, 5, 6, 7)
    assert calls.data.operations == ["Query", "BatchGetItem"] * 2


def test_moved_inside_the_range_stays_where_the_index_lists_it(moving):
    db, change = moving
    change(5, due=125)
    rows = db.execute(f"{READY} ORDER BY due").fetchall()
    assert [row[0] for row in rows] == [f"j{n:03}" for n in range(15)]
    assert rows[5] == ("j005", 125, "job 5")


def test_moved_below_others_that_rely_on_the_order_is_left_out(moving):
    """A Query of the index may miss what moves while it is read."""
    db, change = moving
    change(5, due=125)
    db.execute("SET enable_hashagg = off")
    query = f"SELECT due, max(text) FROM ({READY} ORDER BY due LIMIT 10) s GROUP BY due"
    rows = db.execute(query).fetchall()
    assert rows == [(n * 10, f"job {n}") for n in range(11) if n != 5]


def test_least_of_what_has_moved(moving):
    db, change = moving
    change(0, due=145)
    assert db.execute(f"SELECT min(due) FROM ({READY}) s WHERE text <> ''").fetchone() == (10,)


@pytest.mark.parametrize("order", ["", "ORDER BY due", "ORDER BY due DESC"])
def test_two_entries_of_an_item_are_one_row(t, proxy, order):
    """As while an item moves in the index: DynamoDB refuses a key twice."""

    def repeat(response):
        items = response["Items"]
        response["Items"] = [*items, *items[:3], items[0]]
        response["Count"] = response["ScannedCount"] = len(response["Items"])

    with proxy.inject(proxies.rewrite(repeat), operation="Query"):
        query = f"SELECT opened AS due, note FROM t WHERE opened IS NOT NULL AND status = 'open' {order}"
        rows, calls = ask(t, proxy, query)
    assert Counter(rows) == Counter(by_opened("open"))
    assert [len(keys_of(call)) for call in calls.of("BatchGetItem")] == [12]


def test_two_entries_of_an_item_in_several_batches(big, proxy):
    def repeat(response):
        items = response["Items"]
        response["Items"] = [*items, *items]
        response["Count"] = response["ScannedCount"] = len(response["Items"])

    with proxy.inject(proxies.rewrite(repeat), operation="Query"):
        rows, calls = ask(big, proxy, "SELECT note FROM t WHERE opened IS NOT NULL AND status = 'waiting'")
    assert len(rows) == len(set(rows)) == 150
    assert sorted(len(keys_of(call)) for call in calls.of("BatchGetItem")) == [50, 100]


def test_of_two_entries_the_one_that_still_holds_is_shown(moving, proxy):
    """Below others that rely on the order: the old place comes first."""
    db, change = moving
    change(5, due=125)

    def both(response):
        items = response["Items"]
        (old,) = [i for i in items if i["id"]["S"] == "j005"]
        place = [i["id"]["S"] for i in items].index("j013")
        response["Items"].insert(place, {**old, "due": {"N": "125"}})
        response["Count"] = response["ScannedCount"] = len(response["Items"])

    with proxy.inject(proxies.rewrite(both), operation="Query"):
        rows = db.execute(f"SELECT id, due, text FROM ({READY} ORDER BY due LIMIT 100) s").fetchall()
    expected = jobs(*(n for n in range(15) if n != 5))
    expected.insert(12, ("j005", 125, "job 5"))
    assert rows == expected


# ---- what else a plan has to respect --------------------------------------------


def test_read_units_are_capped_over_both_steps(big, proxy):
    big.execute("ALTER SERVER dynamo OPTIONS (ADD max_read_units '30')")
    with proxy.record() as calls, pytest.raises(psycopg.Error, match="30"):
        big.execute("SELECT note FROM t WHERE opened IS NOT NULL AND status = 'waiting'")
    assert calls.data.operations == ["Query", "BatchGetItem"]


def test_explain_says_both_steps(t):
    plan = foreign_scan(explain(t, "SELECT note FROM t WHERE opened IS NOT NULL AND status = 'open'", analyze="true"))
    assert plan["DynamoDB Operation"] == "Query"
    assert plan["DynamoDB Index"] == "byStatus"
    assert plan["Key Condition"] == "(status = 'open'::text)"
    assert plan["Fetch"] == "BatchGetItem of Tickets"
    assert plan["Projection"] == ["note"]
    assert plan["Keys Fetched"] == 12
    assert plan["Requests"] == 2
    assert plan["Read Units"] == 0.5 + 12 * 0.5
    assert plan["Items Returned"] == 24
    assert plan["Actual Rows"] == 12


def test_explain_prints_conditions_where_they_are_decided(t):
    query = """SELECT note FROM t WHERE opened IS NOT NULL AND owner = 'o7' AND priority > 1
               AND priority % 2 = 0 AND note LIKE '%9'"""
    plan = foreign_scan(explain(t, query))
    assert plan["DynamoDB Filter"] == "(priority > 1)"
    assert "note" in plan["Filter"] and "priority % 2" in plan["Filter"]
    assert "Keys Fetched" not in plan


def test_estimated_units_are_of_both_steps(t):
    (sample,) = t.execute("SELECT count(*) FROM t WHERE opened IS NOT NULL AND owner = 'o7'").fetchone()
    plan = foreign_scan(explain(t, "SELECT note FROM t WHERE opened IS NOT NULL AND owner = 'o7'"))
    assert sample == 30
    # Without statistics, an owner is taken for one of 200.
    assert plan["Estimated Read Units"] == 0.5 + 3 * 0.5


def test_pushdown_off_reads_the_table(t, proxy):
    t.execute("SET ddb_fdw.pushdown = off")
    rows, calls = ask(t, proxy, "SELECT note FROM t WHERE opened IS NOT NULL AND status = 'open'")
    assert len(rows) == 12 and set(calls.operations) == {"Scan"}


def test_counts_need_no_item(t, proxy):
    _, calls = ask(t, proxy, "SELECT count(*) FROM t WHERE opened IS NOT NULL AND status = 'open'")
    assert [in_short(call) for call in calls] == ["Query on byStatus status = 'open' count"]


def test_denied_scans_leave_the_two_steps(db, proxy, tickets):
    make_server(db, proxy.endpoint)
    foreign_table(db, "d", COLUMNS, table_name="Tickets", scan="deny")
    rows, calls = ask(db, proxy, "SELECT note FROM d WHERE opened >= 0 AND status = 'waiting'")
    assert len(rows) == 150 and "Scan" not in calls.operations


def test_a_foreign_table_of_the_index_is_read_alone(db, proxy, tickets):
    make_server(db, proxy.endpoint)
    foreign_table(db, "i", COLUMNS, table_name="Tickets", index_name="byStatus")
    with pytest.raises(psycopg.Error, match="does not hold attribute"):
        db.execute("SELECT note FROM i WHERE opened > 0 AND status = 'open'")


def test_segments_are_scanned(db, proxy, tickets):
    make_server(db, proxy.endpoint)
    foreign_table(db, "s", COLUMNS, table_name="Tickets", segment="0", total_segments="2")
    plan = foreign_scan(explain(db, "SELECT note FROM s WHERE opened > 0 AND status = 'open'"))
    assert plan["DynamoDB Operation"] == "Scan"


def test_whole_items(db, proxy, tickets):
    make_server(db, proxy.endpoint)
    columns = [
        "id text OPTIONS (attribute 'pk')",
        "state text OPTIONS (attribute 'status')",
        "opened int",
        "item jsonb OPTIONS (attribute '*')",
        "rest jsonb OPTIONS (overflow 'true')",
    ]
    foreign_table(db, "w", columns, table_name="Tickets")
    rows, calls = ask(db, proxy, "SELECT id, item, rest FROM w WHERE state = 'open' AND opened >= 0")
    assert calls.operations == ["Query", "BatchGetItem"]
    assert "ProjectionExpression" not in calls[1].request["RequestItems"]["Tickets"]
    expected = sorted(rows_of("note", where=is_open))
    assert sorted((item["note"],) for _, item, _ in rows) == expected
    for _, item, rest in rows:
        assert rest == {n: v for n, v in item.items() if n not in ("pk", "status", "opened")}


def test_a_table_whose_key_no_column_shows(db, proxy, tickets):
    make_server(db, proxy.endpoint)
    foreign_table(db, "k", ["status text", "opened int", "note text"], table_name="Tickets")
    rows, calls = ask(db, proxy, "SELECT note FROM k WHERE status = 'open' AND opened >= 0")
    assert Counter(rows) == Counter(rows_of("note", where=is_open))
    assert calls.operations == ["Query", "BatchGetItem"]


def test_values_that_do_not_fit_are_errors_with_their_keys(db, proxy, tickets):
    make_server(db, proxy.endpoint)
    columns = ["status text", "opened int", "note int", 'sk text COLLATE "C"']
    foreign_table(db, "m", columns, table_name="Tickets")
    with pytest.raises(psycopg.Error) as caught:
        db.execute("SELECT note FROM m WHERE status = 'open' AND opened >= 0")
    assert "The item with key pk = " in caught.value.diag.message_detail
    assert "(not selected)" not in caught.value.diag.message_detail
    db.execute("SET ddb_fdw.on_type_mismatch = 'null'")
    assert db.execute("SELECT note FROM m WHERE status = 'open' AND opened >= 0").fetchall() == [(None,)] * 12


def test_partitions_are_asked_at_once(db, proxy, tickets):
    """Foreign partitions in two steps under one Append: which tickets are in which
    is of no matter here."""
    make_server(db, proxy.endpoint)
    db.execute("CREATE TABLE p (part int, status text, opened int, note text) PARTITION BY LIST (part)")
    for part in (1, 2):
        db.execute(
            f"CREATE FOREIGN TABLE p{part} PARTITION OF p FOR VALUES IN ({part})"
            " SERVER dynamo OPTIONS (table_name 'Tickets')"
        )
    query = "SELECT note FROM p WHERE status = 'open' AND opened >= 0"
    nodes = [n for n in plan_nodes(explain(db, query)) if "Fetch" in n]
    assert [n["Async Capable"] for n in nodes] == [True, True]
    with proxy.inject(proxies.together(2), operation="Query"):
        rows, calls = ask(db, proxy, query)
    assert Counter(rows) == Counter(rows_of("note", where=is_open) * 2)
    assert calls.count("BatchGetItem") == 2


def test_the_newest_of_each(big, proxy):
    """A lateral subquery with LIMIT fetches what it shows."""
    query = """SELECT s.status, l.opened, l.note
               FROM (VALUES ('open'), ('waiting'), ('lost')) s(status),
               LATERAL (SELECT opened, note FROM t WHERE t.status = s.status
                        AND opened IS NOT NULL ORDER BY opened DESC LIMIT 3) l"""
    rows, calls = ask(big, proxy, query)
    assert rows == [
        (status, *row) for status in ("open", "waiting") for row in by_opened(status)[:3]
    ]
    assert sorted(calls.operations) == ["BatchGetItem"] * 2 + ["Query"] * 3
    assert all(len(keys_of(call)) == 3 for call in calls.of("BatchGetItem"))


# ---- templates, TTL -------------------------------------------------------------

SHARED = definition(
    ("PK", "SK"),
    "PK:S SK:S GPK:S GSK:S",
    gsis=[index("byMail", "GPK", "GSK", "KEYS_ONLY")],
)
PAST, FUTURE = int(time.time()) - 100_000, 4_000_000_000


def member(number, **changes):
    return {
        "PK": f"USER#{number}",
        "SK": "PROFILE",
        "GPK": f"TEAM#{number % 3}",
        "GSK": f"MAIL#m{number:02}",
        "name": f"user {number}",
        "gone": PAST if number % 4 == 0 else FUTURE,
        **changes,
    }


MEMBERS = [
    *(member(number) for number in range(30)),
    member(100, SK="SETTINGS"),  # of another entity
    member(101, PK="USER#x"),
    member(102, GSK="MOBILE#12"),  # a user, with another key in the index
]


@pytest.fixture
def users(db, ddb_resource, proxy):
    """Function: the foreign table of users, with options."""
    load_table(ddb_resource, "Members", SHARED, MEMBERS)
    proxies.declare_time_to_live("Members", "gone")
    make_server(db, proxy.endpoint)

    def make(**options):
        columns = [
            "pk text OPTIONS (attribute 'PK', template 'USER#${id}')",
            "sk text OPTIONS (attribute 'SK', template 'PROFILE')",
            "gpk text OPTIONS (attribute 'GPK', template 'TEAM#${team}')",
            "gsk text OPTIONS (attribute 'GSK', template 'MAIL#${mail}') COLLATE \"C\"",
            "id int",
            "team int",
            'mail text COLLATE "C"',
            "name text",
        ]
        foreign_table(db, "users", columns, table_name="Members", **options)
        with proxy.inject(proxies.rewrite(enlarge), operation="DescribeTable"):
            db.execute("EXPLAIN SELECT 1 FROM users")
        return db

    return make


def test_entities_by_an_index_of_keys(users, proxy):
    db = users()
    query = "SELECT id, mail, name FROM users WHERE team = 1 AND mail IS NOT NULL"
    plan = foreign_scan(explain(db, query))
    assert plan["Fetch"] == "BatchGetItem of Members"
    assert "PK = USER#${id}" in plan["Key Templates"]
    rows, calls = ask(db, proxy, query)
    expected = [(n, f"m{n:02}", f"user {n}") for n in range(1, 30, 3)]
    assert sorted(rows) == expected
    # What is no user can be told by its keys.
    assert len(keys_of(calls[-1], "Members", "PK", "SK")) == 10
    rows, calls = ask(db, proxy, f"{query} AND mail > 'm05' ORDER BY mail DESC LIMIT 4")
    assert rows == expected[:-5:-1]
    assert len(keys_of(calls[-1], "Members", "PK", "SK")) == 4


def test_expired_items_of_an_index_that_does_not_know(users, proxy):
    db = users(hide_expired="true")
    query = "SELECT id FROM users WHERE team = 2 AND mail < 'm99'"
    plan = foreign_scan(explain(db, query))
    assert plan["Fetch"] == "BatchGetItem of Members" and plan["Hide Expired"] == "gone"
    rows, calls = ask(db, proxy, query)
    assert sorted(rows) == [(n,) for n in range(2, 30, 3) if n % 4]
    rows, calls = ask(db, proxy, f"{query} ORDER BY mail LIMIT 5")
    assert rows == [(2,), (5,), (11,), (14,), (17,)]


@pytest.fixture
def keyed_by(db, ddb, proxy):
    """Function: a table whose key has these values, and the notes in it."""
    names = []

    def make(key_type, values, column):
        name = f"Keys.{secrets.token_hex(4)}"
        ddb.create_table(
            TableName=name,
            **definition(
                ("k", "s"), f"k:{key_type} s:{key_type} g:S", gsis=[index("byG", "g", None, "KEYS_ONLY")]
            ),
        )
        names.append(name)
        for number, value in enumerate(values):
            stored = {key_type: value}
            ddb.put_item(
                TableName=name,
                Item={"k": stored, "s": stored, "g": {"S": "x"}, "note": {"S": str(number)}},
            )
        if "dynamo" not in names:
            make_server(db, proxy.endpoint)
            names.append("dynamo")
        foreign_table(
            db, "keyed", [f"k {column}", "g text", "note text"], table_name=name, scan="deny"
        )
        return db

    yield make
    for name in names:
        if name != "dynamo":
            ddb.delete_table(TableName=name)


KEY_VALUES = {
    "S": (["a", 'q"\\/\n', "\x01", "é😀", "a\0b", " "], "text"),
    "N": (["0", "-1.50", "1e125", "123456789012345678901234567890.12345678", "1e-130"], "numeric"),
    "B": ([b"\0", b"\xff\xfe/+", b"abc", b"\0\0"], "bytea"),
}


@pytest.mark.parametrize("key_type", KEY_VALUES)
def test_keys_of_every_type(keyed_by, key_type):
    values, column = KEY_VALUES[key_type]
    db = keyed_by(key_type, values, column)
    db.execute("SET ddb_fdw.on_type_mismatch = 'null'")
    query = "SELECT note FROM keyed WHERE g = 'x'"
    assert foreign_scan(explain(db, query))["Fetch"]
    assert sorted(db.execute(query).fetchall()) == [(str(n),) for n in range(len(values))]


# ---- the planner's choice -------------------------------------------------------


@pytest.fixture
def sized(db, proxy, tickets):
    """Function: which way is taken when DynamoDB says this of the table."""
    make_server(db, proxy.endpoint)
    count = 0

    def choose(query, items, covering=None, item_bytes=ITEM_BYTES):
        nonlocal count

        def claim(response):
            table = response["Table"]
            table["ItemCount"], table["TableSizeBytes"] = items, items * item_bytes
            for part in table["GlobalSecondaryIndexes"] + table["LocalSecondaryIndexes"]:
                part["ItemCount"], part["IndexSizeBytes"] = items, items * 100
                if part["IndexName"] == covering:
                    part["Projection"] = {"ProjectionType": "ALL"}
                    part["IndexSizeBytes"] = items * item_bytes

        count += 1
        foreign_table(db, f"t{count}", COLUMNS, table_name="Tickets")
        # An option changed: what is known of tables is asked for again.
        db.execute(f"ALTER SERVER dynamo OPTIONS ({'ADD' if count == 1 else 'SET'} "
                   f"connect_timeout '{5 + count}')")
        with proxy.inject(proxies.rewrite(claim), operation="DescribeTable"):
            plan = foreign_scan(explain(db, query.replace(" t ", f" t{count} ")))
        words = [plan["DynamoDB Operation"], plan.get("DynamoDB Index"), plan.get("Fetch")]
        return " ".join(word.split()[0] for word in words if word)

    return choose


OPEN = "SELECT note FROM t WHERE opened IS NOT NULL AND status = 'open'"
TWO_STEPS = "Query byStatus BatchGetItem"


def test_small_tables_are_scanned(sized):
    assert sized(OPEN, 20) == "Scan"


@pytest.mark.parametrize("items", [1000, 10**5, 10**7])
def test_large_tables_are_read_in_two_steps(sized, items):
    assert sized(OPEN, items) == TWO_STEPS


def test_a_covering_index_needs_no_second_step(sized):
    assert sized(OPEN, 10**5, covering="byStatus") == "Query byStatus"


def test_most_of_a_table_is_scanned(sized):
    wide = "SELECT note FROM t WHERE opened IS NOT NULL AND status = ANY (ARRAY(SELECT 's' || generate_series(1, 9)))"
    assert sized(wide, 10**5).startswith("Query")
    assert sized("SELECT note FROM t WHERE status <> 'open'", 10**5) == "Scan"


def test_the_table_s_own_key_is_preferred(sized):
    assert sized("SELECT note FROM t WHERE pk = 'P1' AND sk = '1' AND owner = 'o'", 10**5) == (
        "GetItem"
    )


def test_nobody_knows_how_many_entries_have_a_value(sized):
    """Of the table's own partition few items are assumed; an index may be by a
    status, so that fetching what it lists would cost more than reading on."""
    query = "SELECT note FROM t WHERE pk = 'P1' AND owner = 'o3' AND opened IS NOT NULL"
    assert sized(query, 10**6, item_bytes=500) == "Query"
    assert sized(query, 10**6, item_bytes=50_000) == "Query"
