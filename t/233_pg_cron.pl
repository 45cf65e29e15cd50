# Campaigns that recur: pg_cron calls a function that makes and starts one, as a role that may no more than
# that; a second run on the same day makes no second one.  It waits for the next full minute.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::RealBin/lib";
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

# as doc/operations.md has it
$node->safe_psql(
	$db, qq{
	CREATE EXTENSION pg_cron;
	CREATE ROLE marketing LOGIN;
	GRANT USAGE ON FOREIGN SERVER kt TO marketing;
	GRANT USAGE ON SCHEMA cron TO marketing;
	GRANT CREATE ON SCHEMA public TO marketing;
	CREATE TABLE customer (id int PRIMARY KEY, phone text, name text, born date);
	INSERT INTO customer SELECT i, '010' || 20000000 + i, 'N' || i, (now() AT TIME ZONE 'Asia/Seoul')::date - CASE WHEN i <= 3 THEN 0 ELSE 10 END
		FROM generate_series(1, 10) i});
$node->safe_psql(
	$db, qq{
	GRANT SELECT ON customer TO marketing;
	SET ROLE marketing;
	CREATE TABLE birthday_sent (day date PRIMARY KEY, campaign uuid);
	CREATE FUNCTION birthday_campaign() RETURNS uuid LANGUAGE plpgsql AS \$f\$
	DECLARE
		today date := (now() AT TIME ZONE 'Asia/Seoul')::date;
		c uuid;
	BEGIN
		-- the row of a day is its lock, too: a second run on the same day does nothing
		INSERT INTO birthday_sent (day) VALUES (today) ON CONFLICT DO NOTHING;
		IF NOT FOUND THEN
			RETURN NULL;
		END IF;
		c := rcs_campaign_create('birthday ' || today, '$text', expires_at => now() + interval '10 hours');
		PERFORM rcs_campaign_add(c, format('SELECT phone, name, id AS ref FROM customer WHERE to_char(born, ''MMDD'') = %L', to_char(today, 'MMDD')));
		PERFORM rcs_campaign_start(c);
		UPDATE birthday_sent SET campaign = c WHERE day = today;
		RETURN c;
	END \$f\$;
	SELECT cron.schedule('birthday', '* * * * *', 'SELECT birthday_campaign()'),
		cron.schedule('birthday again', '* * * * *', 'SELECT birthday_campaign()')});
poll($node, $db, q{SELECT count(*) FROM cron.job_run_details WHERE status = 'succeeded'}, 2, 100, 'both jobs have run');
poll($node, $db, q{SELECT state, sent, total, created_by FROM rcs.campaign_progress WHERE name LIKE 'birthday %'}, 'finished|3|3|marketing', 30,
	'one campaign was made and started, and is sent');
is($node->safe_psql($db, q{SELECT b.day || ' ' || (c.name IS NOT NULL) FROM birthday_sent b LEFT JOIN rcs.campaign c ON c.id = b.campaign}),
	$node->safe_psql($db, q{SELECT substr(name, 10) || ' true' FROM rcs.campaign}), 'the day is written down');
is($node->safe_psql($db, q{SELECT count(*) FROM cron.job_run_details WHERE status NOT IN ('succeeded', 'running')}), 0, 'no run failed');
$node->safe_psql($db, q{SELECT cron.unschedule(jobid) FROM cron.job});
oracle($node, $db, $sim);
is(complaints($node), 0, 'the log has no complaint');
$node->stop;
done_testing();
