# SPDX-License-Identifier: PostgreSQL
"""The newest few of what a query puts together: members of UNION ALL, the rows of one
user, pages by two columns.  Each part begins with as many items as are wanted."""

import pytest
from support.fdw import explain, foreign_table, plan_nodes
from support.proxy import Gathering
from support.systems import index

N = 400
COLUMNS = [
    "id text",
    "at int NOT NULL",
    "owner text NOT NULL",
    "kind text",
    "pad text",
]


def items(prefix):
    """Four owners of 100 items each, of 2 kB; two items of each owner share a time."""
    return [
        {
            "id": f"{prefix}{n}",
            "at": n // 8,
            "owner": f"u{n % 4}",
            "kind": f"k{n % 3}",
            "pad": "x" * 2000,
        }
        for n in range(N)
    ]


@pytest.fixture
def tables(dynamo, make_table):
    for name in ("logs", "audit"):
        table = make_table(
            ("id",),
            "id:S owner:S at:N",
            items(name),
            gsis=[index("ByOwner", "owner", "at")],
        )
        foreign_table(dynamo, name, COLUMNS, table_name=table.name)
        dynamo.execute(f"ANALYZE {name}")
    dynamo.execute(
        "CREATE TABLE people AS SELECT i AS n, 'u' || i % 4 AS owner, 'p' || i || '@x.org' AS email"
        " FROM generate_series(0, 999) i"
    )
    dynamo.execute("CREATE UNIQUE INDEX ON people (email)")
    dynamo.execute("CREATE TABLE teams AS SELECT 'u' || i AS owner, 'team ' || i AS team FROM generate_series(0, 3) i")
    dynamo.execute("ALTER TABLE teams ADD PRIMARY KEY (owner)")
    dynamo.execute("CREATE TABLE archive (at int, owner text)")
    dynamo.execute("INSERT INTO archive SELECT i, 'u1' FROM generate_series(-1000, -1) i")
    dynamo.execute("ANALYZE")
    dynamo.execute(
        "CREATE VIEW trail AS SELECT 'log' AS source, at, id FROM logs WHERE owner = 'u1'"
        " UNION ALL SELECT 'audit', at, id FROM audit WHERE owner = 'u1'"
    )
    return dynamo


def units(db, query):
    plan = explain(db, query, ANALYZE="")
    return sum(n.get("Read Units", 0) for n in plan_nodes(plan) if n["Node Type"] == "Foreign Scan")


# What 10 items of 2 kB cost each part: 20 kB, and a little where a sort looks beyond ties.
PART = 2.5
MORE = 4.5

QUERIES = [
    (
        2 * PART,
        "SELECT 'log', at FROM logs WHERE owner = 'u1' UNION ALL"
        " SELECT 'audit', at FROM audit WHERE owner = 'u1' ORDER BY 2 DESC LIMIT 10",
    ),
    (
        2 * PART,
        "SELECT at, id FROM logs WHERE owner = 'u1' AND at < 90 UNION ALL"
        " SELECT at, id FROM audit WHERE owner = 'u2' ORDER BY at LIMIT 10",
    ),
    (2 * PART, "SELECT source, at FROM trail ORDER BY at DESC LIMIT 10"),
    (2 * PART, "SELECT source, at FROM trail WHERE at > 10 ORDER BY at LIMIT 10"),
    (
        PART,
        "SELECT at FROM logs WHERE owner = 'u1' UNION ALL SELECT at FROM archive"
        " ORDER BY at DESC LIMIT 10",
    ),
    (2 * MORE, "SELECT at, id FROM trail ORDER BY at DESC, id LIMIT 10"),
    (
        MORE,
        "SELECT at, id FROM logs WHERE owner = 'u1' AND (at, id) < (40, 'logs7')"
        " ORDER BY at DESC, id DESC LIMIT 10",
    ),
    (
        MORE,
        "SELECT at, id FROM logs WHERE owner = 'u1'"
        " AND (at < 40 OR (at = 40 AND id < 'logs7')) ORDER BY at DESC, id DESC LIMIT 10",
    ),
    (
        PART,
        "SELECT p.email, l.at FROM people p JOIN logs l ON l.owner = p.owner"
        " WHERE p.email = 'p5@x.org' ORDER BY l.at DESC LIMIT 10",
    ),
    (
        PART,
        "SELECT p.email, t.team, l.at FROM people p JOIN logs l USING (owner) JOIN teams t USING (owner)"
        " WHERE p.email = 'p5@x.org' ORDER BY l.at DESC LIMIT 10",
    ),
    (
        PART,
        "SELECT l.at FROM teams t, logs l WHERE t.owner = 'u1' AND l.owner = t.owner ORDER BY l.at LIMIT 10",
    ),
    (
        PART + 0.5,
        "SELECT a.kind, l.at FROM audit a JOIN logs l USING (owner)"
        " WHERE a.id = 'audit5' ORDER BY l.at DESC LIMIT 10",
    ),
]


@pytest.mark.parametrize("most, query", QUERIES)
def test_parts_begin_small(tables, most, query):
    expected = tables.execute(query).fetchall()
    assert len(expected) == 10
    assert units(tables, query) <= most
    tables.execute("SET ddb_fdw.pushdown = off")
    local = tables.execute(query).fetchall()
    order = [row[-1] if isinstance(row[-1], int) else row[-2] for row in local]
    assert [row[-1] if isinstance(row[-1], int) else row[-2] for row in expected] == order


def test_all_rows_of_one_user_in_order(tables):
    query = (
        "SELECT l.at FROM people p JOIN logs l ON l.owner = p.owner"
        " WHERE p.email = %s ORDER BY l.at DESC"
    )
    for email in ("p5@x.org", "p6@x.org", "nobody"):
        rows = [at for (at,) in tables.execute(query, (email,)).fetchall()]
        assert len(rows) == (0 if email == "nobody" else 100)
        assert rows == sorted(rows, reverse=True)


CHOICE = "SELECT u.name, l.at FROM users u JOIN logs l ON l.owner = u.owner WHERE {} ORDER BY l.at {}LIMIT 10"


@pytest.fixture
def users(tables, make_table):
    """Of whom an index by e-mail address finds one, by name several."""
    items = [
        {"id": f"id{n}", "email": f"e{n}", "name": f"name {n % 60}", "owner": f"u{n % 4}"}
        for n in range(300)
    ]
    table = make_table(
        ("id",), "id:S email:S name:S", items, gsis=[index("ByEmail", "email"), index("ByName", "name")]
    )
    columns = ["id text", "email text NOT NULL", "name text NOT NULL", "owner text"]
    foreign_table(tables, "users", columns, table_name=table.name)
    tables.execute("ANALYZE users")
    tables.execute("CREATE TABLE named AS SELECT * FROM users")
    tables.execute("CREATE INDEX ON named (name)")
    tables.execute("ANALYZE named")
    return tables


@pytest.mark.parametrize("descending", ["DESC ", ""])
@pytest.mark.parametrize("where", ["email = 'e5'", "email = 'none'", "name = 'name 7'", "name = 'name 7' AND u.id = 'id7'"])
def test_whether_there_is_one_row_is_found_out(users, where, descending):
    query = CHOICE.format(where, descending)
    for text in (query, query.replace("users u", "named u")):
        rows = users.execute(text).fetchall()
        users.execute("SET ddb_fdw.pushdown = off")
        local = users.execute(text).fetchall()
        users.execute("RESET ddb_fdw.pushdown")
        assert [at for _, at in rows] == [at for _, at in local]


def test_one_row_that_is_found_costs_few_items(users):
    query = CHOICE.format("u.email = 'e5'", "DESC ")
    nodes = [n.get("Custom Plan Provider") for n in plan_nodes(explain(users, query))]
    assert "DynamoDB Row Choice" in nodes
    assert units(users, query) <= PART + 0.5
    text = query.replace("users u", "named u").replace("u.email = 'e5'", "u.name = 'name 7' AND u.id = 'id7'")
    assert units(users, text) <= PART


def test_the_choice_is_made_anew_for_each_run(users):
    query = (
        "SELECT v.x, s.at FROM (VALUES ('e5'), ('none'), ('e6')) v(x), LATERAL (SELECT l.at FROM"
        " users u JOIN logs l ON l.owner = u.owner WHERE u.email = v.x ORDER BY l.at DESC LIMIT 2) s"
    )
    rows = users.execute(query).fetchall()
    assert sorted(rows) == [("e5", 49), ("e5", 49), ("e6", 49), ("e6", 49)]
    query = query.replace("u.email = v.x", "u.name = v.x").replace("'e5'", "'name 7'").replace("'e6'", "'name 8'")
    rows = users.execute(query).fetchall()
    assert sorted(rows) == [("name 7", 49)] * 2 + [("name 8", 49)] * 2


def test_a_cursor_with_a_choice(users):
    with users.transaction():
        users.execute("DECLARE c CURSOR FOR " + CHOICE.format("u.name = 'name 7'", "DESC ").replace("LIMIT 10", ""))
        rows = users.execute("FETCH 5 FROM c").fetchall() + users.execute("FETCH ALL FROM c").fetchall()
    assert len(rows) == 500
    assert [at for _, at in rows] == sorted((at for _, at in rows), reverse=True)


def test_several_outer_rows_are_sorted(tables):
    """An index that is not unique says nothing about the number of rows."""
    tables.execute("CREATE INDEX ON people (n)")
    tables.execute("UPDATE people SET n = 7 WHERE n < 3")
    query = (
        "SELECT l.at FROM people p JOIN logs l ON l.owner = p.owner WHERE p.n = 7"
        " ORDER BY l.at DESC"
    )
    rows = [at for (at,) in tables.execute(query).fetchall()]
    assert len(rows) == 400
    assert rows == sorted(rows, reverse=True)


def test_a_cursor_over_members(tables, proxy):
    with tables.transaction():
        tables.execute("DECLARE c CURSOR FOR SELECT at FROM trail ORDER BY at DESC")
        with proxy.record() as calls:
            rows = tables.execute("FETCH 5 FROM c").fetchall()
        assert [at for (at,) in rows] == [49, 49, 49, 49, 48]
        assert all(call.request["Limit"] <= 100 for call in calls.of("Query"))
        assert len(tables.execute("FETCH ALL FROM c").fetchall()) == 195


def test_members_with_sorts_of_their_own(tables):
    query = (
        "(SELECT at FROM logs WHERE owner = 'u1' ORDER BY at LIMIT 3) UNION ALL"
        " (SELECT at FROM audit WHERE owner = 'u1' ORDER BY at DESC LIMIT 3) ORDER BY 1 DESC LIMIT 4"
    )
    assert tables.execute(query).fetchall() == [(49,), (49,), (48,), (1,)]


# ---- the first and the last ---------------------------------------------------


@pytest.mark.parametrize("analyzed", [True, False])
def test_first_and_last_are_one_item_each(dynamo, make_table, analyzed):
    table = make_table(("pk", "at"), "pk:S at:N", [{"pk": "p", "at": n, "pad": "x" * 2000} for n in range(40)])
    foreign_table(dynamo, "t", ["pk text", "at int", "pad text"], table_name=table.name)
    if analyzed:
        dynamo.execute("ANALYZE t")
    query = "SELECT min(at), max(at) FROM t WHERE pk = 'p'"
    assert dynamo.execute(query).fetchall() == [(0, 39)]
    assert units(dynamo, query) == 1.0
    assert dynamo.execute("SELECT min(at), max(at) FROM t WHERE pk = 'none'").fetchall() == [(None, None)]


def test_a_small_partition_is_read_once_for_both(dynamo, make_table):
    items = [{"pk": f"p{n // 5}", "at": n, "pad": "x" * 50} for n in range(100)]
    table = make_table(("pk", "at"), "pk:S at:N", items)
    foreign_table(dynamo, "t", ["pk text", "at int", "pad text"], table_name=table.name)
    dynamo.execute("ANALYZE t")
    query = "SELECT min(at), max(at) FROM t WHERE pk = 'p3'"
    assert dynamo.execute(query).fetchall() == [(15, 19)]
    assert units(dynamo, query) == 0.5


# ---- Merge Append ---------------------------------------------------------------


@pytest.fixture
def parts(dynamo, make_table):
    """A view of twelve partitions of one DynamoDB table."""
    items = [{"pk": f"p{n % 12}", "at": n, "pad": "x" * 500} for n in range(600)]
    table = make_table(("pk", "at"), "pk:S at:N", items)
    foreign_table(dynamo, "part", ["pk text", "at int", "pad text"], table_name=table.name)
    members = (f"SELECT at, pad FROM part WHERE pk = 'p{n}'" for n in range(12))
    dynamo.execute(f"CREATE VIEW days AS {' UNION ALL '.join(members)}")
    return dynamo


def test_first_requests_of_a_merge_are_sent_together(parts, proxy):
    """Each waits until all twelve are there."""
    together = Gathering(12)
    with proxy.inject(together, operation="Query"), proxy.record() as calls:
        rows = parts.execute("SELECT at FROM days ORDER BY at DESC LIMIT 20").fetchall()
    assert rows == [(n,) for n in range(599, 579, -1)]
    assert together.most == 12
    assert calls.count("Query") == 12
    assert all(call.request["Limit"] <= 20 for call in calls.of("Query"))


def test_a_merge_that_runs_again(parts):
    query = (
        "SELECT v.x, d.at FROM (VALUES (599), (100), (599)) v(x), LATERAL"
        " (SELECT at FROM days WHERE at < v.x ORDER BY at DESC LIMIT 2) d"
    )
    expected = [(599, 598), (599, 597), (100, 99), (100, 98), (599, 598), (599, 597)]
    assert sorted(parts.execute(query).fetchall()) == sorted(expected)


def test_a_merge_below_a_cursor_and_within_subqueries(parts):
    with parts.transaction():
        parts.execute("DECLARE c CURSOR FOR SELECT at FROM days ORDER BY at")
        assert parts.execute("FETCH 3 FROM c").fetchall() == [(0,), (1,), (2,)]
        assert parts.execute("SELECT at FROM days ORDER BY at DESC LIMIT 1").fetchone() == (599,)
        assert len(parts.execute("FETCH ALL FROM c").fetchall()) == 597
    query = "SELECT (SELECT at FROM days ORDER BY at LIMIT 1), (SELECT max(at) FROM days)"
    assert parts.execute(query).fetchone() == (0, 599)


def test_children_that_are_left_out_send_nothing(dynamo, make_table, proxy):
    dynamo.execute("CREATE TABLE parent (pk text, at int) PARTITION BY LIST (pk)")
    for n in range(4):
        items = [{"pk": f"p{n}", "at": 4 * i + n} for i in range(10)]
        table = make_table(("pk", "at"), "pk:S at:N", items)
        dynamo.execute(
            f"CREATE FOREIGN TABLE part{n} PARTITION OF parent FOR VALUES IN ('p{n}')"
            f" SERVER dynamo OPTIONS (table_name '{table.name}')"
        )
    dynamo.execute("SET plan_cache_mode = force_generic_plan")
    dynamo.execute(
        "PREPARE p(text, text) AS SELECT at FROM parent WHERE pk IN ($1, $2) ORDER BY at LIMIT 5"
    )
    dynamo.execute("EXECUTE p('p0', 'p1')")
    with proxy.record() as calls:
        rows = dynamo.execute("EXECUTE p('p1', 'p3')").fetchall()
    assert rows == [(1,), (3,), (5,), (7,), (9,)]
    assert len({call.request["TableName"] for call in calls.data}) == 2
