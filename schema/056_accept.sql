-- What rcs_resume() puts right when another server has written these tables, and when a dump may not be loaded.

CREATE FUNCTION rcs._load_problem(name text) RETURNS text
LANGUAGE plpgsql VOLATILE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	there bool;
BEGIN
	EXECUTE format('SELECT EXISTS (SELECT FROM rcs.%I)', name) INTO there;
	RETURN CASE WHEN there AND name <> '_origin' THEN 'it has rows already'
		-- a tool that replicates, like pglogical, copies campaigns before the row that tells whose they are
		WHEN current_setting('session_replication_role') = 'replica' THEN NULL
		-- the newest single message has the highest batch_id
		WHEN EXISTS (SELECT FROM rcs._identity_written() i
			WHERE EXISTS (SELECT FROM rcs.campaign c WHERE c.created_at >= i.installed_at)
				OR (SELECT m.created_at FROM rcs.message m WHERE m.campaign_no = 0
					ORDER BY m.batch_id DESC LIMIT 1) >= i.installed_at)
			AND NOT rcs._has_foreign_rows()
		THEN 'this database has messages of its own' END;
END $$;
COMMENT ON FUNCTION rcs._load_problem(text) IS 'why a COPY of a dump into this table is refused; null: it may be loaded';

CREATE FUNCTION rcs._accept_contents() RETURNS void
LANGUAGE plpgsql VOLATILE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	s record;
	most bigint;
	last bigint;
BEGIN
	FOR s IN
		SELECT pg_get_serial_sequence('rcs.' || quote_ident(c.relname), a.attname) AS name,
			format('SELECT max(%I) FROM rcs.%I', a.attname, c.relname) AS most
		FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid
		WHERE c.relnamespace = 'rcs'::regnamespace AND c.relkind = 'r' AND a.attidentity <> ''
		UNION ALL VALUES
		('rcs.campaign_no_seq', 'SELECT max(campaign_no) FROM rcs.campaign'),
		('rcs.batch_id_seq', 'SELECT greatest((SELECT max(batch_id) FROM rcs.batch), (
			SELECT max(x.last) FROM (SELECT 0 AS no UNION ALL SELECT c.campaign_no FROM rcs.campaign c) s
			CROSS JOIN LATERAL (SELECT max(m.batch_id) AS last FROM rcs.message m WHERE m.campaign_no = s.no) x))'),
		('rcs.generation_seq', 'SELECT greatest((SELECT max(generation) FROM rcs.batch), (
			SELECT max(x.generation) FROM (SELECT i.generation FROM rcs.intent i ORDER BY i.row_id DESC LIMIT 10000) x))'),
		('rcs.change_seq', 'SELECT max(seq) FROM rcs._change_feed')
	LOOP
		EXECUTE s.most INTO most;
		EXECUTE 'SELECT last_value FROM ' || s.name INTO last;
		PERFORM setval(s.name, most) WHERE most > last;
	END LOOP;

	IF rcs._has_foreign_rows() THEN
		PERFORM rcs._set_roles(true);
	END IF;

	-- A subscription has brought the row of its server beside ours. Transaction ids of another server mean nothing
	-- here, and what it had to number it has numbered while it was on hold.
	IF (SELECT count(*) FROM rcs.identity i) > 1
		AND EXISTS (SELECT FROM rcs.identity i, rcs._identity_now() n WHERE i.system_id = n.system_id AND i.dboid = n.dboid) THEN
		DELETE FROM rcs._change;
		UPDATE rcs._change_mark SET snapshot = pg_current_snapshot(), pruned = pg_snapshot_xmin(pg_current_snapshot());
	END IF;
	FOR s IN
		SELECT DISTINCT u.subname FROM pg_subscription u JOIN pg_subscription_rel r ON r.srsubid = u.oid
		JOIN pg_class c ON c.oid = r.srrelid
		WHERE u.subenabled AND c.relnamespace = 'rcs'::regnamespace
	LOOP
		RAISE WARNING 'subscription "%" still fills the tables of rcs', s.subname
			USING HINT = 'Disable or drop it: what it still brings was sent by the other server.';
	END LOOP;
END $$;
COMMENT ON FUNCTION rcs._accept_contents() IS 'puts sequences past what the tables hold, takes the roles of this server, and puts the feed of changes in order after a subscription; sequences never go back';
REVOKE ALL ON FUNCTION rcs._load_problem(text), rcs._accept_contents() FROM PUBLIC;
