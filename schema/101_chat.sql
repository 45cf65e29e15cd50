-- Answering users: the functions that chat workers call, and answers by hand.  src/chat/README.md has the calls in
-- their order.

CREATE FUNCTION rcs._reply_send(role oid, chatbot text, phone text, message jsonb, key text) RETURNS uuid
LANGUAGE c VOLATILE STRICT PARALLEL UNSAFE AS 'MODULE_PATHNAME', 'rcs_reply_send';
COMMENT ON FUNCTION rcs._reply_send(oid, text, text, jsonb, text) IS 'queues a message as that role would';

CREATE FUNCTION rcs._reply_handler(function oid, role oid, i rcs.inbound, milliseconds int) RETURNS jsonb
LANGUAGE c VOLATILE STRICT PARALLEL UNSAFE AS 'MODULE_PATHNAME', 'rcs_reply_handler';
COMMENT ON FUNCTION rcs._reply_handler(oid, oid, rcs.inbound, int) IS 'what a handler gives, run as that role; in chat workers only';

CREATE FUNCTION rcs._handler_fault(i rcs.inbound) RETURNS text
LANGUAGE c VOLATILE STRICT PARALLEL UNSAFE AS 'MODULE_PATHNAME', 'rcs_handler_fault';
COMMENT ON FUNCTION rcs._handler_fault(rcs.inbound) IS 'how the handler of this message ended the process in which it ran; null if it did not';

CREATE FUNCTION rcs._handler_since() RETURNS timestamptz
LANGUAGE c STABLE PARALLEL UNSAFE AS 'MODULE_PATHNAME', 'rcs_handler_since';
COMMENT ON FUNCTION rcs._handler_since() IS 'since when it is known which handlers have ended their processes';

CREATE TABLE rcs.handler_try (
	inbound bigint PRIMARY KEY,
	since timestamptz NOT NULL,
	n int NOT NULL
);
REVOKE ALL ON TABLE rcs.handler_try FROM PUBLIC;
COMMENT ON TABLE rcs.handler_try IS 'messages that were there before the server started, whose handlers are about to run or did not end';
COMMENT ON COLUMN rcs.handler_try.since IS 'rcs._handler_since() of the latest try';

-- A handler that crashes the server would do so again and again.  So if a message was there before the server
-- started, the try is on disk before its handler runs.  Nearly all messages came later and need no such commit.
CREATE FUNCTION rcs._try_handler(i rcs.inbound, OUT noted boolean, OUT hopeless boolean)
LANGUAGE plpgsql VOLATILE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	v_since timestamptz := rcs._handler_since();
	v_try rcs.handler_try;
BEGIN
	noted := false;
	hopeless := false;
	IF i.received_at < v_since THEN
		SELECT t.* INTO v_try FROM rcs.handler_try t WHERE t.inbound = i.id;
		noted := v_try.since IS DISTINCT FROM v_since AND coalesce(v_try.n, 0) < 2;
		hopeless := v_try.since <> v_since AND v_try.n >= 2;
	END IF;
	IF noted THEN
		INSERT INTO rcs.handler_try AS t (inbound, since, n) VALUES (i.id, v_since, 1)
		ON CONFLICT (inbound) DO UPDATE SET since = excluded.since, n = t.n + 1;
		PERFORM set_config('synchronous_commit', 'local', true);
	END IF;
END $$;
COMMENT ON FUNCTION rcs._try_handler(rcs.inbound)
	IS 'noted: this transaction is to be committed before the handler runs; hopeless: the server stopped in it before';

CREATE FUNCTION rcs._chat_claim(id bigint) RETURNS boolean
LANGUAGE c VOLATILE STRICT PARALLEL UNSAFE AS 'MODULE_PATHNAME', 'rcs_chat_claim';
COMMENT ON FUNCTION rcs._chat_claim(bigint) IS 'nobody else answers this message now; in chat workers only';

CREATE FUNCTION rcs._chat_is_free(id bigint) RETURNS boolean
LANGUAGE c VOLATILE STRICT PARALLEL UNSAFE AS 'MODULE_PATHNAME', 'rcs_chat_is_free';
COMMENT ON FUNCTION rcs._chat_is_free(bigint) IS 'does nobody answer this message at the moment? in chat workers only';

-- rcs._reply_send does both parts of this for one message; for many, one statement queues all that was made.
CREATE TYPE rcs._reply_made AS (id uuid, message jsonb, digest bytea);
COMMENT ON TYPE rcs._reply_made IS 'an answer as it is queued';
CREATE FUNCTION rcs._reply_make(role oid, chatbot text, phone text, message jsonb, key text) RETURNS rcs._reply_made
LANGUAGE c VOLATILE STRICT PARALLEL UNSAFE AS 'MODULE_PATHNAME', 'rcs_reply_make';
COMMENT ON FUNCTION rcs._reply_make(oid, text, text, jsonb, text) IS 'a message as that role would queue it';
CREATE FUNCTION rcs._reply_queued(batch_id bigint) RETURNS boolean
LANGUAGE c VOLATILE STRICT PARALLEL UNSAFE AS 'MODULE_PATHNAME', 'rcs_reply_queued';
COMMENT ON FUNCTION rcs._reply_queued(bigint) IS 'the worker of single messages is handed this one at commit';

CREATE FUNCTION rcs._inbound_came() RETURNS trigger
LANGUAGE c VOLATILE PARALLEL UNSAFE AS 'MODULE_PATHNAME', 'rcs_inbound_came';
COMMENT ON FUNCTION rcs._inbound_came() IS 'wakes the chat workers at commit';
CREATE TRIGGER inbound_came AFTER INSERT ON rcs.inbound
FOR EACH STATEMENT EXECUTE FUNCTION rcs._inbound_came();

CREATE INDEX inbound_answered ON rcs.inbound (phone, handled_at) WHERE reply_message IS NOT NULL;

CREATE FUNCTION rcs._reply_to(role oid, i rcs.inbound, message jsonb) RETURNS uuid
LANGUAGE plpgsql VOLATILE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	RETURN rcs._reply_send(role, i.chatbot, i.phone, rcs._as_reply(message, i.reply_id), 'inbound:' || i.id);
END $$;
COMMENT ON FUNCTION rcs._reply_to(oid, rcs.inbound, jsonb) IS 'queues an answer to a message; its key is made of the id of that, so there is one';

CREATE FUNCTION rcs._reply_problem(i rcs.inbound) RETURNS text
LANGUAGE sql STABLE
RETURN CASE
	WHEN i.reply_message IS NOT NULL THEN 'already answered'
	WHEN @extschema@.rcs_phone_or_null(i.phone) IS NULL THEN 'the sender has no number that can be answered'
	WHEN COALESCE(i.carrier_at, i.received_at) OPERATOR(pg_catalog.<) (pg_catalog.now() OPERATOR(pg_catalog.-) rcs._reply_window())
		THEN 'older than 24 hours' END;
COMMENT ON FUNCTION rcs._reply_problem(rcs.inbound) IS 'why a message cannot be answered at all; null if it can';

CREATE FUNCTION rcs._too_many_replies(i rcs.inbound) RETURNS boolean
LANGUAGE plpgsql STABLE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	RETURN (SELECT count(*) >= rcs._replies_a_minute() FROM (
		SELECT FROM rcs.inbound x
		WHERE x.phone = i.phone AND x.reply_message IS NOT NULL AND x.handled_at > now() - interval '1 minute'
		LIMIT rcs._replies_a_minute()) n);
END $$;
COMMENT ON FUNCTION rcs._too_many_replies(rcs.inbound) IS 'true: this user has had as many answers within a minute as a user may';

CREATE FUNCTION rcs._handled(inbound bigint, rule bigint, reply uuid, problem text) RETURNS void
LANGUAGE plpgsql VOLATILE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	UPDATE rcs.inbound i SET rule_id = _handled.rule, reply_message = _handled.reply,
		problem = left(_handled.problem, 500), handled_at = clock_timestamp()
	WHERE i.id = _handled.inbound;
	DELETE FROM rcs.handler_try t WHERE t.inbound = _handled.inbound;
END $$;
COMMENT ON FUNCTION rcs._handled(bigint, bigint, uuid, text) IS 'notes what came of a message';

CREATE FUNCTION rcs._rule_answer(i rcs.inbound, rule rcs.reply_rule, data bytea) RETURNS jsonb
LANGUAGE plpgsql VOLATILE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	v_lacks text := rcs._rule_lacks(rule);
	v_given jsonb := jsonb_build_object('inbound', rcs._inbound_values(i));
BEGIN
	IF v_lacks IS NOT NULL THEN
		RAISE EXCEPTION '%', v_lacks USING ERRCODE = 'insufficient_privilege';
	ELSIF rule.handler IS NOT NULL THEN
		RETURN rcs._reply_handler(rcs._handler(rule.handler), rule.owner_id, i,
			(extract(epoch FROM rcs._handler_limit()) * 1000)::int);
	END IF;
	IF rule.data_server IS NOT NULL THEN
		BEGIN
			v_given := v_given || jsonb_build_object('data', convert_from(data, 'UTF8')::jsonb);
		EXCEPTION WHEN OTHERS THEN
			RAISE EXCEPTION 'server "%" answered with something that is not JSON', rule.data_server;
		END;
	END IF;
	RETURN CASE WHEN rule."each" IS NOT NULL THEN rcs._carousel(rule, v_given)
		ELSE @extschema@.rcs_render(rule.reply, v_given) END;
END $$;
COMMENT ON FUNCTION rcs._rule_answer(rcs.inbound, rcs.reply_rule, bytea) IS 'the answer of a rule to a message; null: none. A problem is raised';

-- Queues the answer of a rule, or its error_reply.  A failure undoes everything that was done for the answer, also by
-- a handler.
CREATE FUNCTION rcs._apply_rule(i rcs.inbound, rule rcs.reply_rule, data bytea, problem text) RETURNS void
LANGUAGE plpgsql VOLATILE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	v_started timestamptz := clock_timestamp();
	v_role oid := (SELECT a.role FROM rcs._rule_role(rule.owner_id, rule.writer_id) a(role));
	v_answer jsonb;
	v_reply uuid;
	v_detail text;
BEGIN
	IF problem IS NULL AND rule.handler IS NOT NULL THEN
		problem := format('the handler %s ', rule.handler) || rcs._handler_fault(i);
	END IF;
	IF problem IS NULL THEN
		BEGIN
			v_answer := rcs._rule_answer(i, rule, data);
			IF v_answer IS NOT NULL THEN
				v_reply := rcs._reply_to(v_role, i, v_answer);
			END IF;
		EXCEPTION
			WHEN query_canceled THEN
				-- not the limit of the handler: the worker is told to stop, for example
				IF rule.handler IS NULL OR clock_timestamp() < v_started + rcs._handler_limit() - interval '0.1 s' THEN
					RAISE;
				END IF;
				problem := format('the handler %s took longer than %s seconds', rule.handler, extract(epoch FROM rcs._handler_limit())::int);
			WHEN OTHERS OR assert_failure THEN
				GET STACKED DIAGNOSTICS problem = MESSAGE_TEXT, v_detail = PG_EXCEPTION_DETAIL;
				problem := problem || coalesce(': ' || nullif(v_detail, ''), '');
				IF rule.handler IS NOT NULL AND v_answer IS NULL THEN
					problem := format('the handler %s failed: %s', rule.handler, problem)
						|| CASE WHEN SQLSTATE IN ('42883', '42P01', '42704')
							THEN ' (its search_path is pg_catalog: SET another with the function)' ELSE '' END;
				END IF;
		END;
	END IF;
	IF problem IS NOT NULL AND rule.error_reply IS NOT NULL THEN
		BEGIN
			v_reply := rcs._reply_to(v_role, i, @extschema@.rcs_render(rule.error_reply,
				jsonb_build_object('inbound', rcs._inbound_values(i))));
		EXCEPTION WHEN OTHERS THEN
			problem := left(problem, 250) || '; its error_reply failed too: ' || SQLERRM;
		END;
	END IF;
	PERFORM rcs._handled(i.id, rule.rule_id, v_reply, problem);
END $$;
COMMENT ON FUNCTION rcs._apply_rule(rcs.inbound, rcs.reply_rule, bytea, text) IS 'answers a message by a rule, with its data or with what is wrong';

-- Answers the first waiting messages up to one whose rule is not plain; a plain rule has a reply, and neither handler,
-- data nor opt-out.  One statement answers all of them.  If it fails, n is 0, and rcs._chat_next, which also answers the
-- messages that are not plain, does one by one, so that the bad message is found.
-- n: messages that are answered; seen: id of the last one; rest: messages of another kind wait.
CREATE FUNCTION rcs._chat_plain(low bigint, most int, OUT n int, OUT seen bigint, OUT rest boolean)
LANGUAGE plpgsql VOLATILE
SET search_path = pg_catalog, pg_temp
-- a plan made while the tables were small is kept for long
SET enable_seqscan = off
SET enable_hashjoin = off
SET enable_mergejoin = off
SET plan_cache_mode = force_generic_plan
AS $$
DECLARE
	v_answers int;
	v_queued int;
BEGIN
	WITH waiting AS MATERIALIZED (
		SELECT x.ctid AS tid, x AS i, rcs._said(x.event, x.text, x.postback_data) AS said FROM rcs.inbound x
		WHERE x.handled_at IS NULL AND x.id > low AND rcs._chat_is_free(x.id) AND rcs._filled_by() IS NULL
		ORDER BY x.id LIMIT most FOR UPDATE SKIP LOCKED),
	ruled AS MATERIALIZED (
		SELECT w.tid, w.i, (w.i).id AS id, r.rule_id, r.reply, a.role,
			r.rule_id IS NOT NULL AND (r.handler IS NOT NULL OR r.data_server IS NOT NULL OR r.opt_out
				OR a.role IS NULL) AS special
		FROM waiting w LEFT JOIN LATERAL rcs._rule_for((w.i).chatbot, (w.i).event, w.said) r ON true
			LEFT JOIN LATERAL rcs._rule_role(r.owner_id, r.writer_id) a(role) ON true),
	plain AS MATERIALIZED (
		SELECT r.*, CASE WHEN r.rule_id IS NOT NULL THEN rcs._reply_problem(r.i) END AS problem FROM ruled r
		WHERE r.id < coalesce((SELECT min(s.id) FROM ruled s WHERE s.special), 9223372036854775807)),
	-- the messages of this statement count, too
	judged AS MATERIALIZED (
		SELECT p.tid, p.i, p.id, p.rule_id, p.reply, p.role, CASE WHEN p.reply IS NULL OR p.problem IS NOT NULL THEN p.problem
			WHEN row_number() OVER (PARTITION BY (p.i).phone, p.reply IS NOT NULL AND p.problem IS NULL ORDER BY p.id)
				+ (SELECT count(*) FROM (SELECT FROM rcs.inbound x WHERE x.phone = (p.i).phone AND x.reply_message IS NOT NULL
					AND x.handled_at > now() - interval '1 minute' LIMIT rcs._replies_a_minute()) had) > rcs._replies_a_minute()
				THEN 'too many messages' END AS problem
		FROM plain p),
	made AS MATERIALIZED (
		SELECT j.id, (j.i).phone AS phone, (j.i).chatbot AS chatbot, j.role, nextval('rcs.batch_id_seq') AS batch_id,
			rcs._reply_make(j.role, (j.i).chatbot, (j.i).phone, rcs._as_reply(
				@extschema@.rcs_render(j.reply, jsonb_build_object('inbound', rcs._inbound_values(j.i))), (j.i).reply_id),
				'inbound:' || j.id) AS m
		FROM judged j WHERE j.reply IS NOT NULL AND j.problem IS NULL),
	message AS (
		INSERT INTO rcs.message (campaign_no, batch_id, ord, id, created_at, phone, message, chatbot, key, digest, created_by)
		SELECT 0, k.batch_id, 1, (k.m).id, now(), k.phone, (k.m).message, k.chatbot, 'inbound:' || k.id, (k.m).digest, rcs._creator(k.role)
		FROM made k ON CONFLICT DO NOTHING RETURNING message.batch_id, message.chatbot, message.created_by),
	batch AS (
		INSERT INTO rcs.batch (campaign_no, batch_id, n, due_at, chatbot, sender)
		SELECT 0, m.batch_id, 1, now(), m.chatbot, m.created_by FROM message m
		RETURNING rcs._reply_queued(batch.batch_id)),
	noted AS (
		UPDATE rcs.inbound i SET rule_id = j.rule_id, reply_message = (k.m).id, problem = j.problem, handled_at = clock_timestamp()
		FROM judged j LEFT JOIN made k ON k.id = j.id WHERE i.ctid = j.tid)
	SELECT (SELECT count(*) FROM judged), (SELECT coalesce(max(j.id), low) FROM judged j), (SELECT count(*) FROM made),
		(SELECT count(*) FROM batch), EXISTS (SELECT FROM ruled r WHERE r.special)
	INTO n, seen, v_answers, v_queued, rest;
	IF v_queued < v_answers THEN
		RAISE EXCEPTION 'an answer was queued before';
	ELSIF n = 0 AND rest THEN
		-- a handler may be next: the error unlocks the rows behind it, which would be locked while it runs
		RAISE EXCEPTION 'the first one is not plain';
	END IF;
EXCEPTION WHEN OTHERS THEN
	n := 0;
	seen := low;
	rest := true;
END $$;
COMMENT ON FUNCTION rcs._chat_plain(bigint, int) IS 'answers the next messages above this id that need nothing but a reply; by chat workers only';

-- Answers one message that no process has claimed, or gives server and path of the data that its rule needs.
-- id is null when no such message waits.  A rule that may take long, or keep locks, needs a transaction of its own,
-- so that no other answer waits for it.  alone: this message had one (id is given), or must be the first of the next
-- transaction (id is null).
CREATE FUNCTION rcs._chat_next(low bigint, first boolean, OUT id bigint, OUT rule_id bigint, OUT server text, OUT path text, OUT seen bigint, OUT alone boolean)
LANGUAGE plpgsql VOLATILE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	v_i rcs.inbound;
	v_rule rcs.reply_rule;
	v_problem text;
	v_detail text;
	v_noted boolean;
	v_hopeless boolean := false;
BEGIN
	seen := low;
	alone := false;
	LOOP
		SELECT x.id INTO seen FROM rcs.inbound x WHERE x.handled_at IS NULL AND x.id > low
			AND rcs._filled_by() IS NULL ORDER BY x.id LIMIT 1;
		IF NOT FOUND THEN
			seen := low;
			RETURN;
		END IF;
		low := seen;
		CONTINUE WHEN NOT rcs._chat_claim(seen);
		-- the process that had the claim before may have answered the message meanwhile
		SELECT x.* INTO v_i FROM rcs.inbound x WHERE x.id = seen AND x.handled_at IS NULL FOR UPDATE SKIP LOCKED;
		EXIT WHEN FOUND;
	END LOOP;
	v_rule := rcs._rule_of(v_i);
	alone := v_rule.handler IS NOT NULL OR coalesce(v_rule.opt_out, false);
	IF alone AND NOT first THEN
		RETURN;
	END IF;
	IF v_rule.handler IS NOT NULL THEN
		SELECT t.noted, t.hopeless INTO v_noted, v_hopeless FROM rcs._try_handler(v_i) t;
		IF v_noted THEN
			RETURN;
		END IF;
	END IF;
	id := v_i.id;
	rule_id := v_rule.rule_id;
	IF rule_id IS NULL THEN
		PERFORM rcs._handled(id, NULL, NULL, NULL);
		RETURN;
	END IF;
	IF v_rule.opt_out THEN
		BEGIN
			PERFORM @extschema@.rcs_optout(v_i.phone, v_i.chatbot, 'chat');
		EXCEPTION WHEN OTHERS THEN
			PERFORM rcs._apply_rule(v_i, v_rule, NULL, 'the opt-out could not be recorded: ' || SQLERRM);
			RETURN;
		END;
	END IF;
	v_problem := CASE WHEN rcs._too_many_replies(v_i) THEN 'too many messages' ELSE rcs._reply_problem(v_i) END;
	IF v_problem IS NOT NULL OR v_rule.reply IS NULL AND v_rule.handler IS NULL THEN
		PERFORM rcs._handled(id, rule_id, NULL, v_problem);
	ELSIF v_rule.data_server IS NULL OR v_hopeless THEN
		PERFORM rcs._apply_rule(v_i, v_rule, NULL,
			CASE WHEN v_hopeless THEN format('the server stopped each time that the handler %s ran', v_rule.handler) END);
	ELSE
		v_problem := rcs._rule_lacks(v_rule);
		BEGIN
			path := rcs._data_path(v_i, v_rule);
		EXCEPTION WHEN OTHERS THEN
			GET STACKED DIAGNOSTICS v_problem = MESSAGE_TEXT, v_detail = PG_EXCEPTION_DETAIL;
			v_problem := v_problem || coalesce(': ' || nullif(v_detail, ''), '');
		END;
		IF v_problem IS NULL THEN
			server := v_rule.data_server;
		ELSE
			PERFORM rcs._apply_rule(v_i, v_rule, NULL, v_problem);
		END IF;
	END IF;
END $$;
COMMENT ON FUNCTION rcs._chat_next(bigint, boolean) IS 'answers the next message above this id, or says what data its rule needs';

CREATE FUNCTION rcs._chat_answer(inbound bigint, rule bigint, data bytea, problem text) RETURNS void
LANGUAGE plpgsql VOLATILE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	v_i rcs.inbound;
	v_rule rcs.reply_rule;
BEGIN
	SELECT x.* INTO v_i FROM rcs.inbound x WHERE x.id = inbound AND x.handled_at IS NULL FOR UPDATE;
	IF NOT FOUND THEN
		RETURN;
	END IF;
	SELECT r.* INTO v_rule FROM rcs.reply_rule r WHERE r.rule_id = rule;
	IF NOT FOUND THEN
		PERFORM rcs._handled(inbound, rule, NULL, 'the rule was deleted meanwhile');
	ELSE
		PERFORM rcs._apply_rule(v_i, v_rule, data, problem);
	END IF;
END $$;
COMMENT ON FUNCTION rcs._chat_answer(bigint, bigint, bytea, text) IS 'answers a message whose data has come, or why it has not';

CREATE FUNCTION rcs._chat_give_up(inbound bigint) RETURNS void
LANGUAGE plpgsql VOLATILE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	UPDATE rcs.inbound i SET problem = 'an error that the log of the server shows', handled_at = clock_timestamp()
	WHERE i.id = _chat_give_up.inbound AND i.handled_at IS NULL;
	DELETE FROM rcs.handler_try t WHERE t.inbound = _chat_give_up.inbound;
END $$;
COMMENT ON FUNCTION rcs._chat_give_up(bigint) IS 'leaves a message unanswered that has failed again and again';

-- ---------- by hand, and data ----------

-- Whoever may see the messages of a chatbot; to answer them, a role must also be able to send as it.
CREATE FUNCTION rcs._may_answer(role oid, chatbot text) RETURNS boolean
LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp
RETURN has_column_privilege(role, 'rcs.inbound'::regclass, 'id', 'SELECT') OR EXISTS (
	SELECT FROM rcs.chatbot b JOIN pg_roles r ON r.oid = b.owner_id
	WHERE b.chatbot = _may_answer.chatbot AND pg_has_role(role, r.oid, 'USAGE'));
COMMENT ON FUNCTION rcs._may_answer(oid, text) IS 'whether a role may know of messages to this chatbot';

-- The row is locked after the right is known, so a stranger holds up nobody.
CREATE FUNCTION rcs._reply_by_hand(role oid, inbound bigint, message jsonb) RETURNS uuid
LANGUAGE plpgsql VOLATILE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	v_i rcs.inbound;
	v_problem text;
BEGIN
	IF rcs._may_answer(role, (SELECT x.chatbot FROM rcs.inbound x WHERE x.id = inbound)) THEN
		SELECT x.* INTO v_i FROM rcs.inbound x WHERE x.id = inbound FOR UPDATE;
	END IF;
	IF v_i.id IS NULL THEN
		RAISE EXCEPTION 'there is no inbound message %', inbound
			USING ERRCODE = 'no_data_found',
				HINT = 'The ids are in rcs.inbound. A message is answered by roles that may read it there, or are in the owner of its chatbot.';
	END IF;
	v_problem := rcs._reply_problem(v_i);
	IF v_problem IS NOT NULL THEN
		RAISE EXCEPTION 'inbound message % cannot be answered: %', inbound, v_problem
			USING ERRCODE = 'object_not_in_prerequisite_state',
				HINT = 'A message is answered once and within 24 hours; rcs_send() starts a new one.';
	END IF;
	v_i.reply_message := rcs._reply_to(role, v_i, message);
	PERFORM rcs._handled(inbound, v_i.rule_id, v_i.reply_message, v_i.problem);
	RETURN v_i.reply_message;
END $$;
COMMENT ON FUNCTION rcs._reply_by_hand(oid, bigint, jsonb) IS 'rcs_reply, for that role';

CREATE FUNCTION rcs_reply(inbound bigint, message jsonb) RETURNS uuid
LANGUAGE c VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS 'MODULE_PATHNAME', 'rcs_reply';
COMMENT ON FUNCTION rcs_reply(bigint, jsonb)
	IS 'answers a message of a user when the transaction commits; gives the id of the answer';

CREATE FUNCTION rcs_fetch(server text, path text, body jsonb DEFAULT NULL) RETURNS jsonb
LANGUAGE c VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS 'MODULE_PATHNAME', 'rcs_fetch';
COMMENT ON FUNCTION rcs_fetch(text, text, jsonb)
	IS 'JSON of a data service (server of TYPE http): GET, or POST with a body';

REVOKE ALL ON FUNCTION rcs._trimmed(text), rcs._said(text, text, text), rcs._rule_for(text, text, text), rcs._rule_of(rcs.inbound), rcs._inbound_values(rcs.inbound), rcs._url_encoded(text),
	rcs._data_path(rcs.inbound, rcs.reply_rule), rcs._carousel(rcs.reply_rule, jsonb), rcs._as_reply(jsonb, text),
	rcs._reply_send(oid, text, text, jsonb, text), rcs._reply_handler(oid, oid, rcs.inbound, int), rcs._chat_claim(bigint),
	rcs._handler_fault(rcs.inbound), rcs._handler_since(), rcs._try_handler(rcs.inbound),
	rcs._inbound_came(), rcs._reply_to(oid, rcs.inbound, jsonb), rcs._reply_problem(rcs.inbound),
	rcs._too_many_replies(rcs.inbound), rcs._handled(bigint, bigint, uuid, text),
	rcs._rule_answer(rcs.inbound, rcs.reply_rule, bytea), rcs._apply_rule(rcs.inbound, rcs.reply_rule, bytea, text),
	rcs._chat_is_free(bigint), rcs._reply_make(oid, text, text, jsonb, text), rcs._reply_queued(bigint), rcs._chat_plain(bigint, int),
	rcs._chat_next(bigint, boolean), rcs._chat_answer(bigint, bigint, bytea, text), rcs._chat_give_up(bigint),
	rcs._may_answer(oid, text), rcs._reply_by_hand(oid, bigint, jsonb) FROM PUBLIC;
