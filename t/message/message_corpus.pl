# Every rule of the carrier at its limit: rcs_validate, rcs_send and a campaign must judge each message as
# the stand-in carrier does, which has a checker of its own.

use strict;
use warnings;
use utf8;

use Encode qw(decode encode);
use FindBin;
use lib "$FindBin::RealBin/../lib";
use JSON::PP ();
use PostgreSQL::Test::Utils;
use RcsCorpus qw(corpus to_json message suggestion action OPT_OUT CHATBOT);
use RcsCorpus::Template qw(templates);
use RcsTest;
use Test::More;

my $dir = PostgreSQL::Test::Utils::tempdir();
my $node = rcs_node('main');
my $sim = start_ktsim(args => [ '--dump-bodies', "$dir/bodies" ]);
my $db = rcs_database($node, 'shop');
setup_account($node, $db, $sim, chatbot => CHATBOT);
my $json = JSON::PP->new->canonical->utf8->allow_nonref;

# What the stand-in may ask for beyond the message itself.
my $switches = $json->decode($sim->request('GET', 'switches'));
$sim->set(map { $_ => JSON::PP::false() } grep { exists $switches->{$_} } qw(check_media check_reply_id));

# In the database that the test is about just now.
sub sql { return decode('UTF-8', $node->safe_psql($db, encode('UTF-8', $_[0]))); }

# One line of COPY; a field is text in Perl's characters, or undef.
sub copy_line
{
	return join("\t", map { defined $_ ? s/\\/\\\\/gr =~ s/\t/\\t/gr =~ s/\n/\\n/gr : '\N' } @_) . "\n";
}

sub text_array
{
	return '{' . join(',', map { '"' . s/(["\\])/\\$1/gr . '"' } @_) . '}';
}

sub show { return diag(encode('UTF-8', join '', @_)); }

sub characters { return decode('UTF-8', $_[0]); }

# What a query lists, as the reason of a failure.
sub lists_nothing
{
	my ($query, $name) = @_;
	my $found = sql("$query LIMIT 20");
	local $Test::Builder::Level = $Test::Builder::Level + 1;
	return ok($found eq '', $name) || show($found);
}

# The tables of the test, and these cases of the corpus.
sub load_corpus
{
	my (@cases) = @_;
	my $rows = '';

	sql('UPDATE rcs.chatbot SET callback = $$0212345678$$, footer = $$' . OPT_OUT . '$$');
	sql(q{
		CREATE TABLE corpus (n int PRIMARY KEY, part text, name text, message jsonb, want text[], params jsonb, unsent text);
		CREATE TABLE answer (n int PRIMARY KEY, id uuid, state text, error text, detail text);
		-- rcs_send without its exception
		CREATE FUNCTION attempt(n int, phone text, message jsonb, params jsonb) RETURNS answer LANGUAGE plpgsql AS $$
		DECLARE
			a answer;
		BEGIN
			a.n := n;
			a.id := rcs_send(phone, message, params => params);
			RETURN a;
		EXCEPTION WHEN OTHERS THEN
			GET STACKED DIAGNOSTICS a.state = RETURNED_SQLSTATE, a.error = MESSAGE_TEXT, a.detail = PG_EXCEPTION_DETAIL;
			RETURN a;
		END $$});
	for my $c (@cases)
	{
		$rows .= copy_line($c->{n}, $c->{group}, $c->{name}, characters(to_json($c->{message})), text_array(sort @{ $c->{faults} }),
			$c->{params} && characters(to_json($c->{params})), $c->{unsent});
	}
	sql("COPY corpus FROM STDIN;\n$rows\\.\nANALYZE corpus;");
	sql(q{
		CREATE TABLE verdict AS
		SELECT c.n, c.part, c.name, c.want, coalesce(array_agg(coalesce(nullif(v.path, ''), '-') || ' ' || v.code ORDER BY v.o)
			FILTER (WHERE v.code IS NOT NULL), '{}') AS got, min(v.path) FILTER (WHERE v.o = 1) AS path,
			min(v.problem) FILTER (WHERE v.o = 1) AS problem, bool_and(v.o IS NULL OR v.code <> '' AND v.problem <> '') AS told
		FROM corpus c LEFT JOIN LATERAL rcs_validate(c.message) WITH ORDINALITY AS v(path, code, problem, o) ON true
		GROUP BY c.n});
	return;
}

# Where rcs_validate and the corpus differ.
sub differences
{
	my ($condition) = @_;
	return "SELECT name, 'expected ' || want::text, 'got ' || got::text FROM verdict WHERE $condition
		AND want IS DISTINCT FROM ARRAY(SELECT g COLLATE \"C\" FROM unnest(got) AS g ORDER BY 1) ORDER BY n";
}

# By phone: what the carrier was offered last.
sub offered
{
	my %body;
	for (split /\n/, slurp_file("$dir/bodies"))
	{
		my $sent = $json->decode((split /\t/, $_, 2)[1]);
		$body{ $sent->{common}{userContact} } = $sent;
	}
	return %body;
}

# The members that a message has and an offer has not as they were given.
sub changed
{
	my ($message, $offer) = @_;
	return grep {
		defined $message->{$_} && to_json($message->{$_}) ne to_json($_ eq 'legacy' ? $offer->{$_} : $offer->{rcs}{$_})
	} @_[2 .. $#_];
}

# All valid messages are sent, reach the carrier as they are, and it takes them.
sub send_valid
{
	my ($prefix, @cases) = @_;

	sql(qq{INSERT INTO answer SELECT (a).* FROM (SELECT attempt(c.n, '$prefix' || 10000 + c.n, c.message, c.params) AS a
		FROM corpus c WHERE c.want = '{}' AND c.unsent IS NULL ORDER BY c.n) x});
	lists_nothing('SELECT c.name, a.state, a.error, a.detail FROM answer a JOIN corpus c USING (n) WHERE a.id IS NULL',
		"$db: rcs_send takes every valid message");
	drained($node, $db, 120, "$db: all are offered");
	lists_nothing(q{SELECT c.name, s.status, s.code, s.reason FROM answer a JOIN corpus c USING (n)
		JOIN rcs.message_status s USING (id) WHERE s.status <> 'sent'}, "$db: the carrier takes every valid message");
	my %offered = offered();
	my @differ = map { $_->{name} } grep {
		!@{ $_->{faults} } && !$_->{unsent} && !$_->{params} && ref $_->{message} eq 'HASH'
		  && $_->{name} !~ /an escape/
		  && changed($_->{message}, $offered{ $prefix . (10000 + $_->{n}) }, qw(body buttons chipList replyId expiryOption))
	} @cases;
	ok(!@differ, "$db: it gets each as it was given") || show(map { "$_\n" } @differ);
	return;
}

my @corpus = corpus();
$corpus[$_]{n} = $_ for 0 .. $#corpus;
load_corpus(@corpus);

# rcs_validate, one line for each group

my $bad = grep { @{ $_->{faults} } } @corpus;
cmp_ok(@corpus - $bad, '>=', 300, 'valid messages: ' . (@corpus - $bad));
cmp_ok($bad, '>=', 300, "invalid messages: $bad");

my %seen;
for my $part (grep { !$seen{$_}++ } map { $_->{group} } @corpus)
{
	lists_nothing(differences("part = '$part'"), $part);
}
lists_nothing('SELECT name FROM verdict WHERE NOT told', 'every problem is put in words');

# rcs_send of the valid ones

send_valid('010200', @corpus);

# Plain text is as long as its UTF-16 units.

is(sql("SELECT string_agg(rcs_message(rcs_send('01012345678', t, send_at => '2100-01-01')) ->> 'serviceType', ' ' ORDER BY n)
	FROM (VALUES (1, repeat('😀', 50)), (2, repeat('😀', 50) || 'a'), (3, repeat('😀', 650))) v(n, t)"),
	'RCSSMS RCSLMS RCSLMS', 'the type of a plain text follows its UTF-16 units');

# The invalid ones go nowhere.

my $before = sql('SELECT count(*) FROM rcs.message');
sql(q{TRUNCATE answer; INSERT INTO answer SELECT (a).* FROM (SELECT attempt(c.n, '01012345678', c.message, c.params) AS a
	FROM corpus c WHERE c.want <> '{}' AND c.unsent IS NULL ORDER BY c.n) x});
lists_nothing(q{SELECT c.name FROM answer a JOIN corpus c USING (n) WHERE a.id IS NOT NULL}, 'rcs_send takes no invalid message');
lists_nothing(q{SELECT c.name, a.state, a.error FROM answer a JOIN corpus c USING (n)
	WHERE a.id IS NULL AND (a.state <> '22023' OR a.error <> 'message is not valid')}, 'its error is 22023');
lists_nothing(q{SELECT c.name, a.detail, 'of which the first is', v.path, v.problem FROM answer a JOIN corpus c USING (n) JOIN verdict v USING (n)
	WHERE a.id IS NULL AND NOT starts_with(a.detail, coalesce(nullif(v.path, ''), 'message') || ': ' || v.problem)},
	'its detail is the first problem');
is(sql('SELECT count(*) FROM rcs.message'), $before, 'nothing is queued');

# Campaigns: of two recipients the first just fits.

sub literal { return 'convert_from(decode(\'' . unpack('H*', encode('UTF-8', $_[0])) . '\', \'hex\'), \'UTF8\')'; }

for my $t (templates())
{
	my ($name, $message, $fits, $not, $reason) = @$t;
	my @params = map { literal(characters(to_json({ v => $_ }))) . '::jsonb' } $fits, $not;
	my $got = sql('
		SELECT rcs_campaign_create($$limits$$, ' . literal(characters(to_json($message))) . "::jsonb) AS c \\gset
		SELECT rcs_campaign_add(:'c', '{01012345670,01012345671}'::text[], ARRAY[$params[0], $params[1]]);
		SELECT phone, code, left(reason, length(" . literal($reason) . ")) FROM rcs.rejected WHERE campaign = :'c'");
	is($got, "(1,0,1)\n01012345671|message|$reason", "a recipient just beyond the limit: $name")
	  || show(sql("SELECT phone, code, reason FROM rcs.rejected ORDER BY at DESC LIMIT 1"));
}

# A value never breaks out of its string.

my @values = (
	'"', '\\', '\\"', "\n", "\t", '","x":"', '"},"y":{"', '#{other}', '##{v}', '#{v}', '\\u0022', '\\u0000', '}]}', "\x01", "\x7f",
	q{'}, '$1', '%s%n', '</script>', "\x{2028}", '/*', '한글', "\r\n", '\\n', ' ');

sub everything
{
	my ($v) = @_;
	my %text = (
		calendarAction => [ [qw(createCalendarEvent title)], [qw(createCalendarEvent description)] ],
		clipboardAction => [ [qw(copyToClipboard text)] ],
		composeAction => [ [qw(composeTextMessage phoneNumber)], [qw(composeTextMessage text)] ],
		dialerAction => [ [qw(dialPhoneNumber phoneNumber)] ],
		mapAction => [ [qw(showLocation fallbackUrl)] ]);
	my $chat = message('RCSCHAT', messagebaseId => 'SCL00000', 'body.title' => "a${v}b", 'body.description' => "a${v}b");

	for my $kind (action(), 'reply')
	{
		my $s = suggestion($kind);
		my ($inner) = values %$s;

		$inner->{displayText} = "a${v}b";
		$inner->{postback}{data} = "{\"a\":\"${v}\"}";
		for my $name (grep { $text{$_} && $kind ne 'ask' } keys %$inner)
		{
			$inner->{$name}{ $_->[0] }{ $_->[1] } = "${v}c${v}" for @{ $text{$name} };
		}
		push @{ $chat->{chipList} }, $s;
	}
	return ($chat,
		message('RCSSMS', 'body.title' => "a${v}b", legacy => { serviceType => 'LMS', msg => "a${v}b" =~ s/[\x{2028}]/?/r, subject => "a${v}b" =~ s/[\x{2028}]/?/r, contentCount => 0, callback => '0212345678' }));
}

my @templates = everything('#{v}');
for my $i (0 .. $#templates)
{
	my $kind = $templates[$i]{serviceType};
	my @some = grep { $kind eq 'RCSCHAT' || $_ ne "\x{2028}" } @values;
	my $n = 0;
	my $rows = join ', ', map { sprintf q{('0107000%04d', %s::jsonb)}, $n++, literal(characters(to_json({ v => $_, other => 'never' }))) } @some;
	my $campaign = sql('SELECT rcs_campaign_create($$nasty$$, ' . literal(characters(to_json($templates[$i]))) . '::jsonb)');

	sql("CREATE TEMP TABLE people AS SELECT * FROM (VALUES $rows) AS p(phone, params);
		SELECT rcs_campaign_add('$campaign', 'SELECT phone, params FROM people')");
	is(sql("SELECT total, rejected FROM rcs.campaign_progress WHERE campaign = '$campaign'"), @some . '|0', "$kind: every value is taken");
	my %preview = map { split /\|/, $_, 2 } split /\n/, sql("SELECT phone, message FROM rcs_campaign_preview('$campaign', 100)");
	my @differ = grep {
		my $expected = (everything($some[$_]))[$i];
		to_json($expected) ne $json->encode($json->decode(encode('UTF-8', $preview{ sprintf '0107000%04d', $_ } // 'null')));
	} 0 .. $#some;
	ok(!@differ, "$kind: the preview holds each as it was given") || show(map { "$some[$_]: " . $preview{ sprintf '0107000%04d', $_ } . "\n" } @differ);

	sql("SELECT rcs_campaign_start('$campaign')");
	drained($node, $db, 60, "$kind: all are sent", $campaign);
	my %offered = offered();
	@differ = grep {
		changed((everything($some[$_]))[$i], $offered{ sprintf '0107000%04d', $_ }, qw(body chipList legacy))
	} 0 .. $#some;
	ok(!@differ, "$kind: the carrier gets each as it was given") || show(map { "$some[$_]\n" } @differ);
}



# A database whose text is not UTF-8: the same verdicts, and the carrier gets UTF-8.

$ENV{PGCLIENTENCODING} = 'UTF8';
$db = 'euc_kr';
$node->safe_psql('postgres', "CREATE DATABASE euc_kr ENCODING 'EUC_KR' LOCALE 'C' TEMPLATE template0");
sql('CREATE EXTENSION rcs');
setup_account($node, $db, $sim, chatbot => CHATBOT);
my @korean = grep {
	my $text = characters(to_json($_->{message})) . $_->{name};
	eval { encode('euc-kr', $text, Encode::FB_CROAK | Encode::LEAVE_SRC); 1 } && $text !~ /\\u/
} @corpus;
cmp_ok(scalar @korean, '>=', 1000, 'messages that EUC_KR can hold: ' . @korean);
load_corpus(@korean);
lists_nothing(differences('true'), 'rcs_validate says the same of them');
send_valid('010300', @korean);

$node->stop;
done_testing();
