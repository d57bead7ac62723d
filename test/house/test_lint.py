# SPDX-License-Identifier: PostgreSQL
"""The cheap checks of make lint, and that they notice what they are for."""

import lint
import pytest


@pytest.mark.parametrize("check", [c for c in lint.CHEAP if c is not lint.check_symbols])
def test_sources(check):
    assert list(check()) == []


def test_symbols_of_the_installed_library(tree):
    library = tree.prefix / tree.ask("--pkglibdir").lstrip("/") / "ddb_fdw.so"
    assert list(lint.check_symbols(library)) == []


@pytest.fixture
def source(tmp_path, monkeypatch):
    """Function: puts text into a source file of an otherwise empty repository."""
    monkeypatch.setattr(lint, "REPOSITORY", tmp_path)
    monkeypatch.setattr(lint, "SOURCE", tmp_path / "src")

    def write(name, text):
        path = tmp_path / "src" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)

    return write


def test_notices_long_files_and_functions(source):
    source("scan/long.c", "int a;\n" * 1001)
    source("scan/function.c", "void\nf(void)\n{\n" + "\tg();\n" * 101 + "}\n")
    source("scan/fine.c", "void\nf(void)\n{\n" + "\tg();\n" * 100 + "}\n")
    assert [c.split(":")[0] for c in lint.check_sizes()] == ["src/scan/function.c", "src/scan/long.c"]


def test_notices_plan_fields_that_do_not_travel(source):
    source("model/table_info.h", "")
    source(
        "request/access_plan.h",
        "typedef struct DdbPlanLimit\n{\n\tint count; /* a; */\n\tint64 hint;\n} DdbPlanLimit;\n"
        "typedef struct DdbAccessPlan\n{\n\tDdbPlanLimit limit;\n\tstruct A *write;\n} DdbAccessPlan;\n",
    )
    source("request/access_plan.c", "FIELD(INT, DdbAccessPlan, limit.count),\nFIELD(A, DdbAccessPlan, write),\n")
    assert list(lint.check_plan_fields()) == [
        "src/request/access_plan.c: DdbAccessPlan has limit.hint 0 times in its table"
    ]


PARTS = """typedef struct Part
{
	int n; /* n; */
	struct Part *next;
} Part;
typedef struct State
{
	Part part;
	Part *parts[2];
	bool done;
} State;
"""


def test_sees_which_files_write_a_struct(source):
    source("scan/state.h", PARTS)
    source(
        "scan/a.c",
        "static State *\nstate_of(void *a)\n{\n\treturn a;\n}\n"
        "void\nf(State *state, int n)\n{\n\tstate->part.next->n += 1;\n\tstate->done = n == 1;\n}\n"
        "void\ng(Part *state)\n{\n\tState *other = state_of(state);\n\n\tother->parts[0]->next = NULL;\n"
        "\tif (state->n == 1 || state_of(state)->done)\n\t\treturn;\n}\n",
    )
    source("scan/b.c", "void\nf(void *a)\n{\n\t((State *) a)->part.n++;\n\t/* a->done = 1 */\n}\n")
    source("scan/c.c", "int\nf(const State *state)\n{\n\tOther *part = f();\n\n\tpart->n = state->part.n;\n}\n")
    found = {
        struct: {path.name: fields for path, fields in files.items()}
        for struct, files in lint.writers().items()
    }
    assert found == {"State": {"a.c": {"done"}}, "Part": {"a.c": {"n", "next"}, "b.c": {"n"}}}


def test_notices_structs_that_many_files_write(source):
    source("scan/state.h", PARTS)
    for i in range(7):
        source(f"scan/file{i}.c", "void\nf(State *state)\n{\n\tstate->done = true;\n\tstate->part.n = 1;\n}\n")
    source("scan/file6.c", "void\nf(State *state)\n{\n\tstate->part.n = 1;\n}\n")
    assert [c.split(",")[0] for c in lint.check_writers()] == ["Part is written by 7 files"]


def test_notices_headers_that_speak_for_other_files(source):
    source("scan/a.c", "void\nddb_a(void)\n{\n}\n\nDdbScan *\nddb_b(int b)\n{\n}\n")
    source("scan/a.h", "extern void ddb_a(void);\n/* extern void ddb_c(void); */\n")
    source("scan/b.h", "extern void ddb_c(void);\n\nextern DdbScan *ddb_b(int b);\n")
    assert list(lint.check_headers()) == ["src/scan/b.h:3: declares ddb_b() of a.c"]


def test_notices_missing_licenses(source):
    source("scan/a.c", "int a;\n")
    source("scan/b.c", f"/* {lint.LICENSE} */\nint b;\n")
    assert [c.split(":")[0] for c in lint.check_licenses()] == ["src/scan/a.c"]


def test_notices_banned_calls_but_not_in_comments(source):
    source("scan/a.c", '/* strcpy(a, b) */\nconst char *s = "atoi(";\nint i = atoi (s);\nsnprintf(b);\n')
    assert list(lint.check_banned_calls()) == ["src/scan/a.c:3: atoi() is banned"]


def test_notices_missing_error_codes(source):
    source(
        "scan/a.c",
        'ereport(ERROR,\n(errcode(ERRCODE_X),\nerrmsg("a")));\n'
        'ereport(ERROR, (errmsg("(b)")));\n'
        'ereport(NOTICE, (errmsg("c")));\n',
    )
    assert list(lint.check_error_codes()) == ["src/scan/a.c:4: ereport(ERROR) without errcode"]


def test_notices_broken_layers(source):
    source("client/a.c", '#include "postgres.h"\n#include "plan/quals.h"\n')
    source("format/json_reader.c", "char *p = palloc(1);\n")
    source("codec/codec.c", '#include "postgres.h"\n#if PG_VERSION_NUM > 1\n#endif\n')
    source("compat.h", "#if PG_VERSION_NUM > 1\n#endif\n")
    source("codec/locale.c", '#include "postgres.h"\n#include "utils/pg_locale.h"\n')
    assert [c.split(" ")[0] for c in lint.check_layering()] == [
        "src/client/a.c:1:",
        "src/client/a.c:2:",
        "src/codec/codec.c:2:",
        "src/codec/locale.c:2:",
        "src/format/json_reader.c:1:",
    ]


def test_notices_forbidden_includes(source):
    source("plan/paths.c", '#include "postgres.h"\n#include "scan/scan.h"\n#include "request/condition.h"\n')
    source("scan/scan.h", '#include "plan/plan_state.h"\n#include "catalog/pg_type.h"\n')
    source("format/decimal.c", '#include "client/error.h"\n')
    source("join/join_hook.c", '#include "plan/plan_state.h"\n#include "modify/spool_exec.h"\n')
    source("ddb_fdw.c", '#include "modify/modify_exec.h"\n#include "scan/scan.h"\n')
    assert [c.split(",")[0] for c in lint.check_layering()] == [
        "src/format/decimal.c:1: includes client/error",
        "src/join/join_hook.c:2: includes modify/spool_exec",
        "src/plan/paths.c:2: includes scan/scan",
        "src/scan/scan.h:1: includes plan/plan_state",
    ]


def test_the_rooms_have_no_circle():
    assert list(lint.check_rooms()) == []
