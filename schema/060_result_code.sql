-- Result codes of the carrier: a view of them as they are shipped, and a table with the changes of the operator.  So a
-- new version may ship other codes, and a dump has only the operator's changes.  rcs._code_shipped stands before this
-- file in the install script, made from data/kt-error-codes.tsv.  It is a view, so that no subscription copies rows
-- over it; an update script may replace it.

CREATE TABLE rcs._code_change (
	code text PRIMARY KEY CHECK (code ~ '^[1-9][0-9]{0,8}$'),
	family text,
	name text,
	class text CHECK (class ~ '^[a-g]$'),
	account boolean,
	gloss text,
	note text,
	changed_by text NOT NULL,
	changed_at timestamptz NOT NULL
);
COMMENT ON TABLE rcs._code_change IS 'what rcs.result_code was changed to; null: as shipped';
SELECT pg_catalog.pg_extension_config_dump('rcs._code_change', '');

CREATE VIEW rcs.result_code AS
SELECT code,
	coalesce(c.family, s.family) AS family,
	coalesce(c.name, s.name) AS name,
	coalesce(c.class, s.class) AS class,
	coalesce(c.account, s.account) AS account,
	coalesce(c.gloss, s.gloss) AS gloss,
	s.class AS shipped_class,
	c.note,
	c.changed_by,
	c.changed_at
FROM rcs._code_shipped s FULL JOIN rcs._code_change c USING (code);
COMMENT ON VIEW rcs.result_code IS 'what each result code of the carrier means; INSERT, UPDATE and DELETE change it within a second for all workers, and a deleted row is as shipped again';
COMMENT ON COLUMN rcs.result_code.class IS 'a get a new token, b too fast, c the carrier has this id already, d refused for the moment, e this recipient cannot be reached, f refused for good, g may have been delivered';
COMMENT ON COLUMN rcs.result_code.account IS 'class f only: it concerns the whole account, which is set aside while its messages wait';
COMMENT ON COLUMN rcs.result_code.shipped_class IS 'the class in this version of the extension; null: the code was added here';
COMMENT ON COLUMN rcs.result_code.note IS 'why it was changed';

-- SECURITY DEFINER, so that the right to write the view is enough.
CREATE FUNCTION rcs._result_code_write() RETURNS pg_catalog.trigger
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	s rcs._code_shipped;
BEGIN
	IF TG_OP = 'DELETE' THEN
		DELETE FROM rcs._code_change c WHERE c.code = OLD.code;
		RETURN CASE WHEN FOUND THEN OLD END;
	END IF;

	SELECT * INTO s FROM rcs._code_shipped t WHERE t.code = NEW.code;
	IF TG_OP = 'INSERT' THEN
		IF s.code IS NOT NULL OR EXISTS (SELECT FROM rcs._code_change c WHERE c.code = NEW.code) THEN
			RAISE EXCEPTION 'result code % is there already', NEW.code
				USING ERRCODE = 'unique_violation', HINT = 'Change it with UPDATE.';
		ELSIF NEW.code !~ '^[1-9][0-9]{0,8}$' IS NOT FALSE THEN
			RAISE EXCEPTION 'invalid result code "%"', NEW.code USING ERRCODE = 'check_violation',
				HINT = 'A code of the carrier is a number of 1 to 9 digits.';
		ELSIF NEW.shipped_class IS NOT NULL OR NEW.changed_by IS NOT NULL OR NEW.changed_at IS NOT NULL THEN
			RAISE EXCEPTION 'cannot set the columns shipped_class, changed_by and changed_at'
				USING ERRCODE = 'generated_always';
		END IF;
	ELSIF (NEW.code, NEW.shipped_class, NEW.changed_by, NEW.changed_at)
		IS DISTINCT FROM (OLD.code, OLD.shipped_class, OLD.changed_by, OLD.changed_at) THEN
		RAISE EXCEPTION 'cannot change the columns code, shipped_class, changed_by and changed_at'
			USING ERRCODE = 'generated_always';
	ELSIF NEW.class <> OLD.class AND NEW.account = OLD.account THEN
		-- a code of another class concerns the message; with its shipped class it concerns what it did before
		NEW.account := NEW.class = 'f' AND coalesce(s.account, false);
	END IF;

	NEW.account := coalesce(NEW.account, false);
	IF NEW.class !~ '^[a-g]$' IS NOT FALSE THEN
		RAISE EXCEPTION 'invalid class of result code %', NEW.code
			USING ERRCODE = 'check_violation', HINT = 'The class is a letter from a to g.';
	ELSIF NEW.account AND NEW.class <> 'f' THEN
		RAISE EXCEPTION 'result code % cannot concern the account', NEW.code
			USING ERRCODE = 'check_violation', HINT = 'Only a code of class f does.';
	END IF;

	IF NEW.note IS NULL AND (NEW.family, NEW.name, NEW.class, NEW.account, NEW.gloss)
		IS NOT DISTINCT FROM (s.family, s.name, s.class, s.account, s.gloss) THEN
		DELETE FROM rcs._code_change c WHERE c.code = NEW.code;
		RETURN NEW;
	END IF;
	NEW.changed_by := coalesce(nullif(current_setting('role'), 'none'), session_user);
	NEW.changed_at := clock_timestamp();
	INSERT INTO rcs._code_change AS c (code, family, name, class, account, gloss, note, changed_by, changed_at)
	VALUES (NEW.code, nullif(NEW.family, s.family), nullif(NEW.name, s.name), nullif(NEW.class, s.class),
		nullif(NEW.account, s.account), nullif(NEW.gloss, s.gloss), NEW.note, NEW.changed_by, NEW.changed_at)
	ON CONFLICT (code) DO UPDATE SET (family, name, class, account, gloss, note, changed_by, changed_at) =
		(EXCLUDED.family, EXCLUDED.name, EXCLUDED.class, EXCLUDED.account, EXCLUDED.gloss, EXCLUDED.note,
		EXCLUDED.changed_by, EXCLUDED.changed_at);
	RETURN NEW;
END
$$;
REVOKE ALL ON FUNCTION rcs._result_code_write() FROM PUBLIC;
COMMENT ON FUNCTION rcs._result_code_write() IS 'keeps what rcs.result_code is changed to, apart from what was shipped';

CREATE TRIGGER result_code_write INSTEAD OF INSERT OR UPDATE OR DELETE ON rcs.result_code
FOR EACH ROW EXECUTE FUNCTION rcs._result_code_write();

-- Written by workers and rcs_receive(); a cache of what rcs.result and rcs.event say, so it is not dumped.
CREATE TABLE rcs.unknown_code (
	code text PRIMARY KEY,
	n bigint NOT NULL,
	first_at timestamptz NOT NULL,
	last_at timestamptz NOT NULL,
	server text,
	http_status int,
	reason text
);
COMMENT ON TABLE rcs.unknown_code IS 'codes of the carrier that were not in rcs.result_code, so that the HTTP status of the answer decided, or in a report the family of the code; server, status and reason are those of the latest, server and status null for a report. Rows may be deleted';

GRANT SELECT ON rcs.result_code, rcs.unknown_code TO pg_monitor;
