# The connection is cut at each offset of a dialogue, in both directions, in order or by a reset:
# no message is lost or sent twice, and only messages that were written to the connection are in doubt.
#
# The normal run takes a sample of the offsets, RCS_LONG=1 every one.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::RealBin/../lib";
use RcsProxy;
use RcsTest;
use Test::More;
use Time::HiRes qw(sleep time);

my $node = rcs_node('main', 'rcs.settle' => '50ms', 'rcs.request_timeout' => '2s');
my $sim = start_ktsim();
my $proxy = start_proxy($sim->port);
my $db = rcs_database($node, 'shop');
setup_account($node, $db, $sim, options => { url => 'http://127.0.0.1:' . $proxy->port . '/corp/v1' });

my $phone = 11110000;

sub sql { return $node->safe_psql($db, $_[0]); }

sub single { return sql(sprintf "SELECT rcs_send('010%d', 'hello')", ++$phone); }

# The outcomes of all attempts, as letters
sub outcomes
{
	my ($id) = @_;
	return sql(qq{SELECT string_agg(r.outcome::text, '' ORDER BY r.attempt) FROM rcs.message m
		JOIN rcs.result r USING (campaign_no, batch_id, ord) WHERE m.id = '$id'});
}

sub accepted
{
	my ($id) = @_;
	my @lines = grep { /\t$id\t/ } split /\n/, PostgreSQL::Test::Utils::slurp_file($sim->ledger);
	return scalar grep { /\taccepted\t/ } @lines;
}

# How long is a dialogue?  The token is there already.

my $id = single();
drained($node, $db, 30, 'a message leaves', $id);
my $before = $proxy->stats;
$id = single();
drained($node, $db, 30, 'a second one leaves', $id);
my $stats = $proxy->stats;
my %length = map { $_ => $stats->{"bytes_$_"} - $before->{"bytes_$_"} } qw(up down);
note "request $length{up} bytes, answer $length{down} bytes";

sub offsets
{
	my ($way) = @_;
	my $last = $length{$way} - 1;
	return (0 .. $last) if $ENV{RCS_LONG};
	my $step = int($last / 4);
	my %sample = map { $_ => 1 } 0, 1, (map { $_ * $step } 1 .. 3), $last - 1, $last;
	return sort { $a <=> $b } keys %sample;
}

my (@wrong, $tried);
for my $way (qw(up down))
{
	for my $reset (0, 1)
	{
		for my $offset (offsets($way))
		{
			# the kept connection goes, so that the next one begins with this message
			$proxy->cut;
			$proxy->set("cut_$way" => $offset, reset => $reset, once => 1);
			$id = single();
			my ($rc, $out) = $node->psql($db, "SELECT rcs_wait('30 seconds', '$id')");
			my $seen = outcomes($id);
			my $n = accepted($id);
			$tried++;
			# bytes were written in each case, and the request was whole or it was not
			push @wrong, "$way $offset reset=$reset: outcomes $seen, accepted $n"
			  unless $out eq 't' && $n == 1 && $seen =~ /^w*t+a$/;
			$proxy->heal;
		}
	}
}
is(join("\n", @wrong), '', "cut at $tried offsets: in doubt, offered again, sent");
is($proxy->stats->{cuts} >= $tried, 1, 'the proxy did cut');
oracle($node, $db, $sim, name => 'cut within a dialogue');

# A refused connection: nothing was written, nothing is in doubt

$proxy->cut;
$proxy->set(refuse => 1);
$id = single();
poll($node, $db, "SELECT status, reason ~* 'connect' FROM rcs.message_status WHERE id = '$id'", 'queued|t', 30,
	'refused: the message waits');
sleep(2);
$proxy->heal;
drained($node, $db, 60, 'when connections are taken again it leaves', $id);
like(outcomes($id), qr/^w*a$/, 'refused: it was never in doubt');

# Cuts while a login is under way, and among many

for my $way (qw(up down))
{
	for my $offset (0, 20, 200)
	{
		$proxy->cut;
		$proxy->set("cut_$way" => $offset, once => 1);
		my $ok = sql("SELECT ok FROM rcs_account_check('kt')");
		is($ok, 'f', "a login cut $way at $offset fails");
		$proxy->heal;
	}
}
is(sql("SELECT ok FROM rcs_account_check('kt')"), 't', 'the next login works');

$sim->set(latency_ms => 10);
my $campaign = campaign($node, $db, 2000);
my $end = time() + 4;
while (time() < $end)
{
	$proxy->cut(rand() < 0.5 ? 'reset' : undef);
	sleep(0.3);
}
drained($node, $db, 120, 'all connections cut now and then: everything leaves', $campaign);
is(sql("SELECT sent FROM rcs.campaign_progress WHERE campaign = '$campaign'"), 2000, 'all are sent');

oracle($node, $db, $sim);
is(log_count($node, 'ERROR|FATAL|PANIC|WARNING:  (?!carrier account)'), 0, 'the log has no complaint');
$node->stop;
done_testing();
