-- Functions for users go to the schema that CREATE EXTENSION is given; everything else lives here.
CREATE SCHEMA rcs;
COMMENT ON SCHEMA rcs IS 'tables and views of the extension rcs';
-- The right to look names up shows no rows: each table and view has its own grants.
GRANT USAGE ON SCHEMA rcs TO PUBLIC;
