# The carrier answers "I know this id already".  The message is ours if an offer of ours is on record, and
# somebody else's if not.  No message is offered again when the carrier may have forgotten its id.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::RealBin/../lib";
use PostgreSQL::Test::Utils;
use RcsTest;
use Test::More;
use Time::HiRes qw(sleep time);

my $node = rcs_node('main', 'rcs.settle_dead' => '300ms', 'rcs.settle' => '300ms', 'rcs.max_in_flight' => 40);
my $sim = start_ktsim();
my $db = rcs_database($node, 'shop');
setup_account($node, $db, $sim);

my $crashes = 0;

sub sql { return $node->safe_psql($db, $_[0]); }

# Arms a fault point; what it returns waits until the fault has happened and the server is back.
sub strike
{
	my ($line) = @_;
	my $file = $node->data_dir . '/rcs_fault';
	my $mark = -s $node->logfile;

	append_to_file("$file.new", "$line\n");
	rename "$file.new", $file or die "rename: $!";
	return sub {
		my $end = time() + 60;
		sleep(0.01) while -e $file && time() < $end;
		sleep(0.02)
		  until log_count($node, 'all server processes terminated; reinitializing', $mark) || time() > $end;
		ok(!-e $file, "$line happened");
		$crashes++;
		server_answers($node, $db);
	};
}

# With an intent on record: accepted before

for my $lane (qw(campaign single))
{
	my $happened = strike('after-answer kill ' . ($lane eq 'single' ? 0 : 30));
	my $which;
	if ($lane eq 'campaign')
	{
		my $id = campaign($node, $db, 500);
		$which = "campaign = '$id'";
	}
	else
	{
		my $id = sql("SELECT rcs_send('01011110001', 'hello')");
		$which = "id = '$id'";
	}
	$happened->();
	drained($node, $db, 60, "$lane: everything leaves after the death of the worker");
	oracle($node, $db, $sim, name => "$lane: duplicates of our own", crashes => $crashes);
	my $duplicates = sql(qq{
		SELECT count(*) FROM oracle.ledger l JOIN rcs.message_status s ON s.id::text = l.msgid
		WHERE l.decision = 'duplicate' AND s.$which});
	cmp_ok($duplicates, '>', 0, "$lane: the carrier said $duplicates times that it knows the id");
	is(sql(qq{SELECT count(*) FROM rcs.message_status WHERE $which AND status = 'sent'
			AND reason = 'the carrier had accepted it before' AND code = '71003'}),
		$duplicates, "$lane: those are sent, and marked so");
	is(sql("SELECT count(*) FROM rcs.message_status WHERE $which AND status <> 'sent'"), 0,
		"$lane: so are all");
}

# Without an offer on record: the carrier has ten ids from somebody else

my $campaign = sql(
	qq{SELECT rcs_campaign_create('foreign', '$text'::jsonb, start_at => clock_timestamp() + interval '3 s')});
sql(qq{SELECT rcs_campaign_add('$campaign', 'SELECT ''010'' || i AS phone, ''N'' AS name
	FROM generate_series(40000000, 40000199) AS i')});
my @foreign = split /\n/, sql(qq{
	SELECT rcs_message_id('$campaign', '010' || i) FROM generate_series(40000000, 40000199, 20) i});
$sim->request('POST', 'preload', { account => 'shop', ids => \@foreign });
drained($node, $db, 60, 'a campaign leaves of which the carrier knows ten', $campaign);
my $list = join ', ', map { "'$_'" } @foreign;
is( sql("SELECT status, code, count(*) FROM rcs.message_status WHERE id IN ($list) GROUP BY 1, 2"),
	'uncertain|foreign_duplicate|10', 'those are uncertain, as foreign duplicates');
is( sql("SELECT sent, uncertain, failed FROM rcs.campaign_progress WHERE campaign = '$campaign'"),
	'190|10|0', 'the others are sent');
oracle($node, $db, $sim, name => 'foreign duplicates', crashes => $crashes);
is(sql("SELECT max(offers) FROM oracle.message WHERE id IN ($list)"), 1, 'they were offered once');

# The worker is away for longer than the carrier remembers

set_conf($node, 'rcs.duplicate_window' => '3s');
$sim->set(dup_window_s => 3);
strike('after-answer kill 30');
$campaign = campaign($node, $db, 500, from => 50000000);
my $start = time();
while (-e $node->data_dir . '/rcs_fault' && time() < $start + 60) { sleep(0.01); }
$node->stop('immediate');
sleep(5);
$node->start;
server_answers($node, $db);
drained($node, $db, 60, 'everything is settled after a long absence', $campaign);
oracle($node, $db, $sim, name => 'the carrier forgets',
	crashes => log_count($node, 'all server processes terminated; reinitializing'));
my ($sent, $uncertain) = split /\|/,
  sql("SELECT sent, uncertain FROM rcs.campaign_progress WHERE campaign = '$campaign'");
cmp_ok($uncertain, '>', 0, "$uncertain are uncertain");
is($sent + $uncertain, 500, 'the others are sent');
is( sql(qq{SELECT max(m.offers) FROM oracle.message m JOIN rcs.message_status s USING (id)
	WHERE s.campaign = '$campaign'}),
	1, 'nothing was offered again');
cmp_ok(
	sql(qq{SELECT count(*) FROM oracle.message m JOIN rcs.message_status s USING (id)
		WHERE s.campaign = '$campaign' AND s.status = 'uncertain' AND m.accepted = 1}),
	'>', 0, 'some of the uncertain had been accepted: an offer would have been the second');

# Nor when the batch was put aside within the window, and came up after it

$sim->set(accept_then_close_pct => 100);
set_conf($node, 'rcs.settle' => '2s');
my $id = sql("SELECT rcs_send('01011110002', 'hello')");
poll($node, $db, "SELECT status FROM rcs.message_status WHERE id = '$id' AND reason ~ '^outcome unknown'",
	'sending', 20, 'a message is in doubt');
$node->stop('fast');
$sim->set(accept_then_close_pct => 0);
sleep(4);
$node->start;
drained($node, $db, 60, 'it is settled', $id);
is(sql("SELECT status, reason, attempts FROM rcs.message_status WHERE id = '$id'"),
	'uncertain|unknown for longer than rcs.duplicate_window|1', 'and was not offered again');

$node->stop;
done_testing();
