# 200 users write while a campaign drains, at the same instant and within a second: all are answered once.  The
# test notes how long that takes.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::RealBin/../lib";
use PostgreSQL::Test::Utils;
use RcsListener;
use RcsTest;
use Test::More;
use Time::HiRes qw(sleep time);

my $db = 'shop';
my $bot = '0212351235';
my $node = rcs_node('main', 'rcs.chat_workers' => 1);
my $sim = start_ktsim(args => [ '--latency-ms', 2, '--set', 'report_mode=1' ]);
rcs_database($node, $db);
setup_account($node, $db, $sim);
listen_to($node, $db);
$sim->set(push_url => listener_url('/msgstatus'), mo_url => listener_url('/momsg'), push_authorization => "Bearer $secret");
sub sql { return $node->safe_psql($db, $_[0]); }
sql(q{INSERT INTO rcs.reply_rule (pattern, reply) VALUES ('^hi$', '"hello"')});

sub chats
{
	my ($name, $from, $seconds) = @_;
	my $began = time();
	if (!$seconds)
	{
		$sim->inbound(chatbotId => $bot, userContact => $from, text => 'hi', count => 200);
	}
	else
	{
		for my $i (0 .. 199)
		{
			my $early = $began + $seconds * $i / 200 - time();
			sleep($early) if $early > 0;
			$sim->inbound(chatbotId => $bot, userContact => sprintf('0%d', $from + $i), text => 'hi');
		}
	}
	# to look takes its share of the cores
	sleep(1) unless $seconds;
	poll($node, $db, "SELECT count(*), count(DISTINCT reply_message), count(problem) FROM rcs.inbound WHERE phone >= '$from' AND handled_at IS NOT NULL",
		'200|200|0', 30, "$name: all are answered");
	poll($node, $db, "SELECT count(*) FROM rcs.message_status WHERE phone >= '$from' AND campaign IS NULL AND sent_at IS NOT NULL", '200', 30,
		"$name: all answers are sent");
	times_of($name, $from);
	return;
}

sub p50_p99
{
	my @sorted = sort { $a <=> $b } @_;
	return sprintf 'p50 %.1f, p99 %.1f', @sorted[ 99, 197 ];
}

# As the ledgers of the carrier say: from the first try of the push to the arrival of the answer; and its parts
sub times_of
{
	my ($name, $from) = @_;
	my %pushed = map { my @f = split /\t/; @f > 8 && $f[2] eq 'inbound' ? ($f[3] => $f[8]) : () } split /\n/, slurp_file($sim->push_ledger);
	my %offered = map { my @f = split /\t/; @f > 6 && $f[6] eq 'accepted' ? ($f[3] => $f[1]) : () } split /\n/, slurp_file($sim->ledger);
	my @all = map { my ($reply_id, $id, @at) = split /\|/; [ map { $_ / 1000 } $pushed{$reply_id}, @at, $offered{$id} ] } split /\n/, sql(qq{
		SELECT i.reply_id, i.reply_message, (extract(epoch FROM i.received_at) * 1e6)::bigint, (extract(epoch FROM i.handled_at) * 1e6)::bigint,
			(SELECT (extract(epoch FROM min(x.at)) * 1e6)::bigint FROM rcs.intent x WHERE x.campaign_no = 0 AND x.batch_id = m.batch_id)
		FROM rcs.inbound i JOIN rcs.message m ON m.id = i.reply_message WHERE i.phone >= '$from'});
	is(scalar @all, 200, "$name: the carrier has all");
	note("$name, ms from the push to the answer at the carrier: " . p50_p99(map { $_->[4] - $_->[0] } @all));
	my @parts = ('to the listener', 'stored, to its answer', 'to the worker that sends it', 'to the carrier');
	for my $i (0 .. 3)
	{
		note("    $parts[$i]: " . p50_p99(map { $_->[ $i + 1 ] - $_->[$i] } @all));
	}
	return;
}

# plans are made, connections opened, a token fetched
$sim->inbound(chatbotId => $bot, userContact => '01010000000', text => 'hi', count => 20);
poll($node, $db, 'SELECT count(reply_message) FROM rcs.inbound', '20', 30, 'the first ones are answered');
drained($node, $db, 30, 'and sent');
chats('alone', '01030000000');
chats('alone, within a second', '01032000000', 1);
my $campaign = campaign($node, $db, 200_000, rate_per_minute => 120_000);
poll($node, $db, "SELECT accepted > 500 FROM rcs.campaign_progress WHERE campaign = '$campaign'", 't', 30, 'a campaign drains');
chats('beside a campaign and its reports', '01040000000');
chats('beside them, within a second', '01042000000', 1);
is(sql("SELECT queued > 0 FROM rcs.campaign_progress WHERE campaign = '$campaign'"), 't', 'which was still draining');
sql("SELECT rcs_campaign_cancel('$campaign')");
poll($node, $db, "SELECT queued + sending FROM rcs.campaign_progress WHERE campaign = '$campaign'", '0', 120, 'nothing of it is left');
drained($node, $db, 60, 'nor of anything else');
oracle($node, $db, $sim);
done_testing();
