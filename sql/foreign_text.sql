-- Texts from outside, as they are kept.
SET client_min_messages = warning;
CREATE EXTENSION IF NOT EXISTS rcs;
\pset format unaligned
\pset tuples_only on
\pset null <null>

SELECT what, rcs._clean_text(said, 60, '{"serviceType": "RCSSMS", "agencyKey": "K9x-key", "common": {"userContact": "01012345678"},
	"body": {"description": "안녕하세요 홍길동님, 주문 381922", "name": "Kim"}}') FROM (VALUES
	(1, 'plain', 'messagebaseId is missing, RCSSMS'),
	(2, 'the number', 'to 010-1234-5678, 010 1234 5678, 010.1234.5678'),
	(3, 'and more', '+82 10 1234 5678; (010) 9999-8888; 02 - 987 - 6543'),
	(4, 'full width', '０１０－１２３４－５６７８'),
	(5, 'hidden', '010' || chr(8203) || '9999' || chr(8203) || '8888'),
	(6, 'no number', '192.168.100.200:8080 at 2026-12-01, code 72103'),
	(7, 'whole text', '[안녕하세요 홍길동님, 주문 381922]'),
	(8, 'a part', 'bad word: 세요 홍길동 and 381922'),
	(9, 'a name', 'Kim is not allowed, Kimchi is'),
	(10, 'a key', 'K9x-key, and in part K9x-'),
	(11, 'controls', 'a' || chr(7) || chr(27) || '[31mb' || chr(133) || chr(8238) || 'c' || chr(8297) || chr(10) || 'd'),
	(12, 'long', repeat('가', 30)),
	(13, 'nothing', ''),
	(14, 'null', null)) AS v(n, what, said) ORDER BY n;

-- numbers that are short on the wire and long when written out
CREATE FUNCTION regress_taken(body text) RETURNS text LANGUAGE sql
	RETURN (SELECT (m.element IS NOT NULL) || ' ' || m.problem FROM rcs._mended(convert_to(body, 'UTF8'), 'UTF8') m);
SELECT body, regress_taken(body) FROM (VALUES ('{"a": 1e131071}'), ('[1E-400]'), ('[-1e101]'), ('[1e50, -0.5, 12345678901234567890]'), ('["1e131071"]')) AS v(body);
SELECT length(body), regress_taken(body) FROM (VALUES ('[' || repeat('7', 101) || ']'), ('[' || repeat('7', 99) || ']')) AS v(body);
DROP FUNCTION regress_taken;
