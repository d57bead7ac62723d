# SPDX-License-Identifier: PostgreSQL
"""What an UPDATE does not change keeps the type and the spelling in which it is stored."""

import pytest
from support.aws import client
from support.fdw import foreign_table, make_server
from support.systems import definition

KEYS = definition(("pk",), "pk:S")
DOCUMENT = {
    "n": {"N": "1"},
    "tags": {"SS": ["a", "b"]},
    "sizes": {"NS": ["1", "2.5"]},
    "seen": {"BS": [b"\1\2", b"hello"]},
    "raw": {"B": b"hello"},
    "text": {"S": "aGVsbG8="},
    "in": {"M": {"tags": {"SS": ["x"]}, "n": {"N": "2"}, "gone": {"BOOL": True}}},
    "list": {"L": [{"SS": ["p", "q"]}, {"B": b"\1\2"}, {"M": {"s": {"NS": ["7"]}}}]},
}

def in_order(value):
    """The attribute value with the members of its sets sorted."""
    ((tag, inside),) = value.items()
    if tag == "M":
        return {"M": {name: in_order(member) for name, member in inside.items()}}
    if tag == "L":
        return {"L": [in_order(member) for member in inside]}
    return {tag: sorted(inside) if tag in ("SS", "NS", "BS") else inside}


class Items:
    """A DynamoDB table's items as they are on the wire, without their keys."""

    def __init__(self, dynamodb, name):
        self.client, self.name = client(dynamodb.endpoint), name

    def put(self, attributes, key="a"):
        self.client.put_item(TableName=self.name, Item={"pk": {"S": key}, **attributes})

    def get(self, key="a"):
        reply = self.client.get_item(
            TableName=self.name, Key={"pk": {"S": key}}, ConsistentRead=True
        )
        item = {name: in_order(value) for name, value in reply["Item"].items()}
        del item["pk"]
        return item


@pytest.fixture
def items(db, dynamodb, proxy, make_items):
    make_server(db, proxy.endpoint)
    db.execute("CREATE TABLE one (x int, key text)")
    db.execute("INSERT INTO one VALUES (1, 'a')")
    return Items(dynamodb, make_items(KEYS).name)


def document_table(db, items):
    foreign_table(db, "t", ["pk text", "d jsonb"], table_name=items.name)


#: found by the scan itself, in a join, with a trigger that changes nothing
WAYS = ["scan", "key", "join", "trigger"]


def run(db, way, assignment):
    """Runs UPDATE t SET assignment for the item of key a."""
    if way == "trigger":
        db.execute(
            "CREATE OR REPLACE FUNCTION nothing() RETURNS trigger LANGUAGE plpgsql"
            " AS 'BEGIN RETURN new; END'"
        )
        db.execute("DROP TRIGGER IF EXISTS nothing ON t")
        db.execute(
            "CREATE TRIGGER nothing BEFORE UPDATE ON t FOR EACH ROW EXECUTE FUNCTION nothing()"
        )
    where = {"scan": "WHERE pk <> 'b'", "join": "FROM one WHERE pk = key"}.get(
        way, "WHERE pk = 'a'"
    )
    assert db.execute(f"UPDATE t SET {assignment} {where}").rowcount == 1


def changed(document, *path, to=None):
    """The document with what the path leads to set, or removed."""
    name, *rest = path
    copy = dict(document)
    if rest:
        copy[name] = {"M": changed(document[name]["M"], *rest, to=to)}
    elif to is None:
        del copy[name]
    else:
        copy[name] = to
    return copy


DOCUMENT_CHANGES = {
    "d['n'] = '2'": changed(DOCUMENT, "n", to={"N": "2"}),
    "d['in']['n'] = '\"x\"'": changed(DOCUMENT, "in", "n", to={"S": "x"}),
    "d = jsonb_set(d, '{new}', '[1]')": changed(DOCUMENT, "new", to={"L": [{"N": "1"}]}),
    "d = jsonb_set(d, '{in,new}', '{\"a\": []}')": changed(
        DOCUMENT, "in", "new", to={"M": {"a": {"L": []}}}
    ),
    "d = d": DOCUMENT,
    "d = d - 'in'": changed(DOCUMENT, "in"),
    "d = d #- '{in,gone}'": changed(DOCUMENT, "in", "gone"),
    "d['raw'] = '\"other\"'": changed(DOCUMENT, "raw", to={"S": "other"}),
    # sets whose members change
    "d['tags'] = d['tags'] || '\"c\"'": changed(DOCUMENT, "tags", to={"SS": ["a", "b", "c"]}),
    "d['tags'] = '[\"b\"]'": changed(DOCUMENT, "tags", to={"SS": ["b"]}),
    "d['in']['tags'] = '[\"y\", \"x\"]'": changed(DOCUMENT, "in", "tags", to={"SS": ["x", "y"]}),
    "d['sizes'] = d['sizes'] || '3'": changed(DOCUMENT, "sizes", to={"NS": ["1", "2.5", "3"]}),
    "d['seen'] = d['seen'] || '\"AAA=\"'": changed(
        DOCUMENT, "seen", to={"BS": [b"\0\0", b"\1\2", b"hello"]}
    ),
    # what cannot be a set is none
    "d['tags'] = '[]'": changed(DOCUMENT, "tags", to={"L": []}),
    "d['tags'] = '[\"a\", \"a\"]'": changed(DOCUMENT, "tags", to={"L": [{"S": "a"}, {"S": "a"}]}),
    "d['tags'] = '[\"a\", 1]'": changed(DOCUMENT, "tags", to={"L": [{"S": "a"}, {"N": "1"}]}),
    "d['tags'] = '\"a\"'": changed(DOCUMENT, "tags", to={"S": "a"}),
    "d['sizes'] = '[1, 1.0]'": changed(DOCUMENT, "sizes", to={"L": [{"N": "1"}, {"N": "1"}]}),
    # elements of lists
    "d['list'] = d['list'] || '4'": changed(
        DOCUMENT, "list", to={"L": [*DOCUMENT["list"]["L"], {"N": "4"}]}
    ),
    "d = d #- '{list,0}'": changed(DOCUMENT, "list", to={"L": DOCUMENT["list"]["L"][1:]}),
    "d = jsonb_insert(d, '{list,1}', '0')": changed(
        DOCUMENT,
        "list",
        to={"L": [DOCUMENT["list"]["L"][0], {"N": "0"}, *DOCUMENT["list"]["L"][1:]]},
    ),
    "d = jsonb_set(d, '{list,2,s}', '[7, 8]')": changed(
        DOCUMENT, "list", to={"L": [*DOCUMENT["list"]["L"][:2], {"M": {"s": {"NS": ["7", "8"]}}}]}
    ),
    "d = jsonb_set(d, '{list}', '[{\"s\": [7]}, [\"p\", \"q\"]]')": changed(
        DOCUMENT, "list", to={"L": [DOCUMENT["list"]["L"][2], DOCUMENT["list"]["L"][0]]}
    ),
}


@pytest.mark.parametrize("way", WAYS)
def test_members_beside_the_changed_one(db, items, way):
    document_table(db, items)
    other = {"SS": ["stays"]}
    for assignment, document in DOCUMENT_CHANGES.items():
        items.put({"d": {"M": DOCUMENT}, "other": other})
        run(db, way, assignment)
        assert items.get() == {
            "d": in_order({"M": document}),
            "other": other,
        }, assignment


def test_documents_at_a_path(db, items):
    foreign_table(
        db, "t", ["pk text", "d jsonb OPTIONS (attribute 'at.d')"], table_name=items.name
    )
    for way in WAYS:
        for assignment, document in DOCUMENT_CHANGES.items():
            items.put({"at": {"M": {"d": {"M": DOCUMENT}, "s": {"SS": ["z"]}}}})
            run(db, way, assignment)
            expected = {"at": in_order({"M": {"d": {"M": document}, "s": {"SS": ["z"]}}})}
            assert items.get() == expected, (way, assignment)


def test_members_of_an_overflow(db, items):
    foreign_table(
        db,
        "t",
        ["pk text", "v int", "d jsonb OPTIONS (overflow 'true')"],
        table_name=items.name,
    )
    changes = {"d = d || '{}', v = 2": DOCUMENT, **DOCUMENT_CHANGES}
    for way in WAYS:
        for assignment, document in changes.items():
            items.put({"v": {"N": "2"}, **DOCUMENT})
            run(db, way, assignment)
            expected = {"v": {"N": "2"}, **in_order({"M": document})["M"]}
            assert items.get() == expected, (way, assignment)


def whole_item_table(db, items):
    foreign_table(
        db,
        "t",
        ["pk text", "v numeric", "u uuid", "s text[] OPTIONS (type 'SS')"]
        + ["d jsonb OPTIONS (attribute '*')"],
        table_name=items.name,
    )


#: attributes that columns would spell in another way
SHOWN = {"u": {"S": "A0EEBC99-9C0B-4EF8-BB6D-6BB9BD380A11"}, "v": {"N": "2"}, "s": {"SS": ["q"]}}


@pytest.mark.parametrize("way", WAYS)
def test_attributes_of_a_whole_item(db, items, way):
    whole_item_table(db, items)
    changes = {
        **DOCUMENT_CHANGES,
        "d = d, v = 3": {**DOCUMENT, "v": {"N": "3"}},
        "d['v'] = '3'": {**DOCUMENT, "v": {"N": "3"}},
        "d['s'] = '[\"q\", \"r\"]'": {**DOCUMENT, "s": {"SS": ["q", "r"]}},
        "d = d - 'u'": {**DOCUMENT, "u": None},
    }
    for assignment, document in changes.items():
        items.put({**SHOWN, **DOCUMENT})
        run(db, way, assignment)
        wanted = {**SHOWN, **document}
        wanted = {name: value for name, value in wanted.items() if value is not None}
        assert items.get() == in_order({"M": wanted})["M"], assignment


@pytest.mark.parametrize("way", WAYS)
def test_more_changes_than_an_expression_can_say(db, items, way):
    """Maps are then written whole, and so are items."""
    many = {f"member number {i}": {"N": "1"} for i in range(400)}
    more = {name: {"N": "2"} for name in many}
    sql = "d || (SELECT jsonb_object_agg('member number ' || i, 2) FROM generate_series(0, 399) i)"
    foreign_table(db, "t", ["pk text", "d jsonb"], table_name=items.name)
    items.put({"d": {"M": {**DOCUMENT, **many}}})
    run(db, way, f"d = {sql}")
    assert items.get() == in_order({"M": {"d": {"M": {**DOCUMENT, **more}}}})["M"]
    db.execute("DROP FOREIGN TABLE t")
    whole_item_table(db, items)
    items.put({**SHOWN, **DOCUMENT, **many})
    run(db, way, f"d = {sql}")
    assert items.get() == in_order({"M": {**SHOWN, **DOCUMENT, **more}})["M"]


def test_typed_documents_say_their_types(db, items):
    foreign_table(
        db, "t", ["pk text", "d jsonb OPTIONS (format 'dynamodb')"], table_name=items.name
    )
    for way in WAYS:
        items.put({"d": {"M": DOCUMENT}})
        run(db, way, """d['M']['tags'] = '{"L": [{"S": "a"}, {"S": "b"}]}'""")
        listed = changed(DOCUMENT, "tags", to={"L": [{"S": "a"}, {"S": "b"}]})
        assert items.get() == in_order({"M": {"d": {"M": listed}}})["M"], way
        run(db, way, """d['M']['n']['N'] = '"2"'""")
        listed["n"] = {"N": "2"}
        assert items.get() == in_order({"M": {"d": {"M": listed}}})["M"], way


ARRAYS = [
    ("text[]", {"SS": ["a", "b"]}, "a", {"SS": ["a", "b"]}),
    ("text[]", {"SS": ["a", "b"]}, "a || 'c'::text", {"SS": ["a", "b", "c"]}),
    ("text[]", {"SS": ["a", "b"]}, "array_remove(a, 'a')", {"SS": ["b"]}),
    ("text[]", {"SS": ["a"]}, "array_remove(a, 'a')", {"L": []}),
    ("text[]", {"L": [{"S": "a"}]}, "a || 'c'::text", {"L": [{"S": "a"}, {"S": "c"}]}),
    ("text[]", {"SS": ["a"]}, "a || 'a'::text", {"L": [{"S": "a"}, {"S": "a"}]}),
    ("text[]", {"SS": ["a"]}, "a || NULL::text", {"L": [{"S": "a"}, {"NULL": True}]}),
    ("text[]", {"SS": ["é", "\\\""]}, "a || 'c'::text", {"SS": ["\\\"", "c", "é"]}),
    ("int[]", {"NS": ["1", "2"]}, "a || 3", {"NS": ["1", "2", "3"]}),
    ("numeric[]", {"NS": ["1", "2.5"]}, "a", {"NS": ["1", "2.5"]}),
    # members that a column shows less exactly than they are stored
    (
        "float4[]",
        {"NS": ["0.123456789012", "2"]},
        "a || 3::float4",
        {"NS": ["0.123456789012", "2", "3"]},
    ),
    (
        "uuid[]",
        {"SS": ["A0EEBC99-9C0B-4EF8-BB6D-6BB9BD380A11"]},
        "a || 'b0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11'::uuid",
        {
            "SS": [
                "A0EEBC99-9C0B-4EF8-BB6D-6BB9BD380A11",
                "b0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11",
            ]
        },
    ),
    (
        "timestamptz[]",
        {"L": [{"S": "2026-01-01T00:00:00.123456789Z"}, {"S": "2026-01-02T01:00:00+01:00"}]},
        "a || '2026-01-03Z'::timestamptz",
        {
            "L": [
                {"S": "2026-01-01T00:00:00.123456789Z"},
                {"S": "2026-01-02T01:00:00+01:00"},
                {"S": "2026-01-03T00:00:00Z"},
            ]
        },
    ),
    ("bytea[]", {"BS": [b"x"]}, "a || 'y'::bytea", {"BS": [b"x", b"y"]}),
    ("jsonb[]", {"L": [{"SS": ["a"]}]}, "a || '1'::jsonb", {"L": [{"SS": ["a"]}, {"N": "1"}]}),
    # other than arrays: what shows the same is the same
    ("float4", {"N": "0.123456789012"}, "a", {"N": "0.123456789012"}),
    (
        "timestamptz",
        {"S": "2026-01-01T00:00:00.123456789Z"},
        "a",
        {"S": "2026-01-01T00:00:00.123456789Z"},
    ),
    ("timestamptz", {"S": "2026-01-01T01:00:00+01:00"}, "a", {"S": "2026-01-01T01:00:00+01:00"}),
    (
        "uuid",
        {"S": "A0EEBC99-9C0B-4EF8-BB6D-6BB9BD380A11"},
        "a",
        {"S": "A0EEBC99-9C0B-4EF8-BB6D-6BB9BD380A11"},
    ),
    ("text OPTIONS (type 'any')", {"N": "5"}, "a", {"N": "5"}),
    ("text OPTIONS (type 'any')", {"SS": ["x"]}, "a || ''", {"SS": ["x"]}),
    ("text OPTIONS (type 'any')", {"N": "5"}, "a || ''", {"N": "5"}),
    ("text OPTIONS (type 'any')", {"N": "5"}, "a || '1'", {"S": "51"}),
    (
        "json",
        {"M": {"s": {"SS": ["x"]}, "n": {"N": "1"}}},
        "a",
        {"M": {"s": {"SS": ["x"]}, "n": {"N": "1"}}},
    ),
    # what does not fit is NULL here, and stays
    ("int OPTIONS (on_type_mismatch 'null')", {"S": "x"}, "a", {"S": "x"}),
    ("int OPTIONS (on_type_mismatch 'null')", {"S": "x"}, "a + 1", {"S": "x"}),
    ("int OPTIONS (on_type_mismatch 'null')", {"S": "x"}, "coalesce(a, 3)", {"N": "3"}),
    ("int OPTIONS (on_type_mismatch 'null')", {"S": "x"}, "NULL", None),
    ("int[] OPTIONS (on_type_mismatch 'null')", {"SS": ["x"]}, "a || 1", {"L": [{"N": "1"}]}),
    # the row as a whole tells the old value, too
    ("text[]", {"SS": ["a", "b"]}, "(t).a", {"SS": ["a", "b"]}),
    # what does not hang on the old value is stored as the column says
    ("text[]", {"SS": ["a", "b"]}, "'{a,b}'", {"L": [{"S": "a"}, {"S": "b"}]}),
]


@pytest.mark.parametrize("case", range(len(ARRAYS)))
def test_columns(db, items, case):
    column, before, value, after = ARRAYS[case]
    foreign_table(db, "t", ["pk text", f"a {column}", "v int"], table_name=items.name)
    for way in WAYS:
        items.put({"a": before, "v": {"N": "1"}})
        run(db, way, f"a = {value}, v = 2")
        expected = {"v": {"N": "2"}, **({} if after is None else {"a": in_order(after)})}
        assert items.get() == expected, way
