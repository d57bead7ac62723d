-- What EXPLAIN says goes to DynamoDB
\getenv endpoint DDB_ENDPOINT
CREATE EXTENSION ddb_fdw;
CREATE SERVER dynamo FOREIGN DATA WRAPPER ddb_fdw
  OPTIONS (region 'us-east-1', endpoint_url :'endpoint');
CREATE USER MAPPING FOR CURRENT_USER SERVER dynamo
  OPTIONS (access_key_id 'test', secret_access_key 'secret');
CREATE FOREIGN TABLE log_entries (
  log_partition  text OPTIONS (attribute 'logPartition'),
  date_time      text OPTIONS (attribute 'dateTime') COLLATE "C",
  severity       text,
  message        text
) SERVER dynamo OPTIONS (table_name 'LogEntries');

EXPLAIN (COSTS OFF) SELECT date_time, severity, message FROM log_entries
 WHERE log_partition = 'LOGS' ORDER BY date_time DESC LIMIT 100;
EXPLAIN (COSTS OFF) SELECT date_time FROM log_entries
 WHERE severity = 'error' AND log_partition = 'LOGS' ORDER BY date_time LIMIT 10 OFFSET 5;
EXPLAIN (COSTS OFF) SELECT * FROM log_entries WHERE date_time = 'x' AND log_partition = 'LOGS';
EXPLAIN (COSTS OFF) SELECT message FROM log_entries WHERE severity = 'error';
EXPLAIN (COSTS OFF) SELECT count(*) FROM log_entries WHERE log_partition = 'LOGS' AND date_time > '2026';
EXPLAIN (COSTS OFF) SELECT max(date_time) FROM log_entries WHERE log_partition = 'LOGS';
-- a pattern that is more than a prefix is checked again
EXPLAIN (COSTS OFF) SELECT message FROM log_entries
 WHERE log_partition = 'LOGS' AND date_time LIKE '2026-11-01T0_:%';
-- unique keys make later sort columns true by themselves
EXPLAIN (COSTS OFF) SELECT message FROM log_entries
 WHERE log_partition = 'LOGS' ORDER BY date_time DESC NULLS LAST, message LIMIT 3;
-- LIMIT above an aggregate, a sort or a join is no limit of the scan
EXPLAIN (COSTS OFF) SELECT severity, count(*) FROM log_entries GROUP BY severity LIMIT 1;
EXPLAIN (COSTS OFF) SELECT message FROM log_entries WHERE log_partition = 'LOGS' ORDER BY message LIMIT 1;
-- parameters
SET plan_cache_mode = force_generic_plan;
PREPARE p (text, text, int) AS SELECT message FROM log_entries
 WHERE log_partition = $1 AND date_time >= $2 ORDER BY date_time LIMIT $3 OFFSET 1;
EXPLAIN (COSTS OFF) EXECUTE p ('LOGS', '2026', 5);
RESET plan_cache_mode;
SET ddb_fdw.pushdown = off;
EXPLAIN (COSTS OFF) SELECT message FROM log_entries WHERE log_partition = 'LOGS' ORDER BY date_time LIMIT 3;
RESET ddb_fdw.pushdown;

-- what it took
EXPLAIN (ANALYZE, COSTS OFF, TIMING OFF, SUMMARY OFF, FORMAT YAML)
 SELECT date_time FROM log_entries WHERE log_partition = 'LOGS' ORDER BY date_time DESC LIMIT 3;
EXPLAIN (ANALYZE, COSTS OFF, TIMING OFF, SUMMARY OFF)
 SELECT date_time FROM log_entries WHERE log_partition = 'LOGS' AND date_time > 'x' AND date_time < 'a';

-- guards
ALTER FOREIGN TABLE log_entries OPTIONS (ADD scan 'deny');
SELECT count(*) FROM log_entries;
SELECT count(*) FROM log_entries WHERE log_partition = 'LOGS';
ALTER FOREIGN TABLE log_entries OPTIONS (SET scan 'warn');
SELECT count(*) FROM log_entries;
SET ddb_fdw.scan = 'deny';
SELECT count(*) FROM log_entries;
RESET ddb_fdw.scan;
ALTER FOREIGN TABLE log_entries OPTIONS (SET scan 'allow');
SET ddb_fdw.max_read_units = 10;
SELECT count(*) FROM log_entries;
SELECT count(*) FROM log_entries WHERE log_partition = 'LOGS' AND date_time < '2026-11-01T00:05';
RESET ddb_fdw.max_read_units;
