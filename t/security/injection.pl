# Every text, parameter, name and number arrives at the carrier as it was written, or is refused with an
# SQLSTATE; it never becomes SQL, a format or a header.

use strict;
use warnings;

use Encode qw(decode encode);
use FindBin;
use lib "$FindBin::RealBin/../lib";
use JSON::PP ();
use PostgreSQL::Test::Utils;
use RcsTest;
use Test::More;

my $dir = PostgreSQL::Test::Utils::tempdir();
my $node = rcs_node('main');
my $sim = start_ktsim(args => [ '--dump-bodies', "$dir/bodies" ]);
my $db = rcs_database($node, 'shop');
setup_account($node, $db, $sim);
my $json = JSON::PP->new->allow_nonref->utf8;

sub sql { return $node->safe_psql($db, $_[0]); }

# A value as a literal that holds nothing to be quoted: only hexadecimal digits.
sub literal
{
	my ($bytes) = @_;
	return sprintf q{convert_from(decode('%s', 'hex'), 'UTF8')}, unpack 'H*', $bytes;
}

# SQLSTATE, or what it gave.
sub attempt
{
	my ($query) = @_;
	my ($rc, $out, $err) = $node->psql($db, "\\set VERBOSITY sqlstate\n$query", on_error_stop => 1);
	return $rc == 0 ? $out : $err =~ /ERROR:  (\w{5})/ ? $1 : "no SQLSTATE: $err";
}

sub checksum
{
	return sql(q{
		SELECT md5(string_agg(x, ',' ORDER BY x)) FROM (
			SELECT 'c' || c.oid || c.relname || coalesce(pg_get_viewdef(c.oid), '') FROM pg_class c WHERE c.relnamespace >= 2200
			UNION ALL SELECT 'a' || attrelid || attname || atttypid FROM pg_attribute WHERE attrelid >= 16384 AND NOT attisdropped
			UNION ALL SELECT 'p' || p.oid || proname || md5(prosrc) FROM pg_proc p WHERE p.oid >= 16384
			UNION ALL SELECT 't' || t.oid || tgname FROM pg_trigger t
			UNION ALL SELECT 'r' || rolname || rolsuper FROM pg_roles
			UNION ALL SELECT 's' || srvname || array_to_string(srvoptions, ',') FROM pg_foreign_server
			UNION ALL SELECT 'b' || row_to_json(b)::text FROM rcs.chatbot b) AS x(x)});
}

my @nasty = (
	q{'; DROP TABLE rcs.message; --},
	q{'); DELETE FROM rcs.batch; SELECT ('},
	q{$$; DROP SCHEMA rcs CASCADE; $$},
	q{$1 $2 ${x} %s %n %d %%s %1$s {0} {{x}} `id` $(id)},
	q{\\'; \\x41 \\u0041 \\n \\\\ \\"},
	q{"},
	q{","msgId":"stolen","x":"},
	"line\r\nHost: evil.example\r\n\r\nGET / HTTP/1.1\r\n",
	"tab\t, bell \x07, escape \x1b[31m, delete \x7f, unit \x1f",
	"\xd7\xa9\xd7\x9c\xd7\x95\xd7\x9d \xe2\x80\xae override \xe2\x80\xac",
	"\xf0\x9f\x98\x80\xf0\x9f\x91\xa8\xe2\x80\x8d\xf0\x9f\x91\xa9\xe2\x80\x8d\xf0\x9f\x91\xa7",
	"e\xcc\x81\xcc\x82\xcc\x83 \xe1\x84\x92\xe1\x85\xa1\xe1\x86\xab",
	"\xef\xbb\xbfbyte order mark, \xe2\x80\xa8 line separator, \xef\xbf\xbd",
	'<script>alert(1)</script> &amp; ]]>',
	'##{name} #{ }} # {a}',
	' ',
	'x' x 20_000,
	"\xea\xb0\x80" x 5_000);
my $before = checksum();
my %expected;    # id => bytes of the text

# As text, as a message, and as a value of a placeholder

my $n = 0;
for my $bytes (@nasty)
{
	my $value = literal($bytes);
	my $written = $bytes;
	my $phone = sprintf '0102000%04d', $n++;
	my $name = length $bytes > 60 ? sprintf '%d bytes', length $bytes : $bytes;
	$name =~ s/[^ -~]/./g;
	$name =~ s/#/./g;

	# in a text, the two placeholder forms mean something
	$written =~ s/##\{/#{/g;
	my %ways = (
		text => qq{SELECT rcs_send('$phone', $value)},
		message => qq{SELECT rcs_send('$phone', jsonb_build_object('serviceType', 'RCSSMS', 'header', '0',
			'body', jsonb_build_object('description', $value)))},
		param => qq{SELECT rcs_send('$phone', '#{a}', params => jsonb_build_object('a', $value))});
	for my $way (sort keys %ways)
	{
		my $answer = attempt($ways{$way});
		if ($answer =~ /^[0-9a-f]{8}-/)
		{
			$expected{$answer} = $way eq 'param' ? $bytes : $written;
			pass("$way is taken: $name");
		}
		else
		{
			like($answer, qr/^(22\w{3}|54000|23514)$/, "$way is refused: $name ($answer)");
		}
	}
}
cmp_ok(scalar keys %expected, '>', 2 * @nasty, 'most are taken');

# NUL, broken UTF-8, lone surrogates: refused, by PostgreSQL or by us

for my $bad (
	q{SELECT rcs_send('01030000000', convert_from('\x610062', 'UTF8'))},
	q{SELECT rcs_send('01030000000', convert_from('\xc328', 'UTF8'))},
	q{SELECT rcs_send('01030000000', '{"serviceType":"RCSSMS","header":"0","body":{"description":"a\u0000b"}}'::jsonb)},
	q{SELECT rcs_send('01030000000', '{"serviceType":"RCSSMS","header":"0","body":{"description":"a\ud800b"}}'::jsonb)},
	q{SELECT rcs_send('01030000000', '{"serviceType":"RCSSMS","header":"0","body":{"description":"a"}}')})
{
	like(attempt($bad), qr/^22\w{3}$/, $bad);
}

# A megabyte: taken or refused, never cut

my $answer = attempt(q{SELECT rcs_send('01030000001', repeat('x', 1000000))});
like($answer, qr/^(22\w{3}|54000)$/, "a megabyte of text is refused: $answer") unless $answer =~ /-/;
$expected{$answer} = 'x' x 1_000_000 if $answer =~ /-/;

# Numbers

for my $phone (
	q{'; DROP TABLE rcs.message; --}, q{01012345678'; --}, q{010$$5678}, q{%s%s%s%n}, "\xef\xbc\x90\xef\xbc\x91\xef\xbc\x90", '', ' ', '0' x 1_000_000, '{01012345678}', '01012345678,01012345679')
{
	my $name = substr $phone, 0, 40;
	$name =~ s/[^ -~]/./g;
	is(attempt('SELECT rcs_send(' . literal($phone) . ", 'x')"), '22023', "a number is refused: $name");
}

# Blanks and marks that people paste along with a number are taken off; only digits are kept.
for my $phone ("010\r\n12345678", "0101234\xe2\x80\xae5679")
{
	my $id = attempt('SELECT rcs_send(' . literal($phone) . ", 'x')");
	$expected{$id} = 'x';
	like(sql("SELECT phone FROM rcs.message WHERE id = '$id'"), qr/^0101234567[89]$/, 'a number is digits');
}

# Names: of a chatbot, of a key, of parameters, of a campaign

for my $name (grep { length $_ < 100 } @nasty)
{
	my $value = literal($name);
	my $shown = $name;
	$shown =~ s/[^ -~]/./g;
	$shown =~ s/#/./g;
	like(attempt("SELECT rcs_send('01040000001', 'x', chatbot => $value)"), qr/^(22023|42704|42501)$/,
		"an unknown chatbot is refused: $shown");

	my $phone = sprintf '0104100%04d', $n++;
	my $id = attempt("SELECT rcs_send('$phone', 'x', key => $value)");
	if ($id =~ /-/)
	{
		is(attempt("SELECT rcs_send('$phone', 'x', key => $value)"), $id, "a key: $shown");
		$expected{$id} = 'x';
	}
	else
	{
		like($id, qr/^22\w{3}$/, "a key is refused: $shown");
	}

	$id = attempt("SELECT rcs_send('$phone', '#{a}', params => jsonb_build_object('a', 'fine', $value, $value))");
	like($id, qr/-|^22\w{3}$/, "the name of a parameter: $shown");
	$expected{$id} = 'fine' if $id =~ /-/;

	my $campaign = attempt("SELECT rcs_campaign_create($value, '$text')");
	like($campaign, qr/-|^22\w{3}$/, "a campaign's name: $shown");
	next unless $campaign =~ /-/;
	my $query = literal("SELECT '$phone' AS phone, " . literal($name) . ' AS name, ' . literal($name) . ' AS ref');
	is(attempt("SELECT added FROM rcs_campaign_add('$campaign', $query); SELECT rcs_campaign_start('$campaign')"),
		"1\nrunning", 'its recipient');
	$expected{ sql("SELECT id FROM rcs.message_status WHERE campaign = '$campaign'") } = $name;
}

# A query of a caller's is a query, not a script.

is(attempt(q{SELECT added FROM rcs_campaign_add(rcs_campaign_create('two', '{"serviceType":"RCSSMS","header":"0","body":{"description":"x"}}'),
		'SELECT ''01050000001'' AS phone; DROP TABLE rcs.message')}), '42601', 'two statements are refused');

drained($node, $db, 120, 'everything leaves');

# What arrived

my %arrived;
for my $line (split /\n/, slurp_file("$dir/bodies"))
{
	my ($id, $body) = split /\t/, $line, 2;
	my $message = eval { $json->decode($body) };
	ok(0, "$id is JSON: $@") unless $message;
	is($message->{common}{msgId}, $id, 'the id') if $message->{common}{msgId} ne $id;
	$arrived{$id} = encode('UTF-8', $message->{rcs}{body}{description});
}
my @differ = grep { !defined $arrived{$_} || $arrived{$_} ne $expected{$_} } sort keys %expected;
is(scalar @differ, 0, 'what arrived is what was written, byte for byte: ' . scalar keys %expected)
  or diag map { sprintf "%s: %s, not %s\n", $_, substr($arrived{$_} // 'nothing', 0, 80), substr($expected{$_}, 0, 80) } @differ[ 0 .. ($#differ > 9 ? 9 : $#differ) ];
is(scalar(keys %arrived), scalar(keys %expected), 'and nothing else arrived');
is(checksum(), $before, 'the schema is unchanged');
is( sql(q{SELECT count(*) FROM rcs.message_status WHERE status = 'sent' OR code = '72117'}),
	scalar keys %expected, 'the carrier accepted all of it, unless it is too long')
  or diag sql(q{SELECT code, reason, count(*) FROM rcs.message_status WHERE status <> 'sent' GROUP BY 1, 2});
oracle($node, $db, $sim);
is(log_count($node, 'PANIC|FATAL'), 0, 'the log has no complaint');
$node->stop;
done_testing();
