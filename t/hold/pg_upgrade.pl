# pg_upgrade: the new server is never on hold, and sends the messages that the old one had not sent.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::RealBin/../lib";
use PostgreSQL::Test::Utils;
use RcsTest;
use Test::More;

my $db = 'shop';
my $sim = start_ktsim();
my $old = rcs_node('old', 'rcs.settle_dead' => '1s');
rcs_database($old, $db);
setup_account($old, $db, $sim, options => { rate_per_minute => 12000 });
$old->safe_psql($db, q{CREATE ROLE gone; CREATE ROLE shop; GRANT USAGE ON FOREIGN SERVER kt TO shop; DROP ROLE gone});
my $theirs = $old->safe_psql($db, q{SET ROLE shop; SELECT rcs_campaign_create('theirs', '{"serviceType": "RCSSMS", "header": "0", "body": {"description": "x"}}')});
$old->safe_psql($db, 'ALTER ROLE shop RENAME TO store; CREATE ROLE shop');
my $campaign = campaign($old, $db, 1500);
my $key = $old->safe_psql($db, "SELECT rcs_send('01022220001', 'keyed', key => 'order 1')");
poll($old, $db, "SELECT sent > 200 FROM rcs.campaign_progress WHERE campaign = '$campaign'", 't', 30);
$old->stop;

my $new = rcs_node('new', start => 0, log_min_messages => 'log', 'rcs.settle_dead' => '1s');
my $bin = $old->config_data('--bindir');
my $offers = $sim->stats->{offers};
chdir $PostgreSQL::Test::Utils::tmp_check;
command_ok([
	'pg_upgrade', '--no-sync', '-d', $old->data_dir, '-D', $new->data_dir, '-b', $bin, '-B', $bin,
	'-s', $new->host, '-p', $old->port, '-P', $new->port ], 'pg_upgrade');
is($sim->stats->{offers}, $offers, 'nothing is sent while it runs');
$new->start;
drained($new, $db, 60, 'the new server sends the rest');
is($new->safe_psql($db, 'SELECT count(*) FROM rcs.hold'), 0, 'it was never on hold');
is(log_count($new, 'LOG:  the system identifier is new, as after pg_upgrade'), 1, 'the log says why');
is(join(' ', map { ($new->psql($db, "SET ROLE $_; SELECT count(*) FROM rcs_campaign_preview('$theirs')"))[0] } 'store', 'shop'), '0 3',
	'a campaign stays with its role, whatever that is called');
is($new->safe_psql($db, "SELECT rcs_send('01022220001', 'keyed', key => 'order 1')"), $key,
	'an old key stays used');
oracle($new, $db, $sim);
$new->stop;
done_testing();
