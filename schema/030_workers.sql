-- Processes.  Their counts are kept in shared memory, and start anew with each process.

CREATE FUNCTION rcs._workers(OUT pid int, OUT database oid, OUT kind text, OUT state text,
	OUT in_flight int, OUT accepted bigint, OUT failed bigint, OUT since timestamptz,
	OUT round_at timestamptz, OUT recorded_at timestamptz, OUT busy_since timestamptz,
	OUT blocked_since timestamptz)
RETURNS SETOF record
LANGUAGE C VOLATILE PARALLEL RESTRICTED AS 'MODULE_PATHNAME', 'rcs_workers';
COMMENT ON FUNCTION rcs._workers() IS 'the launcher and the workers of all databases';

CREATE VIEW rcs.worker_status AS
SELECT w.pid, d.datname AS database, w.kind, w.state, w.in_flight, w.accepted, w.failed, w.since
FROM rcs._workers() AS w
LEFT JOIN pg_catalog.pg_database AS d ON d.oid OPERATOR(pg_catalog.=) w.database;
COMMENT ON VIEW rcs.worker_status IS 'the processes of rcs, of all databases of the server';
COMMENT ON COLUMN rcs.worker_status.pid IS 'null: asked for, not there yet';
COMMENT ON COLUMN rcs.worker_status.kind IS 'launcher, single, campaign, chat or listener';
COMMENT ON COLUMN rcs.worker_status.in_flight IS 'requests open at the carrier now';
COMMENT ON COLUMN rcs.worker_status.accepted IS 'messages that the carrier has taken from this process';
COMMENT ON COLUMN rcs.worker_status.failed IS 'messages that the carrier has refused for good from this process';

CREATE FUNCTION rcs._request_workers() RETURNS void
LANGUAGE C VOLATILE PARALLEL UNSAFE AS 'MODULE_PATHNAME', 'rcs_request_workers';
COMMENT ON FUNCTION rcs._request_workers() IS 'asks the launcher, at commit, to start the workers of this database';

REVOKE ALL ON FUNCTION rcs._workers(), rcs._request_workers() FROM PUBLIC;
GRANT EXECUTE ON FUNCTION rcs._workers() TO pg_monitor;
GRANT SELECT ON rcs.worker_status TO pg_monitor;

-- Advisory locks would be anybody's who may connect: he could stop what waits for them.
CREATE FUNCTION rcs._turn(name text) RETURNS void
LANGUAGE C VOLATILE STRICT PARALLEL UNSAFE AS 'MODULE_PATHNAME', 'rcs_turn';
COMMENT ON FUNCTION rcs._turn(text)
	IS 'waits until no other transaction of this database has this turn, and has it until the end of its transaction: advertising, changes, erasure, purge or reports';
CREATE FUNCTION rcs._try_turn(name text, shared boolean DEFAULT false) RETURNS boolean
LANGUAGE C VOLATILE STRICT PARALLEL UNSAFE AS 'MODULE_PATHNAME', 'rcs_try_turn';
COMMENT ON FUNCTION rcs._try_turn(text, boolean) IS 'as rcs._turn, but false instead of waiting; shared: beside others that share it';
REVOKE ALL ON FUNCTION rcs._turn(text), rcs._try_turn(text, boolean) FROM PUBLIC;

SELECT rcs._request_workers();
