# What is wrong with a login concerns that login: a wrong secret in a test database does not stop the
# production database that sends for the same account, nor does a token endpoint that is down stop
# whoever has a token.  What is wrong with the account concerns all.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::RealBin/../lib";
use List::Util qw(max);
use PostgreSQL::Test::Utils;
use RcsTest;
use Test::More;
use Time::HiRes qw(sleep time);

my $node = rcs_node('main');
my $sim = start_ktsim();
my $production = rcs_database($node, 'production');
my $test = rcs_database($node, 'test');
setup_account($node, $production, $sim);
setup_account($node, $test, $sim, rcs_secret => 'wrong');

# How late the latest of the single messages is that production sends for so many seconds
sub latest
{
	my ($seconds) = @_;
	my $end = time() + $seconds;
	my %committed;
	while (time() < $end)
	{
		my ($id, $at) = split /\n/, $node->safe_psql($production, q{SELECT rcs_send('01011110000', 'hello');
			SELECT extract(epoch FROM clock_timestamp())});
		$committed{$id} = $at;
		sleep(0.1);
	}
	cmp_ok(scalar keys %committed, '>', 0, 'production: single messages');
	my $list = join ', ', map { "'$_'" } keys %committed;
	poll($node, $production, "SELECT count(*) FROM rcs.message_status WHERE id IN ($list) AND status <> 'sent'", 0, 90, 'production: they leave');
	my %seen;
	for my $line (split /\n/, slurp_file($sim->ledger))
	{
		my @f = split /\t/, $line;
		$seen{ $f[3] } //= $f[1] / 1e6 if defined $f[6] && $f[6] eq 'accepted';
	}
	return max(map { $seen{$_} - $committed{$_} } keys %committed);
}

sub prompt
{
	my ($name, $seconds) = @_;
	my $late = latest($seconds);
	local $Test::Builder::Level = $Test::Builder::Level + 1;
	return cmp_ok($late, '<=', $ENV{RCS_TIMES} ? 1 : 5, sprintf '%s: the latest left after %.2f s', $name, $late);
}

sub state_of { return $node->safe_psql($_[0], q{SELECT state || ' ' || coalesce(last_error, '') FROM rcs.account_status}); }

drained($node, $production, 20, 'production sends', $node->safe_psql($production, "SELECT rcs_send('01011110000', 'hello')"));
$node->safe_psql($test, "SELECT count(rcs_send('0102222' || i, 'hello')) FROM generate_series(1000, 1020) i");
poll($node, $test, q{SELECT state IN ('closed', 'probing') FROM rcs.account_status}, 't', 20, 'test: its login is refused');
prompt('production: meanwhile', $ENV{RCS_LONG} ? 20 : 4);
is(state_of($production), 'open ', 'production: nothing is wrong');
like(state_of($test), qr/^(?:closed|probing) login refused: 70008/, 'test: it says what is');
is(log_count($node, 'set aside in database "test": login refused'), 1, 'one line says so');
is(log_count($node, 'set aside'), 1, 'and no other');

# Somebody renews production's token: the test database does not disturb that either

is($node->safe_psql($production, "SELECT ok FROM rcs_account_check('kt')"), 't', 'production: a check says that it works');
like(state_of($test), qr/^(?:closed|probing)/, 'test: which does not open its own');
is($node->safe_psql($test, "SELECT ok FROM rcs_account_check('kt')"), 'f', 'test: a check says that it does not');
prompt('production: after that', 2);

# The secret is put right

$node->safe_psql($test, "ALTER USER MAPPING FOR PUBLIC SERVER kt OPTIONS (SET rcs_secret 'secret')");
my $start = time();
drained($node, $test, 90, 'test: put right, its messages leave');
took(time() - $start, 3, 'test: at once');
is(state_of($test), 'open ', 'test: nothing is wrong any more');

# No new tokens: whoever has one goes on until its end, and a check that fails takes it from nobody

# no worker but that of single messages
set_conf($node, 'rcs.campaign_workers' => 0);
poll($node, $production, worker_count('production'), 1, 20, 'one worker is left');
$sim->set(token_ttl_s => 12);
my $ends = time() + 12;
is($node->safe_psql($production, "SELECT ok FROM rcs_account_check('kt')"), 't', 'a token for 12 s');
$sim->set(token_down => 1);
is($node->safe_psql($production, "SELECT ok FROM rcs_account_check('kt')"), 'f', 'production: a check says that there is no other');
like(state_of($production), qr/^open login refused: http 500/, 'production: it goes on, and says so');
sleep(max(0, $ends - 2.5 - time())); # it is renewed at nine tenths
prompt('production: the old token is good until its end', max(0.2, $ends - 0.5 - time()));
is(log_count($node, 'set aside in database "production"'), 0, 'no line about that');
sleep(max(0, $ends + 0.2 - time()));
$node->safe_psql($production, "SELECT rcs_send('01011119998', 'hello')");
poll($node, $production, q{SELECT state IN ('closed', 'probing') FROM rcs.account_status}, 't', 20, 'production: without a token it is set aside');
is(log_count($node, 'set aside in database "production": login refused: http 500'), 1, 'and one line says so');
$sim->set(token_down => 0, token_ttl_s => 6000);
drained($node, $production, 90, 'production: it comes back by itself');
is(state_of($production), 'open ', 'production: nothing is wrong any more');

# What is wrong with the account concerns both

$sim->set(account_code => { shop => '72105' });
$node->safe_psql($production, "SELECT rcs_send('01011119999', 'hello')");
poll($node, $test, q{SELECT state IN ('closed', 'probing') FROM rcs.account_status}, 't', 20, 'a refused account is refused for both');
like(state_of($_), qr/72105/, "$_: with its reason") for $production, $test;
$sim->set(account_code => {});
drained($node, $production, 90, 'it comes back by itself');

oracle($node, $test, $sim, shared => 1);
oracle($node, $production, $sim, shared => 1);
$node->stop;
done_testing();
