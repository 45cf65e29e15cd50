# Campaigns that recur, by the example in doc/operations.md: pg_cron calls a function that makes and starts a
# campaign, as a role with no other rights; a second run on the same day makes no second campaign.
# The test waits for the next full minute.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::RealBin/../lib";
use PostgreSQL::Test::Utils;
use RcsTest;
use Test::More;

chomp(my $share = `pg_config --sharedir`);
plan skip_all => 'pg_cron is not installed: Debian has it as postgresql-15-cron' unless -e "$share/extension/pg_cron.control";

my $node = rcs_node('main',
	preload => 0,
	shared_preload_libraries => "'rcs, pg_cron'",
	'cron.database_name' => "'shop'",
	'cron.use_background_workers' => 'on');
my $sim = start_ktsim();
my $db = rcs_database($node, 'shop');
setup_account($node, $db, $sim);

# The example, with nothing changed but the hour, and without the run by hand, which comes later.
my $doc = slurp_file("$FindBin::RealBin/../../doc/operations.md");
my ($function, $commands) = $doc =~ /^### Campaigns that recur\n.*?^```sql\n(.*?)^```\n\n^```\n(.*?)^```\n/ms;
ok($function && $commands, 'there is an example');
my $by_hand = qr/^(SELECT birthday_campaign\(\);).*\n/m;
is($function =~ s/$by_hand//, 1, 'it has a run by hand');
my ($schedule) = $commands =~ /^(SELECT cron\.schedule\(.*?\);)/m;
is($schedule =~ s/'0 1 \* \* \*'/'* * * * *'/, 1, 'it is scheduled');
my ($unschedule) = $commands =~ /^(SELECT cron\.unschedule\(.*?\);)/m;

$node->safe_psql(
	$db, q{
	CREATE EXTENSION pg_cron;
	CREATE ROLE marketing LOGIN;
	GRANT USAGE ON FOREIGN SERVER kt TO marketing;
	GRANT USAGE ON SCHEMA cron TO marketing;
	GRANT CREATE ON SCHEMA public TO marketing;
	CREATE TABLE customer (id int PRIMARY KEY, phone text, name text, born date);
	INSERT INTO customer SELECT i, '010' || 20000000 + i, 'N' || i, (now() AT TIME ZONE 'Asia/Seoul')::date - CASE WHEN i <= 3 THEN 0 ELSE 10 END
		FROM generate_series(1, 10) i;
	GRANT SELECT ON customer TO marketing});
$node->safe_psql($db, "SET ROLE marketing; $function; $schedule " . ($schedule =~ s/'birthday'/'birthday again'/r));
poll($node, $db, q{SELECT count(*) FROM cron.job_run_details WHERE status = 'succeeded'}, 2, 100, 'both jobs have run');
poll($node, $db, q{SELECT state, sent, total, created_by FROM rcs.campaign_progress WHERE name LIKE '생일 %'}, 'finished|3|3|marketing', 30,
	'one campaign was made and started, and is sent');
is($node->safe_psql($db, q{SELECT b.day || ' ' || (c.name IS NOT NULL) FROM birthday_sent b LEFT JOIN rcs.campaign c ON c.id = b.campaign}),
	$node->safe_psql($db, q{SELECT substr(name, 4) || ' true' FROM rcs.campaign}), 'the day is written down');
is($node->safe_psql($db, q{SELECT count(*) FROM cron.job_run_details WHERE status NOT IN ('succeeded', 'running')}), 0, 'no run failed');
is($node->safe_psql($db, 'SET ROLE marketing; SELECT birthday_campaign() IS NULL'), 't', 'by hand on the same day nothing more is made');
is($node->safe_psql($db, "SET ROLE marketing; $unschedule"), 't', 'it is scheduled no more');
is($node->safe_psql($db, 'SELECT string_agg(jobname, $$,$$) FROM cron.job'), 'birthday again', 'only the other is left');
$node->safe_psql($db, q{SELECT cron.unschedule(jobid) FROM cron.job});
is($node->safe_psql($db, q{SELECT count(*) FROM rcs.message}), 3, 'three messages in all');
oracle($node, $db, $sim);
is(complaints($node), 0, 'the log has no complaint');
$node->stop;
done_testing();
