# Servers of several databases stand for one account: the lowest rate among them holds, for as long as the
# server is there and a worker sends for it.  A server that was dropped, moved or stopped slows nothing down.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::RealBin/../lib";
use RcsTest;
use Test::More;
use Time::HiRes qw(time);

my $node = rcs_node('main');
my $sim = start_ktsim();
my %rate = (shop => 60000, cafe => 120, kiosk => 180);
my $id = 0;

# one message, so that a worker of this database has met the account
sub meet
{
	my ($db) = @_;
	if (my $rate = delete $rate{$db})
	{
		rcs_database($node, $db);
		setup_account($node, $db, $sim, options => { rate_per_minute => $rate });
	}
	$id++;
	$node->safe_psql($db, "SELECT rcs_send('01030000000', 'hello', key => 'order-$id')");
	drained($node, $db, 60);
	return;
}

sub rate_is
{
	my ($expected, $name) = @_;
	poll($node, 'shop', q{SELECT rate_per_minute FROM rcs.account_status WHERE server = 'kt'}, $expected, 30, $name);
	return;
}

sub shop
{
	my ($n, $from) = @_;
	my $began = time();
	campaign($node, 'shop', $n, from => $from);
	drained($node, 'shop', 120);
	return time() - $began;
}

meet('shop');
rate_is(60000, 'a server alone');
meet('kiosk');
rate_is(180, 'the lower rate of another database');
meet('cafe');
rate_is(120, 'the lowest of three');
cmp_ok(shop(12, 10000000), '>', 4, 'which holds for all of them');

$node->safe_psql('cafe', q{ALTER SERVER kt OPTIONS (SET rate_per_minute '240')});
rate_is(180, 'one that is raised gives way to the next');
$node->safe_psql('kiosk', q{ALTER USER MAPPING FOR PUBLIC SERVER kt OPTIONS (SET rcs_id 'other')});
rate_is(240, 'one that has moved to another account counts no more');
$node->safe_psql('kiosk', q{ALTER USER MAPPING FOR PUBLIC SERVER kt OPTIONS (SET rcs_id 'shop')});
meet('kiosk');
rate_is(180, 'and again when it is back');
$node->safe_psql('kiosk', q{DELETE FROM rcs.chatbot; DROP SERVER kt CASCADE});
rate_is(240, 'nor does one that was dropped');
$node->safe_psql('postgres', 'DROP DATABASE cafe');
rate_is(60000, 'nor one of a database that was dropped');
cmp_ok(shop(2000, 20000000), '<', 60, 'and the campaign runs at its own rate');

$node->safe_psql('shop', q{ALTER SYSTEM SET rcs.campaign_workers = 2; SELECT pg_reload_conf()});
poll($node, 'shop', q{SELECT count(*) FROM rcs.worker_status WHERE kind = 'campaign' AND database = 'shop' AND pid IS NOT NULL}, 2, 60, 'a second worker');
cmp_ok(shop(2000, 30000000), '<', 60, 'holds the same name');
$node->safe_psql('shop', q{ALTER SYSTEM SET rcs.campaign_workers = 1; SELECT pg_reload_conf()});
poll($node, 'shop', q{SELECT count(*) FROM rcs.worker_status WHERE kind = 'campaign' AND database = 'shop' AND pid IS NOT NULL}, 1, 60, 'which stops');
rate_is(60000, 'and takes nothing along');
oracle($node, 'shop', $sim, shared => 1);
done_testing();
