# SPDX-License-Identifier: PostgreSQL
"""Tables and indexes that are made again with other keys, while plans are kept: no
plan runs that was made for what there is no more."""

import uuid

import psycopg
import pytest
from support.fdw import explain, foreign_scan, foreign_table, make_server
from support.proxy import declare_time_to_live, rewrite
from support.regress_data import load_table
from support.systems import definition, index

ITEMS = [{"pk": f"p{i % 2}", "sk": i, "g": "g", "a": 9 - i, "b": (i * 7) % 10} for i in range(10)]
COLUMNS = ["pk text", "sk int", "g text", "a int", "b int", "v text"]


def by(sort, projection="ALL"):
    """The table with an index on g, sorted by that attribute."""
    return definition(
        ("pk", "sk"), f"pk:S sk:N g:S {sort}:N", gsis=[index("byG", "g", sort, projection)]
    )


class Site:
    """A table, foreign tables t and other for it, and what makes it anew."""

    def __init__(self, db, ddb_resource, proxy):
        self.db, self.resource, self.proxy = db, ddb_resource, proxy
        self.name = f"Recreated{uuid.uuid4().hex}"
        self.make(by("a"))
        for name in ("t", "other"):
            foreign_table(db, name, COLUMNS, table_name=self.name)

    def make(self, keys, items=tuple(ITEMS)):
        load_table(self.resource, self.name, keys, items)

    def remake(self, keys, items=tuple(ITEMS)):
        self.resource.Table(self.name).delete()
        self.make(keys, items)

    def notice(self):
        """Another statement has the description fetched again."""
        self.db.execute("ANALYZE other")

    def rows(self, statement, parameters=None):
        return self.db.execute(statement, parameters).fetchall()


def enlarge(reply):
    """So that no Scan is worth it."""
    for part in (reply["Table"], *reply["Table"].get("GlobalSecondaryIndexes", ())):
        part["ItemCount"] = 10**6
        part["TableSizeBytes" if part is reply["Table"] else "IndexSizeBytes"] = 10**9


@pytest.fixture
def site(db, ddb_resource, proxy):
    make_server(db, proxy.endpoint)
    db.execute("SET plan_cache_mode = force_generic_plan")
    site = Site(db, ddb_resource, proxy)
    with proxy.inject(rewrite(enlarge), operation="DescribeTable"):
        yield site
    site.resource.Table(site.name).delete()


def ordered(column):
    return [(item["sk"],) for item in sorted(ITEMS, key=lambda item: item[column])]


def test_order_of_an_index(site):
    db = site.db
    db.execute("PREPARE s(text) AS SELECT sk FROM t WHERE g = $1 AND a >= 0 ORDER BY a")
    assert site.rows("EXECUTE s('g')") == ordered("a")
    assert explain(db, "EXECUTE s('g')")["DynamoDB Index"] == "byG"
    site.remake(by("b"))
    site.notice()
    assert site.rows("EXECUTE s('g')") == ordered("a")
    scan = foreign_scan(explain(db, "EXECUTE s('g')"))
    assert scan.get("DynamoDB Index") != "byG"


def test_projection_of_an_index(site):
    site.db.execute("PREPARE s(text) AS SELECT sk, b FROM t WHERE g = $1 AND a < 100")
    expected = [(item["sk"], item["b"]) for item in ITEMS]
    assert explain(site.db, "EXECUTE s('g')")["DynamoDB Index"] == "byG"
    assert sorted(site.rows("EXECUTE s('g')")) == expected
    site.remake(by("a", "KEYS_ONLY"))
    site.notice()
    assert sorted(site.rows("EXECUTE s('g')")) == expected


def test_functions(site):
    db = site.db
    db.execute(
        "CREATE FUNCTION first() RETURNS int LANGUAGE plpgsql AS"
        " $$DECLARE n int; BEGIN SELECT sk INTO n FROM t WHERE g = 'g' AND a >= 0 ORDER BY a LIMIT 1;"
        " RETURN n; END$$"
    )
    db.execute(
        "CREATE FUNCTION all_rows() RETURNS SETOF int LANGUAGE plpgsql AS"
        " $$DECLARE c CURSOR FOR SELECT sk FROM t WHERE g = 'g' AND a >= 0 ORDER BY a; n int; BEGIN"
        " FOR r IN c LOOP RETURN NEXT r.sk; END LOOP; END$$"
    )
    for _ in range(2):
        assert site.rows("SELECT first()") == ordered("a")[:1]
        assert site.rows("SELECT * FROM all_rows()") == ordered("a")
        site.remake(by("b"))
        site.notice()


def test_inside_a_transaction(site):
    """DynamoDB knows nothing of it: nor do the plans."""
    db = site.db
    db.execute("PREPARE s(text) AS SELECT sk FROM t WHERE g = $1 AND a >= 0 ORDER BY a")
    with db.transaction():
        assert site.rows("EXECUTE s('g')") == ordered("a")
        site.remake(by("b"))
        site.notice()
        assert site.rows("EXECUTE s('g')") == ordered("a")
    with db.transaction():
        assert site.rows("EXECUTE s('g')") == ordered("a")


def test_a_session_that_plans_nothing_notices_in_time(site):
    db = site.db
    db.execute("PREPARE s(text) AS SELECT sk FROM t WHERE g = $1 AND a >= 0 ORDER BY a")
    assert site.rows("EXECUTE s('g')") == ordered("a")
    site.remake(by("b"))
    db.execute("SET ddb_fdw.description_lifetime = 0")
    with pytest.raises(psycopg.errors.SerializationFailure) as caught:
        site.rows("EXECUTE s('g')")
    assert f'DynamoDB table "{site.name}" has changed' in caught.value.diag.message_primary
    assert "planned anew" in caught.value.diag.message_hint
    for _ in range(2):
        assert site.rows("EXECUTE s('g')") == ordered("a")


@pytest.mark.parametrize("lifetime", [0, 600])
def test_keys_of_the_table(site, lifetime):
    """The whole key is one attribute more, then one of another type."""
    db = site.db
    db.execute("PREPARE s(text, int) AS SELECT b FROM t WHERE pk = $1 AND sk = $2")
    db.execute("PREPARE w(text, int) AS UPDATE t SET v = 'x' WHERE pk = $1 AND sk = $2")
    db.execute(f"SET ddb_fdw.description_lifetime = {lifetime}")
    assert site.rows("EXECUTE s('p1', 1)") == [(7,)]
    assert db.execute("EXECUTE w('p1', 1)").rowcount == 1
    site.remake(definition(("pk",), "pk:S"), [{"pk": "p1", "sk": 1, "b": 5}])
    with pytest.raises(psycopg.Error):
        site.rows("EXECUTE s('p1', 1)")
    assert site.rows("EXECUTE s('p1', 1)") == [(5,)]
    assert db.execute("EXECUTE w('p1', 1)").rowcount == 1
    assert db.execute("EXECUTE w('p1', 2)").rowcount == 0
    site.remake(definition(("sk", "pk"), "pk:S sk:N"), ITEMS)
    with pytest.raises(psycopg.Error):
        db.execute("EXECUTE w('p1', 1)")
    assert db.execute("EXECUTE w('p1', 1)").rowcount == 1
    assert site.rows("EXECUTE s('p1', 1)") == [(7,)]


def test_writes_that_fail_make_plans_anew(site):
    """Of a join's updates the writes are not the scan's own."""
    db = site.db
    db.execute("CREATE TABLE l AS SELECT 'p1'::text AS pk, 1 AS sk; ANALYZE l")
    db.execute("PREPARE w AS UPDATE t SET v = 'x' FROM l WHERE t.pk = l.pk AND t.sk = l.sk")
    db.execute("PREPARE d AS DELETE FROM t USING l WHERE t.pk = l.pk AND t.sk = l.sk")
    assert db.execute("EXECUTE w").rowcount == 1
    assert db.execute("EXECUTE d").rowcount == 1
    site.remake(definition(("sk",), "sk:N"), [{"pk": "p1", "sk": 1, "b": 5}, {"pk": "p2", "sk": 2}])
    with pytest.raises(psycopg.Error):
        db.execute("EXECUTE w")
    assert db.execute("EXECUTE w").rowcount == 1
    assert db.execute("EXECUTE d").rowcount == 1
    (left,) = site.resource.Table(site.name).scan()["Items"]
    assert left["sk"] == 2


def test_cursors_under_way_go_on(site):
    """What is being read is not what was planned anew."""
    db = site.db
    with db.transaction():
        db.execute("DECLARE c CURSOR FOR SELECT sk FROM t WHERE g = 'g' AND a >= 0 ORDER BY a")
        assert site.rows("FETCH 2 FROM c") == ordered("a")[:2]
        site.notice()
        assert site.rows("FETCH ALL FROM c") == ordered("a")[2:]


def test_new_indexes_are_used(site):
    """They disturb nobody, and plans made before come to use them."""
    db = site.db
    db.execute("PREPARE s(int) AS SELECT sk FROM t WHERE b = $1")
    assert site.rows("EXECUTE s(7)") == [(1,)]
    assert foreign_scan(explain(db, "EXECUTE s(7)"))["DynamoDB Operation"] == "Scan"
    keys = definition(
        ("pk", "sk"),
        "pk:S sk:N g:S a:N b:N",
        gsis=[index("byG", "g", "a"), index("byB", "b")],
    )
    site.remake(keys)
    db.execute("SET ddb_fdw.description_lifetime = 0")
    assert site.rows("EXECUTE s(7)") == [(1,)]
    scan = foreign_scan(explain(db, "EXECUTE s(7)"))
    assert scan["DynamoDB Operation"] == "Query" and scan["DynamoDB Index"] == "byB"


def test_index_that_is_being_built_or_gone(site):
    db = site.db
    db.execute("PREPARE s(text) AS SELECT sk FROM t WHERE g = $1 AND a >= 0 ORDER BY a")
    assert site.rows("EXECUTE s('g')") == ordered("a")

    def building(reply):
        for one in reply["Table"]["GlobalSecondaryIndexes"]:
            one["IndexStatus"] = "CREATING"
            one["Backfilling"] = True

    with site.proxy.inject(rewrite(building), operation="DescribeTable"):
        site.notice()
        assert foreign_scan(explain(db, "EXECUTE s('g')"))["DynamoDB Operation"] == "Scan"
        assert site.rows("EXECUTE s('g')") == ordered("a")
    site.notice()
    assert foreign_scan(explain(db, "EXECUTE s('g')"))["DynamoDB Index"] == "byG"
    assert site.rows("EXECUTE s('g')") == ordered("a")
    site.remake(definition(("pk", "sk"), "pk:S sk:N"))
    site.notice()
    assert site.rows("EXECUTE s('g')") == ordered("a")


def test_same_description_keeps_plans(site):
    """Sizes and order do not count, and nothing is planned anew for them."""
    db = site.db

    def resize(reply):
        reply["Table"]["ItemCount"] = 2 * 10**6

    db.execute("PREPARE s(text) AS SELECT sk FROM t WHERE g = $1 AND a >= 0 ORDER BY a")
    assert site.rows("EXECUTE s('g')") == ordered("a")
    db.execute("SET ddb_fdw.description_lifetime = 0")
    with site.proxy.inject(rewrite(resize), operation="DescribeTable"):
        for _ in range(3):
            assert site.rows("EXECUTE s('g')") == ordered("a")
    ((generic, custom),) = site.rows(
        "SELECT generic_plans, custom_plans FROM pg_prepared_statements WHERE name = 's'"
    )
    assert (generic, custom) == (4, 0)


def test_ttl_attribute(site):
    """Items expire by another attribute: plans kept hide by that."""
    db = site.db
    declare_time_to_live(site.name, "old")
    db.execute("ALTER FOREIGN TABLE t OPTIONS (ADD hide_expired 'true')")
    db.execute("PREPARE s AS SELECT count(*) FROM t WHERE pk = 'p1'")
    assert site.rows("EXECUTE s") == [(5,)]
    declare_time_to_live(site.name, "new")
    db.execute("SET ddb_fdw.description_lifetime = 0")
    with pytest.raises(psycopg.errors.SerializationFailure):
        site.rows("EXECUTE s")
    assert site.rows("EXECUTE s") == [(5,)]
    assert foreign_scan(explain(db, "EXECUTE s"))["Hide Expired"] == "new"
