-- Templates: placeholders in string values, and nothing else, are filled in.
SET client_min_messages = warning;
CREATE EXTENSION IF NOT EXISTS rcs;
RESET client_min_messages;

SELECT rcs_render('{"body": {"title": "주문", "description": "#{name}님, #{n}건이 접수되었습니다."}, "header": "0"}',
	'{"name": "홍길동", "n": 3}');

-- what is no placeholder stays what it is
SELECT rcs_render(m::jsonb, '{"a": 1}')::text = m::jsonb::text AS same, m FROM (VALUES
	(1, '{}'), (2, '{"n": [1, 1.50, -0.000, 1e3, true, false, null, [], {}, [[{"x": []}]]]}'), (3, '"plain"'), (4, '""'),
	(5, '{"#{a}": "key"}'), (6, '{"t": "#{a"}'), (7, '{"t": "#{"}'), (8, '{"t": "#"}'), (9, '{"t": "##"}'),
	(10, '{"t": "# {a}"}'), (11, '{"t": "#{}"}'), (12, '{"t": "#{   }"}'), (13, '{"t": "{a}"}'),
	(14, '{"t": "#{a\nb}"}'), (15, '{"t": "q\" b\\ s/ n\n t\t r\r f\f b\b c\u0001 d\u007f"}'), (16, '{"t": "한글 😀"}')
) AS t (n, m) ORDER BY n;
SELECT rcs_render('{"n": 1.50, "m": 12345678901234567890.10}', NULL);

-- escapes and odd corners of the syntax
SELECT m, rcs_render(to_jsonb(m), '{"a": "A", "b c": "BC", "이름": "홍"}') FROM unnest(ARRAY[
	'#{a}', '[#{a}][#{a}]', '#{ a }', '#{b c}', '#{이름}', '#{a}#{b c}', '##{a}', '###{a}', '####{a}', '##{a} #{a}', '##{',
	'#{a} #{b', '#a #{a}', '#{a}}', '{#{a}}', '#{#{a}', '##{#{a}}', '#{a##{a}'
]) WITH ORDINALITY AS t (m, n) WHERE n NOT IN (16, 18) ORDER BY n;

-- values: string, number, boolean; numbers keep their digits; empty is a value
SELECT rcs_render('"<#{v}>"', jsonb_build_object('v', v)) FROM (VALUES
	(1, '"x"'::jsonb), (2, '""'), (3, '" "'), (4, '1.50'), (5, '-0.10'), (6, '1e2'), (7, '12345678901234567890.123'), (8, 'true'),
	(9, 'false'), (10, '"한글 😀"')) AS t (n, v) ORDER BY n;

-- no value can become anything else than text
SELECT rcs_render('{"t": "<#{v}>", "u": "x"}', jsonb_build_object('v', v, 'x', 'secret')) AS rendered,
	rcs_render('{"t": "<#{v}>", "u": "x"}', jsonb_build_object('v', v, 'x', 'secret'))
		= jsonb_build_object('t', '<' || v || '>', 'u', 'x') AS as_text
FROM unnest(ARRAY['"', '\', '\"', E'a\nb\tc\rd\be\ff', E'\u0001\u001f\u007f', '"}', '", "u": "y', '"}, {"', '#{x}', '##{x}', '#{v}', '\u0041',
	'</script>', '''']) WITH ORDINALITY AS t (v, n) ORDER BY n;
-- nor can two values that meet
SELECT rcs_render('"#{a}#{b}"', '{"a": "#", "b": "{x}", "x": "secret"}');
SELECT rcs_render('"##{b}#{b}"', '{"b": "{b}"}');

-- dotted names: the whole name first, then a path
SELECT m, rcs_render(to_jsonb(m), '{"a": {"b": {"c": "deep"}, "": "empty key", "d.e": "no"}, "a.b": "whole", "l": ["zero", {"k": 1}, [2]],
	"n.ull": null, "n": {"ull": "hidden"}, "0": "top"}') FROM unnest(ARRAY[
	'#{a.b.c}', '#{a.b}', '#{a.}', '#{l.0}', '#{l.1.k}', '#{l.2.0}', '#{l.00}', '#{0}', '#{ a.b.c }'
]) WITH ORDINALITY AS t (m, n) ORDER BY n;
CREATE FUNCTION pg_temp.why(message jsonb, params jsonb) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
	detail text;
BEGIN
	RETURN 'rendered: ' || rcs_render(message, params)::text;
EXCEPTION WHEN invalid_parameter_value THEN
	GET STACKED DIAGNOSTICS detail = PG_EXCEPTION_DETAIL;
	RETURN detail;
END $$;
SELECT pg_temp.why(to_jsonb(m), '{"a": {"b": {"c": "deep"}, "d.e": "no"}, "l": ["zero", {"k": 1}], "n.ull": null, "n": {"ull": "hidden"}, "s": "x",
	"z": null}') FROM unnest(ARRAY[
	'#{a}', '#{l}', '#{z}', '#{x}', '#{A}', '#{a.b}', '#{a.x.c}', '#{a.b.c.d}', '#{a.b.c.}', '#{.a}', '#{.}', '#{a..b}', '#{l.2}', '#{l.-1}', '#{l.x}',
	'#{l.1x}', '#{l.4294967296}', '#{l.99999999999999999999}', '#{l.}', '#{s.0}', '#{n.ull}', '#{z.z}', '#{a.d.e}', '#{#{s}', '#{s##{s}'
]) WITH ORDINALITY AS t (m, n) ORDER BY n;

-- a name of 63 bytes is looked up, a longer one never: better an error than "#{...}" on a phone
SELECT n, left(pg_temp.why(to_jsonb('#{' || repeat('k', n) || '}'), jsonb_build_object(repeat('k', n), 'v')), 25)
FROM generate_series(62, 65) AS n;

-- many placeholders
SELECT rcs_render(to_jsonb(string_agg(format('#{k%s}', i), ' ' ORDER BY i)), jsonb_object_agg('k' || i, i * 2))
	= to_jsonb(string_agg((i * 2)::text, ' ' ORDER BY i)) AS all_in_place
FROM generate_series(1, 1000) AS i;

-- one call site, many messages and params
SELECT rcs_render(m::jsonb, p::jsonb) FROM (VALUES
	(1, '"a #{x}"', '{"x": 1}'), (2, '"a #{x}"', '{"x": 2}'), (3, '"b #{x}"', '{"x": 3}'), (4, NULL, '{}'), (5, '"a #{x}"', '{"x": 5}'), (6, '{"k": "#{x}"}', '{"x": 6}')
) AS t (n, m, p) ORDER BY n;
SELECT rcs_render('"a"', NULL), rcs_render(NULL, '{}') IS NULL AS no_message;

-- errors
SELECT rcs_render('{"a": "#{x}#{y.z}#{x}", "b": ["#{ok}#{q}"]}', '{"ok": 1, "q": []}');
SELECT rcs_render('"#{x}"', NULL);
SELECT rcs_render('"#{x}"', '[]');
SELECT rcs_render('"x"', 'null');
SELECT rcs_render('"x"', '"x"');
SELECT rcs_render('[]', '{}');
SELECT rcs_render('1', '{}');
SELECT rcs_render('null', '{}');
SELECT rcs_render('[{"a": 1}]', '{}');
