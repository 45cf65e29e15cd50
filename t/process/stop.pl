# The server is stopped, or reloaded, while it sends; extension and database go under load.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::RealBin/../lib";
use RcsTest;
use Test::More;
use Time::HiRes qw(sleep time);

my $node = rcs_node('main',
	'rcs.max_in_flight' => 20,
	'rcs.settle_dead' => '1s',
	'rcs.settle' => '500ms',
	'rcs.request_timeout' => '5s');
my $sim = start_ktsim(args => [ '--latency-ms', 20 ]);
my $db = rcs_database($node, 'shop');
setup_account($node, $db, $sim);

sub sql { return $node->safe_psql($db, $_[0]); }

sub on_its_way
{
	my ($campaign) = @_;
	local $Test::Builder::Level = $Test::Builder::Level + 1;
	return poll($node, $db,
		"SELECT sent > 300 AND state = 'running' FROM rcs.campaign_progress WHERE campaign = '$campaign'",
		't', 30, 'a campaign is on its way');
}

sub in_time
{
	my ($limit, $name, $action) = @_;
	my $start = time();
	$action->();
	my $took = time() - $start;
	local $Test::Builder::Level = $Test::Builder::Level + 1;
	return took($took, $limit, sprintf '%s takes less than %d s', $name, $limit);
}

# Fast

my $campaign = campaign($node, $db, 3000);
sql("SELECT count(rcs_send('010' || i, 'hello')) FROM generate_series(30000001, 30001000) i");
on_its_way($campaign);
in_time(10, 'a fast stop', sub { $node->stop('fast') });
$node->append_conf('postgresql.conf', "rcs.single_workers = 0\nrcs.campaign_workers = 0");
$node->start;
is(sql("SELECT count(*) FROM rcs.batch WHERE state = 'l'"), 0, 'it leaves no leases');
is(sql("SELECT count(*) FROM rcs.result WHERE outcome IN ('t', 'u')"), 0, 'nothing is in doubt');
is(sql("SELECT count(*) FROM rcs.message_status WHERE status = 'sending'"), 0, 'nothing is under way');
isnt(sql('SELECT count(*) FROM rcs.batch'), 0, 'something is left to send');
$node->append_conf('postgresql.conf', "rcs.single_workers = 1\nrcs.campaign_workers = 1");
$node->reload;
poll($node, 'postgres', worker_count($db), 2, 10, 'with workers');
drained($node, $db, 90, 'it goes on');
is(sql("SELECT sent FROM rcs.campaign_progress WHERE campaign = '$campaign'"), 3000, 'and ends');

# Fast, while requests hang longer than a stop may take

$sim->set(hang_pct => 100);
set_conf($node, 'rcs.request_timeout' => '1min');
my $id = sql("SELECT rcs_send('01011110001', 'hangs')");
poll($node, $db, "SELECT status FROM rcs.message_status WHERE id = '$id'", 'sending', 10, 'a request hangs');
in_time(10, 'a fast stop', sub { $node->stop('fast') });
$sim->set(hang_pct => 0);
$node->start;
drained($node, $db, 60, 'the message is offered again', $id);
is(sql("SELECT status FROM rcs.message_status WHERE id = '$id'"), 'sent', 'and sent');

# Smart, without a client that it would wait for

set_conf($node, 'rcs.request_timeout' => '5s');
$campaign = campaign($node, $db, 3000, from => 35000000);
on_its_way($campaign);
in_time(10, 'a smart stop', sub { $node->stop('smart') });
$node->start;
is(sql("SELECT count(*) FROM rcs.result WHERE outcome IN ('t', 'u') AND campaign_no > 0"), 0,
	'nothing of the campaign is in doubt');
drained($node, $db, 90, 'after a smart stop it goes on');
is(sql("SELECT sent FROM rcs.campaign_progress WHERE campaign = '$campaign'"), 3000, 'and ends');

# Immediate

$campaign = campaign($node, $db, 3000, from => 40000000);
on_its_way($campaign);
$node->stop('immediate');
$node->start;
drained($node, $db, 90, 'after an immediate stop it goes on');
is(sql("SELECT sent FROM rcs.campaign_progress WHERE campaign = '$campaign'"), 3000, 'and ends');

# Reload

$campaign = campaign($node, $db, 2000, from => 50000000);
on_its_way($campaign);
my $pids = worker_pids($node, $db);
set_conf($node, 'rcs.max_in_flight' => 10, 'rcs.batch_size' => 50);
drained($node, $db, 90, 'the campaign goes on after a reload');
is(worker_pids($node, $db), $pids, 'with the same processes');

oracle($node, $db, $sim);

# DROP under load

$sim->set(hang_pct => 50);
campaign($node, $db, 1000, from => 60000000);
sql("SELECT rcs_send('010' || i, 'hello') FROM generate_series(61000001, 61000020) i");
poll($node, $db, 'SELECT sum(in_flight) > 5 FROM rcs.worker_status', 't', 10, 'requests hang');
in_time(2, 'DROP EXTENSION', sub { sql('DROP EXTENSION rcs CASCADE') });
poll($node, 'postgres', worker_count($db), 0, 10, 'no workers are left');

$sim->set(hang_pct => 0);
$sim = start_ktsim();
rcs_database($node, 'other');
setup_account($node, 'other', $sim);
$sim->set(hang_pct => 100);
campaign($node, 'other', 100);
$node->safe_psql('other', "SELECT rcs_send('010' || i, 'hello') FROM generate_series(61000001, 61000020) i");
poll($node, 'other', q{SELECT count(*) FROM rcs.worker_status WHERE database = 'other' AND in_flight > 0},
	2, 10, 'requests of both lanes hang');
in_time(2, 'DROP DATABASE', sub { $node->safe_psql('postgres', 'DROP DATABASE other') });

is(complaints($node), 0, 'the log has no complaint');
$node->stop;
done_testing();
