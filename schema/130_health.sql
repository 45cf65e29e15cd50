-- rcs_health(): one function per check, each with at most a few looks into an index, however long the queue is.
-- Times are compared with that of the statement, because an index cannot be searched by a time that moves.
-- A check gives rows of (bad, detail, hint); bad is a severity, or null when all is well.  Some have their patience as
-- an argument, so that tests need not wait.

-- Messages in doubt must be found without reading the queue or the results.
CREATE INDEX batch_in_doubt ON rcs.batch (unknown_since) WHERE unknown_since IS NOT NULL;
CREATE INDEX result_uncertain ON rcs.result (at) WHERE outcome = 'u';

CREATE FUNCTION rcs._disk(OUT place text, OUT free bigint, OUT total bigint) RETURNS SETOF record
AS 'MODULE_PATHNAME', 'rcs_disk'
LANGUAGE C VOLATILE STRICT PARALLEL RESTRICTED SET search_path = pg_catalog, pg_temp;
COMMENT ON FUNCTION rcs._disk() IS 'bytes free on each file system that this database writes to';

CREATE FUNCTION rcs._span(span interval) RETURNS text
LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE SET search_path = pg_catalog, pg_temp
RETURN CASE
	WHEN span < interval '2 minutes' THEN round(extract(epoch FROM span))::text || ' s'
	WHEN span < interval '2 hours' THEN floor(extract(epoch FROM span) / 60)::text || ' min'
	WHEN span < interval '2 days' THEN floor(extract(epoch FROM span) / 3600)::text || ' h'
	ELSE floor(extract(epoch FROM span) / 86400)::text || ' d'
END;
COMMENT ON FUNCTION rcs._span(interval) IS 'a length of time in words';

-- Locks that stop whoever writes to a table, those that our workers take for a moment left out.
CREATE FUNCTION rcs._locked() RETURNS text
LANGUAGE sql VOLATILE PARALLEL UNSAFE SET search_path = pg_catalog, pg_temp
AS $$
	SELECT string_agg(format('rcs.%I is locked by %s (%s)', k.relname,
			coalesce('process ' || k.pid, 'a prepared transaction'), k.mode), ', ')
	FROM (SELECT c.relname, l.pid, l.mode
		FROM pg_lock_status() l JOIN pg_class c ON c.oid = l.relation AND c.relnamespace = 'rcs'::regnamespace AND c.relkind = 'r'
		WHERE l.granted AND l.database = (SELECT x.database FROM rcs._library() x)
			AND l.mode IN ('ShareLock', 'ShareRowExclusiveLock', 'ExclusiveLock', 'AccessExclusiveLock')
			AND l.pid IS DISTINCT FROM pg_backend_pid()
			AND NOT EXISTS (SELECT FROM rcs._workers() w WHERE w.pid = l.pid)
		ORDER BY c.relname LIMIT 5) k
$$;
COMMENT ON FUNCTION rcs._locked() IS 'which tables of ours other sessions have locked; null: none';

CREATE FUNCTION rcs._health_hold(OUT bad text, OUT detail text, OUT hint text) RETURNS SETOF record
LANGUAGE sql VOLATILE PARALLEL UNSAFE SET search_path = pg_catalog, pg_temp
AS $$
	SELECT CASE WHEN bool_or(h.server IS NULL) THEN 'critical' WHEN count(*) > 0 THEN 'warning' END,
		coalesce(string_agg(format('%s on hold for %s by %s: %s', coalesce('account ' || h.server, 'the database'),
			rcs._span(statement_timestamp() - h.at), h.who, h.reason), '; ' ORDER BY h.at), 'no hold is in force'
			|| CASE WHEN coalesce(current_setting('rcs.node_id', true), '') = ''
				THEN '; rcs.node_id is not set, so that a copy of the whole machine would not be noticed' ELSE '' END),
		CASE WHEN rcs._filled_by() IS NOT NULL
			THEN 'To cut over: SELECT rcs_hold(''cut-over'', ''1 min'') on the other server, wait until the subscription has caught up, ALTER SUBSCRIPTION ... DISABLE, then SELECT rcs_resume(''cut-over'') here.'
			ELSE 'When it may send again, run SELECT rcs_resume(''why'').' END
	FROM (SELECT * FROM rcs.hold x WHERE x.released_at IS NULL ORDER BY x.at LIMIT 10) h
$$;
COMMENT ON FUNCTION rcs._health_hold() IS 'check of rcs_health(): is sending stopped on purpose?';

-- Finds one message of a lane that has been ready for longer than that; the first one found will do.  It takes a look
-- into the index for each campaign that has messages waiting, until one is found.
CREATE FUNCTION rcs._ready_since(lane text, patience interval) RETURNS timestamptz
LANGUAGE sql VOLATILE PARALLEL UNSAFE SET search_path = pg_catalog, pg_temp
AS $$
	WITH RECURSIVE stream(no, i) AS (
		SELECT CASE lane WHEN 'single' THEN 0 ELSE
			(SELECT min(b.campaign_no) FROM rcs.batch b WHERE b.state = 'q' AND b.campaign_no > 0) END, 1
		UNION ALL
		SELECT (SELECT min(b.campaign_no) FROM rcs.batch b WHERE b.state = 'q' AND b.campaign_no > s.no), s.i + 1
		FROM stream s WHERE s.no > 0 AND s.i < 1000)
	SELECT o.due_at
	FROM stream s
	LEFT JOIN rcs.campaign c ON c.campaign_no = s.no
	CROSS JOIN LATERAL (
		SELECT b.due_at FROM rcs.batch b
		WHERE b.campaign_no = s.no AND b.state = 'q' AND b.due_at < statement_timestamp() - patience
			-- one that waits for a closed account is not ready, and check "account" tells of it
			AND (s.no > 0 OR coalesce(b.chatbot, '') NOT IN (SELECT w.chatbot FROM rcs._waiting_chatbots() w(chatbot)))
		ORDER BY b.due_at LIMIT 1) o
	WHERE s.no = 0 OR c.canceled_at IS NULL AND c.paused_at IS NULL
		AND coalesce(c.started_at, c.start_at) < statement_timestamp() - patience
	LIMIT 1
$$;
COMMENT ON FUNCTION rcs._ready_since(text, interval) IS 'since when a message of a lane has been ready for so long; null: none has';

-- A lane that has just recorded an outcome is not stalled, so the queue of a busy lane is not read.  A queue full of
-- rows that an old transaction keeps is not read either: that would read them all.
CREATE FUNCTION rcs._health_stalled(patience interval DEFAULT '2 minutes', OUT bad text, OUT detail text, OUT hint text)
RETURNS SETOF record
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	v_now timestamptz := statement_timestamp();
	v_database oid := (SELECT l.database FROM rcs._library() l);
	v_held boolean := EXISTS (SELECT FROM rcs.hold h WHERE h.released_at IS NULL AND h.server IS NULL);
	v_dead bigint := pg_stat_get_dead_tuples('rcs.batch'::regclass);
	v_lane text;
	v_silent interval;
	v_ready interval;
	v_fine text[];
	v_unclear text[];
	v_wrong text[];
	v_waits text[];
	v_long boolean := false;
	w record;
BEGIN
	FOREACH v_lane IN ARRAY '{single,campaign}'::text[] LOOP
		v_silent := v_now - greatest(pg_postmaster_start_time(),
			(SELECT max(x.recorded_at) FROM rcs._workers() x WHERE x.database = v_database AND x.kind = v_lane));
		IF v_held THEN
			v_fine := v_fine || format('%s: on hold', v_lane);
		ELSIF v_silent <= patience THEN
			v_fine := v_fine || format('%s: an outcome was recorded, or the server started, %s ago', v_lane,
				rcs._span(greatest(v_silent, '0 s')));
		ELSIF v_dead > 200000 THEN
			v_unclear := v_unclear || format('%s: nothing was recorded for %s, and the queue holds %s dead rows, too many to see what is ready',
				v_lane, rcs._span(v_silent), v_dead);
		ELSE
			v_ready := v_now - rcs._ready_since(v_lane, patience);
			IF v_ready IS NULL THEN
				v_fine := v_fine || format('%s: nothing has been ready for %s', v_lane, rcs._span(patience));
			ELSE
				v_wrong := v_wrong || format('%s: messages have been ready for %s, and nothing was recorded for %s', v_lane,
					rcs._span(v_ready), rcs._span(v_silent));
			END IF;
		END IF;
	END LOOP;

	FOR w IN
		SELECT x.pid, x.kind, v_now - coalesce(x.round_at, x.since) AS still, v_now - greatest(x.busy_since, x.recorded_at) AS silent,
			x.busy_since IS NOT NULL AS busy, v_now - x.blocked_since AS blocked
		FROM rcs._workers() x WHERE x.database = v_database AND x.pid IS NOT NULL
	LOOP
		IF w.blocked IS NOT NULL THEN
			v_waits := v_waits || format('the %s worker %s has waited for a lock for %s', w.kind, w.pid,
				rcs._span(greatest(w.blocked, '0 s')));
			v_long := v_long OR w.blocked > patience;
		ELSIF w.still > patience THEN
			v_wrong := v_wrong || format('the %s worker %s has not gone round for %s', w.kind, w.pid, rcs._span(w.still));
		ELSIF w.busy AND w.silent > patience THEN
			v_wrong := v_wrong || format('the %s worker %s has had messages in hand for %s and recorded nothing', w.kind, w.pid,
				rcs._span(w.silent));
		END IF;
	END LOOP;

	IF v_waits IS NOT NULL THEN
		v_waits := coalesce(rcs._locked(), 'another session has locked a row, or a table for a moment') || v_waits;
		bad := CASE WHEN v_wrong IS NULL AND NOT v_long THEN 'warning' ELSE 'critical' END;
		hint := 'End the transaction that holds the lock, or its session with pg_terminate_backend().';
	ELSIF v_wrong IS NOT NULL OR v_unclear IS NOT NULL THEN
		bad := CASE WHEN v_wrong IS NULL THEN 'warning' ELSE 'critical' END;
		hint := 'Look at the checks account, worker_slots and old_snapshot, and at the log of the server; a worker that is stuck can be ended with pg_terminate_backend().';
	END IF;
	detail := array_to_string(coalesce(v_waits || v_wrong || v_unclear, v_fine), '; ');
	RETURN NEXT;
END
$$;
COMMENT ON FUNCTION rcs._health_stalled(interval) IS 'check of rcs_health(): is something to be sent, and nothing happens?';

CREATE FUNCTION rcs._health_account(OUT bad text, OUT detail text, OUT hint text) RETURNS SETOF record
LANGUAGE sql VOLATILE PARALLEL UNSAFE SET search_path = pg_catalog, pg_temp
AS $$
	WITH account AS MATERIALIZED (
		SELECT a.server, a.state, a.rate_per_minute, a.last_error, CASE
			WHEN a.state IN ('closed', 'probing') THEN 'critical'
			WHEN a.state = 'unusable' THEN
				CASE WHEN EXISTS (SELECT FROM rcs.chatbot t WHERE a.server = ANY (t.servers)) THEN 'critical' ELSE 'warning' END
			WHEN a.state = 'throttled' OR a.limited_by = 'carrier' THEN 'warning' END AS bad
		FROM rcs.account_status a),
	unanswered AS (
		SELECT p.server, p.problem FROM rcs.poll p JOIN account a USING (server) WHERE p.problem IS NOT NULL)
	SELECT a.bad,
		CASE WHEN a.state IN ('open', 'throttled')
			THEN format('the carrier says that account %s sends too fast%s', a.server, '; its campaigns send ' || a.rate_per_minute || ' a minute now')
			ELSE format('account %s is %s: %s', a.server, CASE a.state WHEN 'unusable' THEN 'unusable' ELSE 'set aside' END,
				coalesce(a.last_error, 'no reason is known')) END,
		CASE WHEN a.state IN ('open', 'throttled') THEN 'The rate recovers by itself within half a minute. If this comes back, compare the option rate_per_minute with the contract.'
			WHEN a.state = 'unusable' THEN 'Set the options of the server, and of its user mapping FOR PUBLIC.'
			WHEN a.last_error LIKE 'on hold: %' THEN 'When it may send again, run SELECT rcs_resume(''why'').'
			ELSE format('It is tried again by itself, at least once a minute. When the cause is gone, run SELECT * FROM rcs_account_check(%L).', a.server) END
	FROM account a WHERE a.bad IS NOT NULL
	UNION ALL
	SELECT 'warning', format('account %s gives no reports when it is asked for them: %s', p.server, p.problem),
		'Compare the option results of the server with the account: if the carrier pushes its reports, ALTER SERVER ... OPTIONS (SET results ''push'').'
	FROM unanswered p
	UNION ALL
	SELECT NULL, CASE count(*) WHEN 0 THEN 'there is no carrier account' WHEN 1 THEN '1 account, not set aside'
		ELSE count(*) || ' accounts, none set aside' END, NULL
	FROM account a HAVING count(a.bad) = 0 AND NOT EXISTS (SELECT FROM unanswered)
$$;
COMMENT ON FUNCTION rcs._health_account() IS 'check of rcs_health(): do the carrier accounts work?';

CREATE FUNCTION rcs._health_worker_slots(OUT bad text, OUT detail text, OUT hint text) RETURNS SETOF record
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	lib record;
	v_version text := (SELECT e.extversion FROM pg_extension e WHERE e.extname = 'rcs');
	v_single int;
	v_campaign int;
	v_launcher boolean;
	v_used int;
	v_most int := current_setting('max_worker_processes');
BEGIN
	SELECT * INTO lib FROM rcs._library();
	-- a worker that was asked for a moment ago counts as running
	SELECT count(*) FILTER (WHERE w.kind = 'single'), count(*) FILTER (WHERE w.kind = 'campaign'),
		coalesce(bool_or(w.kind = 'launcher'), false)
	INTO v_single, v_campaign, v_launcher
	FROM rcs._workers() w WHERE (w.kind = 'launcher' OR w.database = lib.database)
		AND (w.pid IS NOT NULL OR w.since > statement_timestamp() - interval '15 seconds');
	-- all processes that take a place: workers of extensions, of logical replication and of parallel queries
	SELECT count(*) INTO v_used FROM pg_stat_get_activity(NULL) a
	WHERE a.backend_type NOT IN ('client backend', 'autovacuum launcher', 'autovacuum worker', 'background writer',
		'checkpointer', 'walwriter', 'walsender', 'walreceiver', 'walsummarizer', 'startup', 'archiver', 'logger',
		'slotsync worker', 'standalone backend', 'io worker');

	detail := format('single: %s of %s run, campaign: %s of %s; %s of %s worker processes of the server are used',
		v_single, lib.single_workers, v_campaign, lib.campaign_workers, v_used, v_most);
	IF pg_is_in_recovery() THEN
		detail := 'this is a standby: no process of rcs runs before it is promoted';
	ELSIF NOT lib.preloaded THEN
		bad := 'critical';
		detail := 'rcs is not in shared_preload_libraries, so nothing is sent';
		hint := 'Add rcs to shared_preload_libraries and restart the server.';
	ELSIF v_version IS DISTINCT FROM lib.version THEN
		bad := 'critical';
		detail := format('the extension has version %s and the loaded library %s, so nothing is sent', v_version, lib.version);
		hint := 'Restart the server if its library was replaced, and run ALTER EXTENSION rcs UPDATE.';
	ELSIF NOT v_launcher THEN
		bad := 'critical';
		detail := 'the launcher does not run';
		hint := 'It is started again within a second or two; if it is not, the log of the server says why.';
	ELSIF lib.single_workers = 0 OR lib.campaign_workers = 0 THEN
		bad := 'warning';
		hint := 'Where 0 are wanted nothing is sent: set rcs.single_workers and rcs.campaign_workers to 1 or more.';
	ELSIF v_single < lib.single_workers OR v_campaign < lib.campaign_workers THEN
		bad := CASE WHEN v_single = 0 OR v_campaign = 0 THEN 'critical' ELSE 'warning' END;
		hint := CASE WHEN v_used >= v_most THEN 'Raise max_worker_processes and restart the server.'
			ELSE 'The log of the server says why; a worker that ended is started again within seconds.' END;
	END IF;
	RETURN NEXT;
END
$$;
COMMENT ON FUNCTION rcs._health_worker_slots() IS 'check of rcs_health(): do the processes run that should?';

-- At most 100 of each kind are looked at, each through its keys.
CREATE FUNCTION rcs._health_in_doubt(OUT bad text, OUT detail text, OUT hint text) RETURNS SETOF record
LANGUAGE sql VOLATILE PARALLEL UNSAFE SET search_path = pg_catalog, pg_temp
AS $$
	WITH doubt AS (
		SELECT coalesce(sum(b.n), 0) AS n, statement_timestamp() - min(b.unknown_since) AS oldest, count(*) = 100 AS more
		FROM (SELECT x.n, x.unknown_since FROM rcs.batch x WHERE x.unknown_since IS NOT NULL
			ORDER BY x.unknown_since LIMIT 100) b),
	late AS MATERIALIZED (
		SELECT r.campaign_no, r.batch_id, r.ord, r.attempt, r.at FROM rcs.result r
		WHERE r.outcome = 'u' AND r.at > statement_timestamp() - interval '7 days'
		ORDER BY r.at DESC LIMIT 100),
	uncertain AS (
		SELECT count(*) AS n, statement_timestamp() - min(r.at) AS oldest, (SELECT count(*) = 100 FROM late) AS more
		FROM late r
		WHERE NOT EXISTS (SELECT FROM rcs.result l WHERE l.campaign_no = r.campaign_no
				AND l.batch_id = r.batch_id AND l.ord = r.ord AND l.attempt > r.attempt)
			AND NOT EXISTS (SELECT FROM rcs.message m JOIN rcs.event e ON e.message = m.id
				WHERE m.campaign_no = r.campaign_no AND m.batch_id = r.batch_id AND m.ord = r.ord AND e.verdict <> 'uncertain'))
	SELECT CASE WHEN u.n > 0 OR d.oldest > interval '10 minutes' THEN 'warning' END,
		CASE WHEN d.n = 0 THEN 'no message waits to be offered again in doubt'
			ELSE format('%s%s wait to be offered again in doubt, the oldest for %s', CASE WHEN d.more THEN 'at least ' END,
				d.n, rcs._span(d.oldest)) END
		|| CASE WHEN u.n = 0 THEN '; none has become uncertain in the last 7 days'
			ELSE format('; %s%s became uncertain in the last 7 days, the oldest %s ago', CASE WHEN u.more THEN 'at least ' END,
				u.n, rcs._span(u.oldest)) END,
		CASE WHEN u.n > 0 THEN 'Ask the carrier, and settle them with rcs_resolve().'
			ELSE 'They go through the account they were offered through before: see the check account.' END
	FROM doubt d, uncertain u
$$;
COMMENT ON FUNCTION rcs._health_in_doubt() IS 'check of rcs_health(): of how many messages does nobody know the outcome?';

CREATE FUNCTION rcs._health_old_snapshot(patience interval DEFAULT '10 minutes', OUT bad text, OUT detail text, OUT hint text) RETURNS SETOF record
LANGUAGE sql VOLATILE PARALLEL UNSAFE SET search_path = pg_catalog, pg_temp
AS $$
	WITH holder(what, held, xids, advice) AS (
		SELECT format('a transaction of session %s (%s)', a.pid, a.state), statement_timestamp() - a.xact_start,
			NULL::int, 'End the transaction, or the session with pg_terminate_backend().'
		FROM pg_stat_get_activity(NULL) a
		WHERE (a.backend_xmin IS NOT NULL OR a.backend_xid IS NOT NULL) AND a.backend_type <> 'autovacuum worker'
			AND (a.datid = (SELECT l.database FROM rcs._library() l) OR coalesce(a.datid, 0) = 0)
		UNION ALL
		SELECT format('the prepared transaction %L', p.gid), statement_timestamp() - p.prepared, NULL,
			'Run COMMIT PREPARED or ROLLBACK PREPARED.'
		FROM pg_prepared_xact() p WHERE p.dbid = (SELECT l.database FROM rcs._library() l)
		UNION ALL
		SELECT format('the replication slot %s', s.slot_name), NULL, age(s.xmin),
			'Let its consumer go on, or drop the slot with pg_drop_replication_slot().'
		FROM pg_get_replication_slots() s WHERE s.xmin IS NOT NULL),
	oldest AS (
		SELECT h.what, h.held, h.xids, h.advice, CASE WHEN h.held > 12 * patience OR h.xids > 20000000 THEN 2
			WHEN h.held > patience OR h.xids > 1000000 THEN 1 END AS degree
		FROM holder h ORDER BY degree DESC NULLS LAST, h.held DESC NULLS LAST LIMIT 1)
	SELECT CASE o.degree WHEN 2 THEN 'critical' WHEN 1 THEN 'warning' END,
		CASE WHEN o.degree IS NULL THEN 'nothing has kept dead rows for longer than ' || rcs._span(patience)
			ELSE format('%s has kept dead rows from being cleared away for %s, which makes the queue slow', o.what,
				coalesce(rcs._span(o.held), o.xids || ' transactions')) END,
		o.advice
	FROM (SELECT) one LEFT JOIN oldest o ON true
$$;
COMMENT ON FUNCTION rcs._health_old_snapshot(interval) IS 'check of rcs_health(): does an old transaction keep dead rows?';

-- The server has one listener: only the database that it serves checks it.  Requests that it refused are no problem
-- of ours: a client with a wrong secret is told so.
CREATE FUNCTION rcs._health_listener(OUT bad text, OUT detail text, OUT hint text) RETURNS SETOF record
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	-- also loads the library: the settings are unknown without it
	v_preloaded boolean := (SELECT l.preloaded FROM rcs._library() l);
	v_database text := current_setting('rcs.listen_database');
	v_worker record;
	v_listener record;
	v_kept bigint;
BEGIN
	SELECT w.pid, w.since INTO v_worker FROM rcs._workers() w WHERE w.kind = 'listener' AND w.pid IS NOT NULL
		AND w.database = (SELECT l.database FROM rcs._library() l);
	SELECT * INTO v_listener FROM rcs._listener() l;
	IF v_database = '' THEN
		detail := 'not configured';
	ELSIF NOT EXISTS (SELECT FROM pg_database d WHERE d.datname = v_database) THEN
		bad := 'warning';
		detail := format('rcs.listen_database is %L, and there is no such database', v_database);
		hint := 'Correct rcs.listen_database and reload.';
	ELSIF v_database <> current_database() THEN
		detail := format('is for database %I', v_database);
	ELSIF pg_is_in_recovery() OR NOT v_preloaded THEN
		detail := 'no process of rcs runs here; see the check worker_slots';
	ELSIF v_worker.pid IS NULL THEN
		bad := 'critical';
		detail := 'the listener does not run, so reports and messages of users are refused';
		hint := 'It is started again within seconds; if it is not, the check worker_slots or the log of the server says why.';
	ELSIF v_listener.pid IS DISTINCT FROM v_worker.pid AND statement_timestamp() - v_worker.since < interval '10 s' THEN
		detail := 'the listener is starting';
	ELSIF v_listener.pid IS DISTINCT FROM v_worker.pid OR v_listener.problem IS NOT NULL THEN
		bad := CASE WHEN v_listener.listening THEN 'warning' ELSE 'critical' END;
		detail := coalesce(v_listener.problem, 'the listener does not get to work')
			|| CASE WHEN v_listener.listening THEN '; it goes on with the secrets it has read before' ELSE '' END;
		hint := 'Put it right; it is tried again every few seconds, and at a reload. See "the listener" in doc/operations.md.';
	ELSE
		detail := format('listens on %s port %s', v_listener.address, v_listener.port);
	END IF;
	RETURN NEXT;
	SELECT count(*) INTO v_kept FROM rcs.quarantine k WHERE k.raw IS NOT NULL AND k.at > statement_timestamp() - interval '7 days';
	IF v_kept > 0 THEN
		bad := 'warning';
		detail := format('%s of what the carrier sent in the last 7 days could not be read, and is kept as it came', v_kept);
		hint := 'rcs.quarantine says why. SELECT rcs_receive_again(encoding => ''UHC'') stores what can be read then (EUC-KR); DELETE what is of no use.';
		RETURN NEXT;
	END IF;
END
$$;
COMMENT ON FUNCTION rcs._health_listener() IS 'check of rcs_health(): can reports and messages of users come in?';

CREATE FUNCTION rcs._health_unknown_code(OUT bad text, OUT detail text, OUT hint text) RETURNS SETOF record
LANGUAGE sql VOLATILE PARALLEL UNSAFE SET search_path = pg_catalog, pg_temp
AS $$
	SELECT CASE WHEN count(*) > 0 THEN 'warning' END,
		coalesce('the carrier answers with codes that are not in rcs.result_code: '
			|| string_agg(format('%s (%s times, the last %s ago, %s)', u.code, u.n,
				rcs._span(statement_timestamp() - u.last_at), coalesce('HTTP ' || u.http_status, 'in a report')), ', ' ORDER BY u.last_at DESC) FILTER (WHERE u.place <= 5)
			|| CASE WHEN count(*) > 5 THEN format(' and %s more', count(*) - 5) ELSE '' END,
			'no unknown code in the last 7 days'),
		'Ask the carrier what they mean, and INSERT INTO rcs.result_code (code, class, note); until then the HTTP status decides, and in reports the first digit.'
	FROM (SELECT x.*, row_number() OVER (ORDER BY x.last_at DESC) AS place FROM rcs.unknown_code x
		WHERE x.last_at > statement_timestamp() - interval '7 days'
			AND NOT EXISTS (SELECT FROM rcs._code_change c WHERE c.code = x.code)
			AND NOT EXISTS (SELECT FROM rcs._code_shipped s WHERE s.code = x.code)) u
$$;
COMMENT ON FUNCTION rcs._health_unknown_code() IS 'check of rcs_health(): does the carrier use codes that nobody knows?';

CREATE FUNCTION rcs._health_disk(OUT bad text, OUT detail text, OUT hint text) RETURNS SETOF record
LANGUAGE sql VOLATILE PARALLEL UNSAFE SET search_path = pg_catalog, pg_temp
AS $$
	SELECT min(CASE WHEN d.free < 3e9 AND d.free < 0.03 * d.total THEN 'critical'
			WHEN d.free < 10e9 AND d.free < 0.1 * d.total THEN 'warning' END),
		string_agg(format('%s: %s of %s free', d.place, pg_size_pretty(d.free), pg_size_pretty(d.total)), ', '),
		'Make room: a full disk stops the whole server. See "Room on disk" in doc/operations.md.'
	FROM rcs._disk() d
$$;
COMMENT ON FUNCTION rcs._health_disk() IS 'check of rcs_health(): is there room on the disks?';

CREATE FUNCTION rcs._health_clock(OUT bad text, OUT detail text, OUT hint text) RETURNS SETOF record
LANGUAGE sql VOLATILE PARALLEL UNSAFE SET search_path = pg_catalog, pg_temp
AS $$
	WITH apart(what, seconds) AS (
		SELECT format('the clock is %s %s the carrier''s, by account %s', rcs._span(greatest(a.clock_ahead, -a.clock_ahead)),
			CASE WHEN a.clock_ahead > interval '0' THEN 'ahead of' ELSE 'behind' END, a.server), abs(extract(epoch FROM a.clock_ahead))
		FROM rcs.account_status a WHERE a.clock_ahead IS NOT NULL
		UNION ALL
		SELECT format('the clock was set back: the workers were last alive in %s from now', rcs._span(i.last_alive - statement_timestamp())),
			extract(epoch FROM i.last_alive - statement_timestamp())
		FROM rcs._identity_written() i WHERE i.last_alive > statement_timestamp()
		UNION ALL
		SELECT format('the clock was set back: the server started in %s from now', rcs._span(pg_postmaster_start_time() - statement_timestamp())),
			extract(epoch FROM pg_postmaster_start_time() - statement_timestamp())
		WHERE pg_postmaster_start_time() > statement_timestamp()),
	worst AS (SELECT a.what, a.seconds FROM apart a ORDER BY a.seconds DESC LIMIT 1)
	SELECT CASE WHEN w.seconds >= 60 THEN 'critical' WHEN w.seconds >= 5 THEN 'warning' END,
		CASE WHEN w.seconds >= 5 THEN w.what
			WHEN EXISTS (SELECT FROM rcs.account_status a WHERE a.clock_ahead IS NOT NULL)
				THEN 'less than 5 s apart from the carrier''s'
			ELSE 'nothing is dated in the future; the carrier''s clock is not known yet' END,
		'Set the clock right and keep it so (NTP): expiry, ad hours and schedules go by it.'
	FROM (SELECT) one LEFT JOIN worst w ON true
$$;
COMMENT ON FUNCTION rcs._health_clock() IS 'check of rcs_health(): is the clock right?';

-- It runs as the owner, because a monitor may not read the tables behind it.  No check waits long for a lock, plans by
-- statistics of a table that was small, or is lost because another check fails.
CREATE FUNCTION rcs_health(OUT "check" text, OUT severity text, OUT ok boolean, OUT detail text, OUT hint text)
RETURNS SETOF record
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp SET lock_timeout = '200ms' SET enable_seqscan = off SET jit = off
AS $$
BEGIN
	FOREACH "check" IN ARRAY ARRAY['hold', 'stalled', 'account', 'worker_slots', 'in_doubt', 'old_snapshot',
		'listener', 'unknown_code', 'disk', 'clock']
	LOOP
		BEGIN
			FOR severity, detail, hint IN EXECUTE format('SELECT h.bad, h.detail, h.hint FROM rcs.%I() h', '_health_' || "check")
			LOOP
				ok := severity IS NULL;
				hint := CASE WHEN NOT ok THEN hint END;
				severity := coalesce(severity, 'ok');
				RETURN NEXT;
			END LOOP;
		EXCEPTION
		WHEN lock_not_available THEN
			severity := 'warning';
			ok := false;
			detail := 'could not be checked: ' || coalesce(rcs._locked(), SQLERRM);
			hint := 'End the transaction that holds the lock, or its session with pg_terminate_backend().';
			RETURN NEXT;
		WHEN OTHERS THEN
			severity := 'warning';
			ok := false;
			detail := 'could not be checked: ' || SQLERRM;
			hint := 'Try again; if it stays so, the message says what is in the way.';
			RETURN NEXT;
		END;
	END LOOP;
END
$$;
COMMENT ON FUNCTION rcs_health()
	IS 'is everything well? One row per check at least; severity is ok, warning or critical, hint says what to do';

REVOKE ALL ON FUNCTION rcs._disk(), rcs._span(interval), rcs._locked(), rcs._ready_since(text, interval), rcs._health_hold(),
	rcs._health_stalled(interval), rcs._health_account(), rcs._health_worker_slots(), rcs._health_in_doubt(),
	rcs._health_old_snapshot(interval), rcs._health_listener(), rcs._health_unknown_code(), rcs._health_disk(),
	rcs._health_clock(), rcs_health() FROM PUBLIC;
GRANT EXECUTE ON FUNCTION rcs_health() TO pg_monitor;
