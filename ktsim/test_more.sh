# shellcheck shell=bash disable=SC2154
#
# More of the self test, read by test.sh: answers that go wrong, limits of an
# account, TLS, and the proxy.  Uses what test.sh provides; starts nothing on
# its own but the proxy and a server that speaks TLS.

ktproxy=$(dirname "$ktsim")/ktproxy

# becomes NAME EXPECTED COMMAND...: the command's output, as soon as it is right
becomes()
{
	local name=$1 expected=$2
	shift 2

	for _ in $(seq 300); do
		[ "$("$@")" = "$expected" ] && break
		sleep 0.1
	done
	is "$name" "$expected" "$("$@")"
}

# "status exit": what curl makes of the answer to the plain message
send_ending()
{
	local status

	printf '%s' "$sms" | sed -e "s/\"ID\"/\"$id\"/" >"$dir/body"
	status=$(curl -s -m "${patience:-5}" -o /dev/null -w '%{http_code}' "${to:-$url}/message" \
		-H "Authorization: Bearer $token" --data-binary "@$dir/body")
	echo "$status $?"
}

# The plain message over a bare socket: how many bytes came, and how it ended
send_raw()
{
	printf '%s' "$sms" | sed -e "s/\"ID\"/\"$id\"/" >"$dir/body"
	perl -MIO::Socket::INET -e '
		my ($port, $token, $file) = @ARGV;
		my $body = do { local (@ARGV, $/) = $file; <> };
		my $s = IO::Socket::INET->new(PeerAddr => "127.0.0.1", PeerPort => $port) or die;
		print $s "POST /corp/v1/message HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer $token\r\n",
			"Content-Length: ", length $body, "\r\n\r\n", $body;
		$s->flush;
		my ($total, $n) = (0);
		$total += $n while $n = sysread $s, my $bytes, 65536;
		print "$total ", defined $n ? "end" : $!{ECONNRESET} ? "reset" : "$!";
	' "${1:-${base##*:}}" "$token" "$dir/body"
}

# fault NAME LEDGER AFTER: what the ledger says, and what a second try is answered
fault_is()
{
	is "$1: ledger" "$2" "$(ledger 7-10 | tr '\t' ' ')"
	set_switches "{\"$1\":0}"
	is "$1: second try" "$3" "$(send)"
	fresh_id
}

# Each switch is on for one message.
test_wire()
{
	local taken="409 71003" accepted="accepted - 200 no"

	fresh_id
	set_switches '{"half_close_pct":100}'
	is "half closed" "200 18" "$(send_ending)"
	fault_is half_close_pct "$accepted" "$taken"
	set_switches '{"half_close_pct":100}'
	is "half closed: an end" end "$(send_raw | cut -d ' ' -f 2)"
	fault_is half_close_pct "$accepted" "$taken"
	set_switches '{"stall_pct":100}'
	is "stalled" "200 28" "$(patience=0.5 send_ending)"
	fault_is stall_pct "$accepted" "$taken"
	set_switches '{"reset_pct":100}'
	is "reset" "200 56" "$(send_ending)"
	fault_is reset_pct "$accepted" "$taken"
	set_switches '{"reset_pct":100,"latency_ms":100}'
	is "reset: no end" reset "$(send_raw | cut -d ' ' -f 2)"
	set_switches '{"latency_ms":0}'
	fault_is reset_pct "$accepted" "$taken"
	set_switches '{"endless_pct":100}'
	is "endless" "200 28" "$(patience=0.5 send_ending)"
	fault_is endless_pct "fault - 200 no" "200 -"
	set_switches '{"endless_pct":100}'
	is "endless: more than a megabyte" yes "$(patience=1 big_enough 1000000)"
	fault_is endless_pct "fault - 200 no" "200 -"
	set_switches '{"big_header_pct":100}'
	is "big header" "1048639 end" "$(send_raw)"
	fault_is big_header_pct "fault - 200 no" "200 -"
}

# Does the plain message's answer, as curl unpacks it, have so many bytes?
big_enough()
{
	local bytes

	printf '%s' "$sms" | sed -e "s/\"ID\"/\"$id\"/" >"$dir/body"
	bytes=$(curl -s -m "${patience:-20}" --compressed "$url/message" -H "Authorization: Bearer $token" \
		--data-binary "@$dir/body" | wc -c)
	[ "$bytes" -ge "$1" ] && echo yes
}

# What the carrier answers the plain message, up to 40 bytes of it
text_of()
{
	printf '%s' "$sms" | sed -e "s/\"ID\"/\"$id\"/" >"$dir/body"
	curl -s "$url/message" -H "Authorization: Bearer $token" --data-binary "@$dir/body" >"$dir/text"
	head -c 40 "$dir/text"
}

test_odd()
{
	local taken="409 71003" accepted="accepted - 200 yes"

	fresh_id
	set_switches '{"truncate_pct":100}'
	is "truncated" '{"status":"200","da' "$(text_of)"
	fault_is truncate_pct "$accepted" "$taken"
	set_switches '{"html200_pct":100}'
	is "HTML with 200" '<!DOCTYPE html>' "$(text_of | head -c 15)"
	fault_is html200_pct "$accepted" "$taken"
	set_switches '{"deep_json_pct":100}'
	is "deep" '{"status":"200","data":{"n":[[[[[[[[[[[[' "$(text_of)"
	is "100,000 deep" "100000 100000" "$(tr -cd '[' <"$dir/text" | wc -c) $(tr -cd ']' <"$dir/text" | wc -c)"
	fault_is deep_json_pct "$accepted" "$taken"
	set_switches '{"digits_pct":100}'
	is "digits" '{"status":"200","data":{"n":777777777777' "$(text_of)"
	is "100,000 digits" 100000 "$(tr -cd 7 <"$dir/text" | wc -c)"
	fault_is digits_pct "$accepted" "$taken"
	set_switches '{"duplicate_keys_pct":100}'
	is "keys twice" '{"status":"500","data":[],"status":"200"' "$(text_of)"
	fault_is duplicate_keys_pct "$accepted" "$taken"
	set_switches '{"gzip_bomb_pct":100}'
	is "bomb: small" yes "$(text_of >/dev/null; [ "$(wc -c <"$dir/text")" -lt 110000 ] && echo yes)"
	is "bomb: large" yes "$(big_enough 103200517)"
	fault_is gzip_bomb_pct "fault - 200 yes" "200 -"
}

test_limits()
{
	local wait preload

	fresh_id
	set_switches '{"unauthorized_pct":100}'
	is "unauthorized" "401 -" "$(send)"
	fault_is unauthorized_pct "token - 401 yes" "200 -"
	set_switches '{"throttle_pct":100,"retry_after_ms":1500}'
	is "throttled" "429 72104" "$(send)"
	wait=$(curl -s -D - -o /dev/null "$url/message" -d '{}' -H "Authorization: Bearer $token" |
		tr -d '\r' | sed -n 's/^Retry-After: //p')
	is "seconds are rounded up" 2 "$wait"
	fault_is throttle_pct "throttled 72104 429 yes" "200 -"
	set_switches '{"throttle_pct":100,"retry_after_ms":0}'
	is "no such header" 0 "$(curl -s -D - "$url/message" -d '{}' | grep -c -i retry-after)"
	set_switches '{"throttle_pct":0,"quota":2}'
	is "quota" "200 -" "$(send)"
	is "a duplicate uses none" "409 71003" "$(send)"
	check "200 -" '' "quota, last"
	check "400 72105" '' "quota, beyond"
	is "ledger: quota" "refused 72105 400 yes" "$(ledger 7-10 | tr '\t' ' ')"
	set_switches '{"quota":1}'
	is "a new quota" "200 -" "$(send)"
	set_switches '{"quota":0,"token_every":2}'
	token=$(get_token kt secret)
	check "200 -" '' "a token's first use"
	check "200 -" '' "a token's last use"
	check "401 70004" '' "one too many"
	set_switches '{"token_every":0}'
	is "it stays dead" "401 70004" "$(send)"
	set_switches '{"token_ttl_s":1}'
	token=$(get_token kt secret)
	check "200 -" '' "a short token"
	sleep 1.1
	check "401 70004" '' "a second later"
	set_switches '{"token_ttl_s":6000}'
	token=$(get_token kt secret)
	preload="{\"account\":\"kt\",\"ids\":[\"$id\",\"x\"]}"
	is "preload" 200 "$(curl -s -o /dev/null -w '%{http_code}' "$base/_ktsim/preload" -d "$preload")"
	is "accepted before" "409 71003" "$(send)"
	is "preload, nobody's" 400 "$(curl -s -o /dev/null -w '%{http_code}' "$base/_ktsim/preload" -d "${preload/kt/nobody}")"
	is "preload, no ids" 400 "$(curl -s -o /dev/null -w '%{http_code}' "$base/_ktsim/preload" -d "${preload/\"x\"/7}")"
	is "forget" 200 "$(curl -s -o /dev/null -w '%{http_code}' -X POST "$base/_ktsim/forget")"
	is "forgotten" "200 -" "$(send)"
	set_switches '{"refuse_duplicates_for_s":0}'
	is "the other name" "200 -" "$(send)"
	set_switches '{"refuse_duplicates_for_s":259200}'
}

start_tls()
{
	local name=$1
	shift

	rm -f "$dir/tls_port"
	# shellcheck disable=SC2086
	$wrap "$ktsim" --port-file "$dir/tls_port" --die-with-parent --account kt:secret \
		--tls-cert "$dir/$name.pem" --tls-key "$dir/$name.key" "$@" 2>>"$dir/stderr" &
	tls_pid=$!
	for _ in $(seq 200); do
		[ -s "$dir/tls_port" ] && break
		sleep 0.05
	done
}

stop_tls()
{
	kill -TERM "$tls_pid"
	wait "$tls_pid"
	is "SIGTERM ends it well (TLS)" 0 "$?"
	tls_pid=
}

# tls_health HOST: status and how curl ended
tls_health()
{
	local status

	status=$(curl -s -m 5 --cacert "$dir/ca.pem" -o /dev/null -w '%{http_code}' \
		"https://$1:$(cat "$dir/tls_port")/_ktsim/health")
	echo "$status $?"
}

test_tls()
{
	local name plain_url=$url plain_token=$token

	perl -I"$here/../t/lib" -MRcsCerts -e 'exit(make_certs($ARGV[0]) ? 0 : 3)' "$dir"
	case $? in
		0) ;;
		3)
			echo "skipped: TLS, without the openssl program"
			return
			;;
		*)
			is "certificates" made "not made"
			return
			;;
	esac
	start_tls good
	is "TLS by address" "200 0" "$(tls_health 127.0.0.1)"
	is "TLS by name" "200 0" "$(tls_health localhost)"
	is "no TLS" "000 52" "$(to=http://127.0.0.1:$(cat "$dir/tls_port")/corp/v1 send_ending)"
	base=https://127.0.0.1:$(cat "$dir/tls_port")
	url=$base/corp/v1
	export CURL_CA_BUNDLE="$dir/ca.pem"
	token=$(get_token kt secret)
	check "200 -" '' "a message by TLS"
	is "once more" "409 71003" "$(send)"
	set_switches '{"slow_pct":100,"slow_ms":100}'
	check "200 -" '' "a slow one by TLS"
	set_switches '{"slow_pct":0,"deep_json_pct":100}'
	fresh_id
	is "a large answer by TLS" 200030 "$(text_of >/dev/null; wc -c <"$dir/text")"
	set_switches '{"deep_json_pct":0,"reset_pct":100}'
	fresh_id
	is "by TLS only a cut" "000 52" "$(send)"
	set_switches '{"reset_pct":0}'
	is "which had been accepted" "409 71003" "$(send)"
	unset CURL_CA_BUNDLE
	stop_tls
	for name in expired future wrong_host self_signed other; do
		start_tls "$name"
		is "TLS, $name" "000 60" "$(tls_health 127.0.0.1)"
		stop_tls
	done
	start_tls good --tls-ca "$dir/ca.pem"
	is "what is sent along" 2 "$(openssl s_client -connect "127.0.0.1:$(cat "$dir/tls_port")" -showcerts \
		</dev/null 2>/dev/null | grep -c 'BEGIN CERTIFICATE')"
	stop_tls
	"$ktsim" --tls-cert "$dir/good.pem" 2>/dev/null
	is "a certificate without a key" 2 "$?"
	url=$plain_url
	base=${url%/corp/v1}
	token=$plain_token
}

# order LINE: what the proxy says to it
order()
{
	exec 3<>"/dev/tcp/127.0.0.1/$(sed -n 2p "$dir/proxy_port")"
	echo "$1" >&3
	cat <&3
	exec 3>&-
}

proxied()
{
	order stats | sed -n "s/.*\"$1\":\([0-9]*\).*/\1/p"
}

# through ORDER: the order is carried out; the message goes by the proxy
through()
{
	is "proxy: $1" ok "$(order "$1")"
	fresh_id
}

test_proxy()
{
	local began took offers
	local to

	rm -f "$dir/proxy_port"
	# shellcheck disable=SC2086
	$wrap "$ktproxy" --target "${base##*:}" --port-file "$dir/proxy_port" \
		--die-with-parent 2>>"$dir/stderr" &
	proxy_pid=$!
	for _ in $(seq 200); do
		[ -s "$dir/proxy_port" ] && break
		sleep 0.05
	done
	to=http://127.0.0.1:$(sed -n 1p "$dir/proxy_port")/corp/v1
	fresh_id
	is "proxy" "200 0" "$(send_ending)"
	is "it came through" "409 71003" "$(send)"
	is "bytes are counted" yes "$([ "$(proxied bytes_up)" -gt 500 ] && [ "$(proxied bytes_down)" -gt 100 ] && echo yes)"
	is "connections are counted" 1 "$(proxied connections)"
	becomes "and given up" 0 proxied live

	through 'set cut_down=20 once=1'
	is "cut on the way back" "end 20" "$(send_raw "$(sed -n 1p "$dir/proxy_port")" | sed 's/\(.*\) \(.*\)/\2 \1/')"
	is "after it was accepted" "409 71003" "$(send)"
	is "only once" "200 0" "$(fresh_id; send_ending)"
	serial=$((serial + 1))
	through 'set cut_down=0 reset=1'
	is "reset before the answer" "000 56" "$(send_ending)"
	is "after it was accepted" "409 71003" "$(send)"
	fresh_id
	is "always" "000 56" "$(send_ending)"
	through 'heal'
	offers=$(stat_of offers)
	through 'set cut_up=100 reset=0'
	is "cut on the way there" "000 52" "$(send_ending)"
	is "so it never arrived" "$offers" "$(stat_of offers)"
	is "and can be sent" "200 -" "$(send)"
	is "cuts are counted" 4 "$(proxied cuts)"

	through heal
	through 'set blackhole=1'
	is "black hole" "000 28" "$(patience=0.5 send_ending)"
	is "proxy: heal" ok "$(order heal)"
	through 'set delay_ms=300'
	began=$(date +%s%N)
	is "delay" "200 0" "$(send_ending)"
	took=$((($(date +%s%N) - began) / 1000000))
	is "both ways (${took} ms)" yes "$([ "$took" -ge 600 ] && [ "$took" -lt 3000 ] && echo yes)"
	through 'set delay_ms=0 throttle=1000'
	began=$(date +%s%N)
	is "throttle" "200 0" "$(send_ending)"
	took=$((($(date +%s%N) - began) / 1000000))
	is "about 1 kB a second (${took} ms)" yes "$([ "$took" -ge 800 ] && [ "$took" -lt 4000 ] && echo yes)"
	through 'set throttle=0 corrupt_down=9'
	is "a byte changed: status 300" "300 0" "$(send_ending)"
	is "corruption is counted" 1 "$(proxied corrupted)"

	through heal
	set_switches '{"reset_pct":100}'
	is "a reset passes" "200 56" "$(send_ending)"
	set_switches '{"reset_pct":0}'
	becomes "the black hole's client is gone too" 0 proxied live
	through 'set refuse=1'
	is "refused" "000 7" "$(send_ending)"
	through 'set refuse=0'
	is "and not" "200 0" "$(send_ending)"
	becomes "none lives" 0 proxied live
	through 'set blackhole=1'
	(patience=4 send_ending >"$dir/held") &
	becomes "held" 1 proxied live
	is "proxy: set blackhole=0" ok "$(order 'set blackhole=0')"
	wait $!
	is "let go, while alive" "200 0" "$(cat "$dir/held")"
	becomes "none lives" 0 proxied live
	through 'set blackhole=1'
	(patience=4 send_ending >"$dir/held") &
	becomes "held again" 1 proxied live
	is "proxy: cut reset" ok "$(order 'cut reset')"
	wait $!
	is "cut while alive" "000 56" "$(cat "$dir/held")"
	is "nonsense" error "$(order 'set nonsense=1')"
	is "nonsense changes nothing" error "$(order 'set blackhole=0 cut_up=-2')"
	is "still a black hole" "000 28" "$(patience=0.3 send_ending)"
	kill -TERM "$proxy_pid"
	wait "$proxy_pid"
	is "SIGTERM ends it well (proxy)" 0 "$?"
	proxy_pid=
	is "the module for Perl" "200 1 599" "$(KTPROXY=$ktproxy perl -I"$here/../t/lib" -MRcsProxy -MHTTP::Tiny -e '
		my $proxy = start_proxy($ARGV[0]);
		my $url = "http://127.0.0.1:" . $proxy->port . "/_ktsim/reset-stats";
		my $good = HTTP::Tiny->new->post($url)->{status};
		$proxy->set(cut_down => 0, once => 1);
		my $bad = HTTP::Tiny->new->post($url)->{status};
		print "$good ", $proxy->stats->{cuts}, " ", $bad;
		$proxy->stop;' "${base##*:}")"
}
