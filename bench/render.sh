#!/usr/bin/env bash
# How long it takes to make the request of one campaign message, and to check one recipient.
# Builds bench/render.c into a scratch directory and runs it in a private server.
set -euo pipefail
cd "$(dirname "$0")/.."

# shellcheck source=../scripts/common.sh
. scripts/common.sh
make_scratch rcs-bench
choose_user
config=${PG_CONFIG:-pg_config}
make -s src/kt/kt_codes.h PG_CONFIG="$config"
sources=(src/message/*.c src/kt/payload.c src/base/jsonb_members.c src/base/rows.c)
"${CC:-cc}" -O2 -g -fPIC -shared -fno-strict-aliasing -fwrapv -I"$($config --includedir-server)" \
	-Isrc -o "$scratch/render.so" bench/render.c "${sources[@]}" -luuid
give_scratch_to_user

sql="
CREATE FUNCTION bench_render(jsonb, jsonb, int) RETURNS float8 LANGUAGE c AS '$scratch/render';
CREATE FUNCTION bench_check(jsonb, jsonb, int) RETURNS float8 LANGUAGE c AS '$scratch/render';
CREATE TABLE t (name text, message jsonb, params jsonb);
INSERT INTO t VALUES
('two placeholders', '{\"serviceType\": \"RCSSMS\", \"header\": \"0\", \"body\": {\"title\": \"주문\", \"description\": \"#{name}님, 주문 #{order}이 접수되었습니다.\"},
\"buttons\": [{\"suggestions\": [{\"action\": {\"urlAction\": {\"openUrl\": {\"url\": \"https://example.com\"}}, \"displayText\": \"보기\", \"postback\": {\"data\": \"open\"}}}]}]}',
'{\"name\": \"홍길동\", \"order\": 1234567}'),
('ten placeholders and a fallback', '{\"serviceType\": \"RCSLMS\", \"header\": \"0\", \"body\": {\"title\": \"#{a}\", \"description\": \"#{a} #{b} #{c} #{d} #{e} #{f} #{g} #{h} 안녕하세요\"},
\"legacy\": {\"serviceType\": \"LMS\", \"callback\": \"0212345678\", \"msg\": \"#{a} 안녕하세요\"}}',
(SELECT jsonb_object_agg(chr(96 + i), '값 ' || i) FROM generate_series(1, 8) i));
SELECT name, round(min(bench_render(message, params, 200000))::numeric, 2) AS render_us,
round(min(bench_check(message, params, 200000))::numeric, 2) AS check_us FROM t, generate_series(1, 5) GROUP BY name ORDER BY name DESC;"
bin=$($config --bindir)
"${as_user[@]}" "$bin/initdb" -D "$scratch/data" -E UTF8 --locale=C.UTF-8 -A trust >/dev/null
"${as_user[@]}" "$bin/pg_ctl" -D "$scratch/data" -l "$scratch/log" -w \
	-o "-c listen_addresses='' -c unix_socket_directories='$scratch'" start >/dev/null
"${as_user[@]}" "$bin/psql" -h "$scratch" -X -q -v ON_ERROR_STOP=1 -d postgres -c "$sql" || true
"${as_user[@]}" "$bin/pg_ctl" -D "$scratch/data" -m immediate stop >/dev/null
rm -rf "$scratch"
