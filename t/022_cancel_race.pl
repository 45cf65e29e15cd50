# rcs_cancel against workers that send: true means never offered, false means offered.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::RealBin/lib";
use RcsTest;
use Test::More;
use Time::HiRes qw(sleep);

my $node = rcs_node('main', 'rcs.max_in_flight' => 30, 'rcs.batch_size' => 200);
my $sim = start_ktsim(args => [ '--latency-ms', 10, '--set', 'latency_jitter_ms=20' ]);
my $db = rcs_database($node, 'shop');
setup_account($node, $db, $sim);

sub sql { return $node->safe_psql($db, $_[0]); }

# What each rcs_cancel answered, and which of them was asked when.
sql(q{
	CREATE TABLE asked (id uuid, canceled boolean);
	CREATE PROCEDURE cancel_some(stream text, n int) LANGUAGE plpgsql AS $$
	DECLARE m uuid;
	BEGIN
		FOR m IN SELECT id FROM rcs.message WHERE (campaign_no = 0) = (stream = 'single')
			ORDER BY random() LIMIT n
		LOOP
			INSERT INTO asked VALUES (m, rcs_cancel(m));
			COMMIT;
		END LOOP;
	END $$});

my $total = 4000;
my $campaign = campaign($node, $db, $total);
sql("SELECT count(rcs_send('010' || i, 'hello')) FROM generate_series(30000001, 30002000) i");

my @cancelers = map { $node->background_psql($db, on_error_stop => 0) } 1 .. 3;
$_->{stdin} .= "CALL cancel_some('single', 500);\nCALL cancel_some('campaign', 500);\n" for @cancelers[ 0, 1 ];
$cancelers[2]->{stdin} .= "CALL cancel_some('campaign', 1000);\n";
$_->{run}->pump_nb for @cancelers;

# Meanwhile the counts of the campaign add up in every snapshot

my $watch = $node->background_psql($db);
my @bad;
for my $sample (1 .. 50)
{
	my $counts = $watch->query_safe(
		"SELECT queued + sending + sent + delivered + fell_back + failed + uncertain + canceled
			+ expired + suppressed, total, p::text
		FROM rcs.campaign_progress p WHERE campaign = '$campaign'");
	push @bad, $counts unless $counts =~ /^$total\|$total\|/;
	$_->{run}->pump_nb for @cancelers;
	sleep(0.02);
}
is("@bad", '', 'the counts of campaign_progress add up to the total in 50 snapshots');
$watch->quit;
$_->query('SELECT 1') for @cancelers;
$_->quit for @cancelers;

drained($node, $db, 120, 'the rest leaves');
my $asked = sql('SELECT count(*) FILTER (WHERE canceled), count(*) FILTER (WHERE NOT canceled) FROM asked');
note "canceled|too late: $asked";
unlike($asked, qr/\b0\b/, 'some were canceled, some were not');

oracle($node, $db, $sim);
is( sql(q{
		SELECT a.id, m.status, m.offers FROM asked a JOIN oracle.message m USING (id)
		WHERE a.canceled AND (m.status <> 'canceled' OR m.offers > 0)}),
	'', 'what was canceled was never offered, and is shown so');
is( sql(q{
		SELECT a.id, m.status, m.offers FROM asked a JOIN oracle.message m USING (id)
		WHERE NOT a.canceled AND m.offers = 0}),
	'', 'what was not canceled was offered');
is( sql(q{
		SELECT id FROM asked GROUP BY id HAVING bool_or(canceled) <> bool_and(canceled)}),
	'', 'every answer about a message is the same');
is( sql("SELECT sent, canceled FROM rcs.campaign_progress WHERE campaign = '$campaign'"),
	sql(q{SELECT count(*) FILTER (WHERE status = 'sent'), count(*) FILTER (WHERE status = 'canceled')
		FROM oracle.message WHERE campaign_no > 0}),
	'campaign_progress counts what the messages say');
is(log_count($node, 'ERROR|FATAL|PANIC|WARNING'), 0, 'the log has no complaint');
$node->stop;
done_testing();
