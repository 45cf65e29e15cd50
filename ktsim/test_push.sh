# shellcheck shell=bash disable=SC2154,SC2030,SC2031
#
# Self test of reports and inbound messages, read by test.sh: what becomes of a
# message, how it is pushed or asked for, what goes wrong on the way, and replies.
# Uses what test.sh provides; starts a receiver of its own.

start_receiver()
{
	rm -f "$dir/receiver"
	: >"$dir/pushed"
	perl "$here/test_receiver.pl" "$dir/receiver" "$dir/pushed" "$dir/answers" 2>>"$dir/stderr" &
	receiver_pid=$!
	for _ in $(seq 200); do
		[ -s "$dir/receiver" ] && break
		sleep 0.05
	done
	push_url=http://127.0.0.1:$(cat "$dir/receiver")
}

# Nothing has been pushed yet, and from now on this is answered.
receiver()
{
	: >"$dir/pushed"
	: >"$dir/pushes"
	printf '%s' "${1:-200}" >"$dir/answers"
}

pushes() { wc -l <"$dir/pushed"; }
ends() { grep -c -v '^#' "$dir/pushes"; }

# The column of the n-th push; of the last line about an end
pushed() { sed -n "${2:-1}p" "$dir/pushed" | cut -f "$1"; }
ended() { tail -n 1 "$dir/pushes" | cut -f "$1" | tr '\t' ' '; }

# Ids and codes of all that was pushed, in order
codes_pushed() { grep -o '"code":"[0-9]*"' "$dir/pushed" | tr -dc '0-9\n' | tr '\n' ' '; }
status_pushed() { grep -o '"status":"[a-z]*"\|"serviceType":"[A-Z]*"' "$dir/pushed" | cut -d '"' -f 4 | tr '\n' ' '; }

# report_of EXPECTED EDIT [NAME]: what the report of an edited plain message says
report_of()
{
	receiver
	check "200 -" "$2" "sent: ${3:-$2}"
	becomes "${3:-$2}: one end" "${4:-1}" ends
	is "${3:-$2}: report" "$1" "$(status_pushed)$(codes_pushed)"
}

times() { sed -E 's/[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9:]{8}\.[0-9]{3}\+09"/TIME"/g'; }

test_report_form()
{
	local form

	receiver
	check "200 -" '' "message with a report"
	form="{\"msgId\":\"$id\",\"status\":\"success\",\"timestamp\":\"TIME\",\"rcsId\":\"kt\",\"userContact\":\"01012345678\",\"serviceType\":\"RCSSMS\",\"mnoInfo\":\"M\",\"sentTime\":\"TIME\",\"chatbotId\":\"15440000\",\"bill\":1}"
	becomes "its end" 1 ends
	is "report" "[$form]" "$(pushed 5 | times | sed -E 's/"(KT|SKT|LGU)"/"M"/')"
	is "path and header" "/msgstatus Bearer hush" "$(pushed 2,3 | tr '\t' ' ')"
	is "its line" "kt report $id success 1 200 taken" "$(ended 2-8)"
	is "the secret is not shown" 1 "$(curl -s "$base/_ktsim/switches" | grep -c '"push_authorization":"\*\*\*"')"
	set_switches '{"push_form":1,"report_minimal":true}'
	receiver
	check "200 -" ''
	becomes "its end" 1 ends
	is "single and minimal" "{\"msgId\":\"$id\",\"status\":\"success\",\"timestamp\":\"TIME\"}" "$(pushed 5 | times)"
	set_switches '{"push_form":2}'
	receiver
	check "200 -" ''
	becomes "its end" 1 ends
	is "in statusInfo" "{\"statusInfo\":[{\"msgId\":\"$id\",\"status\":\"success\",\"timestamp\":\"TIME\"}]}" "$(pushed 5 | times)"
	set_switches '{"push_form":0,"report_minimal":false}'
	receiver
	check "400 72123" 's/"RCSSMS"/"RCSXXX"/' "refused"
	set_switches '{"accept_then_close_pct":100}'
	check "000 52" '' "accepted, then cut"
	set_switches '{"accept_then_close_pct":0}'
	becomes "reported" 1 ends
	is "nothing of what was refused" "report $id" "$(ended 3,4)"
}

test_report_outcome()
{
	local with_legacy="s/\"msgServiceType\":\"rcs\"/\"msgServiceType\":\"rcs, legacy\"/;s/}}\$/},\"legacy\":$legacy}/"

	set_switches '{"report_phone_suffix":{"0001":"55806","0002":"fallback","0003":"legacy_fail","0004":"never","0005":"fail"}}'
	report_of "fail RCSSMS 55806 " 's/01012345678/01099990001/'
	is "free" 1 "$(grep -c '"bill":0' "$dir/pushed")"
	report_of "fail RCSSMS 54002 " 's/01012345678/01099990002/' "nothing to fall back to"
	report_of "fail RCSSMS 54002 " 's/01012345678/01099990005/'
	report_of "success SMS 55806 " "s/01012345678/01099990001/;$with_legacy" "code, with a fallback"
	is "its line" "$id fallback 1" "$(ended 4-6)"
	report_of "fail SMS 54002 10 " "s/01012345678/01099990003/;$with_legacy" "neither"
	report_of "success RCSSMS " "$with_legacy" "no need to fall back"
	set_switches '{"report_split":true}'
	report_of "fail RCSSMS success SMS 54002 " "s/01012345678/01099990002/;$with_legacy" "in two parts" 2
	report_of "fail RCSSMS fail SMS 54002 10 " "s/01012345678/01099990003/;$with_legacy" "both parts bad" 2
	set_switches '{"report_split":false}'
	receiver
	check "200 -" 's/01012345678/01099990004/'
	check "200 -" '' "another"
	becomes "its end" 1 ends
	is "never" 1 "$(stat_of reports_never)"
	set_switches '{"report_phone_suffix":{},"report_fail_pct":50,"report_fail_code":"79997","seed":3}'
	receiver
	for _ in $(seq 40); do fresh_id; send >/dev/null; done
	becomes "40 ends" 40 ends
	is "a half fails" yes "$(cut -f 5 "$dir/pushes" | grep -c 79997 | awk '{ print ($1 > 10 && $1 < 30) ? "yes" : $1 }')"
	set_switches '{"report_fail_pct":0,"report_never_pct":100}'
	check "200 -" ''
	is "never, by chance" 2 "$(stat_of reports_never)"
	is "a word that is none" 400 "$(curl -s -o /dev/null -w '%{http_code}' "$base/_ktsim/set" -d '{"report_phone_suffix":{"1":"maybe"}}')"
	set_switches '{"report_never_pct":0,"report_mode":0}'
	receiver
	check "200 -" ''
	set_switches '{"report_mode":1,"report_account_mode":{"odd":"0"}}'
	(token=$(get_token odd 'a:b$/.c'); fresh_id; send "s/$id/x$id/" >/dev/null)
	check "200 -" '' "of the account that wants them"
	becomes "its end" 1 ends
	is "its line" "$id" "$(ended 4)"
	set_switches '{"report_account_mode":{}}'
}

test_push_tries()
{
	local taken
	taken=$(stat_of reports_taken)

	set_switches '{"push_retry_ms":10,"push_retry_factor":1}'
	receiver "500 202 200"
	check "200 -" ''
	becomes "its end" 1 ends
	is "until 200" "$id success 3 200 taken" "$(ended 4-8)"
	is "the same body" 1 "$(cut -f 5 "$dir/pushed" | sort -u | wc -l)"
	is "counted" $((taken + 1)) "$(stat_of reports_taken)"
	receiver 503
	check "200 -" ''
	becomes "its end" 1 ends
	is "given up" "$id success 4 503 given_up" "$(ended 4-8)"
	is "counted" 1 "$(stat_of reports_given_up)"
	set_switches '{"push_tries":2,"push_timeout_ms":200}'
	receiver "hang 200"
	check "200 -" ''
	becomes "its end" 1 ends
	is "timed out, then taken" "$id success 2 200 taken" "$(ended 4-8)"
	set_switches '{"push_tries":1}'
	receiver hang
	check "200 -" ''
	becomes "its end" 1 ends
	is "timed out" "1 c28 given_up" "$(ended 6-8)"
	is "when it should" yes "$(ended 1,9 | awk '{ t = ($1 - $2) / 1000; print (t >= 200 && t < 3000) ? "yes" : t }')"
	set_switches '{"push_url":"http://127.0.0.1:1/msgstatus","push_timeout_ms":5000}'
	receiver
	check "200 -" ''
	becomes "its end" 1 ends
	is "nobody there" "1 c7 given_up" "$(ended 6-8)"
	set_switches '{"push_url":""}'
	receiver
	check "200 -" ''
	becomes "its end" 1 ends
	is "no URL" "0 - dropped" "$(ended 6-8)"
	is "no such URL" 400 "$(curl -s -o /dev/null -w '%{http_code}' "$base/_ktsim/set" -d '{"push_url":"file:///etc/passwd"}')"
	set_switches "{\"push_url\":\"$push_url/msgstatus\",\"push_tries\":3,\"push_retry_ms\":300,\"push_retry_factor\":3}"
	receiver "500 500 200"
	check "200 -" ''
	becomes "its end" 1 ends
	is "waits grow" yes "$(ended 1,9 | awk '{ t = ($1 - $2) / 1000; print (t >= 1200 && t < 6000) ? "yes" : t }')"
}

test_push_batches()
{
	local opened

	set_switches '{"push_hold":true,"push_batch":2,"push_connections":1}'
	receiver
	for _ in 1 2 3 4 5; do check "200 -" '' "held"; done
	is "held back" "0 5" "$(pushes) $(stat_of reports_queued)"
	opened=$(stat_of push_connects)
	set_switches '{"push_hold":false}'
	becomes "five ends" 5 ends
	is "by twos" "2 2 1 " "$(for n in 1 2 3; do pushed 5 $n | grep -o msgId | wc -l; done | tr '\n' ' ')"
	is "over one connection" 1 "$(cut -f 1 "$dir/pushed" | sort -u | wc -l)"
	is "which was there" "$opened" "$(stat_of push_connects)"
	set_switches '{"push_reuse":false,"push_batch":1,"push_connections":8}'
	receiver
	for _ in 1 2 3; do check "200 -" ''; done
	becomes "three ends" 3 ends
	is "a connection each" 3 "$(cut -f 1 "$dir/pushed" | sort -u | wc -l)"
	set_switches '{"push_reuse":true,"push_batch":100,"report_delay_ms":700}'
	receiver
	check "200 -" ''
	is "not yet" "0 1" "$(ends) $(stat_of reports_not_due)"
	becomes "its end" 1 ends
	is "after its delay" yes "$(ended 9 | awk -v sent="$(ledger 2)" '{ t = ($1 - sent) / 1000; print (t >= 700 && t < 5000) ? "yes" : t }')"
	set_switches '{"report_delay_ms":0}'
}

test_disorder()
{
	local first answered kind length

	set_switches '{"report_repeat_pct":100,"report_repeat_ms":300}'
	receiver
	check "200 -" ''
	becomes "told twice" 2 ends
	is "the same" 1 "$(cut -f 4 "$dir/pushes" | grep -v id | sort -u | wc -l)"
	is "its line" "repeat $id" "$(ended 3,4)"
	set_switches '{"report_repeat_pct":0,"report_unknown_pct":100}'
	receiver
	check "200 -" ''
	becomes "two reports" 2 ends
	is "one of a message nobody sent" 0 "$(grep -c "$(awk '$3 == "unknown" { print $4 }' "$dir/pushes")" "$dir/ledger")"
	set_switches '{"report_unknown_pct":0,"report_late_pct":100,"report_late_ms":600}'
	receiver
	check "200 -" '' "late"
	first=$id
	set_switches '{"report_late_pct":0}'
	check "200 -" '' "in time"
	becomes "two reports" 2 ends
	is "the later one first" "$id $first " "$(cut -f 4 "$dir/pushes" | tr '\n' ' ')"
	set_switches '{"report_early_pct":100,"report_early_ms":600,"report_delay_ms":5000}'
	receiver
	check "200 -" '' "early"
	answered=$(date +%s%6N)
	is "report before the answer" yes "$(ended 1 | awk -v answered="$answered" '{ t = (answered - $1) / 1000; print (t >= 300) ? "yes" : t }')"
	set_switches '{"report_early_pct":0,"report_delay_ms":0,"push_wrong_secret_pct":100,"push_retry_ms":2000}'
	receiver "401 200"
	check "200 -" '' "wrong secret"
	becomes "tried" 1 pushes
	is "another header" "Bearer hushwrong" "$(pushed 3)"
	set_switches '{"push_wrong_secret_pct":0}'
	becomes "its end" 1 ends
	is "then the right one" "Bearer hush" "$(pushed 3 2)"
	set_switches '{"push_hostile_pct":100,"push_retry_ms":10}'
	for kind in "truncated 63" "deep 100000" "huge 8388670" "utf8 68" "types 68" "empty 0" "nul 96" "digits 100077" "keys 98"; do
		receiver
		check "200 -" '' "with $kind"
		becomes "$kind: two ends" 2 ends
		length=$(awk -F '\t' -v id="$id" 'index($5, id) == 0 { print $4 }' "$dir/pushed")
		is "hostile body" "$kind" "$(awk '$3 == "hostile" { print $5 }' "$dir/pushes") $length"
		is "and the report" 1 "$(grep -c "$id.*taken" "$dir/pushes")"
	done
	set_switches '{"push_hostile_pct":0}'
	receiver 400
	is "a body of one's own" 200 "$(curl -s -o /dev/null -w '%{http_code}' "$base/_ktsim/push" -d '{"to":"inbound","raw":"{not json"}')"
	becomes "its end" 1 ends
	is "as it is, and once" "/momsg {not json 1" "$(pushed 2,5 | tr '\t' ' ') $(pushes)"
}

# query FIELDS: the ids in the answer, then moreToSend; or status and code
query()
{
	curl -s -m 5 -w '\n%{http_code}' "${to:-$url}/querymsgstatus" -H "Authorization: Bearer $token" -d "{$1}" >"$dir/query"
	sed -nE 's/.*"code":"(7[0-9]*)","message":"[a-z ]*"\}\}$/\1 /p' "$dir/query" | tr -d '\n'
	grep -o '"msgId":"[^"]*"\|"moreToSend":[^}]*' "$dir/query" | sed 's/"msgId"://;s/"moreToSend":/more /' | tr -d '"' | tr '\n' ' '
	tail -n 1 "$dir/query"
}

by_account() { query "\"queryType\":\"rcsId\",\"rcsId\":\"kt\",\"queryId\":\"$1\"${2:-}"; }
by_message() { query "\"queryType\":\"msgId\",\"msgId\":\"$1\"${2:-}"; }

test_query()
{
	local a b c

	is "asked in the wrong mode" "79010 403" "$(by_account q0)"
	set_switches '{"report_mode":2,"query_batch":2}'
	receiver
	is "nothing yet" "more 0 200" "$(by_account q1)"
	is "its form" '{"statusInfo":[],"queryId":"q1","moreToSend":"0"}' "$(head -n 1 "$dir/query")"
	check "200 -" ''
	a=$id
	check "200 -" ''
	b=$id
	check "200 -" ''
	c=$id
	is "a batch" "$a $b more 1 200" "$(by_account q2)"
	is "of reports" 2 "$(grep -o '"status":"success"' "$dir/query" | wc -l)"
	is "its line" "kt report $b success 1 200 handed" "$(ended 2-8)"
	is "asked again" "79007 500" "$(by_account q2)"
	is "with retryYn" "$a $b more 1 200" "$(by_account q2 ',"retryYn":"Y"')"
	is "of nobody's query" "79011 400" "$(by_account q3 ',"retryYn":"Y"')"
	is "retryYn N is none" "$c more 0 200" "$(by_account q3 ',"retryYn":"N"')"
	is "handed out once" "more 0 200" "$(by_account q4)"
	is "by message, again and again" "$a more 0 200$a more 0 200" "$(by_message "$a")$(by_message "$a")"
	is "by message, of nobody" "more 0 200" "$(by_message nobody)"
	is "by message, with a query id" "$c more 0 200" "$(by_message "$c" ',"queryId":"q5"')"
	is "which is used then" "79007 500" "$(by_account q5)"
	is "not pushed" 0 "$(pushes)"
	is "the other account" "79003 403" "$(query '"queryType":"rcsId","rcsId":"odd","queryId":"q6"')"
	is "has none" "more 0 200" "$(token=$(get_token odd 'a:b$/.c'); query '"queryType":"rcsId","rcsId":"odd","queryId":"q2"')"
	is "no queryType" "71008 400" "$(query '"rcsId":"kt","queryId":"q6"')"
	is "no queryId" "71008 400" "$(query '"queryType":"rcsId","rcsId":"kt"')"
	is "no msgId" "71008 400" "$(query '"queryType":"msgId"')"
	is "other queryType" "79004 400" "$(query '"queryType":"all","rcsId":"kt","queryId":"q6"')"
	is "long queryId" "79004 400" "$(by_account "$(repeat q 41)")"
	is "bad retryYn" "79004 400" "$(by_account q6 ',"retryYn":"y"')"
	is "no JSON" "71005 400" "$(query '"')"
	is "wrong token" "70003 401" "$(token=x by_account q6)"
	is "by GET" "404 71007" "$(summary "$url/querymsgstatus" -H "Authorization: Bearer $token")"
	set_switches '{"query_more_integer":true}'
	is "as an integer" '{"statusInfo":[],"queryId":"q6","moreToSend":0}' "$(by_account q6 >/dev/null; head -n 1 "$dir/query")"
	set_switches '{"query_more_integer":false,"query_lose_pct":100}'
	check "200 -" ''
	is "answer lost" 000 "$(by_account q7)"
	is "its line" "$id success 1 200 lost" "$(ended 4-8)"
	set_switches '{"query_lose_pct":0}'
	is "gone" "more 0 200" "$(by_account q8)"
	is "but for retryYn" "$id more 0 200" "$(by_account q7 ',"retryYn":"Y"')"
	is "and the message" "$id more 0 200" "$(by_message "$id")"
	set_switches '{"report_delay_ms":60000}'
	check "200 -" ''
	is "not due yet" "more 0 200more 0 200" "$(by_account q9)$(by_message "$id")"
	set_switches '{"report_delay_ms":0}'
}

test_query_limits()
{
	local answers

	set_switches '{"query_per_s":3}'
	for _ in 1 2 3 4 5 6 7 8; do
		printf 'url=%s/querymsgstatus\noutput=/dev/null\n' "$url"
	done >"$dir/many"
	answers=$(curl -s -K "$dir/many" -d '{}' -w '%{http_code} ' -H "Authorization: Bearer $token")
	is "too many in a second ($answers)" yes "$([[ $answers == *400*429* ]] && echo yes)"
	sleep 1.1
	is "a second later" "more 0 200" "$(by_account later)"
	set_switches '{"query_per_s":0,"query_max_concurrent":1,"query_slow_ms":700}'
	by_account c1 >/dev/null &
	sleep 0.3
	is "one at a time" "429 79002" "$(summary "$url/querymsgstatus" -H "Authorization: Bearer $token" -d '{}')"
	wait $!
	set_switches '{"query_slow_ms":0}'
	is "afterwards" "more 0 200" "$(by_account c2)"
	is "an answer is ordered" 200 "$(curl -s -o /dev/null -w '%{http_code}' "$base/_ktsim/query-answer" -d '{"hex":"5bff005d"}')"
	is "and given, whatever it is" 5bff005d "$(curl -s "$url/querymsgstatus" -H "Authorization: Bearer $token" \
		-d '{"queryType":"rcsId","rcsId":"kt","queryId":"c3"}' | od -An -tx1 | tr -d ' ')"
	is "once" "more 0 200" "$(by_account c4)"
	is "what is no hex" 400 "$(curl -s -o /dev/null -w '%{http_code}' "$base/_ktsim/query-answer" -d '{"hex":"5"}')"
	set_switches '{"query_max_concurrent":0,"report_mode":1}'
}

test_query_port()
{
	local query_url

	stop "before the second port"
	start "${options[@]}" --set report_mode=2 --query-port 0
	query_url=http://127.0.0.1:$(sed -n 2p "$dir/port")/corp/v1
	check "200 -" ''
	is "on the wrong one" "79008 400" "$(by_account p1)"
	is "on the right one" "$id more 0 200" "$(to=$query_url by_account p1)"
	for path in message file token; do
		is "no $path there" "400 79008" "$(summary "$query_url/$path" -H "Authorization: Bearer $token" -d '{}')"
	done
	is "nothing else either" "404 71007" "$(summary "$query_url/nothing" -d '{}')"
	stop "with a second port"
	start "${options[@]}" --push-url "$push_url/msgstatus" --mo-url "$push_url/momsg" \
		--push-authorization 'Bearer hush' --push-ledger "$dir/pushes" --set push_retry_ms=10
}

mo() { curl -s "$base/_ktsim/mo" -d "{\"chatbotId\":\"15440000\",\"userContact\":\"01012345678\"$1}" >"$dir/mo"; }
reply_id() { sed -nE 's/.*"replyId":"([^"]*)".*/\1/p' "$dir/mo"; }

# The form of what an order pushes, without what changes
mo_form()
{
	receiver
	mo "$1"
	becomes "its end" 1 ends
	pushed "2,5" | tr '\t' ' ' | times | sed "s/$(reply_id)/R/"
}

test_inbound()
{
	local head='"userContact":"01012345678","chatbotId":"15440000","timestamp":"TIME"' form

	for form in ',"text":"안녕"' ',"postbackData":{"a":[1]},"displayText":"네","postbackId":"p"' '' \
		',"file":{"fileName":"a.jpg","fileSize":3}' ',"position":{"label":"l","pos":"37.5 127.0"}'; do
		mo_form "$form" >"$dir/form"
		case $form in
			,\"text*) is text "/momsg {\"replyId\":\"R\",\"eventType\":\"message\",$head,\"messageBody\":{\"textMessage\":\"안녕\"}}" "$(cat "$dir/form")" ;;
			,\"postback*) is response "/momsg {\"replyId\":\"R\",\"eventType\":\"response\",$head,\"postbackId\":\"p\",\"postbackData\":{\"a\":[1]},\"displayText\":\"네\"}" "$(cat "$dir/form")" ;;
			,\"file*) is file "/momsg {\"replyId\":\"R\",\"eventType\":\"message\",$head,\"messageBody\":{\"fileMessage\":{\"fileName\":\"a.jpg\",\"fileSize\":3}}}" "$(cat "$dir/form")" ;;
			,\"position*) is position "/momsg {\"replyId\":\"R\",\"eventType\":\"message\",$head,\"messageBody\":{\"geolocationPushMessage\":{\"label\":\"l\",\"pos\":\"37.5 127.0\"}}}" "$(cat "$dir/form")" ;;
			*) is "new user" "/momsg {\"replyId\":\"R\",\"eventType\":\"newUser\",$head}" "$(cat "$dir/form")" ;;
		esac
	done
	is "its line" "- inbound $(reply_id) message 1 200 taken" "$(ended 2-8)"
	set_switches '{"mo_form":1,"mo_segment":2}'
	is "an array, and a segment" "/momsg/SKT [{\"replyId\":\"R\",\"eventType\":\"newuser\",$head}]" "$(mo_form ',"eventType":"newuser"')"
	set_switches '{"mo_form":0,"mo_segment":0}'
	receiver "500 500 200"
	mo ',"text":"x","times":2'
	becomes "twice" 2 ends
	is "the same id" "$(reply_id)" "$(cut -f 4 "$dir/pushes" | sort -u)"
	for form in ',"count":0' ',"count":100001' ',"count":"2"' ',"count":2,"replyId":"r"' ',"times":0' ',"replyId":""' ',"userContact":7'; do
		mo "$form"
		is "bad order $form" 1 "$(grep -c '^{"error"' "$dir/mo")"
	done
}

# chat EXPECTED REPLY_ID [EDIT]: what a reply is answered
chat()
{
	check "$1" "s/\"RCSSMS\"/\"RCSCHAT\"/;s/\"expiryOption\":1/\"expiryOption\":2,\"replyId\":\"$2\"/;${3:-}" "${4:-reply to $2 ${3:-}}"
}

test_replies()
{
	local first

	chat "200 -" anything '' "no inbound message so far"
	set_switches '{"reply_id_check":1}'
	chat "400 72137" anything '' "always looked at"
	set_switches '{"reply_id_check":2,"reply_id_uses":2}'
	receiver
	mo ',"text":"x"'
	chat "400 72137" anything '' "once there is one"
	chat "400 55885" "$(reply_id)" 's/01012345678/01012345679/'
	set_switches '{"reply_id_late":true}'
	receiver
	chat "200 -" "$(reply_id)" 's/01012345678/01012345679/'
	becomes "told later" 1 ends
	is "by the report" "$id 55885" "$(ended 4,5)"
	set_switches '{"reply_id_late":false,"reply_id_uses":3}'
	chat "200 -" "$(reply_id)"
	is "another message of that id" "409 71003" "$(send "s/\"RCSSMS\"/\"RCSCHAT\"/;s/\"expiryOption\":1/\"expiryOption\":2,\"replyId\":\"$(reply_id)\"/")"
	chat "200 -" "$(reply_id)" '' "the last time"
	chat "400 55713" "$(reply_id)" '' "once too often"
	set_switches '{"reply_id_check":0}'
	chat "200 -" "$(reply_id)" '' "never looked at"
	set_switches '{"reply_id_check":2,"reply_id_uses":10,"reply_id_ttl_s":1}'
	mo ',"text":"x"'
	first=$(reply_id)
	chat "200 -" "$first" '' "in time"
	sleep 1.1
	chat "400 72138" "$first" '' "too late"
	set_switches '{"reply_id_ttl_s":86400}'
	curl -s "$base/_ktsim/mo" -d '{"chatbotId":"15449999","userContact":"01012345678"}' >"$dir/mo"
	chat "400 55886" "$(reply_id)" '' "another room"
}

test_burst()
{
	local each

	curl -s -o /dev/null -X POST "$base/_ktsim/reset-stats"
	is "no replies" 0 "$(stat_of reply_p50_us)"
	set_switches '{"report_mode":0}'
	receiver
	mo ',"text":"x","count":200'
	becomes "all pushed" 200 ends
	is "from as many users" 200 "$(grep -o '"userContact":"0101234[0-9]*"' "$dir/pushed" | sort -u | wc -l)"
	is "up to the last" 1 "$(grep -c '"userContact":"01012345877"' "$dir/pushed")"
	is "counted" "200 200" "$(stat_of inbound_made) $(stat_of inbound_taken)"
	sleep 0.3
	for each in 5678 5679 5680; do
		chat "200 -" "$(grep "0101234$each" "$dir/pushed" | sed -E 's/.*"replyId":"([^"]*)".*/\1/')" "s/01012345678/0101234$each/"
	done
	is "replied" 3 "$(stat_of inbound_replied)"
	is "after so long ($(stat_of reply_p50_us), $(stat_of reply_p99_us) us)" yes \
		"$([ "$(stat_of reply_p50_us)" -ge 300000 ] && [ "$(stat_of reply_p99_us)" -ge "$(stat_of reply_p50_us)" ] && echo yes)"
	curl -s -o /dev/null -X POST "$base/_ktsim/reset-stats"
	is "counters start again" "0 0" "$(stat_of inbound_made) $(stat_of reply_p50_us)"
}

test_unfinished()
{
	set_switches '{"report_mode":1,"push_timeout_ms":60000}'
	receiver hang
	check "200 -" '' "never taken"
	becomes "on its way" 1 pushes
	set_switches '{"push_hold":true}'
	check "200 -" '' "held"
	set_switches '{"report_delay_ms":60000}'
	check "200 -" '' "not due"
	stop "with reports to push"
	is "written down" "unfinished unfinished " "$(cut -f 8 "$dir/pushes" | tr '\n' ' ')"
}

test_push()
{
	stop "before the pushes"
	start_receiver
	start "${options[@]}"
	chat "200 -" anything '' "replies are not looked at"
	is "no reports unless asked for" 0 "$(stat_of reports_made)"
	is "nowhere to push" 1 "$(mo ',"text":"x"'; grep -c 'no mo_url' "$dir/mo")"
	stop
	start "${options[@]}" --push-url "$push_url/msgstatus" --mo-url "$push_url/momsg" \
		--push-authorization 'Bearer hush' --push-ledger "$dir/pushes"
	test_report_form
	test_report_outcome
	test_push_tries
	test_push_batches
	test_disorder
	test_query
	test_query_limits
	test_query_port
	test_replies
	test_inbound
	test_burst
	test_unfinished
	kill "$receiver_pid"
	wait "$receiver_pid" 2>/dev/null
	start "${options[@]}"
}
