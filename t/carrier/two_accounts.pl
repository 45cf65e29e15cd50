# Two accounts of one sender do not know each other's ids.  A message in doubt is offered again through the
# account that may have it, so that no person gets it twice.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::RealBin/../lib";
use RcsTest;
use Test::More;
use Time::HiRes qw(sleep);

my $node = rcs_node('main',
	'rcs.request_timeout' => '400ms',
	'rcs.settle' => '300ms',
	'rcs.settle_dead' => '500ms',
	'rcs.max_in_flight' => 60);
my $db = rcs_database($node, 'shop');
my @sims = (start_ktsim(), start_ktsim());
setup_account($node, $db, $sims[0], server => 'one');
setup_account($node, $db, $sims[1], server => 'two');

my $crashes = 0;
my $from = 20000000;

sub sql { return $node->safe_psql($db, $_[0]); }

sub send_some
{
	my ($n) = @_;
	my $id = campaign($node, $db, $n, from => $from);
	sql("SELECT count(rcs_send('010' || i, 'hello')) FROM generate_series($from, $from + $n / 10) i");
	$from += $n;
	return $id;
}

# What had an unknown outcome was seen by one carrier only, the one it was first offered to.
sub check
{
	my ($name) = @_;
	oracle($node, $db, @sims, name => $name, crashes => $crashes);
	is( sql(q{
			SELECT m.id, array_agg(DISTINCT l.sim) FROM oracle.ledger l
			JOIN oracle.message m ON m.id::text = l.msgid
			WHERE EXISTS (SELECT FROM rcs.result r WHERE r.campaign_no = m.campaign_no
				AND r.batch_id = m.batch_id AND r.ord = m.ord AND r.outcome = 't')
			GROUP BY m.id HAVING count(DISTINCT l.sim) > 1 LIMIT 5}),
		'', "$name: no message in doubt went to the other account");
	my ($one, $two, $unknown) = split /\|/, sql(q{
		SELECT count(*) FILTER (WHERE sim = 0), count(*) FILTER (WHERE sim = 1),
			(SELECT count(*) FROM rcs.result WHERE outcome = 't') FROM oracle.ledger});
	note "$name: $one and $two offers, $unknown of unknown outcome";
	cmp_ok($one, '>', 0, "$name: the first account was used");
	cmp_ok($two, '>', 0, "$name: and the second");
	return $unknown;
}

# Accepted, then silence: 40 % of one account, none of the other

for my $fault (qw(accept_then_hang hang accept_then_close))
{
	$sims[0]->set("${fault}_pct" => 40);
	my $campaign = send_some(1000);
	sleep(2);
	$sims[0]->set("${fault}_pct" => 0);
	drained($node, $db, 90, "$fault: everything leaves", $campaign);
	drained($node, $db, 90, "$fault: single messages, too");
	is(sql("SELECT sent FROM rcs.campaign_progress WHERE campaign = '$campaign'"), 1000,
		"$fault: all are sent");
}
cmp_ok(check('faults of one account'), '>', 20, 'some were in doubt');

# All of one account is silent, then gone: its messages in doubt wait for it, the rest goes by the other

$sims[0]->set(hang_pct => 100);
my $campaign = send_some(2000);
poll($node, $db, q{SELECT sum(n) > 5 FROM rcs.batch WHERE server = 'one'}, 't', 20,
	'messages in doubt are to go through the first account');
$sims[0]->kill9;
poll($node, $db, "SELECT sent > 1500 FROM rcs.campaign_progress WHERE campaign = '$campaign'", 't', 60,
	'the others leave through the second');
poll($node, $db, "SELECT count(*) FROM rcs.batch WHERE server IS DISTINCT FROM 'one'", 0, 60, 'all of them');
cmp_ok(sql(q{SELECT sum(n) FROM rcs.batch WHERE server = 'one'}), '>', 5, 'those in doubt wait');
my $accepted = $sims[1]->stats->{accepted};
sleep(3);
is($sims[1]->stats->{accepted}, $accepted, 'and are not offered to the second');
$sims[0]->start_again->set(hang_pct => 0);
drained($node, $db, 90, 'when it is back, they leave');
is(sql("SELECT sent FROM rcs.campaign_progress WHERE campaign = '$campaign'"), 2000, 'all are sent');
check('one account was gone');

# A worker dies with requests under way at both

$_->set(latency_ms => 100) for @sims;
$campaign = send_some(3000);
poll($node, $db, "SELECT sent > 300 FROM rcs.campaign_progress WHERE campaign = '$campaign'", 't', 30,
	'a campaign is on its way');
kill 'KILL', split /,/, worker_pids($node, $db);
$crashes++;
sleep(0.05) until log_count($node, 'all server processes terminated; reinitializing') >= $crashes;
server_answers($node, $db);
$_->set(latency_ms => 0) for @sims;
drained($node, $db, 90, 'after the death of the workers everything leaves');
is(sql("SELECT sent FROM rcs.campaign_progress WHERE campaign = '$campaign'"), 3000, 'all are sent');
check('workers died');

$node->stop;
done_testing();
