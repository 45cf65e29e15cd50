-- Functions for users go to the schema that CREATE EXTENSION is given; everything else lives here.
CREATE SCHEMA rcs;
COMMENT ON SCHEMA rcs IS 'tables and views of the extension rcs';
-- The right to look names up shows no rows: each table and view has its own grants.
GRANT USAGE ON SCHEMA rcs TO PUBLIC;

CREATE FUNCTION rcs._library(OUT version text, OUT preloaded boolean, OUT single_workers int, OUT campaign_workers int,
	OUT database oid)
AS 'MODULE_PATHNAME', 'rcs_library'
LANGUAGE C VOLATILE STRICT PARALLEL RESTRICTED SET search_path = pg_catalog, pg_temp;
COMMENT ON FUNCTION rcs._library() IS 'the loaded library, how many workers of each kind it wants, and this database';

-- The files of a newer version may be installed while the server still runs the library of the one before.
CREATE FUNCTION rcs._needs_library() RETURNS void
LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	v_library text := (SELECT l.version FROM rcs._library() l);
	v_extension text := (SELECT e.extversion FROM pg_extension e WHERE e.extname = 'rcs');
BEGIN
	IF string_to_array(v_library, '.')::int[] < string_to_array(v_extension, '.')::int[] THEN
		RAISE EXCEPTION USING ERRCODE = 'object_not_in_prerequisite_state',
			MESSAGE = format('rcs %s needs its own library, and the server still runs that of %s', v_extension, v_library),
			HINT = 'Restart the server, so that it loads the library that is installed, and say this again.';
	END IF;
END $$;
COMMENT ON FUNCTION rcs._needs_library() IS 'what an install or update script says first: fails if the loaded library is older than the script';
REVOKE ALL ON FUNCTION rcs._library(), rcs._needs_library() FROM PUBLIC;
SELECT rcs._needs_library();
