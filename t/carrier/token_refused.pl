# The carrier grants a token and refuses the message as if it were bad: growing pauses, one line when it
# begins and one when it ends, and no message loses an attempt.  RCS_LONG=1 watches the first for 40 s.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::RealBin/../lib";
use PostgreSQL::Test::Utils;
use RcsTest;
use Test::More;
use Time::HiRes qw(sleep time);

my $node = rcs_node('main', 'rcs.max_attempts' => 2, 'rcs.max_in_flight' => 20);
my $sim = start_ktsim();
my $db = rcs_database($node, 'shop');
setup_account($node, $db, $sim);
my $from = 20000000;

sub sql { return $node->safe_psql($db, $_[0]); }

sub lines { return log_count($node, '(?:LOG|WARNING|ERROR):  (?!statement).*(?:set aside|open again|login|401|7000)', $_[0]); }

# The most tries in so many seconds: the pauses are 1, 2, 4 ... s, and two may have begun before
sub most
{
	my ($seconds) = @_;
	my $n = 2;

	$n++ while 2**($n - 2) - 1 < $seconds;
	return $n;
}

sub refused_for
{
	my ($seconds, $what, %switches) = @_;
	my $mark = -s $node->logfile;
	my $before = $sim->stats;

	$sim->set(%switches, expire_tokens => JSON::PP::true());
	my $campaign = campaign($node, $db, 500, from => $from);
	sql("SELECT count(rcs_send('010' || i, 'hello')) FROM generate_series($from + 500, $from + 549) i");
	$from += 1000;
	poll($node, $db, q{SELECT state IN ('closed', 'probing') FROM rcs.account_status}, 't', 20, "$what: the account is set aside");
	sleep(0.5);
	# what was under way with the token before, and with the new one, of two workers
	my $closed = $sim->stats;
	cmp_ok($closed->{offers} - $before->{offers}, '<=', 82, "$what: no more than what was under way is refused");
	sleep($seconds);
	my $after = $sim->stats;
	my $offers = $after->{offers} - $closed->{offers};
	my $tokens = $after->{tokens_issued} - $closed->{tokens_issued};
	cmp_ok($offers, '<=', most($seconds), "$what: then $offers offers in $seconds s");
	cmp_ok($offers, '>=', 1, "$what: but some");
	cmp_ok($tokens, '<=', most($seconds), "$what: $tokens tokens");
	is(lines($mark), 1, "$what: one line says that it began");
	like(sql('SELECT last_error FROM rcs.account_status'), qr/\w/, "$what: the account says why");
	is(sql('SELECT coalesce(max(answers), 0) FROM rcs.batch'), 0, "$what: no attempt is used up");
	$sim->set(map { $_ => ref $switches{$_} ? {} : 0 } keys %switches);
	is(sql("SELECT ok FROM rcs_account_check('kt')"), 't', "$what: it is tried again when somebody says so");
	my $start = time();
	drained($node, $db, 60, "$what: everything leaves then");
	took(time() - $start, 5, "$what: at once");
	is(lines($mark), 2, "$what: and one line that it is over");
	is(sql("SELECT sent, failed FROM rcs.campaign_progress WHERE campaign = '$campaign'"), '500|0', "$what: all are sent");
	return;
}

refused_for($ENV{RCS_LONG} ? 40 : 5, '401 without a code', unauthorized_pct => 100);
refused_for(2, '70003', account_code => { shop => '70003' });
refused_for(2, '70004', account_code => { shop => '70004' });

# One message, and nothing else; the account comes back by itself, after a pause of at most what has passed

my $mark = -s $node->logfile;
$sim->set(account_code => { shop => '70003' }, expire_tokens => JSON::PP::true());
my $before = $sim->stats;
sql("SELECT rcs_send('01099990000', 'hello')");
sleep(4);
my $after = $sim->stats;
cmp_ok($after->{offers} - $before->{offers}, '<=', most(4) + 1, 'one message: it is offered seldom');
cmp_ok($after->{offers} - $before->{offers}, '>=', 2, 'one message: but it is');
$sim->set(account_code => {});
drained($node, $db, 30, 'one message: it leaves by itself');
is(sql('SELECT state FROM rcs.account_status'), 'open', 'one message: the account is open');
is(lines($mark), 2, 'one message: two lines');

oracle($node, $db, $sim);
is(complaints($node), 0, 'the log has no complaint');
$node->stop;
done_testing();
