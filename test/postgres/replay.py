# SPDX-License-Identifier: PostgreSQL
"""One file of a suite, statement by statement in two databases.

    replay = Replay(local, foreign, twins, log, reasons)
    replay.run(text, name)
    replay.counts, replay.findings

After each statement both sides hold the same rows again: where it failed on
one side, was rolled back, or differed, the foreign tables follow the local
ones, so that one difference is told once.
"""

import contextlib
import dataclasses
import re
import time
from collections import Counter

from . import answers
from .script import Command, Script, Statement
from .session import CRASH
from .twins import IS_LIVE, own_settings

MAX_FOLLOWED = 40
REQUEST = re.compile(r"LOG:  DynamoDB (\w+) on table \"([^\"]+)\"")
WRITES = ("PutItem", "UpdateItem", "DeleteItem", "BatchWriteItem", "TransactWriteItems")
CONTROL = re.compile(
    r"\s*(begin|start|commit|end|rollback|abort|savepoint|release|prepare\s+transaction|set\s+transaction)\b",
    re.IGNORECASE,
)
ENDS = re.compile(r"\s*(rollback|abort|commit|end|prepare\s+transaction)\b", re.IGNORECASE)
DEFINES = re.compile(
    r"\s*(create|alter|drop|comment|grant|revoke|security|reassign|import)\b", re.IGNORECASE
)
ALONE = re.compile(
    r"\bconcurrently\b|\b(database|tablespace|subscription|system)\b|add\s+value", re.IGNORECASE
)
MAY_CREATE = re.compile(r"\b(create|into|call|do|execute|alter|import)\b", re.IGNORECASE)
MAY_RENAME = re.compile(r"\b(alter|drop|do|call|rollback|abort|create|discard)\b", re.IGNORECASE)
TARGET = re.compile(
    r"\s*(?:with\b.*?\)\s*)?(?:insert\s+into|update(?:\s+only)?|delete\s+from(?:\s+only)?|merge\s+into(?:\s+only)?|copy)\s+"
    r'((?:"[^"]+"|[\w$]+)(?:\.(?:"[^"]+"|[\w$]+))?)',
    re.IGNORECASE | re.DOTALL,
)
NAME = r'(?:"[^"]+"|[\w$]+)(?:\s*\.\s*(?:"[^"]+"|[\w$]+))*'
COPY_TABLE = re.compile(rf"(\s*copy\s+)({NAME})(\s*\([^)]*\))?(\s+(?:from|to)\b.*)", re.IGNORECASE | re.DOTALL)
DROP_TABLE = re.compile(r"\s*drop\s+table\s+(if\s+exists\s+)?(.*?)(\s+(?:cascade|restrict))?\s*$", re.IGNORECASE | re.DOTALL)
MAINTAINS = re.compile(r"\s*(vacuum|analyze|cluster|reindex|lock|refresh|checkpoint|discard)\b", re.IGNORECASE)
LIMITED = re.compile(r"(.*?)\b(?:limit|offset|fetch)\s[^()]*$", re.IGNORECASE | re.DOTALL)
VACUUM = re.compile(r"\s*vacuum\b(\s*\([^)]*\)|(\s+(full|freeze|verbose|analyze)\b)*)", re.IGNORECASE)
INSERT = re.compile(
    rf"(\s*insert\s+into\s+)({NAME})(\s+as\s+\w+)?(\s+(?:overriding\s+\w+\s+value\s+)?(?:values|select|with|table)\b.*|\s*\(\s*select\b.*)",
    re.IGNORECASE | re.DOTALL,
)


@contextlib.contextmanager
def own_statement(session):
    """For a statement that the suite does not have."""
    words = ("SAVEPOINT ddb_again", "ROLLBACK TO ddb_again; RELEASE ddb_again")
    begin, end = words if session.in_block else ("BEGIN", "ROLLBACK")
    session.run(begin)
    yield
    session.run(end)


@dataclasses.dataclass
class Finding:
    """A statement whose outcomes differ."""

    file: str
    line: int
    sql: str
    kind: str
    local: str
    foreign: str
    reason: str | None = None
    detail: str = ""

    def __str__(self):
        return (
            f"{self.file}:{self.line}: {self.kind}\n    {self.sql[:1500]}\n"
            f"  local:   {self.local[:1500]}\n  foreign: {self.foreign[:1500]}\n  {self.detail}"
        )


def shown(outcome):
    if outcome.error:
        return str(outcome)
    parts = []
    for answer in outcome.answers:
        parts.append(f"{answer.tag} {answer.rows[:30]}")
    return "; ".join(parts)


class Log:
    """Requests that the server's log tells of, since it was looked at last."""

    def __init__(self, cluster):
        self.cluster = cluster
        self.at = cluster.log_size()

    def requests(self):
        text = self.cluster.log_since(self.at)
        self.at += len(text.encode(errors="replace")) if text else 0
        self.at = self.cluster.log_size() if text else self.at
        return REQUEST.findall(text)


class Replay:
    def __init__(self, local, foreign, twins, log, reasons, variables=(), seconds=None):
        self.local, self.foreign, self.twins = local, foreign, twins
        self.log, self.reasons = log, reasons
        self.variables = variables
        self.deadline = time.monotonic() + seconds if seconds else None
        self.counts = Counter()
        self.findings = []
        self.held = set()  # twins written in the open transaction block
        self.name = ""

    # ---- the file ------------------------------------------------------------

    def run(self, text, name):
        self.name = name
        self.is_remote = name == "postgres_fdw"
        script = Script(text, self.variables)
        self.script = script
        for step in script:
            if self.deadline and time.monotonic() > self.deadline:
                self.counts["cut off"] += 1
                break
            script.standard_strings = self.local.standard_strings
            if isinstance(step, Statement):
                self._statement(step)
            else:
                self._command(step)
        for session in (self.local, self.foreign):
            if session.in_block or session.failed:
                session.run("ROLLBACK")
        self._follow(self.held)

    def _command(self, step):
        arguments = self.script.arguments(step.argument)
        if step.name == "set" and arguments:
            self.script.variables[arguments[0]] = "".join(arguments[1:])
        elif step.name == "unset" and arguments:
            self.script.variables.pop(arguments[0], None)
        elif step.name == "getenv" and len(arguments) > 1:
            name = arguments[1].lower().removeprefix("pg_")
            if name in self.variables:
                self.script.variables[arguments[0]] = self.variables[name]
        elif step.name in ("c", "connect"):
            self._reconnect(arguments)
        elif step.name == "copy":
            self._statement(Statement("COPY " + self.script.substitute(step.argument), step.line))

    def _reconnect(self, arguments):
        changes = {}
        if len(arguments) > 1 and arguments[1] != "-":
            changes["user"] = arguments[1]
        for session in (self.local, self.foreign):
            session.close()
            try:
                session.open(**changes)
            except ConnectionError:
                session.open()

    # ---- one statement -------------------------------------------------------

    def _statement(self, step):
        self.counts["statements"] += 1
        sql = step.sql
        lines = {}

        def data():
            if "lines" not in lines:
                lines["lines"] = self.script.copy_lines()
            return lines["lines"]

        local_sql, foreign_sql = self._rewrite(sql)
        self.log.requests()
        with self._in_step(sql) as undo:
            begun = time.monotonic()
            foreign = self.foreign.run(foreign_sql, data)
            requests = self.log.requests()
            local = self.local.run(local_sql, data)
            self.slow = (time.monotonic() - begun, self.name, step.line)
            undo(local, foreign)
        if CRASH in (local.error, foreign.error):
            self._crashed(step, local, foreign)
            return
        self._judge(step, sql, local, foreign, requests)
        self._after(step, sql, local, foreign, requests)
        if step.command in ("gset", "gexec") and not local.error and local.answers:
            self._use(step, local)

    def _use(self, step, outcome):
        answer = outcome.answers[-1]
        if step.command == "gset" and len(answer.rows) == 1:
            for name, value in zip(answer.names, answer.rows[0], strict=True):
                self.script.variables[step.argument.strip() + name] = value or ""
        elif step.command == "gexec":
            for row in answer.rows:
                for value in filter(None, row):
                    self._statement(Statement(value, step.line))

    @contextlib.contextmanager
    def _in_step(self, sql):
        """Statements of both sides succeed or fail together, where that can be
        arranged: what defines something that a foreign table cannot have is
        taken back on the other side; within a block a failure of one side
        takes back just its statement."""
        sessions = (self.foreign, self.local)
        defines = DEFINES.match(sql) and not ALONE.search(sql)
        in_block = all(s.in_block for s in sessions)
        guarded = in_block and not CONTROL.match(sql)
        if guarded:
            for session in sessions:
                session.run("SAVEPOINT ddb_step")
        elif defines and not self.local.failed:
            for session in sessions:
                session.run("BEGIN")

        def undo(local, foreign):
            apart = bool(local.error) != bool(foreign.error)
            if CRASH in (local.error, foreign.error):
                return
            if guarded:
                self._end_guard(local, foreign, apart, bool(defines))
            elif defines and not self.local.failed | self.foreign.failed and not apart and self.local.in_block:
                for session, outcome in zip(sessions, (foreign, local), strict=True):
                    ended = session.run("COMMIT")
                    if ended.error:
                        outcome.error, outcome.message = ended.error, ended.message
            elif defines and (self.local.in_block or self.local.failed or self.foreign.in_block or self.foreign.failed):
                for session in sessions:
                    session.run("ROLLBACK")

        yield undo

    def _end_guard(self, local, foreign, apart, defines):
        sessions = ((self.foreign, foreign), (self.local, local))
        if not apart and not local.error:
            for session, _ in sessions:
                if session.in_block:
                    session.run("RELEASE ddb_step")
            return
        if not apart:
            return  # both blocks are aborted, as the suite expects
        for session, outcome in sessions:
            if outcome.error or defines:
                session.run("ROLLBACK TO ddb_step")
            session.run("RELEASE ddb_step")

    def _crashed(self, step, local, foreign):
        side = "foreign" if foreign.error == CRASH else "local"
        finding = Finding(self.name, step.line, step.sql, f"{side} server crashed", shown(local), shown(foreign))
        self._record(finding, None if side == "foreign" else "the local server")
        deadline = time.monotonic() + 60
        for session in (self.local, self.foreign):
            session.connection.finish()
            while True:
                try:
                    session.open()
                    break
                except ConnectionError:
                    if time.monotonic() > deadline:
                        raise
                    time.sleep(0.5)
        self._follow(set(self.twins.twins))

    # ---- rewriting -------------------------------------------------------------

    def _rewrite(self, sql):
        """The statement as each side gets it."""
        found = COPY_TABLE.match(sql)
        if found and found.group(2).lower() in self.twins.remote and not found.group(3):
            return sql, self._copy_remote(sql, found)
        if found:
            return (self._copy(found),) * 2
        found = DROP_TABLE.match(sql)
        if found:
            return sql, self._drop(sql, found)
        if self.is_remote and re.match(r"\s*alter\s+foreign\s+table", sql, re.IGNORECASE):
            if any(name in sql for name in self.twins.remote):
                return sql, self._remote_options(sql)
        found = VACUUM.match(sql)
        if found:
            return sql, re.sub(VACUUM, "ANALYZE", sql) if "analyze" in found.group().lower() else "SELECT"
        found = INSERT.match(sql)
        if found:
            return (self._insert(sql, found),) * 2
        return sql, sql

    def _remote_options(self, sql):
        """Options of postgres_fdw as ours, for a table that became ours."""
        sql = re.sub(r"\bcolumn_name\b", "attribute", sql)
        found = re.search(r"table_name\s+'([^']+)'", sql)
        for twin in self.twins.twins.values() if found else ():
            if twin.name == found.group(1):
                return sql.replace(found.group(), f"table_name '{twin.stored}'")
        return sql

    def _visible(self, name):
        """The columns of one of our tables that the suite knows of, or None
        where there is no other."""
        if self.local.failed or self.foreign.failed:
            return None
        oid, kind = self.twins.find(self.local, name)
        if oid is None or kind not in "rp":
            return None
        rows = self.local.run(
            "SELECT attname, attgenerated FROM pg_catalog.pg_attribute"
            f" WHERE attrelid = {oid} AND attnum > 0 AND NOT attisdropped ORDER BY attnum"
        )
        if rows.error:
            return None
        names = [row[0] for row in rows.answers[0].rows]
        return names

    def _copy(self, found):
        start, name, columns, rest = found.groups()
        names = self._visible(name)
        if names is None or "ddb_row" not in names and not re.match(r"\s+to\b", rest, re.IGNORECASE):
            return found.group()
        listed = columns or "(" + ", ".join(f'"{n}"' for n in names if n != "ddb_row") + ")"
        if re.match(r"\s+from\b", rest, re.IGNORECASE):
            return f"{start}{name} {listed}{rest}"
        if self.twins.twin_of(name) is None:
            return found.group()
        return f"{start}(SELECT {listed.strip()[1:-1]} FROM ONLY {name}){rest}"

    def _copy_remote(self, sql, found):
        """COPY of one of postgres_fdw's tables: without the column that we added."""
        start, name, _, rest = found.groups()
        with own_settings(self.foreign):
            names = [c.name for c in self.twins.columns(self.foreign, f"public.{name}")]
        listed = ", ".join(f'"{n}"' for n in names if n != "ddb_row")
        if re.match(r"\s+from\b", rest, re.IGNORECASE):
            return f"{start}{name} ({listed}){rest}"
        return f"{start}(SELECT {listed} FROM ONLY {name}){rest}"

    def _insert(self, sql, found):
        """Where the key column is not the last one, the others are listed."""
        start, name, alias, rest = found.groups()
        names = self._visible(name)
        if not names or "ddb_row" not in names or names[-1] == "ddb_row":
            return sql
        listed = ", ".join(f'"{n}"' for n in names if n != "ddb_row")
        return f"{start}{name}{alias or ''} ({listed}){rest}"

    def _drop(self, sql, found):
        exists, names, behaviour = found.groups()
        kinds = {}
        for name in re.findall(NAME, names):
            kinds.setdefault(self.twins.find(self.foreign, name)[1] == "f", []).append(name)
        if True not in kinds:
            return sql
        parts = []
        for is_foreign, group in kinds.items():
            word = "FOREIGN TABLE" if is_foreign else "TABLE"
            parts.append(f"DROP {word} {exists or ''}{', '.join(group)}{behaviour or ''}")
        return "; ".join(parts)

    # ---- judging ---------------------------------------------------------------

    def _judge(self, step, sql, local, foreign, requests):
        about = bool(requests) or bool(self.twins.named(sql))
        for warning in answers.unexpected_warnings(local, foreign):
            self._record(Finding(self.name, step.line, sql, "warning", "", warning))
        kind = answers.differ(sql, local, foreign)
        if kind in ("rows", "order") and self._is_limited(sql):
            kind = "rows within a limit"
        if foreign.error == "XX000" and local.error != "XX000":
            kind = "internal error"
        if DEFINES.match(sql):
            self.counts["definitions"] += 1
            if kind == "internal error":
                self._record(Finding(self.name, step.line, sql, kind, shown(local), shown(foreign)))
            elif kind:
                self.counts["definitions that foreign tables do not take"] += 1
            return
        if MAINTAINS.match(sql) and kind != "internal error":
            self.counts["maintenance"] += 1
            return
        if not about:
            self.counts["not about foreign tables"] += 1
            if kind == "internal error":
                self._record(Finding(self.name, step.line, sql, kind, shown(local), shown(foreign)))
            return
        self.counts["compared"] += 1
        if kind is None:
            self.counts["equal"] += 1
            return
        self._record(Finding(self.name, step.line, sql, kind, shown(local), shown(foreign)))

    def _is_limited(self, sql):
        """Do answers differ only in which rows LIMIT and OFFSET leave?"""
        found = LIMITED.match(sql)
        if not found or not re.match(r"\s*(select|with|table|values|\()", sql, re.IGNORECASE):
            return False
        if self.local.failed or self.foreign.failed:
            return False
        with own_statement(self.local), own_statement(self.foreign):
            every = [s.run(found.group(1)) for s in (self.local, self.foreign)]
        return not every[0].error and answers.differ("SELECT", *every) is None

    def _record(self, finding, reason=None):
        finding.reason = reason or self.reasons.explain(finding)
        self.counts["explained" if finding.reason else "unexplained"] += 1
        self.findings.append(finding)

    # ---- both sides the same again -----------------------------------------------

    def _after(self, step, sql, local, foreign, requests):
        written = {self.twins.stored[t] for op, t in requests if op in WRITES and t in self.twins.stored}
        if self.local.failed or self.foreign.failed:
            self.held |= written
            return
        try:
            self._equalise(step, sql, local, foreign, written)
        except RuntimeError as error:
            self._record(
                Finding(self.name, step.line, sql, "harness", "", str(error)[:1500]), "harness"
            )

    def _equalise(self, step, sql, local, foreign, written):
        changed = []
        if MAY_CREATE.search(sql) and not local.error:
            for twin, difference in self.twins.settle():
                self._record(Finding(self.name, step.line, sql, "contents", "", difference))
            if self.is_remote:
                self.twins.settle_remote()
        if MAY_RENAME.search(sql):
            changed = self.twins.refresh()
        for twin in changed:
            self.twins.restructure(twin)
        if ENDS.match(sql) or (CONTROL.match(sql) and re.search(r"\bto\b", sql, re.IGNORECASE)):
            self._follow(self.held | written)
            if not self.local.in_block:
                self.held = set()
            return
        if self.local.in_block:
            self.held |= written
            if self.is_remote:
                return  # what the loopback session has written is not seen here
        found = TARGET.match(sql)
        if found:
            twin = self.twins.twin_of(found.group(1))
            written = written | ({twin.oid} if twin else set())
        failed = local.error or foreign.error
        if bool(local.error) != bool(foreign.error):
            written = written | set(self.twins.own()[:MAX_FOLLOWED])
        if failed or DEFINES.match(sql):
            self._follow(written)
            return
        for oid in written:
            twin = self._live(oid)
            difference = twin and self.twins.verify(twin)
            if difference:
                self._record(Finding(self.name, step.line, sql, "contents", shown(local), difference))

    def _live(self, oid):
        twin = self.twins.twins.get(oid)
        if twin is None:
            return None
        return twin if self.foreign.value(IS_LIVE.format(oid=oid)) else None

    def _follow(self, oids):
        for oid in list(oids):
            twin = self._live(oid)
            if twin is not None:
                with contextlib.suppress(RuntimeError):  # of a session that is gone
                    self.twins.resync(twin)
