-- Options of servers, user mappings, tables and columns, and what is wrong with them
CREATE EXTENSION ddb_fdw;
CREATE SERVER dynamo FOREIGN DATA WRAPPER ddb_fdw OPTIONS (region 'us-east-1');

-- every kind of value
CREATE SERVER complete FOREIGN DATA WRAPPER ddb_fdw OPTIONS (
  region 'eu-central-1', endpoint_url 'https://vpce-1.example.com', use_fips 'false',
  use_dualstack 'off', ca_file '/etc/ssl/own.pem', allow_http 'true',
  connect_timeout '500ms', request_timeout '1min', max_attempts '3',
  compression 'on', max_concurrency '8', max_read_units '1000',
  read_unit_price '0', write_unit_price '0.7', consistent_read 'true',
  scan 'warn', updatable 'false', truncatable 'true', transaction 'immediate',
  optimistic 'true', exactly_once 'true', on_type_mismatch 'null');

-- names
CREATE SERVER bad FOREIGN DATA WRAPPER ddb_fdw OPTIONS (reigon 'us-east-1');
CREATE SERVER bad FOREIGN DATA WRAPPER ddb_fdw OPTIONS (host 'localhost');
CREATE SERVER bad FOREIGN DATA WRAPPER ddb_fdw OPTIONS (access_key_id 'AKIDEXAMPLE');
CREATE USER MAPPING FOR CURRENT_USER SERVER dynamo OPTIONS (secret_key 'x');
CREATE USER MAPPING FOR CURRENT_USER SERVER dynamo OPTIONS (region 'us-east-1');
CREATE FOREIGN TABLE bad (a text) SERVER dynamo OPTIONS (tablename 'T');
CREATE FOREIGN TABLE bad (a text) SERVER dynamo OPTIONS (exactlyonce 'true');
CREATE FOREIGN TABLE bad (a text OPTIONS (atribute 'A')) SERVER dynamo;
CREATE FOREIGN TABLE bad (a text OPTIONS (table_name 'A')) SERVER dynamo;
ALTER FOREIGN DATA WRAPPER ddb_fdw OPTIONS (region 'us-east-1');

-- values
CREATE SERVER bad FOREIGN DATA WRAPPER ddb_fdw OPTIONS (region 'US East');
CREATE SERVER bad FOREIGN DATA WRAPPER ddb_fdw OPTIONS (region '');
CREATE SERVER bad FOREIGN DATA WRAPPER ddb_fdw OPTIONS (endpoint_url 'localhost:8000');
CREATE SERVER bad FOREIGN DATA WRAPPER ddb_fdw OPTIONS (endpoint_url 'http://localhost:8000/path');
CREATE SERVER bad FOREIGN DATA WRAPPER ddb_fdw OPTIONS (use_fips 'maybe');
CREATE SERVER bad FOREIGN DATA WRAPPER ddb_fdw OPTIONS (exactly_once 'twice');
CREATE SERVER bad FOREIGN DATA WRAPPER ddb_fdw OPTIONS (request_timeout '0');
CREATE SERVER bad FOREIGN DATA WRAPPER ddb_fdw OPTIONS (request_timeout '2 fortnights');
CREATE SERVER bad FOREIGN DATA WRAPPER ddb_fdw OPTIONS (max_attempts '0');
CREATE SERVER bad FOREIGN DATA WRAPPER ddb_fdw OPTIONS (max_read_units '-1');
CREATE SERVER bad FOREIGN DATA WRAPPER ddb_fdw OPTIONS (scan 'never');
CREATE USER MAPPING FOR CURRENT_USER SERVER dynamo OPTIONS (access_key_id 'AKIDEXAMPLE');
CREATE USER MAPPING FOR CURRENT_USER SERVER dynamo OPTIONS (session_token 'x');
CREATE USER MAPPING FOR CURRENT_USER SERVER dynamo OPTIONS (access_key_id 'AKIDEXAMPLE', secret_access_key '');
CREATE FOREIGN TABLE bad (a text) SERVER dynamo OPTIONS (segment '1');
CREATE FOREIGN TABLE bad (a text) SERVER dynamo OPTIONS (segment '4', total_segments '4');
CREATE FOREIGN TABLE bad (a text OPTIONS (type 'string')) SERVER dynamo;
CREATE FOREIGN TABLE bad (a timestamptz OPTIONS (format 'iso8601:9')) SERVER dynamo;
CREATE FOREIGN TABLE bad (a text OPTIONS (key 'range')) SERVER dynamo;
CREATE FOREIGN TABLE bad (a text OPTIONS (attribute '"a')) SERVER dynamo;

-- what later versions bring is refused, not ignored
CREATE SERVER bad FOREIGN DATA WRAPPER ddb_fdw OPTIONS (region 'us-east-1,eu-west-1');
CREATE USER MAPPING FOR CURRENT_USER SERVER dynamo OPTIONS (role_arn 'arn:aws:iam::123456789012:role/reader');
CREATE USER MAPPING FOR CURRENT_USER SERVER dynamo OPTIONS (credential_source 'instance');
CREATE FOREIGN TABLE bad (a text OPTIONS (template 'USER#${id')) SERVER dynamo;
CREATE FOREIGN TABLE bad (a text OPTIONS (template '${t:epoch}${id}')) SERVER dynamo;
CREATE FOREIGN TABLE bad (a text OPTIONS (attribute 'address..city')) SERVER dynamo;
CREATE FOREIGN TABLE bad (a text OPTIONS (attribute 'tags[204800]')) SERVER dynamo;
CREATE FOREIGN TABLE bad (a text OPTIONS (attribute 'tags[99999999999999999999]')) SERVER dynamo;

-- quoted names hold any character
CREATE FOREIGN TABLE quoted (a text OPTIONS (attribute '"address.city"'), b text OPTIONS (attribute '"say ""hi"""')) SERVER dynamo;

-- permissions
CREATE ROLE regress_ddb_owner;
GRANT USAGE ON FOREIGN DATA WRAPPER ddb_fdw TO regress_ddb_owner;
SET ROLE regress_ddb_owner;
CREATE SERVER bad FOREIGN DATA WRAPPER ddb_fdw OPTIONS (ca_file '/etc/passwd');
CREATE SERVER bad FOREIGN DATA WRAPPER ddb_fdw OPTIONS (allow_http 'true');
CREATE SERVER own FOREIGN DATA WRAPPER ddb_fdw OPTIONS (region 'us-east-1', allow_http 'false');
CREATE USER MAPPING FOR CURRENT_USER SERVER own OPTIONS (credentials_required 'false');
CREATE USER MAPPING FOR CURRENT_USER SERVER own OPTIONS (credentials_required 'true');
SET ddb_fdw.scan = 'deny';
SET ddb_fdw.on_type_mismatch = 'null';
SET ddb_fdw.pushdown = off;
SET ddb_fdw.log_requests = on;
SET ddb_fdw.nonsense = 1;
RESET ROLE;
DROP SERVER own CASCADE;
REVOKE ALL ON FOREIGN DATA WRAPPER ddb_fdw FROM regress_ddb_owner;
DROP ROLE regress_ddb_owner;
