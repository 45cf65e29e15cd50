-- Phone numbers: what is accepted, what it becomes, what is refused and why.
SET client_min_messages = warning;
CREATE EXTENSION IF NOT EXISTS rcs;
RESET client_min_messages;

-- one spelling for all of these
SELECT rcs_phone(p) = '01012345678' AS same, p
FROM unnest(ARRAY[
	'01012345678', '010-1234-5678', '010 1234 5678', '010.1234.5678', '(010) 1234-5678',
	'010/1234/5678', ' 010-1234-5678 ',
	'+82 10-1234-5678', '+821012345678', '+82 (0)10-1234-5678', '+82-010-1234-5678',
	'(+82) 10 1234 5678', '0082-10-1234-5678', '001-82-10-1234-5678', '002 82 10 1234 5678',
	'00700-82-10-1234-5678', '00700-82-(0)10-1234-5678', '82-10-1234-5678', '8201012345678',
	'０１０－１２３４－５６７８', '＋８２ １０ １２３４ ５６７８', '（０１０）１２３４．５６７８'
]) WITH ORDINALITY AS t (p, n) ORDER BY n;

-- separators that cannot be seen, by their UTF-8 bytes
SELECT rcs_phone(replace('010_1234_5678', '_', s)) = '01012345678' AS same, what
FROM (VALUES
	(1, E'\xC2\xA0', 'no-break space'), (2, E'\xE2\x80\x90', 'U+2010'), (3, E'\xE2\x80\x91', 'U+2011'),
	(4, E'\xE2\x80\x92', 'U+2012'), (5, E'\xE2\x80\x93', 'en dash'), (6, E'\xE2\x80\x94', 'em dash'),
	(7, E'\xE2\x80\x95', 'U+2015'), (8, E'\xE2\x88\x92', 'minus sign'), (9, E'\xE3\x80\x80', 'full-width space'),
	(10, E'\xE2\x80\x8B', 'zero-width space'), (11, E'\xEF\xBB\xBF', 'byte order mark'),
	(12, E'\t', 'tab'), (13, E'\r\n', 'line end')) AS t (n, s, what) ORDER BY n;

-- a contact pasted with its direction marks
SELECT rcs_phone(E'\xE2\x80\xAA010-1234-5678\xE2\x80\xAC');

-- who can be sent to
SELECT p, rcs_phone(p) FROM unnest(ARRAY[
	'011-123-4567', '011-1234-5678', '016-123-4567', '017-1234-5678', '018-123-4567', '019-123-4567',
	'02-123-4567', '02-1234-5678', '+82 2-1234-5678', '82-2-123-4567', '031-123-4567', '033-1234-5678',
	'041-123-4567', '044-1234-5678', '051-123-4567', '055-123-4567', '061-123-4567', '064-1234-5678',
	'070-1234-5678', '0502-123-4567', '0505-1234-5678', '0508-123-4567'
]) WITH ORDINALITY AS t (p, n) ORDER BY n;

-- who cannot, and why
CREATE FUNCTION pg_temp.why(phone text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
	detail text;
BEGIN
	RETURN 'accepted: ' || rcs_phone(phone);
EXCEPTION WHEN invalid_parameter_value THEN
	GET STACKED DIAGNOSTICS detail = PG_EXCEPTION_DETAIL;
	RETURN format('%s. %s', SQLERRM, detail);
END $$;
-- psql 14 takes such a character for narrow
\pset format unaligned
SELECT p, pg_temp.why(p), rcs_phone_or_null(p) IS NULL AS is_null FROM unnest(ARRAY[
	'', '   ', '-', '+', '+82', '119', '112', '010-1234-567', '010-1234-56789', '011-123-456', '02-123-456',
	'02-1234-56789', '031-123-456', '070-123-4567', '0505-123-456', '0505-1234-56789',
	'010-1234-5678 ext 9', '010-1234-5678;010-2222-3333', '010-1234-5678 010-2222-3333', '02-123-4567/8',
	'02-123-4567~8', '010-12a4-5678', '홍길동', '010-1234-567٨', '010-1234-567①', '010-1234-5678😀',
	'060-123-4567', '080-123-4567', '1588-1234', '1661-1234', '1899-1234', '+82 1588-1234', '15881234567',
	'0130-123-4567', '0501-123-4567', '0509-123-4567', '034-123-4567', '1012345678', '821588-1234',
	'+1 212 555 0123', '+810312345678', '001-1-212-555-0123', '+010-1234-5678', '010+1234-5678', '++82 10-1234-5678',
	'+82 0010-1234-5678', '+82 82 10-1234-5678', '0000000000', '999999999999999999999999999999'
]) WITH ORDINALITY AS t (p, n) ORDER BY n;
\pset format aligned
SELECT pg_temp.why(repeat('010-1234-5678', 1000)) AS long, pg_temp.why(repeat(' ', 100000)) AS blank;

-- the whole error, and no number in it
SELECT rcs_phone('010-1234-56789');

-- null in, null out; canonical numbers stay what they are
SELECT rcs_phone(NULL) IS NULL AS strict, rcs_phone_or_null(NULL) IS NULL AS strict_too,
	rcs_phone(rcs_phone('+82 10-1234-5678')) AS twice, rcs_phone_or_null('82-2-123-4567');
SELECT proname, provolatile, proisstrict, proparallel, obj_description(oid, 'pg_proc') IS NOT NULL AS has_comment
FROM pg_proc WHERE proname IN ('rcs_phone', 'rcs_phone_or_null', 'rcs_message_id', 'rcs_render')
ORDER BY proname COLLATE "C";
-- usable where only immutable functions are
CREATE TEMP TABLE customer (phone text CHECK (rcs_phone_or_null(phone) IS NOT NULL));
CREATE UNIQUE INDEX ON customer (rcs_phone(phone));
INSERT INTO customer VALUES ('010-1234-5678');
INSERT INTO customer VALUES ('+82 10 1234 5678') ON CONFLICT DO NOTHING;
SELECT count(*) FROM customer;
DROP TABLE customer;
