# Bytes from outside through the parsers that meet them, in a server under AddressSanitizer: requests to the
# listener (HTTP, then JSON, then rcs_receive), and answers of data services (HTTP and JSON for rcs_fetch; JSON
# for the rules of the chat; lists for the poller, and what is kept of them).  FUZZ_N of them (100,000), made from FUZZ_SEED and their number: the same seed gives
# the same inputs, and FUZZ_FIRST and FUZZ_N choose some of them.
#
# Each is taken or refused as the documentation says; nothing is read or written beyond its memory; no process
# dies; at the end all goes on as ever.

use strict;
use warnings;

use FindBin;
use Errno;
use IO::Select;
use IO::Socket::INET;
use JSON::PP ();
use List::Util qw(min);
use lib $FindBin::RealBin, "$FindBin::RealBin/../t/lib";
use POSIX ();
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use RcsAsan;
use RcsHostile qw(random_body random_request mutated in_chunks);
use RcsListener;
use RcsTest;
use Test::More;
use Time::HiRes qw(sleep time);

my $total = $ENV{FUZZ_N} || 100_000;
my $seed = $ENV{FUZZ_SEED} || int time;
my $first = $ENV{FUZZ_FIRST} || 0;
my $batch = 1000;
my $patience = 1; # seconds
my $bot = '0212351235';
my $json = JSON::PP->new->utf8->canonical->allow_nonref;

note("FUZZ_SEED=$seed FUZZ_FIRST=$first FUZZ_N=$total");

my $node = rcs_node('main', start => 0, log_min_messages => 'warning', log_min_error_statement => 'panic', autovacuum => 'off', fsync => 'off');
start_under_asan($node);
my $db = rcs_database($node, 'shop');
sub sql { return $node->safe_psql($db, $_[0]); }
my $port = listen_to($node, $db);
my @ids = map { sprintf '5eed0000-0000-4000-8000-0000000001%02d', $_ } 1 .. 9;
my $service = IO::Socket::INET->new(LocalAddr => '127.0.0.1', Listen => 64) or die "service: $!";
my $service_port = $service->sockport;
sql(qq{
	CREATE SERVER kt TYPE 'kt' FOREIGN DATA WRAPPER rcs OPTIONS (url 'http://127.0.0.1:1', rate_per_minute '1');
	CREATE USER MAPPING FOR PUBLIC SERVER kt OPTIONS (rcs_id 'shop', rcs_secret 'none');
	CREATE SERVER data TYPE 'http' FOREIGN DATA WRAPPER rcs OPTIONS (url 'http://127.0.0.1:$service_port', timeout '300ms');
	INSERT INTO rcs.chatbot (chatbot, servers, agency_key, brand_key) VALUES ('$bot', '{kt}', 'AK.x', 'BK.x');
	INSERT INTO rcs.message (campaign_no, batch_id, ord, id, created_at, phone, chatbot)
	SELECT 0, i, 1, ('5eed0000-0000-4000-8000-0000000001' || lpad(i::text, 2, '0'))::uuid, now(), '010000010' || lpad(i::text, 2, '0'), '$bot'
	FROM generate_series(1, 9) i;
	INSERT INTO rcs.reply_rule (rule_id, pattern, data_server, data_path, "each", reply) VALUES
		(1, 'a', 'data', '/x', 'items', '{"body": {"title": "#{item.name}", "description": "#{item.price}", "media": "maapfile://#{item.image}"},
			"buttons": [{"suggestions": [{"reply": {"displayText": "#{item.name}", "postback": {"data": "#{item.code}"}}}]}]}'),
		(2, 'b', 'data', '/x', NULL, '"#{data.items.0.name}: #{data.a} #{inbound.text}"'),
		(3, 'c', 'data', '/x', '', '{"body": {"title": "#{item}", "description": "#{data.0.a}"}}');
	CREATE TABLE input (n int, rule int, input bytea);
	CREATE TABLE verdict (n int, verdict text);
});

# What a data service says, through a rule; errors are part of it, but only these.
sql(q{
	CREATE FUNCTION answer(rule int, given bytea) RETURNS text LANGUAGE plpgsql AS $$
	DECLARE
		i rcs.inbound;
		r rcs.reply_rule;
		e record;
	BEGIN
		IF rule = 4 THEN
			SELECT x.*, (SELECT count(m.element) + count(u.element) + count(*) FILTER (WHERE rcs._kept_names(NULL, b, '01012345678', '{}')) FROM unnest(x.bad) b,
				LATERAL rcs._mended(b, 'UTF8') m, LATERAL rcs._mended(b, 'UHC') u) AS mended
			INTO e FROM rcs._answer_elements(given, 'statusInfo', 0, 100000) x;
			PERFORM rcs._mended(given, 'UTF8'), rcs._mended(given, 'UHC'), rcs._kept_names(NULL, given, '01012345678', '{}');
			RETURN CASE WHEN e.n IS NULL THEN 'no list' WHEN e.n <> coalesce(jsonb_array_length(e.good) + cardinality(e.bad), 0) THEN 'BROKEN count' ELSE 'list' END;
		END IF;
		SELECT 1, '0212351235', '01012345678', 'message', 'said #{x}', 'R1', now() INTO i.id, i.chatbot, i.phone, i.event, i.text, i.reply_id, i.received_at;
		SELECT * INTO r FROM rcs.reply_rule x WHERE x.rule_id = rule;
		PERFORM rcs._reply_make(10, i.chatbot, i.phone, rcs._as_reply(rcs._rule_answer(i, r, given), i.reply_id), 'inbound:1');
		RETURN 'taken';
	EXCEPTION
		WHEN raise_exception THEN
			RETURN CASE WHEN SQLERRM LIKE 'server "data" answered with something that is not JSON' THEN 'not JSON' ELSE 'BROKEN ' || SQLERRM END;
		WHEN invalid_parameter_value OR no_data_found THEN
			RETURN 'refused';
		WHEN OTHERS THEN
			RETURN 'BROKEN ' || SQLSTATE || ' ' || SQLERRM;
	END $$;
	CREATE FUNCTION fetched(n int) RETURNS text LANGUAGE plpgsql AS $$
	BEGIN
		RETURN CASE WHEN rcs_fetch('data', '/' || n) IS NOT NULL THEN 'fetched' END;
	EXCEPTION
		WHEN connection_failure THEN
			RETURN 'no answer';
		WHEN system_error THEN
			RETURN 'not usable';
		WHEN OTHERS THEN
			RETURN 'BROKEN ' || SQLSTATE || ' ' || SQLERRM;
	END $$});

# ---------- inputs ----------

sub one_of { return $_[ int rand @_ ]; }
sub bytes { return join '', map { chr int rand 256 } 1 .. $_[0]; }

# JSON of a menu, a little wrong
sub menu
{
	my @items = map { { name => one_of('Dish', "\x{ae40}", '#{data.a}', 'x' x one_of(1, 30, 31, 400), 7, undef, { a => 1 }), price => one_of(1000, '1e400', '9 won', [ 1 ]),
		image => one_of('a.png', '#{x}', 'http://x'), code => one_of('c', '', 'c' x 200) } } 1 .. rand 9;
	my $text = $json->encode(one_of({ items => \@items, a => one_of('x', 1, [], undef) }, \@items, { items => { '0' => { name => 'x' } }, a => 1 }));
	$text =~ s/"1e400"/1e400/g;
	return rand() < 0.3 ? mutated($text, 1 + int rand 4) : $text;
}

sub data { return rand() < 0.6 ? menu() : random_body(@ids); }

# What the carrier says to a question about reports
sub answer
{
	my $text = '{"queryId":"q","statusInfo":' . (rand() < 0.7 ? '[' . join(',', map { random_body(@ids) } 0 .. rand 5) . ']' : random_body(@ids)) . ',"moreToSend":"1"}';
	return rand() < 0.5 ? mutated($text, 1 + int rand 4) : $text;
}

# An answer of a data service as bytes
sub response
{
	my $body = data();
	my @headers = one_of('Content-Type: application/json', 'Content-Type: text/html', 'Location: http://127.0.0.1/', 'Set-Cookie: a=b', 'Content-Encoding: gzip',
		'Date: ' . one_of('Thu, 26 Nov 2026 01:00:00 GMT', 'soon', "\xff" x 60), 'X: ' . 'y' x int rand 70000);
	my $status = one_of(200, 200, 200, 200, 204, 301, 404, 500, 100, 99, 1000, 'OK');
	my $text;
	if (rand() < 0.3)
	{
		push @headers, 'Transfer-Encoding: chunked';
		$text = in_chunks($body);
	}
	else
	{
		push @headers, 'Content-Length: ' . (length($body) + (rand() < 0.05 ? int(rand 9) - 4 : 0));
		$text = $body;
	}
	$text = "HTTP/1.1 $status Told\r\n" . join('', map { "$_\r\n" } @headers) . "\r\n$text";
	return rand() < 0.3 ? mutated($text, 1 + int rand 5) : $text;
}

# By number: most are requests, a tenth is data of a rule, a tenth an answer with reports, each twentieth an answer to rcs_fetch.
sub input
{
	my ($n) = @_;
	srand($seed * 1_000_003 + $n);
	return $n % 20 == 7 ? { kind => 'fetch' } : $n % 10 == 3 ? { kind => 'data', rule => 4, bytes => answer() } : $n % 5 == 3 ? { kind => 'data', rule => 1 + int rand 3, bytes => data() } : { kind => 'request', bytes => random_request($secret, @ids) };
}

# ---------- where they go ----------

# The service: what it says to /n hangs on n alone.
my $service_pid = fork() // die "fork: $!";
if ($service_pid == 0)
{
	$SIG{PIPE} = 'IGNORE';
	while (my $client = $service->accept)
	{
		my $head = '';
		while ($head !~ /\r\n\r\n/)
		{
			last unless sysread $client, $head, 4096, length $head;
		}
		if ($head =~ m{^GET /(\d+) })
		{
			srand($seed * 1_000_003 + $1);
			syswrite $client, response();
		}
		close $client;
	}
	POSIX::_exit(0);
}
close $service;
END
{
	my $status = $?;
	kill 'TERM', $service_pid if $service_pid;
	waitpid $service_pid, 0 if $service_pid;
	$? = $status;
}

# Is it all there?  To 100 Continue another answer follows.
sub is_whole
{
	my ($answer) = @_;
	my ($head, $body) = split /\r\n\r\n/, $answer =~ s{^HTTP/1\.1 100 [^\n]*\n\r\n}{}r, 2;
	return 0 unless defined $body;
	my ($length) = $head =~ /^Content-Length: (\d+)/mi;
	return length $body >= ($length // 0);
}

# Many connections at once, one request each; what was answered, by number.  Who has no answer after a while sent no
# whole request, and hangs up.
sub push_all
{
	my (%inputs) = @_;
	my %answers;
	my @numbers = sort { $a <=> $b } keys %inputs;
	my %open;
	my $select = IO::Select->new;

	while (@numbers || $select->count)
	{
		while (@numbers && $select->count < 60)
		{
			my $n = shift @numbers;
			my $socket = IO::Socket::INET->new(PeerAddr => '127.0.0.1', PeerPort => $port);
			$answers{$n} = '';
			next unless $socket;
			$socket->blocking(0);
			syswrite $socket, $inputs{$n};
			$open{ $socket->fileno } = { n => $n, until => time() + $patience, socket => $socket };
			$select->add($socket);
		}
		my @done;
		for my $socket ($select->can_read(0.1))
		{
			my $n = $open{ $socket->fileno }{n};
			my $got = sysread $socket, $answers{$n}, 65536, length $answers{$n};
			push @done, $socket if !$got && !(!defined $got && ($!{EAGAIN} || $!{EINTR})) || is_whole($answers{$n});
		}
		my $now = time();
		my %ending = map { ($_->fileno => 1) } @done;
		push @done, map { $_->{socket} } grep { $now > $_->{until} && !$ending{ $_->{socket}->fileno } } values %open;
		for my $socket (@done)
		{
			$select->remove($socket);
			delete $open{ $socket->fileno };
			close $socket;
		}
	}
	return %answers;
}

# Taken, refused, or cut; nothing else.
sub verdict_of
{
	my ($answer) = @_;
	return 'no answer' if $answer eq '';
	$answer =~ s{^HTTP/1\.1 100 [^\n]*\n\r\n}{} unless $answer =~ m{^HTTP/1\.1 100 [^\n]*\n\r\n$};
	return "HTTP $1" if $answer =~ m{^HTTP/1\.[01] (200|40[01345]|408|413|414|417|431|50[15]) };
	return 'HTTP 100' if $answer =~ m{^HTTP/1\.1 100 };
	return 'BROKEN ' . substr $answer, 0, 60;
}

sub ask_database
{
	my (%inputs) = @_;
	my ($in, $out, $err) = ("COPY input FROM STDIN;\n", '', '');

	$in .= "$_\t$inputs{$_}{rule}\t\\\\x" . unpack('H*', $inputs{$_}{bytes}) . "\n" for grep { $inputs{$_}{kind} eq 'data' } sort { $a <=> $b } keys %inputs;
	$in .= "\\.\nINSERT INTO verdict SELECT n, answer(rule, input) FROM input ORDER BY n;\nTRUNCATE input;\n";
	$in .= "INSERT INTO verdict SELECT n, fetched(n) FROM unnest('{" . join(',', grep { $inputs{$_}{kind} eq 'fetch' } sort { $a <=> $b } keys %inputs) . "}'::int[]) n;\n";
	# a psql that has lost its server reads no more, which raises
	my $rc = eval { $node->psql($db, $in, stdout => \$out, stderr => \$err, timeout => 600) };
	return defined $rc && $rc == 0;
}

sub listener_pid { return ($node->psql($db, q{SELECT pid FROM rcs.worker_status WHERE kind = 'listener'}))[1]; }

local $SIG{PIPE} = 'IGNORE';
my $started = time;
my $pid = listener_pid();
my %verdicts;
my @broken;
my $crashes = 0;
for (my $done = $first; $done < $first + $total && !$crashes; $done += $batch)
{
	my @numbers = $done .. min($done + $batch, $first + $total) - 1;
	my %inputs = map { $_ => input($_) } @numbers;
	my %answers = push_all(map { ($_ => $inputs{$_}{bytes}) } grep { $inputs{$_}{kind} eq 'request' } @numbers);

	for my $n (keys %answers)
	{
		my $verdict = verdict_of($answers{$n});
		$verdicts{$verdict}++;
		push @broken, "$n $verdict" if $verdict =~ /BROKEN/;
	}
	my $lived = ask_database(%inputs);
	next if $lived && listener_pid() eq $pid;
	$crashes++;
	diag("among the inputs $numbers[0] to $numbers[-1] is one that the server does not live through; FUZZ_SEED=$seed FUZZ_FIRST=$numbers[0] FUZZ_N=" . @numbers);
	server_answers($node, $db);
}

is($crashes, 0, "the server and its listener live through $total inputs");
is(new_reports(), '', 'AddressSanitizer has nothing to report');
push @broken, split /\n/, sql("SELECT n || ' ' || left(verdict, 300) FROM verdict WHERE verdict LIKE '%BROKEN%' ORDER BY n LIMIT 20");
is(join("\n", @broken[ 0 .. min(19, $#broken) ]), '', 'each is taken or refused as it should be');
for my $line (split /\n/, sql('SELECT verdict, count(*) FROM verdict GROUP BY 1'))
{
	my ($verdict, $n) = split /\|/, $line;
	$verdicts{$verdict} += $n;
}
note("$_: $verdicts{$_}") for sort keys %verdicts;
if ($total >= 5000)
{
	ok($verdicts{$_}, "some inputs end so: $_") for 'HTTP 200', 'HTTP 400', 'HTTP 401', 'no answer', 'taken', 'refused', 'not JSON', 'list', 'no list', 'fetched', 'not usable';
}
is(sql('SELECT count(*) FROM rcs.event e WHERE NOT EXISTS (SELECT FROM rcs.message m WHERE m.id = e.message)'), 0, 'no report of what nobody sent is stored');
is(sql(q{SELECT count(*) FROM rcs.inbound WHERE length(reply_id) NOT BETWEEN 1 AND 100 OR length(chatbot) NOT BETWEEN 1 AND 100}), 0, 'no message without its ids');
is(push_to('/momsg', { replyId => 'last', eventType => 'message', userContact => '01022220000', chatbotId => $bot, messageBody => { textMessage => 'x' } }), 200,
	'at the end a message is taken');
is(sql(q{SELECT count(*) FROM rcs.inbound WHERE reply_id = 'last'}), 1, 'and stored');
is(sql('SELECT problem FROM rcs._listener()'), '', 'the listener has no complaint');
unlike(slurp_file($node->logfile), qr/PANIC|terminated by signal|\Q$secret\E/, 'nor has the log, and no secret is in it');
note(sprintf '%d inputs in %d s', $total, time - $started);
$node->stop;
done_testing();
