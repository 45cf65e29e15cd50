-- Holds, which stop the sending of this database or of one account, and the identity that notices restores and clones.

CREATE TABLE rcs.hold (
	hold_id uuid PRIMARY KEY DEFAULT pg_catalog.gen_random_uuid(),
	at timestamptz NOT NULL DEFAULT pg_catalog.clock_timestamp(),
	who text NOT NULL,
	reason text NOT NULL,
	server text,
	released_at timestamptz,
	released_by text,
	note text
);
CREATE INDEX hold_open ON rcs.hold (at) WHERE released_at IS NULL;
COMMENT ON TABLE rcs.hold IS 'each time that sending was stopped and resumed; a row without released_at is in force. Dumped, so that a hold survives a restore';
COMMENT ON COLUMN rcs.hold.hold_id IS 'random, so that a hold made while a dump is being loaded is not in its way';
COMMENT ON COLUMN rcs.hold.who IS 'role that called rcs_hold; "rcs" for a hold that a worker made';
COMMENT ON COLUMN rcs.hold.server IS 'only this account; null: the whole database';
SELECT pg_catalog.pg_extension_config_dump('rcs.hold', '');

-- Never dumped: a dump that is loaded elsewhere must not bring it along. A subscription does bring the row of
-- another server, beside that of this one.
CREATE TABLE rcs.identity (
	system_id text NOT NULL,
	timeline int NOT NULL,
	dboid oid NOT NULL,
	node_id text NOT NULL,
	installed_at timestamptz NOT NULL DEFAULT pg_catalog.now(),
	last_alive timestamptz NOT NULL DEFAULT pg_catalog.clock_timestamp(),
	promoted_at timestamptz,
	lag_until timestamptz,
	place text NOT NULL DEFAULT '',
	machine text NOT NULL DEFAULT '',
	label text,
	subscriptions oid[] NOT NULL DEFAULT '{}',
	origin uuid NOT NULL DEFAULT pg_catalog.gen_random_uuid(),
	PRIMARY KEY (system_id, dboid)
) WITH (fillfactor = 50);
COMMENT ON TABLE rcs.identity IS 'which server and database these rows were written in; compared when a worker starts';
COMMENT ON COLUMN rcs.identity.node_id IS 'rcs.node_id when it was written; empty: not set';
COMMENT ON COLUMN rcs.identity.installed_at IS 'messages that are older than this were loaded from somewhere else; -infinity after rcs_resume has accepted them';
COMMENT ON COLUMN rcs.identity.last_alive IS 'written every 10 s while sending, every minute while messages wait, else every hour';
COMMENT ON COLUMN rcs.identity.promoted_at IS 'the last failover: what is older may have been sent by the former primary without a record here';
COMMENT ON COLUMN rcs.identity.lag_until IS 'by then the carrier has been asked about what the former primary sent last; later duplicates tell of another server that goes on';

COMMENT ON COLUMN rcs.identity.place IS 'when the data directory was written to its disk (the birth of global/pg_control): another in a copy; empty: not known';
COMMENT ON COLUMN rcs.identity.machine IS 'of /etc/machine-id; empty: none';
COMMENT ON COLUMN rcs.identity.label IS 'the base backup that the data directory was started from, by its backup_label.old; empty: none; null: not known';
COMMENT ON COLUMN rcs.identity.subscriptions IS 'those that were there when rcs_resume accepted what they had brought';

CREATE FUNCTION rcs._identity_now(OUT system_id text, OUT timeline int, OUT dboid oid, OUT node_id text,
	OUT place text, OUT machine text, OUT label text)
LANGUAGE c VOLATILE PARALLEL RESTRICTED
SET search_path = pg_catalog, pg_temp
AS 'MODULE_PATHNAME', 'rcs_identity_now';
COMMENT ON FUNCTION rcs._identity_now() IS 'identity of the running server and this database';

INSERT INTO rcs.identity (system_id, timeline, dboid, node_id, place, machine, label) SELECT i.* FROM rcs._identity_now() AS i;

-- The name makes a dump load it before the queue.
CREATE TABLE rcs._origin (
	origin uuid PRIMARY KEY
);
COMMENT ON TABLE rcs._origin IS 'whose data are in these tables: a row besides that of rcs.identity came with a dump or a copy, and rcs_resume deletes it';
INSERT INTO rcs._origin SELECT i.origin FROM rcs.identity i;
SELECT pg_catalog.pg_extension_config_dump('rcs._origin', '');

CREATE FUNCTION rcs._hold_changed() RETURNS trigger
LANGUAGE c VOLATILE PARALLEL UNSAFE AS 'MODULE_PATHNAME', 'rcs_hold_changed';
COMMENT ON FUNCTION rcs._hold_changed() IS 'the workers look at commit whether they may send';
CREATE TRIGGER hold_changed AFTER INSERT OR UPDATE OR DELETE ON rcs.hold
FOR EACH STATEMENT EXECUTE FUNCTION rcs._hold_changed();
CREATE TRIGGER origin_changed AFTER INSERT OR UPDATE OR DELETE ON rcs._origin
FOR EACH STATEMENT EXECUTE FUNCTION rcs._hold_changed();

CREATE FUNCTION rcs._identity_written() RETURNS SETOF rcs.identity
LANGUAGE sql STABLE PARALLEL RESTRICTED ROWS 1
SET search_path = pg_catalog, pg_temp
AS $$
	SELECT i.* FROM rcs.identity i, rcs._identity_now() n
	ORDER BY i.system_id = n.system_id AND i.dboid = n.dboid DESC, i.last_alive DESC LIMIT 1;
$$;
COMMENT ON FUNCTION rcs._identity_written() IS 'the row of rcs.identity that counts here: that of this server and database, or in a copy that of the original';

CREATE FUNCTION rcs._has_foreign_rows() RETURNS bool
LANGUAGE sql STABLE PARALLEL RESTRICTED
SET search_path = pg_catalog, pg_temp
AS $$ SELECT EXISTS (SELECT FROM rcs._origin o WHERE o.origin <> (SELECT i.origin FROM rcs._identity_written() i)) $$;
COMMENT ON FUNCTION rcs._has_foreign_rows() IS 'was anything loaded here that another database has written?';

-- Asked with each push and each turn of chat workers: mostly there is no subscription, and plans of plpgsql are kept.
CREATE FUNCTION rcs._filled_by() RETURNS text
LANGUAGE plpgsql STABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	IF NOT EXISTS (SELECT FROM pg_subscription_rel) THEN
		RETURN NULL;
	END IF;
	RETURN (SELECT min(u.subname) FROM pg_subscription_rel r JOIN pg_subscription u ON u.oid = r.srsubid
		WHERE r.srrelid IN (SELECT c.oid FROM pg_class c WHERE c.relnamespace = 'rcs'::regnamespace)
			AND r.srsubid NOT IN (SELECT unnest(i.subscriptions) FROM rcs.identity i));
END $$;
COMMENT ON FUNCTION rcs._filled_by() IS 'a subscription that writes tables of the extension, and that rcs_resume has not accepted: another server counts and sends; null: none';

CREATE FUNCTION rcs_hold(reason pg_catalog.text, drain pg_catalog.interval DEFAULT NULL)
RETURNS pg_catalog.void
LANGUAGE c VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS 'MODULE_PATHNAME', 'rcs_hold_sql';
COMMENT ON FUNCTION rcs_hold(pg_catalog.text, pg_catalog.interval)
	IS 'stops all sending of this database at COMMIT, until rcs_resume; with drain it stops at once and waits so long for what is in flight';

CREATE FUNCTION rcs_resume(note pg_catalog.text DEFAULT NULL)
RETURNS pg_catalog.void
LANGUAGE c VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS 'MODULE_PATHNAME', 'rcs_resume_sql';
COMMENT ON FUNCTION rcs_resume(pg_catalog.text)
	IS 'ends all holds of this database, and accepts that it is where it is now';

REVOKE ALL ON FUNCTION rcs._identity_now(), rcs._identity_written(), rcs._filled_by(), rcs._hold_changed(), rcs._has_foreign_rows(), rcs_hold(pg_catalog.text, pg_catalog.interval),
	rcs_resume(pg_catalog.text) FROM PUBLIC;
