#!/usr/bin/env python3
# SPDX-License-Identifier: PostgreSQL
"""make lint: how the code is written.

The cheap checks (sizes, banned calls, error codes, layering, symbols) are also
tests (test/house/test_lint.py); this program adds clang-format, cppcheck and
clang-tidy.  Each check is a generator of complaints, "file:line: what".
"""

import os
import pathlib
import re
import subprocess
import sys

REPOSITORY = pathlib.Path(__file__).resolve().parent.parent
SOURCE = REPOSITORY / "src"
LIBRARY = REPOSITORY / "ddb_fdw.so"

LICENSE = "SPDX-License-Identifier: PostgreSQL"
LICENSED = {".c", ".h", ".py", ".sh", ".mk"}
LONGEST_FILE = 1000
LONGEST_FUNCTION = 100
MOST_WRITERS = 6

BANNED = re.compile(r"\b(sprintf|vsprintf|strcpy|strcat|atoi|strtok|gmtime)\s*\(")
PLAIN_FOLDERS = {"client", "format"}

# Which rooms of src/ a room may include besides itself.  What is not a key may
# include all of them: the files that stand in no room.
MAY_INCLUDE = {
    "format": "",
    "client": "",
    "model": "format client",
    "codec": "format model",
    "remote": "client model codec",
    "request": "format model codec",
    "clause": "model codec request",
    "plan": "format model codec remote request clause",
    "kept": "",
    "scan": "format client model codec remote request kept",
    "statistics": "model codec remote request scan",
    "join": "model codec request clause plan scan kept",
    "modify": "format client model codec remote request clause plan scan kept",
}
BACKEND_WORDS = re.compile(
    r'#\s*include\s*[<"]postgres\.h|\b(palloc\w*|pfree|psprintf|ereport|elog|PG_TRY)\s*\('
)
SYMBOLS = re.compile(r"^(ddb|Ddb|_PG_|pg_finfo_|Pg_magic|_init$|_fini$)")

CLANG_TIDY_CHECKS = (
    "-*,bugprone-*,clang-analyzer-*,cert-err34-c,cert-flp30-c,misc-redundant-expression,"
    "readability-misleading-indentation,readability-redundant-declaration,"
    "-bugprone-easily-swappable-parameters,-bugprone-reserved-identifier,"
    # PostgreSQL's macros, not ours:
    "-bugprone-macro-parentheses,-bugprone-assignment-in-if-condition,"
    "-bugprone-sizeof-expression,"
    # lengths are int throughout PostgreSQL; bytes are often copied without a
    # terminator here; equal branches may stand for different reasons:
    "-bugprone-narrowing-conversions,-bugprone-not-null-terminated-result,"
    "-bugprone-branch-clone,"
    # wants memcpy_s and its kind, which glibc does not have
    "-clang-analyzer-security.insecureAPI.DeprecatedOrUnsafeBufferHandling"
)


def sources(suffixes=(".c", ".h")):
    return sorted(p for p in SOURCE.rglob("*") if p.suffix in suffixes)


def name(path):
    return path.relative_to(REPOSITORY)


def is_plain(path):
    """Part of the ring that knows nothing of PostgreSQL?"""
    return path.parent.name in PLAIN_FOLDERS


def without_comments(text):
    """Comments and string contents blanked, line numbers kept."""
    pattern = r'/\*.*?\*/|//[^\n]*|"(?:\\.|[^"\\\n])*"|\'(?:\\.|[^\'\\\n])*\''

    def blank(match):
        found = match.group()
        if found[0] in "\"'":
            return found[0] + " " * (len(found) - 2) + found[0]
        return re.sub(r"[^\n]", " ", found)

    # An #include's file name looks like a string and is kept.
    lines = text.split("\n")
    blanked = re.sub(pattern, blank, text, flags=re.DOTALL).split("\n")
    return "\n".join(
        line if re.match(r"\s*#\s*include", line) else code for line, code in zip(lines, blanked)
    )


def matches(pattern, text):
    """(line number, match) of a pattern in code."""
    for match in pattern.finditer(text):
        yield text.count("\n", 0, match.start()) + 1, match


# ---- cheap checks --------------------------------------------------------------


def check_sizes():
    for path in sources():
        lines = path.read_text().split("\n")
        if len(lines) - 1 > LONGEST_FILE:
            yield f"{name(path)}: {len(lines) - 1} lines, at most {LONGEST_FILE}"
        start = None
        for number, line in enumerate(lines, 1):
            if line == "{":
                start = number
            elif line.startswith("}") and start is not None:
                if number - start - 1 > LONGEST_FUNCTION:
                    yield (
                        f"{name(path)}:{start}: a function of {number - start - 1} lines, "
                        f"at most {LONGEST_FUNCTION}"
                    )
                start = None


def check_banned_calls():
    for path in sources():
        for number, match in matches(BANNED, without_comments(path.read_text())):
            yield f"{name(path)}:{number}: {match.group(1)}() is banned"


def statement_at(text, position):
    """From the opening parenthesis at position to the one that closes it."""
    depth = 0
    for end in range(position, len(text)):
        depth += (text[end] == "(") - (text[end] == ")")
        if depth == 0:
            return text[position : end + 1]
    return text[position:]


def check_error_codes():
    """Every ereport(ERROR ...) says its SQLSTATE, itself or by a helper."""
    pattern = re.compile(r"\bereport(_domain)?\s*(?=\(\s*(ERROR|FATAL)\b)")
    for path in sources():
        text = without_comments(path.read_text())
        for number, match in matches(pattern, text):
            if "errcode" not in statement_at(text, match.end()):
                yield f"{name(path)}:{number}: ereport(ERROR) without errcode"


def check_layering():
    includes = re.compile(r'#\s*include\s*"(\w+)/(\w+)')
    for path in sources():
        text = without_comments(path.read_text())
        room = path.parent.name
        allowed = {room, *MAY_INCLUDE.get(room, " ".join(MAY_INCLUDE)).split()}
        if is_plain(path):
            for number, match in matches(BACKEND_WORDS, text):
                yield f"{name(path)}:{number}: {match.group().strip('( ')} in code that must not know PostgreSQL"
        for number, match in matches(includes, text):
            if match[1] in MAY_INCLUDE and match[1] not in allowed:
                yield f"{name(path)}:{number}: includes {match[1]}/{match[2]}, which {room}/ must not"
            elif is_plain(path) and match[1] not in PLAIN_FOLDERS:
                yield f"{name(path)}:{number}: includes {match[1]}/{match[2]} of another layer"
        if path != SOURCE / "compat.h":
            for number, _ in matches(re.compile(r"\bPG_VERSION_NUM\b"), text):
                yield f"{name(path)}:{number}: PG_VERSION_NUM outside compat.h"
            # It wants ICU's headers, which compat.h does without.
            for number, _ in matches(re.compile(r"#\s*include\s*\"(utils/pg|tsearch/ts)_locale"), text):
                yield f"{name(path)}:{number}: includes the server's locales outside compat.h"


def check_rooms():
    """No room includes another one that includes it, and each has a README."""
    for room, others in MAY_INCLUDE.items():
        for other in others.split():
            if room in MAY_INCLUDE[other].split():
                yield f"{room}/ and {other}/ may include each other"
        if not (SOURCE / room / "README.md").exists():
            yield f"{name(SOURCE / room)} has no README.md"
    for folder in {path.parent for path in sources()} - {SOURCE}:
        if folder.name not in MAY_INCLUDE:
            yield f"{name(folder)} is no room that MAY_INCLUDE names"


def check_symbols(library=LIBRARY):
    """Before PostgreSQL 17 a module's symbols are global to the server."""
    if not library.exists():
        yield f"{library.name} is not built"
        return
    listing = subprocess.run(
        ["nm", "-D", "--defined-only", os.fspath(library)],
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    for line in listing.splitlines():
        symbol = line.split()[-1]
        if not SYMBOLS.match(symbol):
            yield f"{library.name}: exports {symbol}, which lacks the prefix"


def check_licenses():
    """Every source file names its license."""
    for folder in ("src", "test", "tools", "bench"):
        for path in sorted((REPOSITORY / folder).rglob("*")):
            if path.suffix in LICENSED and LICENSE not in path.read_text()[:200]:
                yield f"{name(path)}: no line \"{LICENSE}\""


def struct_members(text):
    """Of each struct: its members as pairs of type and name."""
    structs = re.findall(r"typedef struct \w+\s*\{([^{}]*)\}\s*(\w+);", text)
    return {
        struct: re.findall(r"(\w+) \**(\w+)(?:\[[^]]*\])?;", body)
        for body, struct in structs
    }


def check_plan_fields():
    """What is not in the tables of access_plan.c does not reach the executor."""
    source = SOURCE / "request" / "access_plan.c"
    headers = (SOURCE / "request" / "access_plan.h", SOURCE / "model" / "table_info.h")
    structs = {}
    for header in headers:
        structs |= struct_members(without_comments(header.read_text()))
    named = {}
    for struct, field in re.findall(r"FIELD\(\w+, (Ddb\w+), ([\w.]+)\)", source.read_text()):
        named.setdefault(struct, []).append(field)
    for struct, fields in named.items():
        declared = []
        for kind, member in structs[struct]:
            # A part of the plan: its members are the plan's fields.
            parts = structs[kind] if kind.startswith("DdbPlan") else []
            declared += [f"{member}.{part}" for _, part in parts] or [member]
        for field in declared:
            if fields.count(field) != 1:
                yield f"{name(source)}: {struct} has {field} {fields.count(field)} times in its table"


# ---- who writes which struct ----------------------------------------------------

MEMBER = re.compile(r"(?:const |struct |unsigned )*(\w+)\s+\**(?:const )?(\w+)(?:\[[^]]*\])*;")
VARIABLE = re.compile(
    r"[(,;{}\n]\s*(?:static |const |struct )*(?!return\b|else\b|goto\b|case\b)(\w+)"
    r"\s+\**(?:const )?(\w+)(?:\[[^]]*\])*\s*(?=[=;,)])"
)
FUNCTION = re.compile(r"^(?:static |extern |inline |const |struct )*(\w+)\s+\**(\w+)\(", re.M)
STEP = r"\s*(?:->|\.)\s*\w+(?:\[[^]=]*\])*"
WRITE = re.compile(
    r"(?:\(\((?:const |struct )*(\w+) \*\)[^()]*\)"  # ((T *) x)
    r"|(\w+)\([^()]*\)"  # f(x)
    r"|(?<![\w>.])(\w+)(?:\[[^]=]*\])*)"  # x, x[i]
    rf"((?:{STEP})+)\s*(?:[-+*/|&^]|<<|>>)?(?:=(?!=)|\+\+|--)"
)


def members_of(text):
    """Of each struct, by tag and by name: {member: type}."""
    found = {}
    for tag, body, alias in re.findall(r"struct (\w+)\s*\{([^{}]*)\}\s*(\w*)\s*;", text):
        found[tag] = found[alias or tag] = {field: kind for kind, field in MEMBER.findall(body)}
    return found


def writers():
    """Of each struct of src/'s headers: which fields each file assigns, as {struct: {path: fields}}.

    What stands left of an assignment is followed from its variable, whose type
    is that of its declaration in the same function, member by member: a write
    to a->b.c counts for the struct that c is in.  Not seen: writes through the
    address of a member, and structs that are assigned or set up as a whole.
    """
    code = {path: without_comments(path.read_text()) for path in sources()}
    declared = {path: members_of(text) for path, text in code.items()}
    shared = {}
    returns = {}
    for path, text in code.items():
        if path.suffix == ".h":
            shared |= declared[path]
        returns |= {function: kind for kind, function in FUNCTION.findall(text)}
    found = {}
    for path, text in code.items():
        members = shared | declared[path]
        for function in re.split(r"^}", text, flags=re.M):
            variables = {variable: kind for kind, variable in VARIABLE.findall(function)}
            for cast, call, variable, chain in WRITE.findall(function):
                struct = cast or returns.get(call) or variables.get(variable)
                *steps, field = re.findall(r"(?:->|\.)\s*(\w+)", chain)
                for step in steps:
                    struct = members.get(struct, {}).get(step)
                if struct in shared and field in members[struct]:
                    found.setdefault(struct, {}).setdefault(path, set()).add(field)
    return found


def check_writers():
    """A struct that many files write belongs to none of them."""
    for struct, files in sorted(writers().items()):
        if len(files) > MOST_WRITERS:
            names = ", ".join(sorted(path.name for path in files))
            yield f"{struct} is written by {len(files)} files, at most {MOST_WRITERS}: {names}"


def check_headers():
    """What a header declares is defined in its own .c file."""
    defined = {}
    for path in sources((".c",)):
        for function in re.findall(r"^(\w+)\(", path.read_text(), re.M):
            defined[function] = path
    for path in sources((".h",)):
        text = without_comments(path.read_text())
        for number, match in matches(re.compile(r"^extern [^;()]*?(\w+)\(", re.M), text):
            other = defined.get(match[1])
            if other is not None and other.with_suffix(".h") != path:
                yield f"{name(path)}:{number}: declares {match[1]}() of {other.name}"


CHEAP = (
    check_headers,
    check_licenses,
    check_plan_fields,
    check_sizes,
    check_writers,
    check_banned_calls,
    check_error_codes,
    check_layering,
    check_rooms,
    check_symbols,
)


# ---- tools ---------------------------------------------------------------------


def include_flags():
    server = subprocess.run(
        [os.environ.get("PG_CONFIG") or "pg_config", "--includedir-server"],
        capture_output=True,
        text=True,
        check=True,
    ).stdout.strip()
    return ["-Isrc", "-isystem", server, "-D_GNU_SOURCE"]


def tool(command):
    """A tool's lines as complaints, if it fails."""
    done = subprocess.run(
        [os.fspath(part) for part in command],
        cwd=REPOSITORY,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    if done.returncode != 0:
        for line in done.stdout.splitlines():
            if not re.fullmatch(r"\d+ warnings? (generated|treated as errors?)\.?", line):
                yield line


def check_format():
    paths = sources()
    if paths:
        yield from tool(["clang-format", "--dry-run", "-Werror", *paths])


def check_cppcheck():
    yield from tool(
        [
            "cppcheck",
            "--quiet",
            "--std=c11",
            "--error-exitcode=1",
            "--inline-suppr",
            "--enable=warning,portability",
            "--suppress=missingInclude",
            "--suppress=missingIncludeSystem",
            "--suppress=unknownMacro",
            # Without PostgreSQL's headers it cannot tell which functions return;
            # clang-tidy's analyzer, which reads them, looks for the same.
            "--suppress=nullPointerRedundantCheck",
            "--suppress=ctunullpointer",
            "--suppress=legacyUninitvar",
            "--suppress=zerodivcond",
            "--template={file}:{line}: {severity}: {message} [{id}]",
            "-DPG_VERSION_NUM=150000",
            "--include=tools/cppcheck.h",
            "-Isrc",
            "src",
        ]
    )


def check_clang_tidy():
    paths = sources((".c",))
    if paths:
        yield from tool(
            [
                "clang-tidy",
                "--quiet",
                f"--checks={CLANG_TIDY_CHECKS}",
                "--warnings-as-errors=*",
                *paths,
                "--",
                "-std=gnu11",
                *include_flags(),
            ]
        )


TOOLS = (check_format, check_cppcheck, check_clang_tidy)


def main():
    failed = False
    for check in CHEAP + TOOLS:
        complaints = list(check())
        print(f"{check.__name__[len('check_'):].replace('_', ' ')}: {'fails' if complaints else 'ok'}")
        for complaint in complaints:
            print(f"  {complaint}")
        failed = failed or bool(complaints)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
