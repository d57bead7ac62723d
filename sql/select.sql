-- The main job: reading log entries
\getenv endpoint DDB_ENDPOINT
CREATE EXTENSION ddb_fdw;
CREATE SERVER dynamo FOREIGN DATA WRAPPER ddb_fdw
  OPTIONS (region 'us-east-1', endpoint_url :'endpoint');
CREATE USER MAPPING FOR CURRENT_USER SERVER dynamo
  OPTIONS (access_key_id 'test', secret_access_key 'secret');
CREATE FOREIGN TABLE log_entries (
  log_partition  text OPTIONS (attribute 'logPartition'),
  date_time      text OPTIONS (attribute 'dateTime') COLLATE "C",
  id             text,
  severity       text,
  message        text,
  ttl_expiration bigint OPTIONS (attribute 'ttlExpiration')
) SERVER dynamo OPTIONS (table_name 'LogEntries');

-- newest entries
SELECT date_time, severity, message FROM log_entries
 WHERE log_partition = 'LOGS' ORDER BY date_time DESC LIMIT 5;
SELECT date_time, severity, message FROM log_entries
 WHERE log_partition = 'LOGS' ORDER BY date_time DESC LIMIT 3 OFFSET 2;
-- oldest errors
SELECT date_time, severity FROM log_entries
 WHERE log_partition = 'LOGS' AND severity = 'error' ORDER BY date_time LIMIT 5;
-- a range, a prefix, a key
SELECT count(*), min(date_time), max(date_time) FROM log_entries
 WHERE log_partition = 'LOGS' AND date_time > '2026-11-01T01:00' AND date_time < '2026-11-01T01:10';
SELECT count(*) FROM log_entries
 WHERE log_partition = 'LOGS' AND date_time LIKE '2026-11-01T01:1%';
SELECT count(*) FROM log_entries
 WHERE log_partition = 'LOGS' AND starts_with(date_time, '2026-11-01T01:1');
SELECT count(*) FROM log_entries
 WHERE log_partition = 'LOGS' AND date_time ^@ '2026-11-01T01:1';
SELECT severity, message FROM log_entries
 WHERE date_time = (SELECT max(date_time) FROM log_entries WHERE log_partition = 'LOGS')
   AND log_partition = 'LOGS';
-- the whole table
SELECT count(*), count(ttl_expiration), count(DISTINCT severity) FROM log_entries;
SELECT severity, count(*) FROM log_entries GROUP BY severity ORDER BY severity;
-- nothing
SELECT * FROM log_entries WHERE log_partition = 'NONE' ORDER BY date_time DESC LIMIT 5;
SELECT * FROM log_entries WHERE log_partition = 'LOGS' AND date_time = '';
SELECT * FROM log_entries WHERE log_partition = NULL;
SELECT * FROM log_entries WHERE log_partition = 'LOGS' AND date_time < '2026' AND date_time > '2027';

-- joined with a local table
CREATE TABLE severities (name text PRIMARY KEY, rank int);
INSERT INTO severities VALUES ('info', 1), ('warning', 2), ('error', 3);
SELECT l.date_time, s.rank FROM log_entries l JOIN severities s ON s.name = l.severity
 WHERE l.log_partition = 'LOGS' AND s.rank >= 2 ORDER BY l.date_time DESC LIMIT 4;
-- once per local row
CREATE TABLE wanted (n int, upto text);
INSERT INTO wanted VALUES (1, '2026-11-01T00:10'), (2, '2026-11-01T00:20'), (3, NULL);
SELECT w.n, l.date_time FROM wanted w LEFT JOIN LATERAL
  (SELECT date_time FROM log_entries WHERE log_partition = 'LOGS' AND date_time < w.upto
    ORDER BY date_time DESC LIMIT 2) l ON true ORDER BY 1, 2;

-- prepared, with generic plans
SET plan_cache_mode = force_generic_plan;
PREPARE newest (text, int) AS SELECT date_time FROM log_entries
 WHERE log_partition = $1 ORDER BY date_time DESC LIMIT $2;
EXECUTE newest ('LOGS', 2);
EXECUTE newest ('LOGS', 0);
EXECUTE newest (NULL, 2);
PREPARE pattern (text) AS SELECT count(*) FROM log_entries
 WHERE log_partition = 'LOGS' AND date_time LIKE $1;
EXECUTE pattern ('2026-11-01T01:1%');
EXECUTE pattern ('2026-11-01T01:1_:%');
EXECUTE pattern ('%T01:1%');
EXECUTE pattern ('2026');
RESET plan_cache_mode;

-- cursors
BEGIN;
DECLARE c SCROLL CURSOR FOR SELECT date_time FROM log_entries
 WHERE log_partition = 'LOGS' ORDER BY date_time DESC;
FETCH 2 FROM c;
MOVE 500 IN c;
FETCH 1 FROM c;
FETCH BACKWARD 2 FROM c;
FETCH FIRST FROM c;
CLOSE c;
COMMIT;
