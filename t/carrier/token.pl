# Tokens end early, or a login fails: one new login for each token that ended, no storm of logins, and no
# token in a table or the log.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::RealBin/../lib";
use PostgreSQL::Test::Utils;
use RcsProxy;
use RcsTest;
use Test::More;
use Time::HiRes qw(sleep time);

my $in_flight = 10;
my $node = rcs_node('main',
	'rcs.settle' => '300ms',
	'rcs.max_in_flight' => $in_flight,
	log_min_messages => 'debug1');
my $sim = start_ktsim();
my $proxy = start_proxy($sim->port);
my $db = rcs_database($node, 'shop');
setup_account($node, $db, $sim, options => { url => 'http://127.0.0.1:' . $proxy->port . '/corp/v1' });

sub sql { return $node->safe_psql($db, $_[0]); }

# A token is used up by 500 offers, which last longer than a second

my $n = 4000;
$sim->set(latency_ms => 5, latency_jitter_ms => 60, token_every => 500);
my $campaign = campaign($node, $db, $n);
drained($node, $db, 180, 'tokens die every 500 offers: everything leaves', $campaign);
is(sql("SELECT sent FROM rcs.campaign_progress WHERE campaign = '$campaign'"), $n, 'all are sent');
oracle($node, $db, $sim, name => 'tokens die');
my $stats = $sim->stats;
my $died = int($n / 500);
cmp_ok($stats->{tokens_issued}, '>=', $died, "$stats->{tokens_issued} logins for $died dead tokens");
cmp_ok($stats->{tokens_issued}, '<=', $died + 3, 'one for each');
cmp_ok($stats->{token}, '<=', $in_flight * ($died + 1), "$stats->{token} offers met a dead token");
is(sql("SELECT count(*) FROM rcs.result WHERE outcome NOT IN ('a', 'r', 'w')"), 0, 'none failed by it');
$sim->set(token_every => 0, latency_ms => 0, latency_jitter_ms => 0);

# The same for a 401 without a code

$sim->set(unauthorized_pct => 2, latency_ms => 25);
my $before = $sim->stats;
$campaign = campaign($node, $db, 500, from => 30000000);
drained($node, $db, 180, '401 now and then: everything leaves', $campaign);
$sim->set(unauthorized_pct => 0, latency_ms => 0);
my $after = $sim->stats;
cmp_ok($after->{tokens_issued} - $before->{tokens_issued}, '<=', $after->{token} - $before->{token} + 1,
	'401 now and then: at most a login for each');

# No login for a while: no storm

my $down = $ENV{RCS_LONG} ? 60 : 15;
$sim->set(token_down => 1, expire_tokens => 1);
my $mark = $proxy->stats->{bytes_up};
is(sql("SELECT ok FROM rcs_account_check('kt')"), 'f', 'no token is to be had');
my $login = $proxy->stats->{bytes_up} - $mark;
cmp_ok($login, '>', 100, "a login is $login bytes");
$campaign = campaign($node, $db, 1000, from => 40000000);
sql("SELECT count(rcs_send('010' || i, 'hello')) FROM generate_series(50000001, 50000050) i");
sleep(2);
my $offers = $sim->stats->{offers};
$mark = $proxy->stats->{bytes_up};
sleep($down);
my $tries = ($proxy->stats->{bytes_up} - $mark) / $login;
cmp_ok($tries, '<', $down, sprintf 'without a login: %.1f tries in %d s', $tries, $down);
cmp_ok($tries, '>=', 0.9, 'without a login: but some');
is($sim->stats->{offers}, $offers, 'without a login: nothing is offered');
is(sql("SELECT failed, uncertain FROM rcs.campaign_progress WHERE campaign = '$campaign'"), '0|0',
	'without a login: everything waits');
$sim->set(token_down => 0);
drained($node, $db, 120, 'when it is back everything leaves');
is(sql("SELECT count(*) FROM rcs.message_status WHERE status <> 'sent'"), 0, 'all are sent');
oracle($node, $db, $sim);

# Tokens of the stand-in are words of 200 characters

my $token = qr/[A-Za-z0-9_-]{190}/;
my $dump = PostgreSQL::Test::Utils::tempdir() . '/dump';
$node->command_ok([ 'pg_dump', '-d', $node->connstr($db), '-f', $dump ], 'pg_dump');
unlike(slurp_file($dump), $token, 'no token in a table');
unlike(slurp_file($node->logfile), $token, 'no token in the log');
unlike(slurp_file($node->logfile), qr/Bearer/, 'nor the header of one');
is(log_count($node, 'FATAL|PANIC|WARNING:  (?!carrier account)'), 0, 'the log has no complaint');
$node->stop;
done_testing();
