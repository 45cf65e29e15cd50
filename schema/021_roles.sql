-- Roles that are kept in tables.  A role is kept by its name, which a dump carries to another server, and by its oid,
-- which alone counts here: a role that is renamed stays the same, and one that is made anew under the name of a dropped
-- one is another.  An oid of 0 says that the role is gone.

-- A row of a dump has an oid of another server, so the name decides when a row is inserted, and when it names another
-- role.  Set the oid to null to take the role that has the name now.
CREATE FUNCTION rcs._bound(name text, given oid, old_name text, old oid) RETURNS oid
LANGUAGE sql STABLE
SET search_path = pg_catalog, pg_temp
AS $$
	SELECT CASE
		WHEN given IS NOT NULL AND name = old_name THEN CASE WHEN given = 0 THEN given ELSE old END
		WHEN given = 0 AND old_name IS NULL THEN given
		ELSE coalesce((SELECT r.oid FROM pg_roles r WHERE r.rolname = name),
			CASE WHEN given IS NOT NULL AND old_name IS NULL THEN 0 END) END
$$;
COMMENT ON FUNCTION rcs._bound(text, oid, text, oid)
	IS 'the oid to keep beside the name of a role; 0: that role is gone; null: there is none of that name';
-- The role that writes a chatbot or a rule calls it through a trigger.
GRANT EXECUTE ON FUNCTION rcs._bound(text, oid, text, oid) TO PUBLIC;

CREATE TABLE rcs.creator (
	creator text NOT NULL,
	role_name text NOT NULL,
	role_id oid,
	row_id uuid PRIMARY KEY DEFAULT pg_catalog.gen_random_uuid()
);
CREATE INDEX creator_creator ON rcs.creator (creator);
CREATE INDEX creator_role ON rcs.creator (role_id);
REVOKE ALL ON TABLE rcs.creator FROM PUBLIC;
SELECT pg_catalog.pg_extension_config_dump('rcs.creator', '');
COMMENT ON TABLE rcs.creator IS 'which role the column created_by of campaigns and messages means';
COMMENT ON COLUMN rcs.creator.creator IS 'the value of created_by: the name of the role at first, with a number if another role had it before';
COMMENT ON COLUMN rcs.creator.role_name IS 'the name that the role has now, or had last';
COMMENT ON COLUMN rcs.creator.role_id IS '0: the role is gone, and nobody has its rights';
COMMENT ON COLUMN rcs.creator.row_id IS 'random, so that a dump can be loaded; two sessions that are first write a row each, and neither waits';

-- These fire for a subscription, too: the oids that it brings are those of another server.
CREATE FUNCTION rcs._creator_bind() RETURNS trigger
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	NEW.role_id := rcs._bound(NEW.role_name, NEW.role_id, OLD.role_name, OLD.role_id);
	RETURN NEW;
END $$;
COMMENT ON FUNCTION rcs._creator_bind() IS 'finds the role of a creator';
CREATE TRIGGER creator_0_role BEFORE INSERT OR UPDATE ON rcs.creator
FOR EACH ROW EXECUTE FUNCTION rcs._creator_bind();
ALTER TABLE rcs.creator ENABLE ALWAYS TRIGGER creator_0_role;

CREATE FUNCTION rcs._creator_changed() RETURNS trigger
LANGUAGE c VOLATILE PARALLEL UNSAFE AS 'MODULE_PATHNAME', 'rcs_creator_changed';
COMMENT ON FUNCTION rcs._creator_changed() IS 'sessions look again which value of created_by means a role';
CREATE TRIGGER creator_1_changed AFTER INSERT OR UPDATE OR DELETE ON rcs.creator
FOR EACH ROW EXECUTE FUNCTION rcs._creator_changed();
ALTER TABLE rcs.creator ENABLE ALWAYS TRIGGER creator_1_changed;

CREATE FUNCTION rcs._chatbot_bind() RETURNS trigger
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	NEW.owner_id := rcs._bound(NEW.owner, NEW.owner_id, OLD.owner, OLD.owner_id);
	RETURN NEW;
END $$;
COMMENT ON FUNCTION rcs._chatbot_bind() IS 'finds the role that owns a chatbot';
CREATE TRIGGER chatbot_0_owner BEFORE INSERT OR UPDATE ON rcs.chatbot
FOR EACH ROW EXECUTE FUNCTION rcs._chatbot_bind();
ALTER TABLE rcs.chatbot ENABLE ALWAYS TRIGGER chatbot_0_owner;

-- A name that stands for two roles, as after a dump was loaded over others, means nobody.
CREATE FUNCTION rcs._creator_role(creator text) RETURNS oid
LANGUAGE sql STABLE
SET search_path = pg_catalog, pg_temp
AS $$
	SELECT CASE WHEN min(c.role_id) = max(c.role_id) AND count(*) = count(c.role_id) THEN min(c.role_id) END
	FROM rcs.creator c WHERE c.creator = _creator_role.creator
$$;
COMMENT ON FUNCTION rcs._creator_role(text) IS 'the role that a value of created_by means; null or 0: none';

CREATE FUNCTION rcs._creator(role oid) RETURNS text
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	v_creator text := (SELECT min(c.creator COLLATE "C") FROM rcs.creator c WHERE c.role_id = role
		AND NOT EXISTS (SELECT FROM rcs.creator o WHERE o.creator = c.creator AND o.role_id IS DISTINCT FROM role));
	v_name text;
	v_n int := 1;
BEGIN
	IF v_creator IS NULL THEN
		v_name := pg_get_userbyid(role);
		v_creator := v_name;
		WHILE EXISTS (SELECT FROM rcs.creator c WHERE c.creator = v_creator) LOOP
			v_n := v_n + 1;
			v_creator := format('%s#%s', v_name, v_n);
		END LOOP;
		INSERT INTO rcs.creator (creator, role_name) VALUES (v_creator, v_name);
	END IF;
	RETURN v_creator;
END $$;
COMMENT ON FUNCTION rcs._creator(oid) IS 'the value of created_by for a role that creates something now';

-- ---------- names that change ----------

-- Only the triggers above fire: to follow a name is not to write a rule.
CREATE FUNCTION rcs._set_roles(loaded boolean) RETURNS void
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
SET session_replication_role = 'replica'
AS $$
DECLARE
	k record;
BEGIN
	FOR k IN SELECT * FROM (VALUES ('chatbot', 'owner', 'owner_id'), ('reply_rule', 'owner', 'owner_id'),
		('reply_rule', 'written_by', 'writer_id'), ('creator', 'role_name', 'role_id')) v(tab, name_column, id_column)
	LOOP
		EXECUTE format(CASE WHEN loaded THEN 'UPDATE rcs.%1$I t SET %3$I = NULL WHERE t.%3$I <> 0' ELSE
			'UPDATE rcs.%1$I t SET %2$I = coalesce((SELECT a.rolname::text FROM pg_authid a WHERE a.oid = t.%3$I), t.%2$I),
				%3$I = coalesce((SELECT a.oid FROM pg_authid a WHERE a.oid = t.%3$I), 0)
			WHERE t.%3$I <> 0 AND NOT EXISTS (SELECT FROM pg_authid a WHERE a.oid = t.%3$I AND a.rolname = t.%2$I)' END,
			k.tab, k.name_column, k.id_column);
	END LOOP;
END $$;
COMMENT ON FUNCTION rcs._set_roles(boolean)
	IS 'takes over new names of roles, and notes which are gone; loaded: takes the roles that have the names now';

-- Asked once a minute.  The oids of a dump that nobody has accepted yet may mean other roles here.
CREATE FUNCTION rcs._follow_roles() RETURNS void
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	IF EXISTS (SELECT FROM (SELECT c.owner, c.owner_id FROM rcs.chatbot c UNION ALL SELECT r.owner, r.owner_id FROM rcs.reply_rule r
			UNION ALL SELECT r.written_by, r.writer_id FROM rcs.reply_rule r UNION ALL SELECT c.role_name, c.role_id FROM rcs.creator c) k(name, id)
		WHERE k.id <> 0 AND NOT EXISTS (SELECT FROM pg_authid a WHERE a.oid = k.id AND a.rolname = k.name))
		AND NOT rcs._has_foreign_rows() THEN
		PERFORM rcs._set_roles(false);
	END IF;
END $$;
COMMENT ON FUNCTION rcs._follow_roles() IS 'takes over new names of roles, and notes which are gone, if there is anything to be done';
REVOKE ALL ON FUNCTION rcs._creator_bind(), rcs._creator_changed(), rcs._chatbot_bind(), rcs._creator_role(text), rcs._creator(oid),
	rcs._set_roles(boolean), rcs._follow_roles() FROM PUBLIC;
