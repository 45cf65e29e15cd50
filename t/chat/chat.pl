# Chat workers answer users by rules, with data of an outside service.  Each user is answered once, also when the
# service, a handler or the worker fails.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::RealBin/../lib";
use JSON::PP ();
use PostgreSQL::Test::Utils;
use RcsImages;
use RcsTest;
use Test::More;
use Time::HiRes qw(sleep time);

my $node = rcs_node('main', 'rcs.chat_workers' => 1, log_statement => 'none', log_min_error_statement => 'panic');
my $db = rcs_database($node, 'shop');
my $sim = start_ktsim();
my $web = start_images();
setup_account($node, $db, $sim);
sub sql { return $node->safe_psql($db, $_[0]); }
my $bot = '0212351235';
my $url = $web->url;
my $replies = 0;

sql(qq{
	CREATE ROLE clerk LOGIN;
	CREATE ROLE stranger;
	GRANT USAGE ON SCHEMA rcs TO clerk;
	CREATE SERVER data TYPE 'http' FOREIGN DATA WRAPPER rcs OPTIONS (url '$url', timeout '3s');
	CREATE SERVER slow TYPE 'http' FOREIGN DATA WRAPPER rcs OPTIONS (url '$url/slow', timeout '20s');
	GRANT USAGE ON FOREIGN SERVER kt, data, slow TO clerk;
	CREATE TABLE noted (id bigint);
	GRANT INSERT, SELECT ON noted TO clerk;
	CREATE SCHEMA h;
	GRANT USAGE ON SCHEMA h TO clerk;
});

# A message of a user comes; its replyId.
sub said
{
	my ($text, %more) = @_;
	my $id = 'R' . ++$replies;
	my $phone = delete $more{phone} // sprintf '010%08d', 30000000 + $replies;
	my %mo = (eventType => 'message', replyId => $id, chatbotId => $bot, userContact => $phone,
		messageBody => { textMessage => $text }, %more);
	my $json = JSON::PP->new->ascii->canonical->encode(\%mo);
	sql("SELECT rcs_receive('$json')");
	return $id;
}

sub answered
{
	my ($id, $name, $seconds) = @_;
	my $end = time() + ($seconds // 15);
	my $row = '';

	until ($row ne '' || time() > $end)
	{
		$row = sql(qq{SELECT CASE WHEN reply_message IS NULL THEN 'nothing' ELSE rcs_message(reply_message)::text END
			|| '|' || coalesce(problem, '') FROM rcs.inbound WHERE reply_id = '$id' AND handled_at IS NOT NULL});
	}
	local $Test::Builder::Level = $Test::Builder::Level + 1;
	my ($message, $problem) = $row =~ /^(\{.*\}|nothing)\|(.*)$/s or return fail("$name: handled");
	return ($message eq 'nothing' ? {} : JSON::PP::decode_json($message), $problem);
}

# What came of it is a text, or nothing, and a problem that fits.
sub answers
{
	my ($id, $text, $problem, $name) = @_;
	local $Test::Builder::Level = $Test::Builder::Level + 1;
	my ($message, $why) = answered($id, $name);
	is($message->{body}{description}, $text, "$name: answer");
	ref $problem ? like($why, $problem, "$name: problem") : is($why, $problem, "$name: problem");
	return $message;
}

# Rules are given as columns; owner is the clerk, who may send.
sub rule
{
	my (%rule) = (owner => 'clerk', @_);
	my $names = join ', ', map { qq("$_") } sort keys %rule;
	my $values = join ', ', map { my $v = ref $rule{$_} ? JSON::PP->new->ascii->canonical->encode($rule{$_}) : $rule{$_}; $v =~ s/'/''/g; "'$v'" } sort keys %rule;
	sql("INSERT INTO rcs.reply_rule ($names) VALUES ($values)");
	return;
}
sub handler
{
	my ($name, $body) = @_;
	sql("CREATE FUNCTION h.$name(i rcs.inbound) RETURNS jsonb LANGUAGE plpgsql AS \$\$ BEGIN $body END \$\$;");
	rule(pattern => "^$name\$", handler => "h.$name", error_reply => '"sorry"');
	return;
}

# Rules

rule(pattern => '^hi$', reply => '"hello #{inbound.text}"', priority => 10);
rule(pattern => '^h', reply => '"later"', priority => 20);
my $m = answers(said('Hi'), 'hello Hi', '', 'a rule');
is("$m->{serviceType} $m->{expiryOption} $m->{replyId}", 'RCSCHAT 2 R1', 'it is a chat message for that message');
answers(said('hx'), 'later', '', 'the next rule');
answers(said('nothing fits'), undef, '', 'no rule');
answers(said('hi #{x}'), 'later', '', 'what looks like a placeholder of ours');
rule(pattern => '^echo', reply => '"you said #{inbound.text}"');
answers(said('echo #{data.x} ##{y}'), 'you said echo #{data.x} ##{y}', '', 'text with placeholders in it is text');
rule(event => 'newUser', reply => { body => { title => 'Welcome', description => 'press' },
	buttons => [ { suggestions => [ { reply => { displayText => 'Menu', postback => { data => 'menu' } } } ] } ] });
answers(said('', eventType => 'newUser', messageBody => undef), 'press', '', 'a new user');
rule(event => 'response', pattern => '^menu$', reply => '"chosen"');
answers(said('', eventType => 'response', displayText => 'x', postbackData => 'menu', messageBody => undef), 'chosen', '', 'a button');
rule(pattern => '^quiet$');
answers(said('quiet'), undef, '', 'a rule without an answer');
answers(said('hi', userContact => 'x' x 12), undef, qr/no number/, 'no phone');
answers(said('hi', timestamp => '2020-01-01T00:00:00.000+09'), undef, 'older than 24 hours', 'an old one');

# Data

my @menu = map { { name => "Dish $_", price => 1000 * $_, image => $web->url("/img/$_.png") } } 1 .. 7;
$web->say("/img/$_.png", body => png("dish $_"), headers => ['Content-Type: image/png']) for 1 .. 7;
sub menu { $web->say($_[0], body => JSON::PP->new->utf8->encode({ items => $_[1] }), headers => ['Content-Type: application/json']); return; }
menu('/menu/3', [ @menu[ 0 .. 2 ] ]);
menu('/menu/1', [ $menu[0] ]);
menu('/menu/7', \@menu);
menu('/menu/0', []);
my %card = (body => { title => '#{item.name}', description => '#{item.price} won', media => '#{item.image}' },
	buttons => [ { suggestions => [ { reply => { displayText => '#{item.name}', postback => { data => 'order #{item.name}' } } } ] } ]);
rule(pattern => '^menu \d$', data_server => 'data', data_path => "/menu/$_->[0]", each => 'items', reply => \%card,
	error_reply => '"no menu"', priority => $_->[1]) for [ 3, 50 ];
rule(pattern => '^single$', data_server => 'data', data_path => '/menu/1', each => 'items', reply => \%card);
rule(pattern => '^many$', data_server => 'data', data_path => '/menu/7', each => 'items', reply => \%card, each_max => 4);
rule(pattern => '^none$', data_server => 'data', data_path => '/menu/0', each => 'items', reply => \%card, error_reply => '"no menu"');
rule(pattern => '^price ', data_server => 'data', data_path => '/price?q=#{inbound.text}', reply => '"it is #{data.price}, #{inbound.text}"', error_reply => '"unknown"');
my @both = (said('menu 3'), said('menu 3'));
for my $id (@both)
{
	$m = answers($id, undef, '', 'a carousel');
	is("$m->{body}{title1}, $m->{body}{description3}", 'Dish 1, 3000 won', 'its cards');
	is($m->{buttons}[2]{suggestions}[0]{reply}{postback}{data}, 'order Dish 3', 'its buttons');
}
drained($node, $db, 20, 'both are sent');
is(scalar $web->requests('/img/2.png'), 1, 'an image is fetched once for two users');
is($sim->stats->{file_offers}, 3, 'and uploaded once');
$m = answers(said('single'), '1000 won', '', 'one element is one card');
is($m->{body}{title}, 'Dish 1', 'without a number');
$m = answers(said('many'), undef, '', 'at most so many');
is(join(',', grep { /title/ } sort keys %{ $m->{body} }), 'title1,title2,title3,title4', 'cards');
answers(said('none'), 'no menu', qr/is empty/, 'no element');
$web->say('/menu/list', body => JSON::PP->new->utf8->encode([ @menu[ 0 .. 1 ] ]));
rule(pattern => '^list$', data_server => 'data', data_path => '/menu/list', each => '', reply => \%card);
$m = answers(said('list'), undef, '', 'data that is an array itself');
is("$m->{body}{title1}, $m->{body}{title2}", 'Dish 1, Dish 2', 'its cards');
rule(pattern => '^nolist$', data_server => 'data', data_path => '/menu/3', each => 'items.0', reply => \%card, error_reply => '"no menu"');
answers(said('nolist'), 'no menu', qr/^the data has no array at "items.0"$/, 'no array');
rule(pattern => '^nopath$', data_server => 'data', data_path => '/menu/#{inbound.nothing}', reply => '"x"', error_reply => '"no path"');
answers(said('nopath'), 'no path', qr/inbound.nothing/, 'a path that cannot be filled in');
rule(pattern => '^outside$', data_server => 'data', data_path => '/../secret', reply => '"x"', error_reply => '"no path"');
answers(said('outside'), 'no path', qr/cannot be used/, 'a path that leads out');
rule(pattern => '^both fail$', data_server => 'data', data_path => '/menu/none', reply => '"x"', error_reply => { body => { title => 'no text' } });
answers(said('both fail'), undef, qr/^server "data" answered with HTTP status 404; its error_reply failed too: /, 'an error_reply that is not valid');
$web->say('/price', body => '{"price": 7}');
answers(said("price \x{AC00}&x=1"), "it is 7, price \x{AC00}&x=1", '', 'a question');
ok((grep { $_->{path} eq '/price?q=price%20%EA%B0%80%26x%3D1' } $web->requests), 'its text is encoded');

# What fails

for ([ '500', { status => 500 }, qr/^server "data" answered with HTTP status 500$/ ],
	[ 'redirect', { status => 302, headers => ["Location: $url/price"] }, qr/HTTP status 302, and redirects/ ],
	[ 'hang', { hang => 1 }, qr/^server "data" gave no answer: timeout/ ],
	[ 'cut', { cut => 1 }, qr/^server "data" gave no answer/ ],
	[ 'text', { body => '<html>' }, qr/^server "data" answered with something that is not JSON$/ ],
	[ 'deep', { body => '[' x 50000 }, qr/not JSON/ ],
	[ 'nul', { body => "{\"price\": \"\\u0000\"}" }, qr/not JSON/ ],
	[ 'latin', { body => "{\"price\": \"\xe9\"}" }, qr/not JSON/ ],
	[ 'endless', { endless => 1 }, qr/gave no answer/ ],
	[ 'large', { body => '{"price": 7, "x": "' . ('x' x 1_100_000) . '"}' }, qr/gave no answer: the answer is too long/ ],
	[ 'a zero byte behind', { body => "{\"price\": 7}\0x" }, qr/not JSON/ ],
	[ 'nothing', { body => '' }, qr/not JSON/ ],
	[ 'gone', { status => 404, body => '{"price": 7}' }, qr/HTTP status 404$/ ],
	[ 'other', { body => '{"cost": 7}' }, qr/placeholders without a value.*"data.price"/ ],
	[ 'long', { body => '{"price": "' . ('x' x 3000) . '"}' }, qr/not valid/ ])
{
	my ($name, $what, $problem) = @$_;
	$web->say('/price', %$what);
	answers(said("price $name"), 'unknown', $problem, $name);
}
$web->stop;
answers(said('price down'), 'unknown', qr/^server "data" gave no answer: /, 'a service that is down');
$web->start_again;
$web->say('/price', body => '{"price": 7}', delay => 1);
my $meanwhile = said('price meanwhile');
sleep(0.4);
sql(q{DELETE FROM rcs.reply_rule WHERE pattern = '^price '});
answers($meanwhile, undef, 'the rule was deleted meanwhile', 'a rule that is deleted while its data is asked for');
rule(pattern => '^price ', data_server => 'data', data_path => '/price?q=#{inbound.text}', reply => '"it is #{data.price}, #{inbound.text}"', error_reply => '"unknown"');
sql('CREATE ROLE leaver; GRANT USAGE ON FOREIGN SERVER kt, data TO leaver');
rule(owner => 'leaver', pattern => '^leaver (x|gone)$', reply => '"of a leaver"', error_reply => '"sorry"');
answers(said('leaver x'), 'of a leaver', '', 'a rule of somebody');
sql('REVOKE USAGE ON FOREIGN SERVER kt, data FROM leaver; DROP ROLE leaver');
answers(said('leaver gone'), undef, qr/^role "leaver", which owned the rule, does not exist any more/, 'who is not there any more');
sql('REVOKE USAGE ON FOREIGN SERVER data FROM clerk');
answers(said('price x'), 'unknown', qr/^role "clerk" has no USAGE on server "data"$/, 'no right to the data any more');
sql('GRANT USAGE ON FOREIGN SERVER data TO clerk; REVOKE USAGE ON FOREIGN SERVER kt FROM clerk');
answers(said('hi'), undef, qr/permission denied for foreign server "kt"/, 'no right to send any more');
sql('GRANT USAGE ON FOREIGN SERVER kt TO clerk');

handler('fetches', q{RETURN to_jsonb('fetched ' || (public.rcs_fetch('slow', '/y')->>'y'));});
handler('sees', q{RETURN to_jsonb(concat_ws(' ', i.event, i.file->>'name', i.location->>'latitude', i.postback_data));});
handler('badmessage', q{RETURN '{"body": {"title": "no text"}}';});
handler('good', q{INSERT INTO public.noted VALUES (i.id); RETURN jsonb_build_object('body', jsonb_build_object('description', current_user || ' ' || i.text));});
handler('nil', 'RETURN NULL;');
handler('raises', q{INSERT INTO public.noted VALUES (i.id); RAISE 'no stock';});
handler('asserts', q{ASSERT false; RETURN '"x"';});
handler('number', q{RETURN '7';});
handler('unqualified', q{RETURN rcs_text('x');});
handler('loops', 'LOOP PERFORM 1; END LOOP;');
handler('sleeps', 'PERFORM pg_sleep(60); RETURN NULL;');
handler('becomes', 'SET ROLE stranger; RETURN NULL;');
handler('session', 'SET SESSION AUTHORIZATION DEFAULT; RETURN NULL;');
handler('resets', q{RESET ROLE; RETURN to_jsonb(current_user::text);});
handler('reads', 'PERFORM * FROM rcs.chatbot; RETURN NULL;');
handler('writes', 'DELETE FROM rcs.inbound; RETURN NULL;');
handler('program', q{COPY public.noted TO PROGRAM 'cat'; RETURN NULL;});
handler('temporary', 'CREATE TEMP TABLE x (n int); RETURN NULL;');
handler('path', q{PERFORM set_config('search_path', 'public', false); RETURN to_jsonb(current_setting('search_path'));});
handler('again', q{RETURN to_jsonb(current_setting('search_path'));});
my $done = sql('SELECT count(*) FROM noted');
answers(said('good'), 'clerk good', '', 'a handler runs as the owner of its rule');
is(sql('SELECT count(*) FROM noted'), $done + 1, 'and what it wrote is there');
answers(said('nil'), undef, '', 'null is no answer');
answers(said('sees', messageBody => { textMessage => 'sees', fileMessage => { name => 'a.png' }, geolocationPushMessage => { latitude => 37.5 } }),
	'message a.png 37.5', '', 'a handler sees all of the message');
answers(said('badmessage'), 'sorry', qr/^message is not valid/, 'a handler whose message is not valid');
answers(said('raises'), 'sorry', qr/^the handler h.raises failed: no stock/, 'a handler that raises');
is(sql('SELECT count(*) FROM noted'), $done + 1, 'and what it wrote is not there');
answers(said('unqualified'), 'sorry', qr/failed: function rcs_text\(unknown\) does not exist \(its search_path is pg_catalog: /,
	'one that names a function without its schema');
answers(said('asserts'), 'sorry', qr/assertion failed/, 'one that asserts');
answers(said('number'), 'sorry', qr/neither an object nor a string/, 'one that answers nonsense');
my $began = time();
answers(said('loops'), 'sorry', qr/longer than 5 seconds/, 'one that loops');
answers(said('sleeps'), 'sorry', qr/longer than 5 seconds/, 'one that sleeps');
took(time() - $began, 25, 'for a few seconds');
answers(said($_->[0]), 'sorry', $_->[1], $_->[0]) for
	[ 'becomes', qr/cannot set parameter "role" within security-definer/ ], [ 'session', qr/cannot set parameter "session_authorization"/ ],
	[ 'resets', qr/cannot set parameter "role"/ ], [ 'reads', qr/permission denied/ ], [ 'writes', qr/permission denied/ ],
	[ 'program', qr/must be superuser|permission denied/ ], [ 'temporary', qr/security-restricted operation/ ];
answers(said('path'), 'public', '', 'a setting');
answers(said('again'), 'pg_catalog, pg_temp', '', 'ends with its handler');

# One user, many messages

my $loop = '01099990000';
my @loop = map { said('hi', phone => $loop) } 1 .. 25;
answered($_, 'loop') for $loop[24];
poll($node, $db, "SELECT count(*) FILTER (WHERE reply_message IS NOT NULL), count(*) FILTER (WHERE problem = 'too many messages')
	FROM rcs.inbound WHERE phone = '$loop'", '20|5', 10, 'a loop ends after 20 answers');

# Those that come together share a transaction, and none of them is in the others' way

sub together
{
	my ($prefix, @texts) = @_;
	my $n = 0;
	my $json = JSON::PP->new->ascii->encode([ map { $n++; { eventType => 'message', replyId => "$prefix$n", chatbotId => $bot,
		userContact => sprintf('010%08d', 60000000 + ord($prefix) * 1000 + $n), messageBody => { textMessage => $_ } } } @texts ]);
	sql("SELECT rcs_receive('$json')");
	return;
}
sub handled { return "SELECT string_agg(reply_id || coalesce(' ' || problem, ''), ',' ORDER BY id) FROM rcs.inbound WHERE reply_id LIKE '$_[0]_' AND handled_at IS NOT NULL"; }
sql(q{CREATE FUNCTION breaks() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE 'broken'; END $$;
	CREATE TRIGGER breaks BEFORE UPDATE ON rcs.inbound FOR EACH ROW WHEN (NEW.text = 'hi breaks') EXECUTE FUNCTION breaks()});
together('T', 'hi', 'hi', 'hi breaks', 'hi', 'hi');
poll($node, $db, handled('T'), 'T1,T2,T4,T5', 20, 'one that cannot even be noted does not stop those it came with');
is(sql(q{SELECT count(*), count(DISTINCT message->>'replyId') FROM rcs.message WHERE message->>'replyId' LIKE 'T_'}), '4|4', 'which are answered once');
sql('DROP TRIGGER breaks ON rcs.inbound');
poll($node, $db, handled('T'), 'T1,T2,T3,T4,T5', 20, 'and it is answered when it can be');
together('X', 'hi', 'price x', 'nothing fits', 'hi', 'good', 'quiet', 'hi', 'hx');
poll($node, $db, q{SELECT string_agg(reply_id || CASE WHEN reply_message IS NULL THEN '-' ELSE '+' END || coalesce(problem, ''), ',' ORDER BY id)
	FROM rcs.inbound WHERE reply_id LIKE 'X_' AND handled_at IS NOT NULL}, 'X1+,X2+,X3-,X4+,X5+,X6-,X7+,X8+', 20, 'all kinds of rules beside each other');
together('W', 'hi', 'hi', 'sleeps', 'hi');
poll($node, $db, handled('W'), 'W1,W2', 4, 'answers do not wait for the handler of the next one');
poll($node, $db, handled('W'), 'W1,W2,W3 the handler h.sleeps took longer than 5 seconds,W4', 30, 'which has its own time');

# Slow data delays no other user

rule(pattern => '^wait$', data_server => 'slow', data_path => '/x', reply => '"slow #{data.x}"');
$web->say('/slow/x', body => '{"x": 1}', delay => 4);
my @slow = map { said('wait') } 1 .. 20;
$began = time();
answers(said('hi'), 'hello hi', '', 'behind 20 that wait');
took(time() - $began, 4, 'without waiting');
answers($_, 'slow 1', '', 'slow') for @slow[ 0, 19 ];
took(time() - $began, 9, 'which wait together');

# A handler that fetches by itself leaves alone what others wait for

$web->say('/slow/x', body => '{"x": 1}', delay => 0.5);
$web->say('/slow/y', body => '{"y": 2}', delay => 1.5);
@slow = map { said('wait') } 1 .. 20;
sleep(0.2);
answers(said('fetches'), 'fetched 2', '', 'a handler that fetches');
answers($_, 'slow 1', '', 'those whose data came meanwhile') for @slow;
is(sql("SELECT in_flight FROM rcs.worker_status WHERE kind = 'chat'"), 0, 'nothing is waited for any more');

# The worker is killed again and again

my $chat = "SELECT pid FROM pg_stat_activity WHERE backend_type = 'rcs chat worker'";
set_conf($node, 'rcs.chat_workers' => 2);
poll($node, $db, "SELECT count(*) FROM ($chat) x", '2', 10, 'a second worker');
drained($node, $db, 20, 'before the kills');
sql("SELECT pg_terminate_backend(pid) FROM ($chat) x");
$web->say('/slow/x', body => '{"x": 1}', delay => 0.3);
my $crashes = 0;
for my $round (1 .. 3)
{
	my $from = 40000000 + 1000 * $round;
	sql("SELECT rcs_receive((SELECT jsonb_agg(jsonb_build_object('eventType', 'message', 'replyId', 'K$round-' || i, 'chatbotId', '$bot',
		'userContact', '010' || ($from + i), 'messageBody', jsonb_build_object('textMessage', (ARRAY['hi', 'wait', 'good'])[1 + i % 3])))
		FROM generate_series(1, 60) i))");
	sleep(0.1 * $round);
	my ($victim) = split /\n/, sql($chat);
	next unless $victim;
	kill 'KILL', $victim;
	$crashes++;
	sleep(0.2);
	server_answers($node, $db);
}
poll($node, $db, q{SELECT count(*), count(DISTINCT reply_message), count(problem) FROM rcs.inbound WHERE reply_id LIKE 'K%' AND handled_at IS NOT NULL},
	'180|180|0', 60, 'each is answered') or diag(sql(q{SELECT reply_id, text, problem FROM rcs.inbound WHERE reply_id LIKE 'K%' AND problem IS NOT NULL}));
is(sql(q{SELECT count(*), count(DISTINCT message->>'replyId') FROM rcs.message WHERE message->>'replyId' LIKE 'K%'}), '180|180', 'once');
is(sql(q{SELECT count(*) FROM noted n JOIN rcs.inbound i USING (id) WHERE i.reply_id LIKE 'K%'}), 60, 'each handler has written once');
drained($node, $db, 60, 'and the answers are sent');

# 200 chats at once

sleep(1);
sql("SELECT rcs_receive((SELECT jsonb_agg(jsonb_build_object('eventType', 'message', 'replyId', 'B' || i, 'chatbotId', '$bot',
	'userContact', '010' || (50000000 + i), 'messageBody', jsonb_build_object('textMessage', 'hi'))) FROM generate_series(1, 200) i))");
my $committed = sql(q{SELECT extract(epoch FROM max(received_at)) FROM rcs.inbound WHERE reply_id LIKE 'B%'});
poll($node, $db, q{SELECT count(*) FROM rcs.inbound WHERE reply_id LIKE 'B%' AND handled_at IS NOT NULL}, '200', 30,
	'200 chats are answered');
drained($node, $db, 30, '200 chats');
my %offered;
for (split /\n/, slurp_file($sim->ledger))
{
	my @f = split /\t/;
	$offered{ $f[4] } = $f[1] if $f[4] && $f[4] =~ /^0105000/;
}
my @ms = sort { $a <=> $b } map { ($_ / 1e6 - $committed) * 1000 } values %offered;
is(scalar @ms, 200, 'all are offered');
diag(sprintf '200 chats at once, from commit to offer: p50 %.0f ms, p99 %.0f ms', $ms[99], $ms[197]) if @ms == 200;

oracle($node, $db, $sim, crashes => $crashes, name => 'oracle');
rcs_database($node, 'other');
poll($node, 'other', "SELECT count(*) > 0 FROM ($chat AND datname = 'other') x", 't', 20, 'another database has chat workers, too');
is(($node->psql('postgres', 'DROP DATABASE other'))[0], 0, 'and can be dropped');
is(log_count($node, '010[345]\d{7}'), 0, 'no number is in the log');
done_testing();
