# A seeded random mix of faults while campaigns and single messages are sent; then the oracle.
# RCS_SEED repeats a run, RCS_NEMESIS_SECONDS is its length ("make nemesis" runs three minutes).

use strict;
use warnings;

use FindBin;
use lib "$FindBin::RealBin/../lib";
use PostgreSQL::Test::Utils;
use RcsTest;
use Test::More;
use Time::HiRes qw(sleep time);

my $seed = $ENV{RCS_SEED} // int(time());
my $seconds = $ENV{RCS_NEMESIS_SECONDS} // 20;
my $crashes = 0;
my $from = 20_000_000;
my (@campaigns, @singles, %done);

srand($seed);
note "RCS_SEED=$seed";

my $node = rcs_node('nemesis',
	'rcs.settle_dead' => "'500ms'",
	'rcs.settle' => "'300ms'",
	'rcs.request_timeout' => "'1s'",
	'rcs.campaign_workers' => 2);
my $db = rcs_database($node, 'shop');
my $sim = start_ktsim();
setup_account($node, $db, $sim);

sub chance { return $_[int rand @_]; }

sub calm
{
	$sim->set(map { $_ => 0 }
		  qw(latency_ms accept_then_500_pct accept_then_close_pct close_pct hang_pct garbage_pct
		  html_pct error_pct token_down slow_pct close_keepalive_every));
	return;
}

# Each may fail to reach a server that is just restarting: that is part of the game.
sub quietly
{
	my ($sql) = @_;
	my ($rc, $out) = $node->psql($db, $sql);
	return $rc == 0 ? $out : undef;
}

sub worker_pid
{
	return quietly("SELECT pid FROM rcs.worker_status WHERE kind <> 'launcher' AND pid IS NOT NULL "
		  . 'ORDER BY random() LIMIT 1');
}

my %faults = (
	campaign => sub {
		my $id = eval { campaign($node, $db, 1_000 + int rand 2_000, from => $from) };
		push @campaigns, $id if defined $id;
		$from += 5_000;
	},
	singles => sub {
		my $ids = quietly("SELECT rcs_send('0109' || lpad((random() * 9999999)::int::text, 7, '0'),"
			  . " 'n' || i) FROM generate_series(1, 20) i");
		push @singles, split /\n/, $ids if defined $ids;
	},
	cancel => sub {
		return unless @singles;
		my $id = chance(@singles);
		my $answer = quietly("SELECT rcs_cancel('$id')");
		$done{$id} = 1 if defined $answer && $answer eq 't';
	},
	kill_worker => sub {
		my $pid = worker_pid() or return;
		$crashes++ if kill 'KILL', $pid;
		server_answers($node, $db);
	},
	terminate => sub {
		my $pid = worker_pid() or return;
		quietly("SELECT pg_terminate_backend($pid)");
	},
	restart => sub { $node->restart(chance(qw(fast immediate))); },
	carrier_restart => sub { $sim->kill9; sleep(rand 2); $sim->start_again; },
	reload => sub {
		set_conf($node, 'rcs.campaign_workers' => 1 + int rand 3, 'rcs.max_in_flight' => 5 + int rand 500);
	},
	slow => sub { $sim->set(latency_ms => int rand 50, slow_pct => 1, slow_ms => 1_500); },
	unknown => sub {
		$sim->set(chance(qw(accept_then_500_pct accept_then_close_pct garbage_pct)) => 1 + rand 5);
	},
	refused => sub { $sim->set(error_pct => rand 5, error_code => chance('71001', '72104', '54002')); },
	cut => sub { $sim->set(chance(qw(close_pct html_pct hang_pct)) => rand 5); },
	tokens => sub { $sim->request('POST', 'set', { expire_tokens => 1 }); },
	keepalive => sub { $sim->set(close_keepalive_every => 5 + int rand 50); },
	calm => \&calm);

my @names = sort keys %faults;
my %count;
my $end = time() + $seconds;

$faults{campaign}->();
while (time() < $end)
{
	my $name = chance(@names, 'campaign', 'singles', 'calm');
	$count{$name}++;
	$faults{$name}->();
	sleep(rand 0.5);
}
calm();
server_answers($node, $db);
note join ', ', map { "$_ $count{$_}" } sort keys %count;

# a rate that the carrier's "too fast" has lowered recovers by a tenth in ten seconds
for (1 .. 2) { last if $node->safe_psql($db, q{SELECT rcs_wait('150 seconds')}) eq 't'; }
drained($node, $db, 170, 'in calm weather everything leaves');
oracle($node, $db, $sim, name => "oracle, seed $seed", crashes => $crashes);
for my $id (sort keys %done)
{
	is($node->safe_psql($db, "SELECT offers FROM oracle.message WHERE id = '$id'"),
		0, 'a canceled message was never offered');
}
is( $node->safe_psql(
		$db, q{SELECT count(*) FROM rcs.campaign_progress WHERE total <> queued + sending + sent + delivered
		+ fell_back + failed + uncertain + canceled + expired + suppressed}),
	0,
	'the ten counts add up in every campaign');
note $node->safe_psql($db,
	"SELECT string_agg(status || ' ' || n, ', ') FROM (SELECT status, count(*) n FROM rcs.message_status GROUP BY 1) s");

done_testing();
