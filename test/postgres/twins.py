# SPDX-License-Identifier: PostgreSQL
"""Tables of two databases that are to hold the same rows: plain ones in the
local database, foreign ones over DynamoDB in the other.

The suites' own CREATE TABLE runs in both, whatever its syntax; then the
catalogs say what it made, and settle() replaces it in the foreign database.
Where a primary key can be DynamoDB's, it is; else both sides get a column
ddb_row, last and by default from a sequence, which comparisons leave out.
"""

import contextlib
import dataclasses
import hashlib
import re
from collections import Counter
from decimal import Context, Decimal, InvalidOperation

from .script import identifier

ROW = "ddb_row"
SERVER = "ddb_twin"
SEQUENCE = "ddb_twin.rows"
# Larger tables keep the order in which they were filled.
MAX_ALIGNED = 3000
CHUNK = 500
NUMERIC = ("numeric",)
WIDE = Context(prec=1000, Emax=10**6, Emin=-(10**6))
NATURAL = {"smallint": "N", "integer": "N", "bigint": "N", "text": "S", "character varying": "S"}

# What the harness itself asks in a session that the suite has changed.
OWN_SETTINGS = {
    "session_replication_role": "replica",
    "row_security": "off",
    "datestyle": "ISO, MDY",
    "intervalstyle": "postgres",
    "timezone": "UTC",
    "bytea_output": "hex",
    "extra_float_digits": "1",
    "search_path": "pg_catalog",
    "statement_timeout": "60s",
    "standard_conforming_strings": "on",
    "backslash_quote": "safe_encoding",
    "xmloption": "content",
    "client_min_messages": "error",
    "enable_seqscan": "on",
    "quote_all_identifiers": "off",
    "check_function_bodies": "off",
    "lc_monetary": "C",
    "transform_null_equals": "off",
    "lock_timeout": "0",
    "max_parallel_workers_per_gather": "0",
}

# These three are asked often, in whatever state the session is.
NEW_TABLES = """
SELECT c.oid, CASE c.relpersistence WHEN 't' THEN 'pg_temp' ELSE n.nspname END,
       c.relname, c.relkind, c.relispartition, pg_catalog.pg_get_userbyid(c.relowner)
  FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
 WHERE c.relkind IN ('r', 'p') AND c.oid > {last} AND c.oid >= 16384
   AND n.nspname NOT IN ('information_schema', 'pg_catalog', 'pg_toast', 'ddb_twin')
 ORDER BY c.oid"""

COLUMNS = """
SELECT a.attname, format_type(a.atttypid, a.atttypmod), a.attnotnull, a.attislocal,
       pg_get_expr(d.adbin, d.adrelid), a.attgenerated, a.attidentity,
       CASE WHEN a.attcollation <> t.typcollation
            THEN (SELECT quote_ident(n.nspname) || '.' || quote_ident(l.collname)
                    FROM pg_collation l JOIN pg_namespace n ON n.oid = l.collnamespace
                   WHERE l.oid = a.attcollation) END,
       a.attinhcount, coalesce(format_type(e.oid, NULL), format_type(b.oid, NULL)), e.oid IS NOT NULL,
       b.typtype, {identity}
  FROM pg_attribute a JOIN pg_type t ON t.oid = a.atttypid
       JOIN pg_type b ON b.oid = CASE t.typtype WHEN 'd' THEN t.typbasetype ELSE t.oid END
       LEFT JOIN pg_type e ON e.oid = b.typelem AND b.typcategory = 'A'
       LEFT JOIN pg_attrdef d ON d.adrelid = a.attrelid AND d.adnum = a.attnum
 WHERE a.attrelid = {oid} AND a.attnum > 0 AND NOT a.attisdropped
 ORDER BY a.attnum"""

LIVE = """
SELECT c.oid, CASE c.relpersistence WHEN 't' THEN 'pg_temp' ELSE n.nspname END, c.relname,
       (SELECT option_value FROM pg_catalog.pg_options_to_table(f.ftoptions)
         WHERE option_name = 'table_name'),
       (SELECT pg_catalog.string_agg(pg_catalog.concat(a.attname, ' ', a.atttypid, ' ', a.atttypmod), ','
                                     ORDER BY a.attnum)
          FROM pg_catalog.pg_attribute a
         WHERE a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped)
  FROM pg_catalog.pg_foreign_table f JOIN pg_catalog.pg_class c ON c.oid = f.ftrelid
       JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
       JOIN pg_catalog.pg_foreign_server s ON s.oid = f.ftserver
 WHERE s.srvname = '{server}'"""

IS_LIVE = "SELECT 1 FROM pg_catalog.pg_class WHERE oid = {oid} AND relkind = 'f'"

# Foreign tables of postgres_fdw's own suite, and what they lead to.
REMOTE = """
SELECT c.oid, CASE c.relpersistence WHEN 't' THEN 'pg_temp' ELSE n.nspname END, c.relname,
       pg_get_userbyid(c.relowner),
       to_regclass(quote_ident(coalesce((SELECT option_value FROM pg_options_to_table(f.ftoptions)
                                          WHERE option_name = 'schema_name'), n.nspname)) || '.' ||
                   quote_ident(coalesce((SELECT option_value FROM pg_options_to_table(f.ftoptions)
                                          WHERE option_name = 'table_name'), c.relname)))::oid
  FROM pg_foreign_table f JOIN pg_class c ON c.oid = f.ftrelid
       JOIN pg_namespace n ON n.oid = c.relnamespace
       JOIN pg_foreign_server s ON s.oid = f.ftserver
       JOIN pg_foreign_data_wrapper w ON w.oid = s.srvfdw
 WHERE w.fdwname = 'postgres_fdw'"""

IDENTITY = """
       (SELECT format('START %s INCREMENT %s MINVALUE %s MAXVALUE %s %s', seqstart, seqincrement,
                      seqmin, seqmax, CASE WHEN seqcycle THEN 'CYCLE' ELSE 'NO CYCLE' END)
          FROM pg_sequence q JOIN pg_depend d ON d.objid = q.seqrelid
         WHERE d.refobjid = a.attrelid AND d.refobjsubid = a.attnum AND d.deptype = 'i'
           AND d.classid = 'pg_class'::regclass)"""
COLUMNS = COLUMNS.replace("{identity}", IDENTITY)

REMOTE_COLUMNS = """
SELECT a.attname, o.option_value
  FROM pg_attribute a, pg_options_to_table(a.attfdwoptions) o
 WHERE a.attrelid = {oid} AND o.option_name = 'column_name'"""

# Constraints that a foreign table cannot have.
NOT_FOREIGN = """
SELECT c.conname, c.contype FROM pg_constraint c
 WHERE c.conrelid = {oid} AND c.contype IN ('p', 'u', 'x', 'f')
   AND c.conparentid = 0 ORDER BY c.contype = 'f' DESC"""

PRIMARY_KEY = """
SELECT a.attname, format_type(a.atttypid, NULL)
  FROM pg_constraint c, unnest(c.conkey) WITH ORDINALITY k(n, i), pg_attribute a
 WHERE c.conrelid = {oid} AND c.contype = 'p' AND a.attrelid = c.conrelid AND a.attnum = k.n
 ORDER BY k.i"""


def literal(value):
    if value is None:
        return "NULL"
    return "'" + value.replace("'", "''") + "'"


def canonical(value, type_name):
    """Numbers by value: DynamoDB keeps no zeros behind the last digit."""
    if value is None or not type_name.startswith(NUMERIC):
        return value
    try:
        return str(Decimal(value).normalize(WIDE))
    except InvalidOperation:
        return value


@dataclasses.dataclass
class Column:
    name: str
    type: str
    not_null: bool
    is_local: bool
    default: str | None
    generated: str
    identity: str
    collation: str | None
    inherited: int
    base: str
    is_array: bool
    kind: str
    sequence: str | None  # of an identity, how it counts

    @classmethod
    def of(cls, row):
        name, type_, not_null, is_local, default, generated, identity, collation, inherited = row[:9]
        return cls(
            name,
            type_,
            not_null == "t",
            is_local == "t",
            default,
            generated,
            identity,
            collation,
            int(inherited),
            row[9],
            row[10] == "t",
            row[11],
            row[12],
        )

    @property
    def sql(self):
        parts = [identifier(self.name), self.type]
        if self.collation:
            parts.append(f"COLLATE {self.collation}")
        if self.generated:
            parts.append(f"GENERATED ALWAYS AS ({self.default}) STORED")
        elif self.identity:
            how = "ALWAYS" if self.identity == "a" else "BY DEFAULT"
            parts.append(f"GENERATED {how} AS IDENTITY ({self.sequence})")
        elif self.default is not None:
            parts.append(f"DEFAULT {self.default}")
        if self.not_null:
            parts.append("NOT NULL")
        return " ".join(parts)

    def options(self, as_text):
        """Options that let it keep what the local column keeps."""
        if as_text and not self.is_array and self.base in ("real", "double precision", "numeric"):
            return {"type": "S"}
        return {}


@dataclasses.dataclass
class Twin:
    oid: str
    schema: str
    name: str
    stored: str  # DynamoDB's table
    shape: str  # the columns, digested
    keys: tuple = (ROW,)
    rows_differ: str | None = None  # of what was selected into it

    @property
    def sql(self):
        return f"{identifier(self.schema)}.{identifier(self.name)}"


@contextlib.contextmanager
def own_settings(session, keep=False):
    """As superuser and with settings of our own, for questions of the harness
    itself; what is done is undone unless keep says otherwise."""
    if not session.in_block:
        try:
            session.rows("BEGIN; " + OWN)
            yield
        except BaseException:
            session.run("ROLLBACK")
            raise
        session.rows("COMMIT" if keep else "ROLLBACK")
        return
    before = session.rows("SELECT current_setting('session_authorization'), current_setting('role')"
        + "".join(f", current_setting('{name}')" for name in OWN_SETTINGS))[0] if keep else None
    try:
        session.rows("SAVEPOINT ddb_own; " + OWN)
        yield
        if keep:
            session.rows(_restored(before) + "RELEASE ddb_own")
        else:
            session.rows("ROLLBACK TO ddb_own; RELEASE ddb_own")
    except BaseException:
        session.run("ROLLBACK TO ddb_own; RELEASE ddb_own")
        raise


def _restored(before):
    settings = zip(OWN_SETTINGS, before[2:], strict=True)
    words = [f"SET LOCAL {name} = {_setting(name, value)}; " for name, value in settings]
    words.append(f"SET LOCAL SESSION AUTHORIZATION {literal(before[0])}; ")
    words.append(f"SET LOCAL ROLE {literal(before[1])}; ")
    return "".join(words)


def _setting(name, value):
    return (value or "''") if name in ("search_path", "datestyle") else literal(value)


OWN = "; ".join(
    ["SET LOCAL SESSION AUTHORIZATION DEFAULT", "SET LOCAL ROLE NONE"]
    + [f"SET LOCAL {name} = {_setting(name, value)}" for name, value in OWN_SETTINGS.items()]
)


def without(rows, forms, others):
    """Rows, but for those whose forms are among the others."""
    left = Counter(others)
    kept = []
    for row, form in zip(rows, forms, strict=True):
        if left[form] > 0:
            left[form] -= 1
        else:
            kept.append(row)
    return kept


def difference_in_words(name, here, there):
    """Of the rows of two tables, counted."""
    return (
        f"{name}: only local {list((here - there).elements())[:5]},"
        f" only foreign {list((there - here).elements())[:5]}"
    )


def prepare(local, foreign, endpoint):
    """What both databases need before a suite begins."""
    for session in (local, foreign):
        session.rows(
            f"CREATE SCHEMA ddb_twin; CREATE SEQUENCE {SEQUENCE};"
            " GRANT USAGE ON SCHEMA ddb_twin TO PUBLIC;"
            f" GRANT ALL ON SEQUENCE {SEQUENCE} TO PUBLIC"
        )
    foreign.rows(
        "CREATE EXTENSION IF NOT EXISTS ddb_fdw;"
        f" CREATE SERVER {SERVER} FOREIGN DATA WRAPPER ddb_fdw"
        f" OPTIONS (region 'us-east-1', endpoint_url {literal(endpoint)});"
        f" CREATE USER MAPPING FOR PUBLIC SERVER {SERVER}"
        " OPTIONS (access_key_id 'test', secret_access_key 'secret');"
        f" GRANT USAGE ON FOREIGN SERVER {SERVER} TO PUBLIC"
    )


class Refused(Exception):
    """What cannot be a foreign table stays a plain one on both sides."""


class Twins:
    def __init__(self, local, foreign, store, prefix, as_text=False):
        self.local, self.foreign, self.store = local, foreign, store
        self.prefix = prefix
        self.as_text = as_text
        self.last_seen = 0
        self.twins = {}  # by oid in the foreign database
        self.stored = {}  # DynamoDB table → oid
        self.made = []  # DynamoDB tables of our own
        self.left_local = []
        self.remote = {}  # of postgres_fdw: name → twin
        self.refused = set()

    # ---- what is there ------------------------------------------------------

    def adopt(self):
        """Takes up what a template database holds already."""
        self.last_seen = int(self.foreign.value("SELECT max(oid) FROM pg_class"))
        rows = self.foreign.rows(LIVE.format(server=SERVER))
        for oid, schema, name, stored, shape in rows:
            self.twins[oid] = Twin(oid, schema, name, stored, shape)
            self.stored[stored] = oid

    def refresh(self):
        """Looks at the catalogs again: tables that were renamed or dropped.
        Returns twins whose columns changed."""
        rows = self.foreign.rows(LIVE.format(server=SERVER))
        changed = []
        live = set()
        for oid, schema, name, stored, shape in rows:
            live.add(oid)
            twin = self.twins.get(oid)
            if twin is None:
                continue
            twin.schema, twin.name = schema, name
            if stored != twin.stored:  # as before a rollback
                twin.stored, twin.shape = stored, shape
            elif shape != twin.shape:
                changed.append(twin)
        self.live = live
        return changed

    def named(self, sql):
        """Twins whose names stand in the text."""
        words = {w.lower() for w in re.findall(r"[\w$]+", sql)} | set(re.findall(r'"([^"]+)"', sql))
        found = [twin for twin in self.twins.values() if twin.name in words]
        return found + [twin for name, twin in self.remote.items() if name in words]

    def find(self, session, name):
        """The relation that a name means to the suite's session: (oid, kind)."""
        rows = session.run(
            f"SELECT oid, relkind FROM pg_catalog.pg_class WHERE oid = pg_catalog.to_regclass({literal(name)})"
        )
        if rows.error or not rows.answers[0].rows:
            return None, None
        return rows.answers[0].rows[0]

    def own(self):
        """Twins that this file made, the last ones first."""
        return [oid for oid, twin in reversed(self.twins.items()) if twin.stored in self.made]

    def twin_of(self, name):
        oid, _ = self.find(self.foreign, name)
        return self.twins.get(oid)

    def columns(self, session, sql_name):
        oid = session.value(f"SELECT {literal(sql_name)}::pg_catalog.regclass::pg_catalog.oid")
        return [Column.of(row) for row in session.rows(COLUMNS.format(oid=oid))]

    # ---- new tables ------------------------------------------------------------

    def settle(self):
        """Makes foreign tables of what the last statement created in both
        databases.  Returns twins whose rows differed, with both sides' rows."""
        new = self.foreign.rows(NEW_TABLES.format(last=self.last_seen))
        differing = []
        for oid, schema, name, kind, _, owner in new:
            self.last_seen = max(self.last_seen, int(oid))
            try:
                twin = self._settle_one(oid, schema, name, kind, owner)
            except (Refused, RuntimeError) as error:
                self.left_local.append((name, str(error)))
                continue
            if twin is not None and twin.rows_differ:
                differing.append((twin, twin.rows_differ))
        return differing

    def settle_remote(self):
        """postgres_fdw's tables of a twin become ours, over its DynamoDB table."""
        with own_settings(self.foreign):
            rows = self.foreign.rows(REMOTE)
        for oid, schema, name, owner, target in rows:
            twin = self.twins.get(target)
            if twin is None or oid in self.refused:
                continue
            sql_name = f"{identifier(schema)}.{identifier(name)}"
            with own_settings(self.foreign):
                attributes = dict(self.foreign.rows(REMOTE_COLUMNS.format(oid=oid)))
            try:
                self._replace(oid, sql_name, name, twin.stored, owner, attributes, twin.keys == (ROW,))
                self.remote[name] = twin
            except (Refused, RuntimeError) as error:
                self.refused.add(oid)
                self.left_local.append((name, str(error)))

    def _settle_one(self, oid, schema, name, kind, owner):
        sql_name = f"{identifier(schema)}.{identifier(name)}"
        with own_settings(self.local):
            local_oid = self.local.value(
                f"SELECT oid FROM pg_class WHERE oid = to_regclass({literal(sql_name)}) AND relkind = '{kind}'"
            )
        if local_oid is None:
            raise Refused("not there in the local database")
        if kind == "p":
            self._prepare_parent(oid, local_oid, sql_name)
            return None
        keys, types = self._choose_key(oid, local_oid, sql_name)
        rows_differ, is_empty = self._selected_rows(sql_name)
        stored = self._create_stored(name, oid, keys, types)
        try:
            new_oid = self._replace(oid, sql_name, name, stored, owner)
        except BaseException:
            self._drop_stored(stored)
            raise
        self.stored[stored] = new_oid
        self.last_seen = max(self.last_seen, int(new_oid))
        twin = Twin(new_oid, schema, name, stored, "", tuple(keys), rows_differ)
        self.twins[new_oid] = twin
        self._note_shape(twin)
        if not is_empty:
            self.resync(twin)
        return twin

    def _selected_rows(self, sql_name):
        """What CREATE TABLE ... AS gave on both sides: None, or what differs;
        and whether it is nothing."""
        with own_settings(self.foreign):
            columns = self.columns(self.foreign, sql_name)
        forms = []
        for session in (self.local, self.foreign):
            with own_settings(session):
                names = ", ".join(identifier(c.name) for c in columns)
                forms.append(Counter(self._forms(session.rows(f"SELECT {names} FROM ONLY {sql_name}"), columns)))
        differ = difference_in_words(sql_name, *forms) if forms[0] != forms[1] else None
        return differ, not any(forms)

    def _note_shape(self, twin):
        for oid, _, _, stored, shape in self.foreign.rows(LIVE.format(server=SERVER)):
            if oid == twin.oid:
                twin.stored, twin.shape = stored, shape

    def _prepare_parent(self, oid, local_oid, sql_name):
        """A partitioned table: what its partitions cannot have goes."""
        with own_settings(self.local, keep=True):
            keys = self.local.rows(PRIMARY_KEY.format(oid=local_oid))
            columns = [c.name for c in self.columns(self.local, sql_name)]
            natural = self._is_natural(keys)
            is_partition = self.local.value(f"SELECT relispartition FROM pg_class WHERE oid = {local_oid}")
            if not natural and ROW not in columns and is_partition != "t":
                self._add_row_column(self.local, sql_name)
            self._drop_constraints(self.local, local_oid, sql_name, natural)
        with own_settings(self.foreign, keep=True):
            if not natural and ROW not in columns and is_partition != "t":
                self._add_row_column(self.foreign, sql_name)
            self._drop_constraints(self.foreign, oid, sql_name, False)

    @staticmethod
    def _is_natural(keys):
        return 1 <= len(keys) <= 2 and all(type_ in NATURAL for _, type_ in keys)

    def _add_row_column(self, session, sql_name):
        session.rows(
            f"ALTER TABLE {sql_name} ADD COLUMN {ROW} bigint NOT NULL DEFAULT nextval('{SEQUENCE}')"
        )

    def _drop_constraints(self, session, oid, sql_name, keep_primary):
        for name, kind in session.rows(NOT_FOREIGN.format(oid=oid)):
            if kind == "p" and keep_primary:
                continue
            session.rows(f"ALTER TABLE {sql_name} DROP CONSTRAINT IF EXISTS {identifier(name)} CASCADE")

    def _choose_key(self, oid, local_oid, sql_name):
        """The columns of DynamoDB's key, made on both sides where there is no
        primary key that will do; with their stored types."""
        with own_settings(self.local, keep=True):
            keys = self.local.rows(PRIMARY_KEY.format(oid=local_oid))
            columns = {c.name: c for c in self.columns(self.local, sql_name)}
            natural = self._is_natural(keys)
            self._drop_constraints(self.local, local_oid, sql_name, natural)
            if not natural:
                self._make_row_column(self.local, sql_name, columns)
                self.local.rows(f"CREATE UNIQUE INDEX ON {sql_name} ({ROW})")
        if natural:
            return [name for name, _ in keys], [NATURAL[type_] for _, type_ in keys]
        with own_settings(self.foreign, keep=True):
            self._make_row_column(self.foreign, sql_name, columns)
        return [ROW], ["N"]

    def _make_row_column(self, session, sql_name, columns):
        """What was selected into a new table is no key there."""
        own = columns.get(ROW)
        if own is None:
            self._add_row_column(session, sql_name)
        elif own.default is None and not own.inherited:
            session.rows(f"ALTER TABLE {sql_name} DROP COLUMN {ROW}")
            self._add_row_column(session, sql_name)

    def _create_stored(self, name, oid, keys, types):
        digest = hashlib.sha256(f"{self.prefix}{oid}".encode()).hexdigest()[:8]
        plain = re.sub(r"[^A-Za-z0-9_.-]", "_", name)[:60]
        stored = f"{self.prefix}.{plain}.{digest}.{len(self.made)}"
        self.store.create_table(
            TableName=stored,
            KeySchema=[
                {"AttributeName": key, "KeyType": kind}
                for key, kind in zip(keys, ("HASH", "RANGE"), strict=False)
            ],
            AttributeDefinitions=[
                {"AttributeName": key, "AttributeType": type_}
                for key, type_ in zip(keys, types, strict=True)
            ],
            BillingMode="PAY_PER_REQUEST",
        )
        self.made.append(stored)
        return stored

    def _drop_stored(self, stored):
        self.store.delete_table(TableName=stored)
        self.made.remove(stored)

    def _replace(self, oid, sql_name, name, stored, owner, attributes=None, add_row=False):
        """The plain table, or one of postgres_fdw where attributes are given,
        becomes a foreign table over stored; returns its oid."""
        foreign = self.foreign
        with own_settings(foreign, keep=True):
            columns = [Column.of(row) for row in foreign.rows(COLUMNS.format(oid=oid))]
            parents = foreign.rows(
                f"SELECT inhparent::regclass FROM pg_inherits WHERE inhrelid = {oid} ORDER BY inhseqno"
            )
            bound = foreign.value(
                f"SELECT pg_get_expr(relpartbound, oid) FROM pg_class WHERE oid = {oid} AND relispartition"
            )
            checks = foreign.rows(
                "SELECT conname, pg_get_constraintdef(oid) FROM pg_constraint"
                f" WHERE conrelid = {oid} AND contype = 'c' AND conislocal"
            )
            triggers = foreign.value(f"SELECT count(*) FROM pg_trigger WHERE tgrelid = {oid} AND NOT tgisinternal")
            if triggers != "0":
                raise Refused("has triggers already")
            if bound:
                foreign.rows(f"ALTER TABLE {parents[0][0]} DETACH PARTITION {sql_name}")
            moved = identifier(f"ddb_moved_{oid}")
            foreign.rows(f"ALTER TABLE {sql_name} RENAME TO {moved}")
            foreign.rows(self._create_sql(sql_name, columns, parents, bound, stored))
            self._finish(sql_name, columns, checks, owner, attributes or {})
            if add_row:
                self._add_row_column(foreign, sql_name)
            old = sql_name.removesuffix(identifier(name)) + moved
            self._take_sequences(oid, sql_name)
            foreign.rows(f"DROP {'TABLE' if attributes is None else 'FOREIGN TABLE'} {old}")
            new_oid = foreign.value(f"SELECT {literal(sql_name)}::regclass::oid")
            foreign.rows(f"EXPLAIN SELECT * FROM ONLY {sql_name}")
        return new_oid

    def _create_sql(self, sql_name, columns, parents, bound, stored):
        where = f"SERVER {SERVER} OPTIONS (table_name {literal(stored)})"
        if bound:
            return f"CREATE FOREIGN TABLE {sql_name} PARTITION OF {parents[0][0]} {bound} {where}"
        own = ", ".join(column.sql for column in columns if column.is_local)
        inherits = ", ".join(row[0] for row in parents)
        inherits = f" INHERITS ({inherits})" if inherits else ""
        return f"CREATE FOREIGN TABLE {sql_name} ({own}){inherits} {where}"

    def _finish(self, sql_name, columns, checks, owner, attributes):
        """Options of columns, what the columns did not inherit, the owner."""
        foreign = self.foreign
        there = {c.name: c for c in self.columns(foreign, sql_name)}
        for column in columns:
            alter = f"ALTER FOREIGN TABLE {sql_name} ALTER COLUMN {identifier(column.name)}"
            options = column.options(self.as_text)
            if column.name in attributes:
                options["attribute"] = attributes[column.name]
            if options:
                words = ", ".join(f"{k} {literal(v)}" for k, v in options.items())
                foreign.rows(f"{alter} OPTIONS ({words})")
            made = there[column.name]
            if column.default != made.default and not column.generated and not column.identity:
                default = f"SET DEFAULT {column.default}" if column.default else "DROP DEFAULT"
                foreign.rows(f"{alter} {default}")
            if column.not_null and not made.not_null:
                foreign.rows(f"{alter} SET NOT NULL")
        for name, definition in checks:
            foreign.rows(f"ALTER FOREIGN TABLE {sql_name} ADD CONSTRAINT {identifier(name)} {definition}")
        foreign.rows(f"ALTER FOREIGN TABLE {sql_name} OWNER TO {identifier(owner)}")

    def _take_sequences(self, oid, sql_name):
        rows = self.foreign.rows(
            "SELECT d.objid::regclass, a.attname FROM pg_depend d JOIN pg_attribute a"
            " ON a.attrelid = d.refobjid AND a.attnum = d.refobjsubid"
            f" WHERE d.refobjid = {oid} AND d.classid = 'pg_class'::regclass AND d.deptype = 'a'"
            " AND (SELECT relkind FROM pg_class WHERE oid = d.objid) = 'S'"
        )
        for sequence, column in rows:
            self.foreign.rows(f"ALTER SEQUENCE {sequence} OWNED BY {sql_name}.{identifier(column)}")

    # ---- columns that changed ------------------------------------------------

    def restructure(self, twin):
        """After ALTER TABLE: a new DynamoDB table, filled from the local one."""
        with own_settings(self.local):
            local_oid = self.local.value(f"SELECT {literal(twin.sql)}::regclass::oid")
        keys, types = self._choose_key(twin.oid, local_oid, twin.sql)
        twin.keys = tuple(keys)
        stored = self._create_stored(twin.name, twin.oid, keys, types)
        with own_settings(self.foreign, keep=True):
            self.foreign.rows(f"ALTER FOREIGN TABLE {twin.sql} OPTIONS (SET table_name {literal(stored)})")
            for column in self.columns(self.foreign, twin.sql):
                self._reset_options(twin, column)
        self.stored[stored] = twin.oid
        self._note_shape(twin)
        self.resync(twin)

    def _reset_options(self, twin, column):
        alter = f"ALTER FOREIGN TABLE {twin.sql} ALTER COLUMN {identifier(column.name)} OPTIONS"
        has = self.foreign.value(
            "SELECT 1 FROM pg_attribute, pg_options_to_table(attfdwoptions) o"
            f" WHERE attrelid = {twin.oid} AND attname = {literal(column.name)} AND o.option_name = 'type'"
        )
        wanted = column.options(self.as_text)
        if has and not wanted:
            self.foreign.rows(f"{alter} (DROP type)")
        elif wanted and not has:
            self.foreign.rows(f"{alter} (ADD type {literal(wanted['type'])})")

    # ---- rows ------------------------------------------------------------------

    def rows(self, session, twin, columns):
        names = ", ".join(identifier(c.name) for c in columns)
        with own_settings(session):
            return session.rows(f"SELECT {names} FROM ONLY {twin.sql}")

    def _stored_columns(self, twin):
        with own_settings(self.foreign):
            return self.columns(self.foreign, twin.sql)

    def _forms(self, rows, columns):
        """Rows as they are compared: without what the harness added."""
        types = [c.type for c in columns]
        kept = [i for i, c in enumerate(columns) if c.name != ROW]
        return [tuple(canonical(row[i], types[i]) for i in kept) for row in rows]

    def verify(self, twin):
        """Do both sides hold the same?  Else what differs, in words; the
        foreign table is then made to hold what the local one does."""
        columns = self._stored_columns(twin)
        try:
            there = self.rows(self.foreign, twin, columns)
        except RuntimeError as error:
            self.restructure(twin)
            return f"cannot be read: {error}"
        here = self.rows(self.local, twin, columns)
        forms_here, forms_there = self._forms(here, columns), self._forms(there, columns)
        if Counter(forms_here) == Counter(forms_there):
            self._align(twin, columns, here, there, forms_here, forms_there)
            return None
        self.resync(twin)
        return difference_in_words(twin.name, Counter(forms_here), Counter(forms_there))

    def resync(self, twin):
        """Makes the foreign table hold the local one's rows.  Rows that it
        refuses go from the local one too."""
        columns = self._stored_columns(twin)
        for attempt in range(2):
            here = self.rows(self.local, twin, columns)
            there = self.rows(self.foreign, twin, columns)
            forms_here, forms_there = self._forms(here, columns), self._forms(there, columns)
            if Counter(forms_here) == Counter(forms_there):
                self._align(twin, columns, here, there, forms_here, forms_there)
                return
            missing = without(here, forms_here, forms_there)
            surplus = without(there, forms_there, forms_here)
            self._mend(twin, columns, missing, surplus, own_key=attempt == 0)
        # JSON null, for one, is read as SQL NULL.
        with own_settings(self.local, keep=True):
            self._fill_local(twin, columns, there)

    def _mend(self, twin, columns, missing, surplus, own_key):
        keys = [i for i, c in enumerate(columns) if c.name in twin.keys]
        written = [c for c in columns if not c.generated and (own_key or c.name != ROW)]
        with own_settings(self.foreign):
            for row in surplus:
                self._delete(self.foreign, twin, columns, keys, row)
            refused = self._insert(self.foreign, twin, columns, written, missing)
        if refused:
            with own_settings(self.local, keep=True):
                for row in refused:
                    self._delete(self.local, twin, columns, keys, row)

    def _delete(self, session, twin, columns, keys, row):
        where = " AND ".join(
            f"{identifier(columns[i].name)} = {literal(row[i])}::{columns[i].type}" for i in keys
        )
        session.rows(f"DELETE FROM ONLY {twin.sql} WHERE {where}")

    def _insert_sql(self, twin, columns, written, rows):
        kept = [i for i, c in enumerate(columns) if c in written]
        names = ", ".join(identifier(columns[i].name) for i in kept)
        values = ", ".join(
            "(" + ", ".join(f"{literal(row[i])}::{columns[i].type}" for i in kept) + ")" for row in rows
        )
        return f"INSERT INTO {twin.sql} ({names}) OVERRIDING SYSTEM VALUE VALUES {values}"

    def _insert(self, session, twin, columns, written, rows):
        """Inserts them; returns rows that were refused, but for those whose key
        is there: the whole part's INSERT may have come so far."""
        refused = []
        for start in range(0, len(rows), CHUNK):
            part = rows[start : start + CHUNK]
            session.rows("SAVEPOINT ddb_part")
            if not session.run(self._insert_sql(twin, columns, written, part)).error:
                session.rows("RELEASE ddb_part")
                continue
            session.rows("ROLLBACK TO ddb_part")
            for row in part:
                session.rows("SAVEPOINT ddb_alone")
                outcome = session.run(self._insert_sql(twin, columns, written, [row]))
                if outcome.error:
                    session.rows("ROLLBACK TO ddb_alone")
                    if outcome.error != "23505":
                        refused.append(row)
        return refused

    def _align(self, twin, columns, here, there, forms_here, forms_there):
        """The local table's rows get the order, and the values of ddb_row,
        that DynamoDB gives."""
        if here == there or len(here) > MAX_ALIGNED:
            return
        row_number = next((i for i, c in enumerate(columns) if c.name == ROW), None)
        if forms_here == forms_there and row_number is None:
            return
        waiting = {}
        for row, form in zip(here, forms_here, strict=True):
            waiting.setdefault(form, []).append(row)
        rows = []
        for row, form in zip(there, forms_there, strict=True):
            mine = list(waiting[form].pop())
            if row_number is not None:
                mine[row_number] = row[row_number]
            rows.append(tuple(mine))
        with own_settings(self.local, keep=True):
            self._fill_local(twin, columns, rows)
            if row_number is not None and rows:
                # The next default must not be a value that came from the other side.
                highest = max(int(row[row_number]) for row in rows)
                self.local.rows(
                    f"SELECT setval('{SEQUENCE}', {highest}) FROM {SEQUENCE} WHERE last_value < {highest}"
                )

    def _fill_local(self, twin, columns, rows):
        """The local table holds just these rows, in this order."""
        written = [c for c in columns if not c.generated]
        self.local.rows(f"DELETE FROM ONLY {twin.sql}")
        for start in range(0, len(rows), CHUNK):
            self.local.rows(self._insert_sql(twin, columns, written, rows[start : start + CHUNK]))

    def drop_stored(self):
        for stored in self.made:
            self.store.delete_table(TableName=stored)
        self.made = []
