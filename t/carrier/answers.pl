# The status of a message after each kind of answer of the carrier, and after no answer.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::RealBin/../lib";
use HTTP::Tiny;
use PostgreSQL::Test::Utils;
use RcsTest;
use Test::More;

my $node = rcs_node('main', 'rcs.request_timeout' => '500ms', 'rcs.settle' => '300ms');
my $sim = start_ktsim(args => [ '--dump-bodies', PostgreSQL::Test::Utils::tempdir() . '/bodies' ]);
my $db = rcs_database($node, 'shop');
setup_account($node, $db, $sim);

my $phone = 11110000;

sub sql { return $node->safe_psql($db, $_[0]); }

sub single { return sql(sprintf "SELECT rcs_send('010%d', 'hello')", ++$phone); }

sub shown
{
	my ($id, $columns) = @_;
	return sql("SELECT $columns FROM rcs.message_status WHERE id = '$id'");
}

sub counts
{
	my ($id, $what, $n) = @_;
	local $Test::Builder::Level = $Test::Builder::Level + 1;
	return is(sql("SELECT $what FROM rcs.campaign_progress WHERE campaign = '$id'"), $n, "all is $what");
}

# The offers of a message.
sub offers
{
	my ($id) = @_;
	return grep { /\t$id\t/ } split /\n/, slurp_file($sim->ledger);
}

# Definite refusals

$sim->set(refuse_phone_suffix => { '9999' => '54002', '8888' => '72103' });
for my $code ([ '9999', 54002 ], [ '8888', 72103 ])
{
	my $id = sql("SELECT rcs_send('0101111$code->[0]', 'hello')");
	drained($node, $db, 30, "a message refused with $code->[1] is done", $id);
	is(shown($id, 'status, code, attempts'), "failed|$code->[1]|1", 'it failed, with the code');
}

# Refused for the moment

$sim->set(error_pct => 100, error_code => '71001');
my $id = single();
poll($node, $db, "SELECT status, code, attempts >= 2 FROM rcs.message_status WHERE id = '$id'",
	'queued|71001|t', 30, 'a message refused for the moment is queued again');
$sim->set(error_pct => 0);
drained($node, $db, 60, 'it leaves in the end', $id);
is(shown($id, 'status'), 'sent', 'and is sent');
my @times = map { (split /\t/)[1] / 1e6 } offers($id);
cmp_ok($times[1] - $times[0], '>=', 1, 'a second after the first offer comes the next');
cmp_ok($times[2] - $times[1], '>=', 2, 'and then two') if @times > 2;

set_conf($node, 'rcs.max_attempts' => 2);
$sim->set(error_pct => 100);
$id = single();
drained($node, $db, 30, 'after rcs.max_attempts a message is done', $id);
is(shown($id, 'status, code, attempts'), 'failed|71001|2', 'it failed');
$sim->set(error_pct => 0);
set_conf($node, 'rcs.max_attempts' => 5);

# Unknown outcomes

set_conf($node, 'rcs.settle' => '5s');
my (@faults, %faulty) = qw(html close hang accept_then_500 accept_then_close accept_then_hang garbage);
for my $fault (@faults)
{
	$sim->set("${fault}_pct" => 100);
	$faulty{$fault} = $id = single();
	poll($node, $db, "SELECT DISTINCT s.status, s.reason FROM rcs.message_status s JOIN rcs.message m USING (id)
			JOIN rcs.result r USING (campaign_no, batch_id, ord) WHERE id = '$id' AND outcome = 't'",
		'sending|outcome unknown, will be offered again', 20, "$fault: the outcome is unknown");
	$sim->set("${fault}_pct" => 0);
}
drained($node, $db, 60, 'all are offered again');
for my $fault (@faults)
{
	my $accepted_before = $fault =~ /^accept|^garbage/;
	like(shown($faulty{$fault}, 'status, reason'),
		$accepted_before ? qr/^sent\|the carrier had accepted it before$/ : qr/^sent\|/, "$fault: it is sent");
	my @offers = offers($faulty{$fault});
	cmp_ok(scalar @offers, '>=', 2, "$fault: offered again under the same id");
	is(scalar(grep { /\taccepted\t/ } @offers), 1, "$fault: and accepted once");
}
set_conf($node, 'rcs.settle' => '300ms');

$sim->set(accept_then_close_pct => 25, hang_pct => 5, close_pct => 10, html_pct => 10, error_pct => 10);
my $campaign = campaign($node, $db, 300, from => 22000000);
sql("SELECT count(rcs_send('010' || i, 'hello')) FROM generate_series(23000001, 23000100) i");
sleep(3);
$sim->set(map { ("${_}_pct" => 0) } qw(accept_then_close hang close html error));
drained($node, $db, 120, 'a campaign and single messages leave in spite of faults');
counts($campaign, 'sent', 300);

# Held instead

$sim->set(accept_then_close_pct => 100);
$campaign = campaign($node, $db, 5, from => 24000000, in_doubt => 'hold');
drained($node, $db, 30, 'a campaign that holds what is in doubt is done', $campaign);
counts($campaign, 'uncertain', 5);
set_conf($node, 'rcs.in_doubt' => 'hold');
$id = single();
drained($node, $db, 30, 'so is a single message, if rcs.in_doubt says so', $id);
is(shown($id, 'status'), 'uncertain', 'uncertain');
set_conf($node, 'rcs.in_doubt' => 'resend', 'rcs.duplicate_window' => '1s', 'rcs.settle' => '2s');
$id = single();
drained($node, $db, 30, 'what would be offered again too late is done', $id);
is(shown($id, 'status, reason, attempts'),
	'uncertain|unknown for longer than rcs.duplicate_window|1', 'uncertain');
set_conf($node, 'rcs.duplicate_window' => '1h', 'rcs.settle' => '300ms', 'rcs.max_attempts' => 1);
$sim->set(accept_then_close_pct => 0, html_pct => 100);
$id = single();
drained($node, $db, 30, 'attempts used up with an unknown outcome', $id);
is(shown($id, 'status'), 'uncertain', 'uncertain, not failed');
$sim->set(html_pct => 0);
set_conf($node, 'rcs.max_attempts' => 5);
oracle($node, $db, $sim);

# Somebody else used the id: last, because the oracle knows of no offers but ours

$id = sql("SELECT rcs_send('01011112222', 'hello', send_at => clock_timestamp() + interval '3 s')");
my $http = HTTP::Tiny->new;
my $url = 'http://127.0.0.1:' . $sim->port . '/corp/v1';
my $login = '{"rcsId":"shop","rcsSecret":"secret","grantType":"clientCredentials"}';
my ($token) = $http->post("$url/token", { content => $login })->{content} =~ /"accessToken": *"([^"]+)"/;
my $body = (split /\t/, (split /\n/, slurp_file($sim->{args}[1]))[-1])[1];
$body =~ s/("msgId" *: *)"[^"]*"/$1"$id"/;
my $answer = $http->post("$url/message",
	{ headers => { Authorization => "Bearer $token" }, content => $body });
is($answer->{status}, 200, 'somebody else offers a message of this id');
drained($node, $db, 30, 'ours is done', $id);
is(shown($id, 'status, code'), 'uncertain|foreign_duplicate', 'uncertain');

is(complaints($node), 0, 'the log has no complaint');
$node->stop;
done_testing();
