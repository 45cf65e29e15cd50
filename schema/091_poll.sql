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

-- Which elements of a list can be read, and the bytes of the others; only of a part of it, but all are counted.
CREATE FUNCTION rcs._answer_elements(answer bytea, list text, first int, most int,
	OUT n int, OUT cut boolean, OUT more boolean, OUT good jsonb, OUT bad bytea[])
LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'rcs_answer_elements';
COMMENT ON FUNCTION rcs._answer_elements(bytea, text, int, int) IS 'a part of the elements of an answer; n: of all of it, null if it is no object';

-- Stores the reports of an answer, beginning at one of them.  With the last of them, the id of the next question is
-- noted, so the next question is asked only when all reports of this answer are on disk.
CREATE FUNCTION rcs._poll_answer(server text, answer bytea, first int, most int, next_id text, give_up boolean,
	OUT n int, OUT more boolean)
LANGUAGE plpgsql VOLATILE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	a record;
BEGIN
	SELECT * INTO a FROM rcs._answer_elements(answer, 'statusInfo', first, most);
	-- the carrier may give the whole of it when it is asked again
	IF (a.n IS NULL OR a.cut) AND NOT give_up THEN
		RETURN;
	END IF;
	n := coalesce(a.n, 0);
	more := n > 0 AND a.more;
	PERFORM rcs._keep_aside(CASE WHEN a.n IS NULL THEN ARRAY[answer] ELSE a.bad END, 'report');
	IF jsonb_array_length(a.good) > 0 THEN
		PERFORM @extschema@.rcs_receive(a.good);
	END IF;
	IF next_id IS NOT NULL AND n <= first + most THEN
		UPDATE rcs.poll p SET query_id = next_id, answered_at = clock_timestamp(), problem = NULL
		WHERE p.server = _poll_answer.server;
	END IF;
END $$;
COMMENT ON FUNCTION rcs._poll_answer(text, bytea, int, int, text, boolean)
	IS 'stores a part of an answer; how many reports are in all of it (null: it can be read only in part), and whether more wait at the carrier';

REVOKE ALL ON FUNCTION rcs._poll_id(text, text), rcs._poll_problem(text, text), rcs._answer_elements(bytea, text, int, int),
	rcs._poll_answer(text, bytea, int, int, text, boolean) FROM PUBLIC;
