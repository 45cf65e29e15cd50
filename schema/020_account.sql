-- Carrier accounts (foreign servers, user mappings) and chatbots.

CREATE FUNCTION rcs._fdw_validator(options pg_catalog.text[], catalog pg_catalog.oid)
RETURNS pg_catalog.void
LANGUAGE c VOLATILE STRICT PARALLEL UNSAFE
AS 'MODULE_PATHNAME', 'rcs_fdw_validator';
REVOKE ALL ON FUNCTION rcs._fdw_validator(pg_catalog.text[], pg_catalog.oid) FROM PUBLIC;
COMMENT ON FUNCTION rcs._fdw_validator(pg_catalog.text[], pg_catalog.oid)
	IS 'checks each option of a server or user mapping of the wrapper rcs';

CREATE FOREIGN DATA WRAPPER rcs NO HANDLER VALIDATOR rcs._fdw_validator;
COMMENT ON FOREIGN DATA WRAPPER rcs IS 'carrier accounts (TYPE kt) and data services (TYPE http) of the extension rcs';

CREATE TABLE rcs.chatbot
(
	chatbot text PRIMARY KEY,
	servers text[] NOT NULL,
	agency_id text NOT NULL DEFAULT 'ktbizrcs',
	agency_key text,
	brand_key text,
	name text,
	callback text,
	footer text,
	kisa_orig_code text,
	fallback_prefix text,
	cdr_id text,
	owner text,
	owner_id oid
);
REVOKE ALL ON TABLE rcs.chatbot FROM PUBLIC;
SELECT pg_catalog.pg_extension_config_dump('rcs.chatbot', '');

COMMENT ON TABLE rcs.chatbot IS 'senders: each is a chat room at the carrier, reached through one account or several';
COMMENT ON COLUMN rcs.chatbot.chatbot IS 'id of the chat room at the carrier, as a rule the registered sender number';
COMMENT ON COLUMN rcs.chatbot.servers IS 'names of the foreign servers (TYPE kt) it sends through';
COMMENT ON COLUMN rcs.chatbot.agency_id IS 'agency registered for the brand';
COMMENT ON COLUMN rcs.chatbot.agency_key IS 'key of the agency; sensitive';
COMMENT ON COLUMN rcs.chatbot.brand_key IS 'key of the brand; sensitive';
COMMENT ON COLUMN rcs.chatbot.name IS 'a name for people';
COMMENT ON COLUMN rcs.chatbot.callback IS 'registered sender number of a fallback message';
COMMENT ON COLUMN rcs.chatbot.footer IS 'free opt-out number shown under advertising';
COMMENT ON COLUMN rcs.chatbot.kisa_orig_code IS 'code of the business that first sent the message, nine digits; agencies must give it';
COMMENT ON COLUMN rcs.chatbot.fallback_prefix IS 'put before a fallback text that may arrive as well as the message itself';
COMMENT ON COLUMN rcs.chatbot.cdr_id IS 'subscription to bill instead of the account''s own';
COMMENT ON COLUMN rcs.chatbot.owner IS 'role whose members may steer its campaigns';
COMMENT ON COLUMN rcs.chatbot.owner_id IS 'that role, as long as it is there; 0: it is gone; set it to null to take the role that is called so now';

CREATE VIEW rcs._kt_server AS
SELECT s.srvname::pg_catalog.text AS name
FROM pg_catalog.pg_foreign_server s
JOIN pg_catalog.pg_foreign_data_wrapper w ON w.oid OPERATOR(pg_catalog.=) s.srvfdw
WHERE w.fdwname OPERATOR(pg_catalog.=) 'rcs' AND s.srvtype OPERATOR(pg_catalog.=) 'kt';
COMMENT ON VIEW rcs._kt_server IS 'names of all carrier accounts';
-- The trigger below reads it as the role that writes rcs.chatbot; the catalogs behind it are public.
GRANT SELECT ON rcs._kt_server TO PUBLIC;

-- A trigger and not CHECK constraints, because the error of a constraint shows the whole row, with its keys, in the
-- log.
CREATE FUNCTION rcs._chatbot_check_form() RETURNS pg_catalog.trigger
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	v_column text;
	v_rule text;
BEGIN
	SELECT f.name, f.rule INTO v_column, v_rule
	FROM (VALUES
		(1, 'chatbot', coalesce(NEW.chatbot, ''), '^[!-~]{1,40}$', '1 to 40 ASCII characters without blanks'),
		(2, 'servers', array_ndims(NEW.servers)::text, '^1$', 'a list of server names'),
		(3, 'agency_id', coalesce(NEW.agency_id, ''), '^[!-~]{1,20}$', '1 to 20 ASCII characters without blanks'),
		(4, 'agency_key', NEW.agency_key, '^[^[:space:][:cntrl:]]{1,64}$', '1 to 64 characters without blanks'),
		(5, 'brand_key', NEW.brand_key, '^[^[:space:][:cntrl:]]{1,64}$', '1 to 64 characters without blanks'),
		(6, 'callback', NEW.callback, '^[0-9-]{1,20}$', '1 to 20 digits and hyphens'),
		(7, 'footer', NEW.footer, '^[0-9-]{1,20}$', '1 to 20 digits and hyphens'),
		(8, 'kisa_orig_code', NEW.kisa_orig_code, '^[0-9]{9}$', '9 digits'),
		(9, 'fallback_prefix', NEW.fallback_prefix, '^[^[:cntrl:]]{0,10}$', 'at most 10 characters'),
		(9, 'fallback_prefix', (rcs._cp949_bytes(coalesce(NEW.fallback_prefix, '')) IS NOT NULL)::text, '^true$', 'characters of CP949 (EUC-KR) only'),
		(10, 'cdr_id', NEW.cdr_id, '^[^[:space:][:cntrl:]]{1,20}$', '1 to 20 characters without blanks')
	) AS f(place, name, value, pattern, rule)
	WHERE f.value !~ f.pattern ORDER BY f.place LIMIT 1;
	IF v_column IS NOT NULL THEN
		RAISE EXCEPTION 'invalid value in column "%" of a chatbot', v_column
			USING ERRCODE = 'check_violation', TABLE = 'chatbot', SCHEMA = 'rcs', COLUMN = v_column,
				HINT = format('The column takes %s.', v_rule);
	ELSIF coalesce(cardinality(NEW.servers), 0) = 0 OR array_position(NEW.servers, NULL) IS NOT NULL THEN
		RAISE EXCEPTION 'chatbot "%" names no server', NEW.chatbot
			USING ERRCODE = 'check_violation', TABLE = 'chatbot', SCHEMA = 'rcs', COLUMN = 'servers',
				HINT = 'The column servers takes the names of one carrier account or more, and no nulls.';
	ELSIF (SELECT count(*) <> count(DISTINCT s.name) FROM unnest(NEW.servers) AS s(name)) THEN
		RAISE EXCEPTION 'chatbot "%" names a server more than once', NEW.chatbot
			USING ERRCODE = 'check_violation', TABLE = 'chatbot', SCHEMA = 'rcs', COLUMN = 'servers';
	END IF;
	RETURN NEW;
END
$$;
REVOKE ALL ON FUNCTION rcs._chatbot_check_form() FROM PUBLIC;
COMMENT ON FUNCTION rcs._chatbot_check_form() IS 'checks the form of each column of a chatbot';

-- Judges the role that writes, so it must not be SECURITY DEFINER.
CREATE FUNCTION rcs._chatbot_check_references() RETURNS pg_catalog.trigger
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	v_unknown text;
	v_known text;
BEGIN
	SELECT string_agg(format('"%s"', s.name), ', ' ORDER BY s.place) INTO v_unknown
	FROM unnest(NEW.servers) WITH ORDINALITY AS s(name, place)
	WHERE s.name NOT IN (SELECT k.name FROM rcs._kt_server k);
	IF v_unknown IS NOT NULL THEN
		SELECT string_agg(format('"%s"', k.name), ', ' ORDER BY k.name COLLATE "C") INTO v_known FROM rcs._kt_server k;
		RAISE EXCEPTION 'chatbot "%" names servers that are no carrier accounts: %', NEW.chatbot, v_unknown
			USING ERRCODE = 'undefined_object',
				HINT = coalesce('Carrier accounts are: ' || v_known || '.',
								'There is no carrier account yet; make one with CREATE SERVER ... TYPE ''kt'' FOREIGN DATA WRAPPER rcs.');
	END IF;

	-- An owner that stays is not checked again: other roles may change a chatbot too.
	IF NEW.owner IS NOT NULL
		AND (TG_OP = 'INSERT' OR NEW.owner IS DISTINCT FROM OLD.owner OR NEW.owner_id IS DISTINCT FROM OLD.owner_id
			OR NEW.chatbot IS DISTINCT FROM OLD.chatbot) THEN
		IF NEW.owner_id IS NULL THEN
			RAISE EXCEPTION 'role "%" does not exist', NEW.owner
				USING ERRCODE = 'undefined_object', HINT = 'The owner of a chatbot must be a role.';
		ELSIF NEW.owner_id = 0 THEN
			-- as a dump brings it, whose role is not here
			RAISE WARNING 'role "%", the owner of chatbot "%", is gone', NEW.owner, NEW.chatbot
				USING HINT = 'Give it an owner: UPDATE rcs.chatbot SET owner = ..., owner_id = NULL.';
		ELSIF NOT pg_has_role(current_user, NEW.owner_id, 'MEMBER') THEN
			RAISE EXCEPTION 'must be member of role "%" to make it the owner of a chatbot', NEW.owner
				USING ERRCODE = 'insufficient_privilege';
		END IF;
	END IF;
	RETURN NEW;
END
$$;
REVOKE ALL ON FUNCTION rcs._chatbot_check_references() FROM PUBLIC;
COMMENT ON FUNCTION rcs._chatbot_check_references() IS 'checks the servers and the owner of a chatbot';

CREATE FUNCTION rcs._chatbot_hold_servers() RETURNS pg_catalog.trigger
LANGUAGE c VOLATILE PARALLEL UNSAFE
AS 'MODULE_PATHNAME', 'rcs_chatbot_hold_servers';
REVOKE ALL ON FUNCTION rcs._chatbot_hold_servers() FROM PUBLIC;
COMMENT ON FUNCTION rcs._chatbot_hold_servers() IS 'keeps the servers of a chatbot from being dropped while it is written';

-- Triggers fire in the order of their names: the form first.
CREATE TRIGGER chatbot_1_form BEFORE INSERT OR UPDATE ON rcs.chatbot
FOR EACH ROW EXECUTE FUNCTION rcs._chatbot_check_form();
CREATE TRIGGER chatbot_2_hold BEFORE INSERT OR UPDATE ON rcs.chatbot
FOR EACH ROW EXECUTE FUNCTION rcs._chatbot_hold_servers();
CREATE TRIGGER chatbot_3_references BEFORE INSERT OR UPDATE ON rcs.chatbot
FOR EACH ROW EXECUTE FUNCTION rcs._chatbot_check_references();

-- Called by both event triggers below, as the owner of the extension. DROP and RENAME have locked the server, which
-- chatbot_2_hold locks too: so there is no chatbot with it that has not committed yet.
CREATE FUNCTION rcs._refuse_used_server(p_server pg_catalog.text, p_verb pg_catalog.text)
RETURNS pg_catalog.void
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	v_chatbot text;
BEGIN
	SELECT min(c.chatbot COLLATE "C") INTO v_chatbot FROM rcs.chatbot c WHERE p_server = ANY (c.servers);
	IF v_chatbot IS NOT NULL THEN
		RAISE EXCEPTION 'cannot % server "%" because chatbot "%" sends through it', p_verb, p_server, v_chatbot
			USING ERRCODE = 'dependent_objects_still_exist',
				HINT = 'Take the server out of the column servers of rcs.chatbot first. To load a dump over this database, DROP EXTENSION rcs CASCADE first.';
	END IF;
END
$$;
REVOKE ALL ON FUNCTION rcs._refuse_used_server(pg_catalog.text, pg_catalog.text) FROM PUBLIC;
COMMENT ON FUNCTION rcs._refuse_used_server(pg_catalog.text, pg_catalog.text)
	IS 'raises when a chatbot sends through this server';

CREATE FUNCTION rcs._account_ddl() RETURNS pg_catalog.event_trigger
LANGUAGE c VOLATILE PARALLEL UNSAFE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS 'MODULE_PATHNAME', 'rcs_account_ddl';
REVOKE ALL ON FUNCTION rcs._account_ddl() FROM PUBLIC;
COMMENT ON FUNCTION rcs._account_ddl() IS 'checks what the validator cannot see: TYPE, FOR PUBLIC, renames';

CREATE FUNCTION rcs._account_drop() RETURNS pg_catalog.event_trigger
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	v_server text;
BEGIN
	FOR v_server IN
		SELECT d.address_names[1] FROM pg_event_trigger_dropped_objects() d
		WHERE d.classid = 'pg_catalog.pg_foreign_server'::regclass
	LOOP
		PERFORM rcs._refuse_used_server(v_server, 'drop');
	END LOOP;
END
$$;
REVOKE ALL ON FUNCTION rcs._account_drop() FROM PUBLIC;
COMMENT ON FUNCTION rcs._account_drop() IS 'refuses to drop a server in use, also by CASCADE';

CREATE EVENT TRIGGER rcs_account_ddl ON ddl_command_end
WHEN TAG IN ('CREATE SERVER', 'ALTER SERVER', 'CREATE USER MAPPING', 'ALTER USER MAPPING')
EXECUTE FUNCTION rcs._account_ddl();
COMMENT ON EVENT TRIGGER rcs_account_ddl IS 'checks carrier accounts of the extension rcs';

-- The tags through which a server of ours can go; dropping the extension itself takes this trigger along.
CREATE EVENT TRIGGER rcs_account_drop ON sql_drop
WHEN TAG IN ('DROP SERVER', 'DROP OWNED', 'DROP EXTENSION', 'DROP FOREIGN DATA WRAPPER', 'DROP SCHEMA')
EXECUTE FUNCTION rcs._account_drop();
COMMENT ON EVENT TRIGGER rcs_account_drop IS 'keeps servers that chatbots send through';
