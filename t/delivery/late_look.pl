# A worker that has not yet seen a change of a campaign offers none of its messages, and after it has seen the
# change, none with the old text, though their intents were on disk.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::RealBin/../lib";
use PostgreSQL::Test::Utils;
use RcsTest;
use Test::More;
use Time::HiRes qw(sleep time);

my $bodies = PostgreSQL::Test::Utils::tempdir() . '/bodies';
my $node = rcs_node('main');
my $sim = start_ktsim(args => [ '--dump-bodies', $bodies ]);
my $db = rcs_database($node, 'shop');
# so slow that some of what is leased, and some of what has an intent, waits at any moment
setup_account($node, $db, $sim, options => { rate_per_minute => 1200 });
my $late = $node->data_dir . '/rcs_fault';

sub sql { return $node->safe_psql($db, $_[0]); }

# Offers as [second, has the new text]; each message is offered once.
sub offers
{
	my %new = map { (split /\t/)[0] => /new N/ ? 1 : 0 } split /\n/, slurp_file($bodies);
	return map { my @f = split /\t/; [ $f[1] / 1e6, $new{ $f[3] } ] } grep { !/^#/ } split /\n/, slurp_file($sim->ledger);
}

my $campaign = campaign($node, $db, 200);
poll($node, $db, "SELECT accepted > 20 FROM rcs.campaign_progress WHERE campaign = '$campaign'", 't', 30, 'it is sent');

# From here on the worker does not get round to looking.
append_to_file("$late.new", "campaign-look late\n");
rename "$late.new", $late or die "rename: $!";
sql("BEGIN; SELECT rcs_campaign_pause('$campaign');
	SELECT rcs_campaign_change('$campaign', message => '" . ($text =~ s/#\{name\}/new #{name}/r) . "');
	SELECT rcs_campaign_resume('$campaign'); COMMIT");
sleep(0.5); # what was being offered at the commit
my $from = time();
sleep(2);
is(sql("SELECT count(*) > 0 FROM rcs.intent i WHERE i.version = 1 AND EXISTS (
	SELECT FROM unnest(i.ords) o(ord) WHERE NOT EXISTS (SELECT FROM rcs.result r
		WHERE r.campaign_no = i.campaign_no AND r.batch_id = i.batch_id AND r.ord = o.ord AND r.attempt = i.attempt))"),
	't', 'intents with the old text wait');
my $looked = time();
unlink $late or die "unlink: $!";

drained($node, $db, 60, 'then it goes on', $campaign);
is(sql("SELECT sent, total FROM rcs.campaign_progress WHERE campaign = '$campaign'"), '200|200', 'all are sent');
my @offers = offers();
is(scalar(@offers), 200, 'each is offered once');
is(scalar(grep { $_->[0] > $from && $_->[0] < $looked } @offers), 0, 'nothing was offered before the worker had looked');
is(scalar(grep { $_->[0] > $from && !$_->[1] } @offers), 0, 'and after that nothing with the old text');
cmp_ok(scalar(grep { !$_->[1] } @offers), '>', 20, 'which went to those before');
oracle($node, $db, $sim);
is(complaints($node), 0, 'the log has no complaint');
$node->stop;
done_testing();
