-- Images: the files of each account, the images behind addresses, and rcs_media.

CREATE TABLE rcs.media (
	server text NOT NULL,
	account bigint NOT NULL,
	sha256 bytea NOT NULL,
	generation int NOT NULL,
	file_id text NOT NULL,
	mime_type text NOT NULL,
	size int NOT NULL,
	uploaded_at timestamptz NOT NULL,
	expires_at timestamptz NOT NULL,
	PRIMARY KEY (server, sha256)
);
COMMENT ON TABLE rcs.media IS 'images that the carrier has, by account and content; written by the worker that uploads. Dumped, so that an id that has expired is not used again';
COMMENT ON COLUMN rcs.media.account IS 'hash of the url and rcs_id under which it was uploaded; a server that has others now has no copy';
COMMENT ON COLUMN rcs.media.generation IS 'which upload of this content, from 0; each has another file_id';
COMMENT ON COLUMN rcs.media.file_id IS 'what follows maapfile:// in a message; made from sha256 and generation';
COMMENT ON COLUMN rcs.media.expires_at IS 'the carrier shows it in new messages until then; it is uploaded again a week before, or a tenth of its life if that is shorter';
SELECT pg_catalog.pg_extension_config_dump('rcs.media', '');

-- Not dumped, since it is looked up again.
CREATE TABLE rcs.media_url (
	url text PRIMARY KEY,
	server text NOT NULL,
	sha256 bytea,
	mime_type text,
	size int,
	fetched_at timestamptz,
	fresh_until timestamptz,
	failures int NOT NULL DEFAULT 0,
	problem text,
	tried_at timestamptz NOT NULL,
	next_at timestamptz
);
CREATE INDEX media_url_tried ON rcs.media_url (tried_at);
COMMENT ON TABLE rcs.media_url IS 'images that messages name by an address of the web: what was found there. Forgotten a month after the last look';
COMMENT ON COLUMN rcs.media_url.server IS 'the data service (TYPE http) that was asked';
COMMENT ON COLUMN rcs.media_url.sha256 IS 'content last found and uploaded; null: none yet';
COMMENT ON COLUMN rcs.media_url.fresh_until IS 'not looked at again before: fetched_at and the server''s media_ttl';
COMMENT ON COLUMN rcs.media_url.failures IS 'tries that have failed since it last succeeded';
COMMENT ON COLUMN rcs.media_url.problem IS 'why the last one failed';
COMMENT ON COLUMN rcs.media_url.next_at IS 'after a failure: not tried before';
REVOKE ALL ON TABLE rcs.media, rcs.media_url FROM PUBLIC;

CREATE FUNCTION rcs_media(file pg_catalog.bytea, mime_type pg_catalog.text DEFAULT NULL,
	chatbot pg_catalog.text DEFAULT NULL)
RETURNS pg_catalog.text
LANGUAGE c VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS 'MODULE_PATHNAME', 'rcs_media';
COMMENT ON FUNCTION rcs_media(pg_catalog.bytea, pg_catalog.text, pg_catalog.text)
	IS 'uploads a JPEG or PNG image to those accounts of the chatbot that do not have it; gives maapfile://id for messages';
