#!/usr/bin/env bash
#
# Self test of the stand-in carrier and the proxy, with curl and a little Perl.
# Starts its own servers on free ports, in a directory of its own, and ends them.
#
#   KTSIM=/path/to/ktsim          another binary, ktproxy beside it
#   KTSIM_WRAP="valgrind -q ..."  run it under a tool; its exit status counts
#
# shellcheck disable=SC2030,SC2031  # tokens of others are meant to be lost
set -u
here=$(cd "$(dirname "$0")" && pwd)
ktsim=${KTSIM:-$here/ktsim}
wrap=${KTSIM_WRAP:-}
dir=$(mktemp -d)
pid=
tls_pid=
proxy_pid=
receiver_pid=
passed=0
failed=0
serial=0

cleanup()
{
	local each

	for each in $pid $tls_pid $proxy_pid $receiver_pid; do
		kill -KILL "$each" 2>/dev/null
	done
	rm -rf "$dir"
}
trap cleanup EXIT
# shellcheck disable=SC1091  # looked at by itself
. "$here/test_more.sh"
# shellcheck disable=SC1091
. "$here/test_file.sh"
# shellcheck disable=SC1091
. "$here/test_push.sh"

# is NAME EXPECTED ACTUAL
is()
{
	if [ "$2" = "$3" ]; then
		passed=$((passed + 1))
	else
		failed=$((failed + 1))
		printf 'not ok: %.200s\n  expected: %s\n  got:      %s\n' "$1" "$2" "$3"
	fi
}

start()
{
	rm -f "$dir/port"
	# shellcheck disable=SC2086
	$wrap "$ktsim" --port-file "$dir/port" --die-with-parent "$@" 2>>"$dir/stderr" &
	pid=$!
	for _ in $(seq 200); do
		[ -s "$dir/port" ] && break
		sleep 0.05
	done
	base=http://127.0.0.1:$(head -n 1 "$dir/port")
	url=$base/corp/v1
	token=$(get_token kt secret)
}

stop()
{
	kill -TERM "$pid"
	wait "$pid"
	status=$?
	pid=
	is "SIGTERM ends it well${1:+ ($1)}" 0 "$status"
}

get_token()
{
	curl -s "$url/token" -H 'Content-Type: application/json' \
		-d "{\"rcsId\":\"$1\",\"rcsSecret\":\"$2\",\"grantType\":\"clientCredentials\"}" |
		sed -n 's/.*"accessToken":"\([^"]*\)".*/\1/p'
}

# "status code" of an answer: "200 -", "409 71003"; when there is none, "000" and
# why in curl's numbers: 28 time out, 52 connection closed
summary()
{
	local out status code why
	out=$(curl -s -m "${patience:-5}" -w '\n%{http_code}' "$@")
	why=$?
	status=${out##*$'\n'}
	code=$(printf '%s' "$out" | tr -d '\0' | sed -n 's/.*"code":"\([^"]*\)".*/\1/p')
	[ "$status" = 000 ] && code=$why
	echo "$status ${code:--}"
}

sms='{"common":{"msgId":"ID","userContact":"01012345678","scheduleType":0,"msgServiceType":"rcs"},"rcs":{"chatbotId":"15440000","agencyId":"ktbizrcs","agencyKey":"AK.1","brandKey":"BK.1","messagebaseId":"SS000000","serviceType":"RCSSMS","expiryOption":1,"header":"0","copyAllowed":true,"body":{"description":"안녕하세요"}}}'
legacy='{"serviceType":"SMS","callback":"15440000","msg":"안녕","contentCount":0}'

fresh_id()
{
	serial=$((serial + 1))
	id=$(printf '%08d-0000-4000-8000-%012d' "$$" "$serial")
}

post()
{
	printf '%s' "$1" >"$dir/body"
	summary "$url/message" -H "Authorization: Bearer $token" \
		-H 'Content-Type: application/json' --data-binary "@$dir/body"
}

# The plain message with an edit (a sed expression) under a fresh id.
send()
{
	post "$(printf '%s' "$sms" | sed -e "s/\"ID\"/\"$id\"/" -e "${1:-}")"
}

# The id is made outside of any $(...), where it would be forgotten.
# check EXPECTED EDIT [NAME]: what an edited plain message is answered
check()
{
	fresh_id
	is "${3:-message with $2}" "$1" "$(send "$2")"
}

set_switches()
{
	is "set $1" 200 "$(curl -s -o /dev/null -w '%{http_code}' "$base/_ktsim/set" -d "$1")"
}

# The column of the last line of the ledger
ledger()
{
	tail -n 1 "$dir/ledger" | cut -f "$1"
}

stat_of()
{
	curl -s "$base/_ktsim/stats" | sed -n "s/^{.*\"$1\":\([0-9]*\).*\"accounts\".*/\1/p"
}

repeat()
{
	for _ in $(seq "$2"); do printf '%s' "$1"; done
}

test_token()
{
	local login='{"rcsId":"kt","rcsSecret":"secret","grantType":"clientCredentials"}'

	is "token form" '{"status":"200","data":{"tokenInfo":{"accessToken":"T","expiresIn":"6000"}}}' \
		"$(curl -s "$url/token" -d "$login" | sed 's/:"[A-Za-z0-9_-]\{200\}"/:"T"/')"
	is "token under v1.1" "200 -" "$(summary "$base/corp/v1.1/token" -d "$login")"
	is "token, wrong secret" "403 70008" "$(summary "$url/token" -d "${login/secret/wrong}")"
	is "token, unknown account" "403 70007" "$(summary "$url/token" -d "${login/kt/nobody}")"
	is "token, other grant" "400 71004" "$(summary "$url/token" -d "${login/clientC/c}")"
	is "token, field missing" "400 71008" "$(summary "$url/token" -d '{"rcsId":"kt"}')"
	is "token, no JSON" "400 71005" "$(summary "$url/token" -d 'rcsId=kt')"
	is "token, an array" "400 71008" "$(summary "$url/token" -d '[]')"
	is "secret with colons and dollars" 200 "$(token=$(get_token odd 'a:b$/.c'); echo ${#token})"
	is "token by GET" "404 71007" "$(summary "$url/token")"
	is "unknown path" "404 71007" "$(summary "$url/nothing" -d '{}')"
}

test_authorization()
{
	local message

	message=$(printf '%s' "$sms" | sed 's/"ID"/"authorization-1"/')
	is "no header" "401 70001" "$(summary "$url/message" -d "$message")"
	is "other type" "401 70002" "$(summary "$url/message" -H "Authorization: Basic $token" -d "$message")"
	is "wrong token" "401 70003" "$(summary "$url/message" -H 'Authorization: Bearer x' -d "$message")"
	is "ledger: decision" token "$(ledger 7)"
	is "ledger: id is told all the same" authorization-1 "$(ledger 4)"
	set_switches '{"expire_tokens":true}'
	is "expired token" "401 70004" "$(summary "$url/message" -H "Authorization: Bearer $token" -d "$message")"
	is "ledger: account of an expired token" kt "$(ledger 3)"
	token=$(get_token kt secret)
	is "refused for the token is not remembered" "200 -" "$(summary "$url/message" -H "authorization: bearer $token" -d "$message")"
}

test_acceptance()
{
	local body first

	fresh_id
	first=$id
	body=$(printf '%s' "$sms" | sed "s/\"ID\"/\"$id\"/")
	is "accepted form" '{"status":"200","data":{}}' \
		"$(curl -s "$url/message" -H "Authorization: Bearer $token" -d "$body")"
	is "ledger line" "kt $id 01012345678 15440000 accepted - 200 yes" "$(ledger 3-10 | tr '\t' ' ')"
	is "body kept" "$id	$body" "$(tail -n 1 "$dir/bodies")"
	is "body checksum" "$(printf '%s' "$body" | gzip -c | tail -c 8 | od -An -tx4 -N4 | tr -d ' ')" "$(ledger 11)"
	is "refused form" '{"status":"409","error":{"code":"71003","message":"duplication error"}}' \
		"$(curl -s "$base/corp/v1.1/message" -H "Authorization: Bearer $token" -d "$body")"
	is "ledger: duplicate" "duplicate 71003 409 yes" "$(ledger 7-10 | tr '\t' ' ')"
	fresh_id
	is "refused" "400 72123" "$(send 's/"RCSSMS"/"RCSXXX"/')"
	is "a refused id is free" "200 -" "$(send)"
	id=$first
	token=$(get_token odd 'a:b$/.c')
	is "another account may use the id" "200 -" "$(send)"
	token=$(get_token kt secret)
	check "403 72122" 's/15440000/15449999/' "other chatbot"
	set_switches '{"dup_window_s":0}'
	is "ids forgotten" "200 -" "$(send)"
	set_switches '{"dup_window_s":259200}'
	is "and remembered anew" "409 71003" "$(send)"
}

test_common()
{
	check "400 71008" 's/"rcs":{/"rcx":{/'
	check "400 71008" 's/"common":{/"commom":{/'
	check "400 72101" 's/"msgId"/"msgid"/'
	check "400 72101" 's/"msgId":"/&12345678901234567890/'
	check "400 72101" 's/"msgId":"[^"]*"/"msgId":7/'
	check "400 72101" 's/"userContact"/"usercontact"/'
	check "400 72101" 's/"scheduleType":0/"scheduleType":1/'
	check "200 -" 's/"scheduleType":0/"scheduleType":"0"/'
	check "200 -" 's/"scheduleType":0,//'
	check "200 -" 's/"scheduleType":0/"scheduleType":null,"unknown":[1]/'
	check "400 72101" 's/"msgServiceType":"rcs"/"msgServiceType":"rcs,legacy"/'
	check "400 72101" 's/"common":{/&"msgGroupId":"123456789012345678901",/'
	check "400 75008" 's/01012345678/+821012345678/'
	check "400 75008" 's/01012345678/010-1234-5678/'
	check "400 75008" 's/01012345678/1012345678/'
}

test_rcs()
{
	local field

	for field in chatbotId agencyKey brandKey messagebaseId serviceType header body; do
		check "400 72103" "s/\"$field\":/\"x$field\":/"
	done
	check "400 72103" 's/"agencyId":"/&12345678901234567890/'
	check "400 72103" "s/\"brandKey\":\"/&$(repeat k 64)/"
	check "400 72103" 's/"copyAllowed":true/"copyAllowed":"true"/'
	check "400 72103" 's/"body":{[^}]*}/"body":"text"/'
	check "400 72123" 's/"RCSSMS"/"rcssms"/'
	check "400 72125" 's/"expiryOption":1/"expiryOption":3/'
	check "200 -" 's/"expiryOption":1/"expiryOption":2/'
	check "400 72126" 's/"header":"0"/"header":"2"/'
	check "400 72127" 's/"header":"0"/"header":"0","footer":"080-000-0000"/'
	check "200 -" 's/"header":"0"/"header":"0","footer":""/'
	check "200 -" 's/"header":"0"/"header":"1","footer":"080-000-0000"/'
	check "400 72127" 's/"header":"0"/"header":"1"/'
	check "400 72127" 's/"header":"0"/"header":"1","footer":"080 000 0000"/'
	check "400 72127" 's/"header":"0"/"header":"1","footer":"080-000-0000-00000000"/'
	check "400 72126" 's/"RCSSMS"/"RCSTMPL"/;s/"header":"0"/"header":"1","footer":"080-000-0000"/'
	check "400 72103" 's/"copyAllowed":true/"buttons":{}/'
	check "200 -" 's/"copyAllowed":true/"buttons":[{},{"suggestions":[{"action":{"displayText":"b"}}]}]/'
	check "400 72103" "s/\"copyAllowed\":true/\"buttons\":[{\"suggestions\":[{\"action\":{\"displayText\":\"$(repeat b 201)\"}}]}]/"
	check "400 72103" 's/"copyAllowed":true/"replyId":"r"/'
	check "400 72133" 's/"copyAllowed":true/"chipList":[{}]/'
	check "400 72125" 's/"RCSSMS"/"RCSCHAT"/;s/"copyAllowed":true/"replyId":"r"/'
	check "400 72137" 's/"RCSSMS"/"RCSCHAT"/;s/"expiryOption":1/"expiryOption":2/'
	check "200 -" 's/"RCSSMS"/"RCSCHAT"/;s/"expiryOption":1/"expiryOption":2,"replyId":"r","chipList":[{}]/'
}

test_sizes()
{
	local hangul100 hangul1300

	hangul100=$(repeat 가 100)
	hangul1300=$(repeat "$hangul100" 13)
	check "200 -" "s/안녕하세요/$hangul100/"
	check "400 72121" "s/안녕하세요/$hangul100 /"
	check "200 -" "s/\"RCSSMS\"/\"RCSLMS\"/;s/안녕하세요/$hangul1300/"
	check "400 72121" "s/\"RCSSMS\"/\"RCSLMS\"/;s/안녕하세요/$hangul1300 /"
	check "400 72121" "s/\"RCSSMS\"/\"RCSMMS\"/;s/\"description\":/\"description1\":\"나\",\"description2\":/;s/안녕하세요/$hangul1300/"
	check "400 72103" 's/"description"/"text"/'
	check "200 -" 's/"RCSSMS"/"RCSTMPL"/;s/"description"/"name"/'
	check "400 72121" "s/\"RCSSMS\"/\"RCSTMPL\"/;s/\"description\"/\"name\"/;s/안녕하세요/$(repeat 가 91)/"
	check "200 -" "s/\"body\":{/&\"title\":\"$(repeat 가 30)\",/"
	check "400 72121" "s/\"body\":{/&\"title2\":\"$(repeat 가 31)\",/"
	check "200 -" "s/\"RCSSMS\"/\"RCSITMPL\"/;s/안녕하세요/$(repeat a 10222)/"
	check "400 72117" "s/\"RCSSMS\"/\"RCSITMPL\"/;s/안녕하세요/$(repeat a 10223)/"
	is "a request beyond all bounds" "400 72117" \
		"$(head -c 3000000 /dev/zero | tr '\0' ' ' >"$dir/big"; summary "$url/message" -H "Authorization: Bearer $token" --data-binary "@$dir/big")"
}

test_legacy()
{
	local both='s/"msgServiceType":"rcs"/"msgServiceType":"rcs, legacy"/'

	check "400 72102" "$both"
	check "200 -" "$both;s/}}}\$/}},\"legacy\":$legacy}/"
	check "200 -" "s/}}}\$/}},\"legacy\":[]}/"
	check "400 72102" "$both;s/}}}\$/}},\"legacy\":${legacy/callback/callbak}}/"
	check "400 72102" "$both;s/}}}\$/}},\"legacy\":${legacy/:0/:1}}/"
	check "400 72102" "$both;s/}}}\$/}},\"legacy\":${legacy/contentCount/count}}/"
	check "400 72102" "$both;s/}}}\$/}},\"legacy\":${legacy/SMS/XMS}}/"
	check "200 -" "$both;s/}}}\$/}},\"legacy\":${legacy/안녕/$(repeat 가 40)}}/"
	check "400 72102" "$both;s/}}}\$/}},\"legacy\":${legacy/안녕/$(repeat 가 40)a}}/"
	check "200 -" "$both;s/}}}\$/}},\"legacy\":${legacy/SMS\",/LMS\",\"prefix\":\"[p]\",\"kisaOrigCode\":123456789,}}/"
}

test_malformed()
{
	is "no JSON" "400 71005" "$(post '{"common":')"
	is "empty" "400 71005" "$(post '')"
	is "not an object" "400 71004" "$(post '[1]')"
	is "bad UTF-8" "400 71005" "$(post "$(printf '{"common":{"msgId":"\xff"}}')")"
	is "deep nesting" "400 71005" "$(post "$(repeat '[' 5000)")"
	is "control characters in an id" "400 71008" "$(post '{"common":{"msgId":"a\tb\nc"}}')"
	is "ledger stays a table" "a?b?c" "$(ledger 4)"
	check "200 -" 's/{/{\n/g' "line breaks in a body"
	is "body stays a line" 1 "$(tail -n 1 "$dir/bodies" | grep -c '"RCSSMS"')"
	for request in 'POST' 'POST /corp/v1/message HTTP/1.1\r\nContent-Length: -1\r\n\r\n' \
		'POST /corp/v1/message HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\nshort' \
		'\x00\xff\xfe\r\n\r\n'; do
		(exec 3<>"/dev/tcp/127.0.0.1/${base##*:}" && printf '%b' "$request" >&3) 2>/dev/null
	done
	for _ in 1 2 3 4 5; do
		head -c 4000 /dev/urandom >"$dir/noise"
		(exec 3<>"/dev/tcp/127.0.0.1/${base##*:}" && cat "$dir/noise" >&3) 2>/dev/null
		summary "$url/message" -H "Authorization: Bearer $token" --data-binary "@$dir/noise" >/dev/null
	done
	is "alive" "200 -" "$(summary "$base/_ktsim/health")"
}

test_faults()
{
	local lines open

	open=$(stat_of connections_open)
	fresh_id
	set_switches '{"accept_then_close_pct":100}'
	is "accepted, then cut" "000 52" "$(send)"
	is "ledger" "accepted - - no" "$(ledger 7-10 | tr '\t' ' ')"
	set_switches '{"accept_then_close_pct":0,"close_pct":100}'
	is "cut" "000 52" "$(send)"
	is "ledger" "fault - - no" "$(ledger 7-10 | tr '\t' ' ')"
	set_switches '{"close_pct":0}'
	is "it had been accepted" "409 71003" "$(send)"
	fresh_id
	set_switches '{"accept_then_500_pct":100}'
	is "accepted, then 500" "500 -" "$(send)"
	is "ledger" "accepted - 500 yes" "$(ledger 7-10 | tr '\t' ' ')"
	is "and a duplicate" "409 71003" "$(send)"
	set_switches '{"accept_then_500_pct":0,"status_pct":100,"status_code":504}'
	fresh_id
	is "status without code" "504 -" "$(send)"
	set_switches '{"status_pct":0,"html_pct":100}'
	is "HTML" "502 -" "$(send)"
	is "ledger" "fault - 502 yes" "$(ledger 7-10 | tr '\t' ' ')"
	set_switches '{"html_pct":0,"error_pct":100,"error_code":"72105"}'
	is "any code" "400 72105" "$(send)"
	set_switches '{"error_pct":0,"garbage_pct":100}'
	is "garbage" "200 -" "$(send)"
	set_switches '{"garbage_pct":0}'
	is "garbage meant accepted" "409 71003" "$(send)"
	fresh_id
	set_switches '{"hang_pct":100}'
	is "hang" "000 28" "$(patience=0.5 send)"
	set_switches '{"hang_pct":0,"accept_then_hang_pct":100}'
	is "accepted, then hang" "000 28" "$(patience=0.5 send)"
	set_switches '{"accept_then_hang_pct":0}'
	is "which had been accepted" "409 71003" "$(send)"
	sleep 0.6
	is "hung connections are let go" "$open" "$(stat_of connections_open)"
	lines=$(grep -c -v '^#' "$dir/ledger")
	is "one line for each offer" "$lines" "$(stat_of offers)"
	set_switches '{"seed":5,"status_pct":50}'
	is "a half of them" yes "$(for _ in $(seq 40); do fresh_id; send; done | sort | uniq -c | awk '{ if ($1 < 10 || $1 > 30) bad = 1 } END { print NR == 2 && !bad ? "yes" : "no" }')"
	set_switches '{"status_pct":0}'
	serial=$((serial + 40))
}

test_switches()
{
	local login='{"rcsId":"kt","rcsSecret":"secret","grantType":"clientCredentials"}'

	set_switches '{"phone_code":{"01099990001":"54002"},"refuse_phone_suffix":{"0009":"74003"}}'
	check "400 54002" 's/01012345678/01099990001/'
	check "400 74003" 's/01012345678/01099990009/'
	check "200 -" 's/01012345678/01099990002/'
	set_switches '{"phone_code":{},"refuse_phone_suffix":null}'
	check "200 -" 's/01012345678/01099990001/'
	set_switches '{"token_down":true}'
	is "token endpoint down" "500 -" "$(summary "$url/token" -d "$login")"
	set_switches '{"token_down":false,"token_reject":true}'
	is "token endpoint refuses" "403 70008" "$(summary "$url/token" -d "$login")"
	set_switches '{"token_reject":false}'
	is "unknown switch" 400 "$(curl -s -o /dev/null -w '%{http_code}' "$base/_ktsim/set" -d '{"slow_pct":1,"nonsense":1}')"
	is "all or nothing" 1 "$(curl -s "$base/_ktsim/switches" | grep -c '"slow_pct":0.0')"
	is "percentage out of range" 400 "$(curl -s -o /dev/null -w '%{http_code}' "$base/_ktsim/set" -d '{"slow_pct":101}')"
	is "odd name" 400 "$(curl -s -o /dev/null -w '%{http_code}' "$base/_ktsim/set" -d "{\"$(repeat a 39)가\":1}")"
	set_switches '{"close_keepalive_every":2}'
	is "three answers need two connections" "1 0 1 " \
		"$(curl -s -w '%{num_connects} ' -o /dev/null -o /dev/null -o /dev/null "$url/message" "$url/message" "$url/message" -d '{}')"
	set_switches '{"close_keepalive_every":0}'
}

test_time()
{
	local began took

	set_switches '{"latency_ms":300}'
	for _ in $(seq 50); do
		printf 'url=%s/message\noutput=/dev/null\n' "$url"
	done >"$dir/many"
	began=$(date +%s%N)
	curl -s -Z --parallel-max 50 --parallel-immediate -K "$dir/many" -d '{}' -H "Authorization: Bearer $token" 2>/dev/null
	took=$((($(date +%s%N) - began) / 1000000))
	is "50 at once wait together (${took} ms)" yes "$([ "$took" -ge 300 ] && [ "$took" -lt 5000 ] && echo yes)"
	is "50 were active" yes "$([ "$(stat_of active_max)" -ge 40 ] && echo yes)"
	set_switches '{"latency_ms":0,"slow_pct":100,"slow_ms":200}'
	check "200 -" ''
	is "ledger: late" late "$(ledger 10)"
	set_switches '{"slow_pct":0}'
}

# 60 a minute: ceil(1.02) + 1 = 3 in any second
test_rate()
{
	local message='{}' answers

	token=$(get_token slow secret)
	for _ in 1 2 3 4 5; do
		printf 'url=%s/message\noutput=/dev/null\n' "$url"
	done >"$dir/many"
	answers=$(curl -s -K "$dir/many" -d "$message" -w '%{http_code} ' -H "Authorization: Bearer $token")
	is "rate" "400 400 400 429 429 " "$answers"
	is "ledger" "slow throttled 72104 429" "$(ledger 3,7-9 | tr '\t' ' ')"
	sleep 1.1
	check "200 -" '' "a second later"
	set_switches '{"lockout_ms":60000}'
	curl -s -K "$dir/many" -d "$message" -H "Authorization: Bearer $token"
	sleep 1.1
	check "429 72104" '' "locked out"
	set_switches '{"lockout_ms":0}'
	token=$(get_token kt secret)
	check "200 -" '' "others are not"
	is "counted by account" yes "$(curl -s "$base/_ktsim/stats" | grep -q '"slow":{"offers":12,.*"throttled":[1-9]' && echo yes)"
	curl -s -o /dev/null -X POST "$base/_ktsim/reset-stats"
	is "counters start again" 0 "$(stat_of offers)"
}

test_other_rate()
{
	token=$(get_token slow secret)
	set_switches '{"account_rate":{"slow":"120"}}'
	sleep 1.1
	answers() { curl -s -K "$dir/many" -d '{}' -w '%{http_code} ' -H "Authorization: Bearer $token"; }
	is "another contract" "400 400 400 400 429 " "$(answers)"
	set_switches '{"account_rate":{"slow":"60"}}'
	is "less: what was let through counts" "429 429 429 429 429 " "$(answers)"
	set_switches '{"neighbour_pct":100}'
	sleep 1.1
	answers >/dev/null
	sleep 2.1
	is "a neighbour takes some" yes "$([[ "$(answers)" == *429\ 429\ 429\  ]] && echo yes)"
	set_switches '{"neighbour_pct":0,"account_rate":{"slow":"0"}}'
	is "no limit" "400 400 400 400 400 " "$(answers)"
	set_switches '{"account_rate":{"slow":"60"},"account_code":{"slow":"72105"}}'
	sleep 1.1
	check "400 72105" '' "an account that is refused"
	set_switches '{"account_code":{"slow":"70003"}}'
	check "401 70003" '' "as if its token were bad"
	is "ledger" "token 70003" "$(ledger 7,8 | tr '\t' ' ')"
	set_switches '{"account_code":{"slow":"72104"},"retry_after_ms":2000}'
	check "429 72104" '' "as if it were too fast"
	is "ledger" "throttled 72104" "$(ledger 7,8 | tr '\t' ' ')"
	set_switches '{"account_code":{},"retry_after_ms":0}'
	token=$(get_token kt secret)
}

test_restart()
{
	local last

	fresh_id
	is "accepted before the restart" "200 -" "$(send)"
	last=$(ledger 1)
	set_switches '{"hang_pct":100}'
	(patience=3 send >/dev/null) &
	sleep 0.3
	stop "with a connection hanging"
	wait
	start "${options[@]}" --set latency_ms=1 --set 'phone_code={"01099990001":"54002"}' --set error_code=79994 --token-ttl 1
	is "still known after it" "409 71003" "$(send)"
	is "numbers go on" $((last + 2)) "$(ledger 1)"
	is "one header" 1 "$(grep -c '^#' "$dir/ledger")"
	check "400 54002" 's/01012345678/01099990001/'
	is "switch from the command line" 1 "$(curl -s "$base/_ktsim/switches" | grep -c '"error_code":"79994"')"
	sleep 1.1
	check "401 70004" '' "a token lives as long as it says"
	stop
	"$ktsim" --set nonsense=1 2>/dev/null
	is "bad switch on the command line" 2 "$?"
	"$ktsim" --account nocolon 2>/dev/null
	is "bad account" 2 "$?"
}

options=(--ledger "$dir/ledger" --file-ledger "$dir/files" --dump-bodies "$dir/bodies" --account kt:secret
	--account 'odd:a:b$/.c' --account slow:secret:60 --chatbot 15440000)
start "${options[@]}"
test_token
test_authorization
test_acceptance
test_common
test_rcs
test_sizes
test_legacy
test_malformed
test_faults
test_switches
test_files
test_push
test_time
test_rate
test_other_rate
test_wire
test_odd
test_limits
test_tls
test_proxy
test_restart

echo "$passed passed, $failed failed"
[ "$failed" -eq 0 ]
