# rcs_cancel against workers that send: true means never offered, false means offered.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::RealBin/../lib";
use RcsTest;
use Test::More;
use Time::HiRes qw(sleep);

my $node = rcs_node('main', 'rcs.max_in_flight' => 30, 'rcs.batch_size' => 4000);
my $sim = start_ktsim(args => [ '--latency-ms', 10, '--set', 'latency_jitter_ms=20' ]);
my $db = rcs_database($node, 'shop');
setup_account($node, $db, $sim);

sub sql { return $node->safe_psql($db, $_[0]); }

# What each rcs_cancel answered.  Singles are canceled by chance, those of the campaign just where the
# worker is.  A worker takes its time between writing an intent and committing it.
sql(q{
	CREATE TABLE asked (id uuid, canceled boolean);
	CREATE PROCEDURE cancel_singles(n int) LANGUAGE plpgsql AS $$
	DECLARE m uuid;
	BEGIN
		FOR m IN SELECT id FROM rcs.message WHERE campaign_no = 0 ORDER BY random() LIMIT n
		LOOP
			INSERT INTO asked VALUES (m, rcs_cancel(m));
			COMMIT;
		END LOOP;
	END $$;
	CREATE PROCEDURE cancel_next(n int) LANGUAGE plpgsql AS $$
	DECLARE place int;
	BEGIN
		FOR i IN 1 .. n LOOP
			SELECT coalesce(max(ords[cardinality(ords)]), 0) + random() * 400 INTO place
			FROM rcs.intent WHERE campaign_no > 0;
			INSERT INTO asked SELECT id, rcs_cancel(id) FROM rcs.message WHERE campaign_no > 0 AND ord = place;
			COMMIT;
			PERFORM pg_sleep(0.004);	-- a worker skips a row that is locked
		END LOOP;
	END $$;
	CREATE FUNCTION linger() RETURNS trigger LANGUAGE plpgsql AS $$
	BEGIN
		PERFORM pg_catalog.pg_sleep(CASE WHEN NEW.campaign_no > 0 THEN 0.02 ELSE 0.001 END);
		RETURN NULL;
	END $$;
	CREATE TRIGGER linger AFTER INSERT ON rcs.intent FOR EACH ROW EXECUTE FUNCTION linger()});

my $total = 4000;
my $campaign = campaign($node, $db, $total);
sql(q{
	SELECT count(rcs_send('010' || i, 'hello')) FROM generate_series(30000001, 30002000) i;
	CREATE INDEX ON rcs.message (ord) WHERE campaign_no > 0});

my @cancelers = map { $node->background_psql($db, on_error_stop => 0) } 1 .. 4;
$cancelers[0]->{stdin} .= "CALL cancel_singles(1000);\n";
$cancelers[$_]->{stdin} .= "CALL cancel_next(700);\n" for 1 .. 3;
$_->{run}->pump_nb for @cancelers;

# Meanwhile the counts of the campaign add up in every snapshot

my $watch = $node->background_psql($db);
my (@bad, %seen);
for my $sample (1 .. 50)
{
	my $counts = $watch->query_safe(
		"SELECT queued + sending + sent + delivered + fell_back + failed + uncertain + canceled
			+ expired + suppressed, total, p::text
		FROM rcs.campaign_progress p WHERE campaign = '$campaign'");
	$seen{$counts} = 1;
	push @bad, $counts unless $counts =~ /^$total\|$total\|/;
	$_->{run}->pump_nb for @cancelers;
	sleep(0.02);
}
cmp_ok(scalar keys %seen, '>', 5, 'the campaign was watched while it ran');
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
is(complaints($node), 0, 'the log has no complaint');
$node->stop;
done_testing();
