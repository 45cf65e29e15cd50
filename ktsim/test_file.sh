# shellcheck shell=bash disable=SC2154
#
# Self test of uploads, read by test.sh: what the carrier takes, refuses and
# remembers, the messages that name files, and the faults.  Uses what test.sh
# provides.

make_images()
{
	{ printf '\x89PNG\r\n\x1a\n\x00\r\n--\r\n'; head -c 500 /dev/urandom; } >"$dir/a.png"
	{ printf '\x89PNG\r\n\x1a\n'; head -c 500 /dev/urandom; } >"$dir/b.png"
	{ printf '\xff\xd8\xff\xe0'; head -c 500 /dev/urandom; } >"$dir/a.jpg"
}

# upload ID FILE [TYPE [OPTION...]]: what it is answered
upload()
{
	local file_id=$1 file=$2 type=${3:-image/png}
	shift $(($# < 3 ? $# : 3))

	summary "$url/file" -H "Authorization: Bearer $token" -F "fileId=$file_id" -F usageType=send \
		-F usageService=RCS -F "mimeType=$type" -F "file=@$file" "$@"
}

# parts NAME=VALUE...: what an upload of just these parts is answered
parts()
{
	local each form=()

	for each in "$@"; do
		form+=(-F "$each")
	done
	summary "$url/file" -H "Authorization: Bearer $token" "${form[@]}"
}

# info OPTION...: the answer to an upload, with the times of day left out
info()
{
	curl -s "$url/file" -H "Authorization: Bearer $token" -F usageType=send -F "file=@$dir/a.png" \
		-F mimeType=image/png "$@" |
		sed -E 's/[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9:]{8}\.[0-9]{3}\+09"/TIME"/'
}

# A body of lines, each ended by CR and LF; the boundary is B.
raw()
{
	printf '%b' "${2//$'\n'/\\r\\n}" >"$dir/raw"
	summary "$url/file" -H "Authorization: Bearer $token" -H "Content-Type: $1" --data-binary "@$dir/raw"
}

# The columns of the last line of the ledger of uploads
uploaded()
{
	tail -n 1 "$dir/files" | cut -f "$1" | tr '\t' ' '
}

test_file_answer()
{
	local seconds form size

	form='"fileId":"BR.1.a","usageType":"send","usageService":"RCS","mimeType":"image/png","status":"ready","size":N,"expiryDate":"TIME","url":"https://ktsim.invalid/file/BR.1.a"'
	make_images
	size=$(wc -c <"$dir/a.png")
	form=${form/N/$size}
	is "upload" "{\"status\":\"200\",\"data\":{\"fileInfo\":{$form}}}" "$(info -F fileId=BR.1.a -F usageService=RCS)"
	is "its line" "kt BR.1.a image/png $size $(sha256sum <"$dir/a.png" | cut -d ' ' -f 1) stored - 200 yes" "$(uploaded 3-11)"
	seconds=$((($(uploaded 12) - $(uploaded 2)) / 1000000))
	is "a year ($seconds s)" yes "$([ $((seconds - 31536000)) -ge 0 ] && [ $((seconds - 31536000)) -le 60 ] && echo yes)"
	set_switches '{"file_envelope":1,"file_size_text":true}'
	is "right under data" "{\"status\":\"200\",\"data\":{${form/$size/\"$size\"}}}" "$(info -F fileId=BR.1.a -F usageService=RCS)"
	set_switches '{"file_envelope":2,"file_size_text":false}'
	is "at the top" "{${form/RCS/MMS}}" "$(info -F fileId=BR.1.a -F usageService=MMS)"
	set_switches '{"file_envelope":0,"file_days":1}'
	is "other parts" "{\"status\":\"200\",\"data\":{\"fileInfo\":{${form//BR.1.a/other},\"messagebaseId\":\"SS000000\"}}}" \
		"$(info -F fileId=other -F usageService=RCS -F description=text -F messagebaseId=SS000000 -F unknown=x)"
	is "expiry is a day ahead, in Korea's time" "$(TZ=UTC-9 date -d "@$(uploaded 12 | cut -c 1-10)" '+%Y-%m-%dT%H:%M:%S')" \
		"$(curl -s "$url/file" -H "Authorization: Bearer $token" -F fileId=other -F usageType=send -F usageService=RCS \
			-F mimeType=image/png -F "file=@$dir/a.png" | sed -E 's/.*"expiryDate":"([^.]*)\..*/\1/')"
	set_switches '{"file_days":365}'
	is "upload under v1.1" "200 -" "$(url=$base/corp/v1.1 upload v11 "$dir/a.jpg" image/jpeg)"
	is "upload by GET" "404 71007" "$(summary "$url/file" -H "Authorization: Bearer $token")"
}

test_file_fields()
{
	local file="file=@$dir/a.png" id

	is "all fields" "200 -" "$(parts fileId=f1 usageType=send usageService=RCS mimeType=image/png "$file")"
	is "no fileId" "400 53003" "$(parts usageType=send usageService=RCS mimeType=image/png "$file")"
	is "no usageType" "400 71008" "$(parts fileId=f2 usageService=RCS mimeType=image/png "$file")"
	is "no usageService" "400 71008" "$(parts fileId=f2 usageType=send mimeType=image/png "$file")"
	is "no mimeType" "400 71008" "$(parts fileId=f2 usageType=send usageService=RCS "$file")"
	is "no file" "400 71008" "$(parts fileId=f2 usageType=send usageService=RCS mimeType=image/png)"
	is "its line" "kt f2 image/png - - refused 71008 400 yes -" "$(uploaded 3-12)"
	is "other usageType" "400 71004" "$(parts fileId=f2 usageType=chatbot usageService=RCS mimeType=image/png "$file")"
	is "other usageService" "400 71004" "$(parts fileId=f2 usageType=send usageService=rcs mimeType=image/png "$file")"
	is "other mimeType" "400 72107" "$(parts fileId=f2 usageType=send usageService=RCS mimeType=image/gif "$file")"
	is "long messagebaseId" "400 71004" "$(upload f2 "$dir/a.png" image/png -F "messagebaseId=$(repeat m 41)")"
	for id in "$(repeat i 65)" '' 'a b' a/b 가 'a,b' '%61'; do
		is "fileId \"$id\"" "400 53003" "$(upload "$id" "$dir/a.png")"
	done
	is "longest fileId" "200 -" "$(upload "$(repeat i 64)" "$dir/a.png")"
	is "any letter" "200 -" "$(upload aZ09._- "$dir/a.png")"
}

test_file_content()
{
	is "a PNG that calls itself JPEG" "400 72107" "$(upload c1 "$dir/a.png" image/jpeg)"
	is "a JPEG that calls itself PNG" "400 72107" "$(upload c1 "$dir/a.jpg")"
	is "a JPEG" "200 -" "$(upload c2 "$dir/a.jpg" image/jpeg)"
	printf '\x89PNG\r\n\x1a' >"$dir/short.png"
	is "less than a beginning" "400 72107" "$(upload c1 "$dir/short.png")"
	: >"$dir/empty.png"
	is "empty" "400 72107" "$(upload c1 "$dir/empty.png")"
	{ cat "$dir/a.png"; head -c 5000000 /dev/zero; } >"$dir/zeros"
	head -c 1048576 "$dir/zeros" >"$dir/mb.png"
	is "1 MiB" "200 -" "$(upload c3 "$dir/mb.png")"
	is "its line" "1048576 $(sha256sum <"$dir/mb.png" | cut -d ' ' -f 1) stored" "$(uploaded 6-8)"
	head -c 1048577 "$dir/zeros" >"$dir/mb1.png"
	is "a byte more" "400 72115" "$(upload c4 "$dir/mb1.png")"
	head -c 2000000 "$dir/zeros" >"$dir/2mb.png"
	is "2 MB" "400 72115" "$(upload c4 "$dir/2mb.png")"
	is "its line" "c4 image/png 2000000" "$(uploaded 4-6)"
	is "beyond all bounds" "400 72115" "$(upload c4 "$dir/zeros")"
	is "its line" "- - - - refused 72115 400 yes" "$(uploaded 4-11)"
	set_switches '{"file_max_bytes":512}'
	is "another limit" "400 72115" "$(upload c4 "$dir/a.png")"
	set_switches '{"file_max_bytes":1048576}'
	is "a message is kept as short as ever" "400 72117" \
		"$(summary "$url/message" -H "Authorization: Bearer $token" --data-binary "@$dir/mb.png")"
}

# part NAME VALUE, as in the body of a form
part()
{
	printf -- '--B\nContent-Disposition: form-data; name="%s"\n\n%s\n' "$1" "$2"
}

test_multipart()
{
	local type='multipart/form-data; boundary=B' good png='\x89PNG\r\n\x1a\n'

	good=$(part fileId m1; part usageType send; part usageService RCS; part mimeType image/png)
	good+=$'\n'$(part file "$png")
	is "by hand" "200 -" "$(raw "$type" "$good"$'\n--B--\n')"
	is "its size" 8 "$(uploaded 6)"
	is "before and after" "200 -" "$(raw "$type" $'a preamble\n--b\n'"$good"$'\n--B--\nan epilogue\n--B\n')"
	is "a boundary in quotes" "200 -" "$(raw 'Multipart/Form-Data ; charset="a\";b" ; Boundary="B"' "$good"$'\n--B--')"
	is "blanks after the boundary" "200 -" "$(raw "$type" "${good/--B/--B	 }"$'\n--B--\n')"
	is "headers in other letters" "200 -" "$(raw "$type" "${good/Content-Disposition: form-data; name=/content-disposition:FORM-DATA;x=y; NAME=}"$'\n--B--\n')"
	is "no boundary" "400 53005" "$(raw multipart/form-data "$good"$'\n--B--\n')"
	is "an empty one" "400 53005" "$(raw 'multipart/form-data; boundary=""' "$good"$'\n--B--\n')"
	is "an open quote" "400 53005" "$(raw 'multipart/form-data; boundary="B' "$good"$'\n--B--\n')"
	is "two boundaries" "400 53005" "$(raw "$type; boundary=B" "$good"$'\n--B--\n')"
	is "another boundary" "400 53005" "$(raw 'multipart/form-data; boundary=C' "$good"$'\n--B--\n')"
	is "longest boundary" "200 -" "$(raw "multipart/form-data; boundary=$(repeat B 70)" "${good//--B/--$(repeat B 70)}"$'\n'"--$(repeat B 70)--")"
	is "a longer one" "400 53005" "$(raw "multipart/form-data; boundary=$(repeat B 71)" "${good//--B/--$(repeat B 71)}"$'\n'"--$(repeat B 71)--")"
	is "another type" "400 53005" "$(raw 'multipart/mixed; boundary=B' "$good"$'\n--B--\n')"
	is "JSON" "400 53005" "$(raw application/json '{"fileId":"m1"}')"
	is "no type" "400 53005" "$(summary "$url/file" -H "Authorization: Bearer $token" -H Content-Type: --data-binary "@$dir/raw")"
	is "nothing" "400 53005" "$(raw "$type" '')"
	is "no end" "400 53005" "$(raw "$type" "$good")"
	is "no part" "400 53003" "$(raw "$type" --B--)"
	is "a part twice" "400 53005" "$(raw "$type" "$(part fileId m2)"$'\n'"$good"$'\n--B--\n')"
	is "32 parts" "200 -" "$(raw "$type" "$good"$'\n'"$(for i in $(seq 27); do part "x$i" y; done)"$'\n--B--\n')"
	is "33 parts" "400 53005" "$(raw "$type" "$good"$'\n'"$(for i in $(seq 28); do part "x$i" y; done)"$'\n--B--\n')"
	is "a long header" "200 -" "$(raw "$type" "${good/name=/filename=\"$(repeat f 3900)\"; name=}"$'\n--B--\n')"
	is "too long a header" "400 53005" "$(raw "$type" "${good/name=/filename=\"$(repeat f 4100)\"; name=}"$'\n--B--\n')"
	is "headers without end" "400 53005" "$(raw "$type" "--B$(for _ in $(seq 500); do printf '\nContent-Disposition: form-data'; done)")"
	is "a long name" "400 53005" "$(raw "$type" "$(part "$(repeat n 65)" x)"$'\n--B--\n')"
	is "no name" "400 53005" "$(raw "$type" "${good/; name=/; nama=}"$'\n--B--\n')"
	is "two names" "400 53005" "$(raw "$type" "${good/; name=/; name=x; name=}"$'\n--B--\n')"
	is "no header" "400 53005" "$(raw "$type" "${good/Content-Disposition: form-data; name=\"fileId\"}"$'\n--B--\n')"
	is "a folded header" "400 53005" "$(raw "$type" "${good/; name=/;$'\n' name=}"$'\n--B--\n')"
	is "an encoded part" "400 53005" "$(raw "$type" "${good/--B/--B$'\n'Content-Transfer-Encoding: base64}"$'\n--B--\n')"
	is "one that is not" "200 -" "$(raw "$type" "${good/--B/--B$'\n'Content-Transfer-Encoding: binary}"$'\n--B--\n')"
	is "LF only" "400 53005" "$(printf '%b' "$good"$'\n--B--\n' >"$dir/lf"; summary "$url/file" -H "Authorization: Bearer $token" -H "Content-Type: $type" --data-binary "@$dir/lf")"
	is "a NUL in the fileId" "400 53003" "$(raw "$type" "${good/m1/m\\x001}"$'\n--B--\n')"
	is "its line" "kt m?1 image/png" "$(uploaded 3-5)"
	is "a tab and a line in it" "400 53003" "$(raw "$type" "${good/m1/m\\t\\n1}"$'\n--B--\n')"
	is "the ledger stays a table" "kt m??1 image/png" "$(uploaded 3-5)"
	raw "$type" "$good"$'\n--B--\n' >/dev/null
	test_broken_bodies "$type"
}

# $dir/raw cut at every byte, then changed at random.
test_broken_bodies()
{
	local answers

	answers=$(perl -MIO::Socket::INET -e '
		my ($port, $token, $type, $file, $changes) = @ARGV;
		my $body = do { local (@ARGV, $/) = $file; <> };
		sub answer {
			my $socket = IO::Socket::INET->new(PeerAddr => "127.0.0.1", PeerPort => $port) or return "gone";
			my $head = "POST /corp/v1/file HTTP/1.1\r\nHost: x\r\nConnection: close\r\n" .
				"Authorization: Bearer $token\r\nContent-Type: $type\r\n";
			syswrite $socket, "${head}Content-Length: " . length($_[0]) . "\r\n\r\n$_[0]";
			my $answer = do { local $/; <$socket> };
			return $answer =~ /"code":"(\d+)"/ || $answer =~ /^HTTP.1.1 (\d+)/ ? $1 : "none";
		}
		my @bad = grep { answer(substr $body, 0, $_) ne "53005" } 0 .. length($body) - 3;
		print "@bad ", answer(substr $body, 0, length($body) - 2), "\n";
		srand 7;
		for (1 .. $changes) {
			my $changed = $body;
			for (0 .. rand 4) {
				my $at = int rand length $changed;
				my $what = rand;
				if ($what < .4) { substr($changed, $at, 1) = chr rand 256 }
				elsif ($what < .7) { substr($changed, $at, 1 + rand 40) = "" }
				else { substr($changed, $at, 0) = substr $body, rand length $body, rand 60 }
			}
			my $answer = answer($changed);
			print "$answer to a changed body\n" unless $answer =~ /^(200|53003|53005|7100[348]|72107)$/;
		}' "${base##*:}" "$token" "$1" "$dir/raw" 300)
	is "cut anywhere, or changed" " 200" "$answers"
	is "alive" "200 -" "$(summary "$base/_ktsim/health")"
}

test_file_token()
{
	is "upload, no header" "401 70001" "$(token='' summary "$url/file" -F fileId=t1)"
	is "its line" "- t1 - - - token 70001 401 yes -" "$(uploaded 3-12)"
	is "upload, other type" "401 70002" "$(summary "$url/file" -H "Authorization: Basic $token" -F fileId=t1)"
	is "upload, wrong token" "401 70003" "$(token=x upload t1 "$dir/a.png")"
	set_switches '{"expire_tokens":true}'
	is "upload, expired token" "401 70004" "$(upload t1 "$dir/a.png")"
	is "its account" "kt t1" "$(uploaded 3,4)"
	token=$(get_token kt secret)
	is "with a new one" "200 -" "$(upload t1 "$dir/a.png")"
}

test_file_reuse()
{
	is "first" "200 -" "$(upload r1 "$dir/a.png")"
	is "its line" stored "$(uploaded 8)"
	is "the same again" "200 -" "$(upload r1 "$dir/a.png")"
	is "its line" "again - 200 yes" "$(uploaded 8-11)"
	is "expires as the first" "$(awk -F '\t' '$4 == "r1" { print $12; exit }' "$dir/files")" "$(uploaded 12)"
	is "another content" "409 71003" "$(upload r1 "$dir/b.png")"
	is "its line" "duplicate 71003 409 yes -" "$(uploaded 8-12)"
	is "the first is still there" "200 -" "$(upload r1 "$dir/a.png")"
	set_switches '{"file_refuse_reuse":true}'
	is "reuse refused" "409 71003" "$(upload r1 "$dir/a.png")"
	is "a new id" "200 -" "$(upload r2 "$dir/a.png")"
	set_switches '{"file_refuse_reuse":false}'
	token=$(get_token odd 'a:b$/.c')
	is "another account's id" "200 -" "$(upload r1 "$dir/b.png")"
	is "its line" "odd r1 stored" "$(uploaded 3,4,8)"
	token=$(get_token kt secret)
}

# names EXPECTED KEY VALUE: a message with this in its body
names()
{
	check "$1" "s#\"body\":{#&\"$2\":\"$3\",#" "$2 is $3"
}

test_media()
{
	local key video='https://www.youtube.com/watch?v=abc'

	is "upload" "200 -" "$(upload p1 "$dir/a.png")"
	for key in media media1 media6 subMedia1 mTitleMedia itemMedia; do
		names "200 -" "$key" maapfile://p1
		names "400 72106" "$key" maapfile://p2
	done
	is "its line" "refused 72106 400 yes" "$(ledger 7-10 | tr '\t' ' ')"
	names "400 72106" media maapfile://
	names "400 72106" media maapfile://P1
	names "200 -" media "$video,maapfile://p1"
	names "400 72106" media "$video,maapfile://p2"
	names "200 -" media "$video"
	names "200 -" mediaUrl maapfile://p2
	check "400 72106" 's#"body":{#&"media1":"maapfile://p1","media2":"maapfile://p2",#' "one of two"
	check "200 -" 's#"body":{#&"media1":"maapfile://p1","media2":"maapfile://p1",#' "one twice"
	check "200 -" 's#"body":{#&"media":["maapfile://p2"],#' "not a text"
	check "400 72121" "s#\"body\":{#&\"media\":\"maapfile://p2\",\"title\":\"$(repeat t 31)\",#" "sizes come first"
	check "400 72106" 's#"body":{#&"media":"maapfile://p2",#;s/"msgServiceType":"rcs"/"msgServiceType":"rcs, legacy"/' "legacy comes after"
	set_switches '{"check_media":false}'
	names "200 -" media maapfile://p2
	set_switches '{"check_media":true}'
	token=$(get_token odd 'a:b$/.c')
	names "400 72106" media maapfile://p1
	token=$(get_token kt secret)
}

test_file_expiry()
{
	set_switches '{"file_seconds":2}'
	is "for two seconds" "200 -" "$(upload e1 "$dir/a.png")"
	set_switches '{"file_seconds":0}'
	names "200 -" media maapfile://e1
	sleep 2.1
	names "400 72106" media maapfile://e1
	is "the same id, another content" "409 71003" "$(upload e1 "$dir/b.png")"
	is "the same content" "200 -" "$(upload e1 "$dir/a.png")"
	is "is stored anew" stored "$(uploaded 8)"
	names "200 -" media maapfile://e1
	set_switches '{"expire_files":true}'
	names "400 72106" media maapfile://e1
	is "an order is carried out once" "200 -" "$(upload e2 "$dir/a.png")"
	names "200 -" media maapfile://e2
	is "forget files" 200 "$(curl -s -o /dev/null -w '%{http_code}' -X POST "$base/_ktsim/forget-files")"
	names "400 72106" media maapfile://e2
	is "any content is new" "200 -" "$(upload e2 "$dir/b.png")"
	is "its line" stored "$(uploaded 8)"
}

# file_fault NAME ANSWER LEDGER AFTER: one upload with it, the ledger, and what a second one is
file_fault()
{
	local file_id=fault_$1

	set_switches "{\"$1\":100}"
	is "$1" "$2" "$(patience=0.5 upload "$file_id" "$dir/a.png")"
	is "$1: ledger" "$3" "$(uploaded 8-11)"
	set_switches "{\"$1\":0}"
	is "$1: second try" "200 -" "$(upload "$file_id" "$dir/a.png")"
	is "$1: which is" "$4" "$(uploaded 8)"
}

test_file_faults()
{
	local open began took alone mixed

	open=$(stat_of connections_open)
	file_fault file_close_pct "000 52" "fault - - no" stored
	file_fault file_hang_pct "000 28" "fault - - no" stored
	file_fault file_500_pct "500 -" "fault - 500 yes" stored
	file_fault file_throttle_pct "429 72104" "throttled 72104 429 yes" stored
	file_fault file_error_pct "500 72113" "refused 72113 500 yes" stored
	file_fault file_store_500_pct "500 -" "stored - 500 yes" again
	file_fault file_store_close_pct "000 52" "stored - - no" again
	file_fault file_store_hang_pct "000 28" "stored - - no" again
	file_fault file_store_garbage_pct "200 -" "stored - 200 yes" again
	becomes "hung uploads are let go" "$open" stat_of connections_open
	set_switches '{"file_throttle_pct":100,"retry_after_ms":1500}'
	is "Retry-After" 2 "$(curl -s -D - -o /dev/null "$url/file" -F fileId=x | tr -d '\r' | sed -n 's/^Retry-After: //p')"
	set_switches '{"file_throttle_pct":0,"retry_after_ms":0,"file_error_pct":100,"file_error_code":"53004"}'
	is "any code" "500 53004" "$(upload f10 "$dir/a.png")"
	is "in place of a success only" "400 72107" "$(upload f10 "$dir/a.jpg")"
	set_switches '{"file_error_pct":0,"file_500_pct":100,"file_fault_count":2}'
	is "two faults and no more" "500 - 500 - 200 - 200 - " "$(for _ in 1 2 3 4; do upload f11 "$dir/a.png"; done | tr '\n' ' ')"
	set_switches '{"file_fault_count":1}'
	is "the count starts again" "500 - 200 - " "$(for _ in 1 2; do upload f11 "$dir/a.png"; done | tr '\n' ' ')"
	set_switches '{"file_500_pct":0,"file_fault_count":0,"file_slow_pct":100,"file_slow_ms":400}'
	began=$(date +%s%N)
	is "slow" "200 -" "$(upload f12 "$dir/a.png")"
	took=$((($(date +%s%N) - began) / 1000000))
	is "so slow (${took} ms)" yes "$([ "$took" -ge 400 ] && [ "$took" -lt 3000 ] && echo yes)"
	is "its line" "stored - 200 late" "$(uploaded 8-11)"
	check "200 -" '' "faults of uploads are not those of messages"
	is "on time" yes "$(ledger 10)"
	set_switches '{"file_slow_pct":0,"seed":9,"file_500_pct":50}'
	is "a half of them" yes "$(for _ in $(seq 40); do upload f13 "$dir/a.png"; done | sort | uniq -c | awk '{ if ($1 < 10 || $1 > 30) bad = 1 } END { print NR == 2 && !bad ? "yes" : "no" }')"
	set_switches '{"seed":9,"file_500_pct":0,"status_pct":50}'
	alone=$(for _ in $(seq 20); do post '{}'; done)
	set_switches '{"seed":9}'
	mixed=$(for _ in $(seq 20); do post '{}'; upload f13 "$dir/a.png" >/dev/null; done)
	is "messages have dice of their own" "$alone" "$mixed"
	set_switches '{"status_pct":0}'
}

test_file_counts()
{
	local offers
	offers=$(stat_of offers)

	is "one line for each upload" "$(grep -c -v '^#' "$dir/files")" "$(stat_of file_offers)"
	for decision in stored again refused duplicate throttled token fault; do
		is "counted: $decision" "$(cut -f 8 "$dir/files" | grep -c -x "$decision")" "$(stat_of "files_$decision")"
	done
	upload n1 "$dir/a.png" >/dev/null
	is "no message" "$offers" "$(stat_of offers)"
	is "counted by account" "$(awk -F '\t' '$3 == "odd" && $8 == "stored"' "$dir/files" | wc -l)" \
		"$(curl -s "$base/_ktsim/stats" | sed -E 's/.*"odd":\{[^}]*"files_stored":([0-9]*).*/\1/')"
}

test_file_restart()
{
	local last

	is "before the restart" "200 -" "$(upload z1 "$dir/a.png")"
	last=$(uploaded 1)
	printf 'broken\n' >>"$dir/files"
	stop "after uploads"
	start "${options[@]}"
	names "200 -" media maapfile://z1
	names "400 72106" media maapfile://z2
	is "the same again" "200 -" "$(upload z1 "$dir/a.png")"
	is "its line" "again" "$(uploaded 8)"
	is "numbers go on" $((last + 1)) "$(uploaded 1)"
	is "another content" "409 71003" "$(upload z1 "$dir/b.png")"
	is "one header" 1 "$(grep -c '^#' "$dir/files")"
	stop
	"$ktsim" --file-ledger /dev/null/x 2>/dev/null
	is "a ledger that cannot be" 2 "$?"
	start "${options[@]}"
}

test_files()
{
	test_file_answer
	test_file_fields
	test_file_content
	test_multipart
	test_file_token
	test_file_reuse
	test_media
	test_file_expiry
	test_file_faults
	test_file_counts
	test_file_restart
}
