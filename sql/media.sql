-- Images: what rcs_media refuses before it asks anybody, and which addresses a message may name.
SET client_min_messages = warning; CREATE EXTENSION IF NOT EXISTS rcs;
\set VERBOSITY terse
\set SHOW_CONTEXT never

CREATE SERVER media_kt TYPE 'kt' FOREIGN DATA WRAPPER rcs OPTIONS (url 'http://127.0.0.1:1/corp/v1');
CREATE USER MAPPING FOR PUBLIC SERVER media_kt OPTIONS (rcs_id 'media', rcs_secret 'secret');
CREATE SERVER media_bare TYPE 'kt' FOREIGN DATA WRAPPER rcs OPTIONS (url 'http://127.0.0.1:1/corp/v1');
INSERT INTO rcs.chatbot (chatbot, servers, brand_key) VALUES ('021111', '{media_kt}', 'BK'), ('022222', '{media_bare}', 'BK');

CREATE FUNCTION regress_state(query text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
	reason text;
	detail text;
	hint text;
BEGIN
	EXECUTE query;
	RETURN 'accepted';
EXCEPTION WHEN OTHERS THEN
	GET STACKED DIAGNOSTICS reason = MESSAGE_TEXT, detail = PG_EXCEPTION_DETAIL, hint = PG_EXCEPTION_HINT;
	RETURN concat(SQLSTATE, ': ', reason, ': ' || rtrim(nullif(detail, ''), '.'), '. ', hint);
END
$$;

-- The file: type by content, size.
\set png '\\x89504e470d0a1a0a00'
SELECT regress_state(format('SELECT rcs_media(%L::bytea, %L, %L)', file, type, '021111'))
FROM (VALUES
	(NULL::bytea, NULL), ('', NULL), ('\xff', NULL), ('\xffd8', NULL), ('GIF89a', 'image/gif'),
	('\x89504e470d0a1a', NULL), ('<svg xmlns="http://www.w3.org/2000/svg"/>', 'image/svg+xml'),
	('not an image', 'image/png'), (:'png', 'image/jpeg'), ('\xffd8ffe0', 'image/png'), (:'png', ''),
	(:'png', 'image/png; charset=binary')) v(file, type);
SELECT regress_state($$SELECT rcs_media('\xffd8ff'::bytea || convert_to(repeat('x', 1048574), 'UTF8'), NULL, '021111')$$);
-- compressed, a gigabyte that is not one
CREATE TABLE regress_big AS SELECT convert_to(repeat('x', 5000000), 'UTF8') AS file;
SELECT regress_state('SELECT rcs_media(file, NULL, ''021111'') FROM regress_big');

-- The sender.
SELECT regress_state(format('SELECT rcs_media(%L, NULL, %L)', :'png', chatbot))
FROM (VALUES ('029999'), (NULL), ('022222')) v(chatbot);
CREATE ROLE regress_rcs_media;
SET ROLE regress_rcs_media;
SELECT regress_state(format('SELECT rcs_media(%L, NULL, ''021111'')', '\x89504e470d0a1a0a00'));
SELECT count(*) FROM rcs.media;
SELECT count(*) FROM rcs.media_url;
RESET ROLE;

-- A copy belongs to an account by a hash of url and rcs_id that a dump carries: the hash must never change.
INSERT INTO rcs.media (server, account, sha256, generation, file_id, mime_type, size, uploaded_at, expires_at)
VALUES ('media_kt', 7603876373528862596, sha256(:'png'), 0, 'here', 'image/png', 9, now(), now() + interval '100 days');
SELECT rcs_media(:'png', NULL, '021111');
-- another one would be uploaded
UPDATE rcs.media SET account = account # 1;
SELECT regress_state(format('SELECT rcs_media(%L, NULL, ''021111'')', :'png')) LIKE '%could not upload%' AS uploads;
DELETE FROM rcs.media;

-- Addresses.
CREATE SERVER media_shop TYPE 'http' FOREIGN DATA WRAPPER rcs OPTIONS (url 'https://img.example.com/shop');
CREATE SERVER media_deep TYPE 'http' FOREIGN DATA WRAPPER rcs OPTIONS (url 'https://img.example.com/shop/private/', allow_private 'on');
CREATE SERVER media_port TYPE 'http' FOREIGN DATA WRAPPER rcs OPTIONS (url 'http://127.0.0.1:8080');
CREATE SERVER media_v6 TYPE 'http' FOREIGN DATA WRAPPER rcs OPTIONS (url 'https://[2001:db8::1]:8443/a/');
CREATE FUNCTION regress_url(media text, member text DEFAULT 'media') RETURNS text LANGUAGE plpgsql AS $$
BEGIN
	RETURN regress_state(format('SELECT rcs_send(%L, %L::jsonb, chatbot => %L)', '01012345678', jsonb_build_object(
		'serviceType', 'RCSMMS', 'messagebaseId', 'OMHITV0001', 'header', '0',
		'body', jsonb_build_object('title', 't', 'description', 'd', 'media', 'maapfile://x') || jsonb_build_object(member, media)), '021111'));
END
$$;
-- in short: without the hint
CREATE FUNCTION regress_short(media text) RETURNS text LANGUAGE sql AS $$ SELECT split_part(regress_url(media), '. ', 1) $$;
-- accepted ones are rolled back: nothing is to wait in the queue
BEGIN;
SELECT media, regress_url(media) FROM unnest(ARRAY[
	'maapfile://BR.1', 'https://img.example.com/shop/1.png', 'HTTPS://IMG.example.COM:443/shop/1.png', 'https://img.example.com/shop',
	'https://img.example.com/shop?n=1', 'https://img.example.com/shop/a/b..c/d.png?x=../..', 'https://img.example.com/shop/%ea%b0%80.png',
	'http://127.0.0.1:8080/x', 'http://127.0.0.1:8080?x', 'https://[2001:DB8::1]:8443/a/b',
	'https://www.youtube.com/watch?v=abc,maapfile://still', 'https://youtu.be/abc,maapfile://still', 'https://m.youtube.com/watch?v=abc,maapfile://still']) media;
SELECT regress_url('https://img.example.com/shop/1.png', member) FROM unnest(ARRAY['subMedia2', 'mTitleMedia', 'itemMedia']) member;
ROLLBACK;
SELECT regress_url('https://img.example.com/shopping/1.png');
SELECT regress_url('https://img.example.com/shop/../1.png');
SELECT media, regress_short(media) FROM unnest(ARRAY[
	'https://img.example.com/shopping/1.png', 'https://img.example.com/Shop/1.png', 'https://img.example.com/', 'https://img.example.com',
	'http://img.example.com/shop/1.png', 'https://img.example.com:8443/shop/1.png', 'https://img.example.com.evil.example/shop/1.png',
	'https://evil.example/shop/1.png', 'http://127.0.0.1:80801/x', 'http://127.0.0.1:8081/x', 'http://localhost:8080/x', 'http://127.1:8080/x', 'https://[2001:db8::2]:8443/a/b',
	'https://img.example.com@evil.example/shop/1.png', 'https://evil.example\@img.example.com/shop/1.png', 'https://img.example.com/shop/../private/1.png',
	'https://img.example.com/shop/%2e%2E/1.png', 'https://img.example.com/shop/.%2e%2f1.png', 'https://img.example.com/shop/..;/1.png', 'https://img.example.com/shop/..',
	'https://img.example.com/shop/..%5c1.png', 'https://img.example.com/shop/./1.png', 'https://img.example.com/shop/1.png#x', 'https://img.example.com/shop/가.png',
	'https://img.example.com:443x/shop/1.png', 'https://img.example.com:/shop/1.png', 'https://img.example.com:443:1/shop/1.png', 'https:///shop/1.png', 'https://[2001:db8::1]x:8443/a/b',
	'https://youtu.be/abc', 'https://youtu.be.evil.example/abc,maapfile://still', 'https://img.example.com.evil/shop,maapfile://still', 'https://img.example.com/shop/#{name}.png']) media;
SELECT regress_url('https://img.example.com/shop/' || repeat('x', 1972));
SELECT regress_url('https://evil.example/1.png', member) FROM unnest(ARRAY['subMedia1', 'mTitleMedia', 'itemMedia']) member;
-- the second card of two
SELECT regress_state(format('SELECT rcs_send(%L, %L::jsonb, chatbot => %L)', '01012345678', jsonb_build_object('serviceType', 'RCSMMS', 'body',
	'{"title1": "t", "description1": "d", "media1": "maapfile://x", "title2": "t", "description2": "d"}' || jsonb_build_object('media2', media)), '021111'))
FROM unnest(ARRAY['https://evil.example/1.png']) media;

-- on_error => record keeps it like any other bad message; a missing right is never recorded.
SELECT rcs_send('01012345678', '{"serviceType": "RCSMMS", "body": {"title": "t", "description": "d", "media": "https://evil.example/1.png"}}'::jsonb, chatbot => '021111', on_error => 'record');
SELECT code, reason FROM rcs.rejected;
GRANT USAGE ON FOREIGN SERVER media_kt, media_shop TO regress_rcs_media;
SET ROLE regress_rcs_media;
BEGIN;
SELECT regress_url('https://img.example.com/shop/1.png');
-- the server that would be asked counts, not another that serves the address too
SELECT regress_url('https://img.example.com/shop/private/1.png');
ROLLBACK;
SELECT rcs_send('01012345678', '{"serviceType": "RCSMMS", "body": {"title": "t", "description": "d", "media": "https://img.example.com/shop/private/1.png"}}'::jsonb, chatbot => '021111', on_error => 'record');
RESET ROLE;

-- Campaigns: the image is one for all.
CREATE FUNCTION regress_campaign(media text) RETURNS text LANGUAGE sql AS $$
	SELECT regress_state(format('SELECT rcs_campaign_create(%L, %L::jsonb, chatbot => %L)', 'c', jsonb_build_object(
		'serviceType', 'RCSMMS', 'header', '0', 'body', jsonb_build_object('title', '#{name}', 'description', 'd', 'media', media)), '021111'))
$$;
BEGIN;
SELECT media, regress_campaign(media) FROM unnest(ARRAY['maapfile://#{id}', 'https://img.example.com/shop/1.png']) media;
ROLLBACK;
SELECT media, regress_campaign(media) FROM unnest(ARRAY[
	'https://img.example.com/shop/#{id}.png', 'https://img.example.com/shop/1.png?#{id}', 'https://#{host}/1.png', 'https://evil.example/1.png']) media;

SELECT count(*) FROM rcs.message;
DROP TABLE regress_big;
DROP OWNED BY regress_rcs_media;
DROP ROLE regress_rcs_media;
DROP FUNCTION regress_campaign(text), regress_short(text), regress_url(text, text), regress_state(text);
DELETE FROM rcs.chatbot;
DELETE FROM rcs.rejected;
DROP SERVER media_kt, media_bare, media_shop, media_deep, media_port, media_v6 CASCADE;
