-- The listener.  Variables: port; secret_file, with the secret that the carrier has to know.
\set ON_ERROR_STOP on
ALTER SYSTEM SET rcs.listen_secret_file = :'secret_file';
ALTER SYSTEM SET rcs.listen_port = :'port';
SELECT format('ALTER SYSTEM SET rcs.listen_database = %L', current_database()) \gexec
DO $$ BEGIN PERFORM pg_reload_conf(); END $$;
