\set ECHO none
-- What several tests begin with: an account at which nobody listens, named by :server, a chatbot, and
-- pg_temp.try().  Its lines are not echoed.
SET client_min_messages = warning;
CREATE EXTENSION IF NOT EXISTS rcs;
CREATE SERVER :"server" TYPE 'kt' FOREIGN DATA WRAPPER rcs OPTIONS (url 'http://127.0.0.1:1', rate_per_minute '600');
CREATE USER MAPPING FOR PUBLIC SERVER :"server" OPTIONS (rcs_id 'shop', rcs_secret 'none');
RESET client_min_messages;
INSERT INTO rcs.chatbot (chatbot, servers, callback) VALUES ('0200000001', ARRAY[:'server'], '0212345678');
-- the answer of a statement, or its error: state, message, detail, hint; ids are left out
CREATE FUNCTION pg_temp.try(statement text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
	answer text;
	detail text;
	hint text;
BEGIN
	EXECUTE statement INTO answer;
	RETURN answer;
EXCEPTION WHEN OTHERS THEN
	GET STACKED DIAGNOSTICS detail = PG_EXCEPTION_DETAIL, hint = PG_EXCEPTION_HINT;
	RETURN concat_ws(E'\n', SQLSTATE || ' ' || regexp_replace(SQLERRM, '[-0-9a-f]{36}', '<id>'), nullif(detail, ''), nullif(hint, ''));
END $$;
\pset format unaligned
\pset tuples_only on
\pset null <null>
\set ECHO all
