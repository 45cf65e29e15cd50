-- Reports that are asked for: the question that is open, and the storing of its answer.

CREATE TABLE rcs.poll (
	server text PRIMARY KEY,
	query_id text,
	answered_at timestamptz,
	problem text
) WITH (fillfactor = 50);
REVOKE ALL ON TABLE rcs.poll FROM PUBLIC;
GRANT SELECT ON TABLE rcs.poll TO pg_monitor;
COMMENT ON TABLE rcs.poll IS 'accounts that are asked for reports; it is in no dump, since an id of a question is of no use elsewhere';
COMMENT ON COLUMN rcs.poll.query_id IS 'of the next question, or of the one whose answer is not stored yet; on disk before it is asked';
COMMENT ON COLUMN rcs.poll.answered_at IS 'when the last answer was stored';
COMMENT ON COLUMN rcs.poll.problem IS 'why the carrier does not answer, or answers something else';

CREATE FUNCTION rcs._poll_id(server text, query_id text) RETURNS void
LANGUAGE sql VOLATILE
BEGIN ATOMIC
	INSERT INTO rcs.poll AS p (server, query_id) VALUES (_poll_id.server, _poll_id.query_id)
	ON CONFLICT ON CONSTRAINT poll_pkey DO UPDATE SET query_id = EXCLUDED.query_id;
END;
COMMENT ON FUNCTION rcs._poll_id(text, text) IS 'notes the id of the question that is asked next';

CREATE FUNCTION rcs._poll_problem(server text, problem text) RETURNS void
LANGUAGE sql VOLATILE
BEGIN ATOMIC
	INSERT INTO rcs.poll AS p (server, problem) VALUES (_poll_problem.server, _poll_problem.problem)
	ON CONFLICT ON CONSTRAINT poll_pkey DO UPDATE SET problem = EXCLUDED.problem;
END;
COMMENT ON FUNCTION rcs._poll_problem(text, text) IS 'notes why an account cannot be asked; null: it can';

-- A byte 0 in one report must not cost the others.
CREATE FUNCTION rcs._poll_json(answer bytea) RETURNS jsonb
LANGUAGE plpgsql IMMUTABLE STRICT
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	RETURN convert_from(answer, 'UTF8')::jsonb;
EXCEPTION WHEN data_exception OR statement_too_complex THEN
	BEGIN
		RETURN regexp_replace(convert_from(answer, 'UTF8'), '(?<!\\)((\\\\)*)\\u0000', '\1?', 'g')::jsonb;
	EXCEPTION WHEN data_exception OR statement_too_complex THEN
		RETURN NULL;
	END;
END $$;
COMMENT ON FUNCTION rcs._poll_json(bytea) IS 'an answer as JSON; null if it is none';

-- Stores the reports of an answer, beginning at one of them.  With the last of them, the id of the next question is
-- noted, so the next question is asked only when all reports of this answer are on disk.
CREATE FUNCTION rcs._poll_answer(server text, answer bytea, first int, most int, next_id text, give_up boolean,
	OUT n int, OUT more boolean)
LANGUAGE plpgsql VOLATILE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	v_answer jsonb := rcs._poll_json(answer);
	v_all jsonb := v_answer -> 'statusInfo';
	v_some jsonb;
BEGIN
	IF jsonb_typeof(v_answer) IS DISTINCT FROM 'object' THEN
		IF NOT give_up THEN
			RETURN;
		END IF;
		PERFORM rcs._quarantine('report', 'an answer to querymsgstatus is not JSON', to_jsonb(left(encode(answer, 'escape'), 4000)));
	END IF;
	v_all := CASE jsonb_typeof(v_all) WHEN 'array' THEN v_all WHEN 'object' THEN jsonb_build_array(v_all) ELSE '[]' END;
	n := jsonb_array_length(v_all);
	more := n > 0 AND coalesce(v_answer ->> 'moreToSend', '') = ANY ('{1,true}'::text[]);
	SELECT jsonb_agg(e.value ORDER BY e.ordinality) INTO v_some
	FROM jsonb_array_elements(v_all) WITH ORDINALITY e WHERE e.ordinality > first AND e.ordinality <= first + most;
	IF v_some IS NOT NULL THEN
		PERFORM @extschema@.rcs_receive(v_some);
	END IF;
	IF next_id IS NOT NULL AND n <= first + most THEN
		UPDATE rcs.poll p SET query_id = next_id, answered_at = clock_timestamp(), problem = NULL
		WHERE p.server = _poll_answer.server;
	END IF;
END $$;
COMMENT ON FUNCTION rcs._poll_answer(text, bytea, int, int, text, boolean)
	IS 'stores a part of an answer; how many reports are in all of it (null: it is no JSON), and whether more wait at the carrier';

REVOKE ALL ON FUNCTION rcs._poll_id(text, text), rcs._poll_problem(text, text), rcs._poll_json(bytea),
	rcs._poll_answer(text, bytea, int, int, text, boolean) FROM PUBLIC;
