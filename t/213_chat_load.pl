# 200 users at once write while a campaign drains: all are answered once, and how long that takes is noted.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::RealBin/lib";
use PostgreSQL::Test::Utils;
use RcsListener;
use RcsTest;
use Test::More;
use Time::HiRes qw(sleep);

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
	my ($name, $from) = @_;
	$sim->inbound(chatbotId => $bot, userContact => $from, text => 'hi', count => 200);
	poll($node, $db, "SELECT count(*), count(DISTINCT reply_message), count(problem) FROM rcs.inbound WHERE phone >= '$from' AND handled_at IS NOT NULL",
		'200|200|0', 30, "$name: all are answered");
	poll($node, $db, "SELECT count(*) FROM rcs.message_status WHERE phone >= '$from' AND campaign IS NULL AND sent_at IS NOT NULL", '200', 30,
		"$name: all answers are sent");
	# as the carrier's ledgers say: first try of the push, and arrival of the answer
	my %pushed = map { my @f = split /\t/; @f > 8 && $f[2] eq 'inbound' ? ($f[3] => $f[8]) : () } split /\n/, slurp_file($sim->push_ledger);
	my %offered = map { my @f = split /\t/; @f > 6 && $f[6] eq 'accepted' ? ($f[3] => $f[1]) : () } split /\n/, slurp_file($sim->ledger);
	my @ms = sort { $a <=> $b } map { my ($reply_id, $id) = split /\|/; ($offered{$id} - $pushed{$reply_id}) / 1000 }
	  split /\n/, sql("SELECT reply_id, reply_message FROM rcs.inbound WHERE phone >= '$from'");
	is(scalar @ms, 200, "$name: the carrier has all");
	note(sprintf '%s: from the push to the answer at the carrier: p50 %.1f ms, p99 %.1f ms, longest %.1f ms', $name, @ms[ 99, 197, 199 ]);
	return;
}

chats('alone', '01030000000');
my $campaign = campaign($node, $db, 40_000, rate_per_minute => 120_000);
poll($node, $db, "SELECT accepted > 500 FROM rcs.campaign_progress WHERE campaign = '$campaign'", 't', 30, 'a campaign drains');
chats('beside a campaign and its reports', '01040000000');
is(sql("SELECT queued > 0 FROM rcs.campaign_progress WHERE campaign = '$campaign'"), 't', 'which was still draining');
drained($node, $db, 60, 'the rest');
oracle($node, $db, $sim);
done_testing();
