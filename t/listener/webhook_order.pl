# Reports in any order, any number of times, before and after the results that they are about: the
# state is the same as when they come once and in order.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::RealBin/../lib";
use JSON::PP;
use List::Util qw(shuffle);
use PostgreSQL::Test::Utils;
use RcsListener;
use RcsTest;
use Test::More;

my $n = $ENV{RCS_LONG} ? 50_000 : 1_500;
my $seed = $ENV{RCS_SEED} || time;
my $campaign = '5eed0000-0000-4000-8000-000000000001';
srand $seed;
note("RCS_SEED=$seed");

my $node = rcs_node('main');
my %sim;
# the same messages in both, each with a carrier of its own
for my $db (qw(shuffled sorted))
{
	$sim{$db} = start_ktsim();
	rcs_database($node, $db);
	setup_account($node, $db, $sim{$db}, server => "kt_$db");
	$node->safe_psql($db, qq{
		SELECT rcs_campaign_create('order', '$text', id => '$campaign');
		SELECT rcs_campaign_add('$campaign', 'SELECT ''010'' || i AS phone, ''N'' AS name
			FROM generate_series(20000001, 20000000 + $n) AS i')});
}
listen_to($node, 'shuffled');

# What the carrier says of the i-th message: nothing, one thing, or first this and then that.
my @fates = (
	sub { report($_[0]) },
	sub { report($_[0], status => 'fail', error => { code => '54002', message => 'not an RCS phone' }) },
	sub { report($_[0], status => 'fail', error => { code => '54002' }), report($_[0], serviceType => 'SMS', mnoInfo => 'SKT') },
	sub { report($_[0], status => 'fail', error => { code => '55806' }), report($_[0]) },
	sub { report($_[0], bill => 0), report($_[0], serviceType => 'LMS') },
	sub { report($_[0], status => 'fail', serviceType => 'SMS', legacyError => { code => '10' }) },
	sub { () },
	sub { report($_[0], timestamp => '2020-01-01T00:00:00.000+09', sentTime => 'yesterday', bill => 'x') });
my @ids = split /\n/, $node->safe_psql('sorted', 'SELECT id FROM rcs.message ORDER BY id');
is($node->safe_psql('shuffled', 'SELECT md5(string_agg(id::text, $$,$$ ORDER BY id)) FROM rcs.message'),
	$node->safe_psql('sorted', 'SELECT md5(string_agg(id::text, $$,$$ ORDER BY id)) FROM rcs.message'), 'the same messages');
my @sorted = map { $fates[ $_ % @fates ]->($ids[$_]) } 0 .. $#ids;

# Pushes them in bodies of one to sixty.
sub push_all
{
	my (@reports) = @_;
	my %status;
	while (@reports)
	{
		my @some = splice @reports, 0, 1 + int rand 60;
		$status{ push_to('/msgstatus', @some > 1 ? \@some : $some[0]) }++;
	}
	return join ',', sort keys %status;
}

# In order, after everything is sent

$node->safe_psql('sorted', "SELECT rcs_campaign_start('$campaign')");
drained($node, 'sorted', 120, 'all are sent', $campaign);
my $stored = 0;
for (my $i = 0; $i < @sorted; $i += 500)
{
	my $last = $i + 499 < $#sorted ? $i + 499 : $#sorted;
	my $json = encode_json([ @sorted[ $i .. $last ] ]);
	$stored += $node->safe_psql('sorted', "SELECT rcs_receive(\$json\$$json\$json\$)");
}
is($stored, scalar @sorted, 'each is stored when it comes in order');

# In any order: a third before anything is sent, a third while it is, all of them after, some again and again

my @shuffled = shuffle @sorted;
my $third = int(@shuffled / 3);
my @unknown = map { report(sprintf 'dead0000-0000-4000-8000-%012d', $_) } 1 .. 200;
is(push_all(@shuffled[ 0 .. $third ]), '200', 'reports before the results');
is($node->safe_psql('shuffled', 'SELECT count(*) FROM rcs.event'), $third + 1, 'are stored at once');
is($node->safe_psql('shuffled', "SELECT count(*) FROM rcs.message_status WHERE status NOT IN ('queued', 'delivered', 'fell_back')"), 0,
	'what is not sent yet is queued, unless it has arrived');
$node->safe_psql('shuffled', "SELECT rcs_campaign_start('$campaign')");
is(push_all(shuffle(@shuffled[ $third .. 2 * $third ], @unknown)), '200', 'reports while they are sent');
drained($node, 'shuffled', 120, 'all are sent', $campaign);
is(push_all(reverse @shuffled), '200', 'all reports, reversed');
is(push_all(shuffle(@sorted, @shuffled[ 0 .. $third ])), '200', 'and again, some twice');

# The same end

my $events = 'SELECT count(*), count(DISTINCT (message, status, service_type)) FROM rcs.event';
is($node->safe_psql('shuffled', $events), @sorted . '|' . @sorted, 'each is stored once');
poll($node, $_, 'SELECT count(*) FROM rcs.event WHERE NOT counted', 0, 60, "$_: all are counted") for qw(shuffled sorted);
my $states = 'SELECT id, status FROM rcs.message_status ORDER BY id';
is($node->safe_psql('shuffled', "SELECT md5(string_agg(x::text, ',')) FROM ($states) x"),
	$node->safe_psql('sorted', "SELECT md5(string_agg(x::text, ',')) FROM ($states) x"), 'each message is in the same state');
my $ten = join ', ', qw(queued sending sent delivered fell_back failed uncertain canceled expired suppressed);
my $counts = "SELECT total, accepted, $ten FROM rcs.campaign_progress";
is($node->safe_psql('shuffled', $counts), $node->safe_psql('sorted', $counts), 'the counts are the same');
is($node->safe_psql('shuffled', $counts), $node->safe_psql('shuffled', qq{
	SELECT $n, $n, } . join(', ', map { "count(*) FILTER (WHERE status = '$_')" } split /, /, $ten) . ' FROM rcs.message_status'),
	'and those of the messages');
is($node->safe_psql('shuffled', "SELECT count(*), count(DISTINCT payload->>'msgId') FROM rcs.quarantine"), '200|200',
	'what nobody sent is kept aside');

# A canceled message, and a report that comes for it all the same

my $id = $node->safe_psql('shuffled', "SELECT rcs_send('01011110000', 'later', send_at => now() + interval '1 day')");
$node->safe_psql('shuffled', "SELECT rcs_cancel('$id')");
is(push_to('/msgstatus', report($id, status => 'fail', error => { code => '54002' })), 200, 'a failure of a canceled message');
is($node->safe_psql('shuffled', "SELECT status FROM rcs.message_status WHERE id = '$id'"), 'canceled', 'it stays canceled');

# The quarantine has an end

$node->safe_psql('shuffled', q{SELECT rcs_receive(jsonb_agg(i)) FROM generate_series(1, 10500) i});
is($node->safe_psql('shuffled', 'SELECT count(*), max(payload::text) FILTER (WHERE payload::text ~ $$^10500$$) FROM rcs.quarantine'), '10000|10500',
	'only the latest 10,000 are kept');
oracle($node, $_, $sim{$_}, name => "oracle of $_") for qw(shuffled sorted);
$node->stop;
done_testing();
