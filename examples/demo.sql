-- The demo's SQL.  `make demo` runs it section by section and counts requests.
-- By hand, against a DynamoDB Local that holds the table LogEntries:
--   psql -v endpoint=http://localhost:8000 -f examples/demo.sql

-- == A server, keys for it, and a foreign table over LogEntries
CREATE EXTENSION ddb_fdw;

CREATE SERVER dynamo FOREIGN DATA WRAPPER ddb_fdw
  OPTIONS (region 'us-east-1', endpoint_url :'endpoint');

CREATE USER MAPPING FOR CURRENT_USER SERVER dynamo
  OPTIONS (access_key_id 'demo', secret_access_key 'demo');

CREATE FOREIGN TABLE log_entries (
  log_partition  text   OPTIONS (attribute 'logPartition'),
  date_time      text   OPTIONS (attribute 'dateTime') COLLATE "C",
  id             uuid,
  severity       text,
  message        text,
  ttl_expiration bigint OPTIONS (attribute 'ttlExpiration')
) SERVER dynamo OPTIONS (table_name 'LogEntries');

-- == The newest 100 entries: what PostgreSQL asks DynamoDB for
EXPLAIN (ANALYZE, COSTS OFF)
SELECT date_time, severity, message FROM log_entries
 WHERE log_partition = 'LOGS' ORDER BY date_time DESC LIMIT 100;

-- == The same entries (the first of them)
SELECT date_time, severity, message FROM log_entries
 WHERE log_partition = 'LOGS' ORDER BY date_time DESC LIMIT 100
\g | head -n 8

-- == One entry by its full key
SELECT l.severity, l.message FROM log_entries l
 WHERE l.log_partition = 'LOGS' AND l.date_time = :'newest';

-- == The newest warnings and errors, with a local table that says whose they are
CREATE TABLE teams (severity text PRIMARY KEY, team text, answers_within interval);
INSERT INTO teams VALUES ('warning', 'backlog', '2 days'), ('error', 'on call', '15 minutes');

SELECT l.date_time, t.team, t.answers_within, l.message
  FROM (SELECT * FROM log_entries
         WHERE log_partition = 'LOGS' ORDER BY date_time DESC LIMIT 100) l
  JOIN teams t USING (severity)
 ORDER BY l.date_time DESC LIMIT 5;

-- == All entries, counted by severity
SELECT severity, count(*), count(ttl_expiration) AS expiring
  FROM log_entries GROUP BY severity ORDER BY 2 DESC;
