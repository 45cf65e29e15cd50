# A new server by pg_dump --schema-only and a subscription sends nothing; then the cut-over of
# doc/operations.md: nothing is lost, nothing goes twice, no key and no number is used again.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::RealBin/../lib";
use PostgreSQL::Test::Utils;
use RcsCopies;
use RcsImages;
use RcsListener;
use RcsTest;
use Test::More;
use Time::HiRes qw(sleep time);

my $db = 'shop';
my $sim = start_ktsim();
my $old = original($sim, 'old', wal_level => 'logical', 'rcs.changes' => 'on', rate => 6000);
my $new = rcs_node('new', wal_level => 'logical', 'rcs.changes' => 'on', 'rcs.settle_dead' => '1s');

my $web = start_images();
$web->say('/a.png', body => png('a' x 3000), delay => 3);
$old->safe_psql($db, sprintf q{CREATE SERVER shop TYPE 'http' FOREIGN DATA WRAPPER rcs OPTIONS (url '%s')}, $web->url(''));
my $before = campaign($old, $db, 200, from => 10000000);
my $key = $old->safe_psql($db, q{SELECT rcs_send('01022220001', 'keyed', key => 'order 1')});
drained($old, $db, 60, 'a history');

# The new server, while the old one sends

$old->safe_psql($db, 'CREATE PUBLICATION everything FOR ALL TABLES');
my $schema = $PostgreSQL::Test::Utils::tmp_check . '/subscription.sql';
$old->command_ok([ 'pg_dump', '--schema-only', '--no-publications', '-f', $schema, '-p', $old->port, '-h', $old->host, $db ],
	'pg_dump --schema-only');
$new->safe_psql('postgres', "CREATE DATABASE $db");
$new->command_ok([ 'psql', '-X', '-q', '-v', 'ON_ERROR_STOP=1', '-f', $schema, '-p', $new->port, '-h', $new->host, $db ], 'loaded');
my $running = campaign($old, $db, 3000);
my $busy = busy_single($old, 20);
my $connection = $old->connstr . " dbname=$db";
$new->safe_psql($db, "CREATE SUBSCRIPTION moved CONNECTION '$connection' PUBLICATION everything");
poll($new, $db, q{SELECT coalesce(string_agg(srrelid::regclass::text, ', ' ORDER BY 1), '') FROM pg_subscription_rel WHERE srsubstate <> 'r'},
	'', 30, 'each table is copied');
held_soon($new, 10, 'the new server is on hold');
like(open_holds($new), qr/subscription/, 'it says why');
like($new->safe_psql($db, q{SELECT severity || ': ' || detail || '; ' || hint FROM rcs_health() WHERE "check" = 'hold'}),
	qr/^critical: .*subscription.*rcs_resume/s, 'so does rcs_health(), and what to do');
like($new->safe_psql($db, q{SELECT string_agg(DISTINCT reason, '; ') FROM rcs.message_status WHERE status = 'queued'}),
	qr/^(on hold: .*subscription.*)?$/, 'and a message that waits');

# neither fetches it an image, nor does it take what the carrier pushes
listen_to($new, $db);
my $image = $old->safe_psql($db, sprintf q{SELECT rcs_send('01022220002', '{"serviceType":"RCSMMS","header":"0","body":{"title":"t","description":"d","media":"%s"}}'::jsonb)},
	$web->url('/a.png'));
poll($new, $db, "SELECT status FROM rcs.message_status WHERE id = '$image'", 'queued', 10, 'a message with an image comes before it is sent');
is(push_to('/msgstatus', [ report($key) ]), 503, 'a report that is pushed to the new server is to come again');
singles_end($busy);
poll($old, $db, "SELECT status FROM rcs.message_status WHERE id = '$image'", 'sent', 20, 'the old server sends it');
is(scalar(my @requests = $web->requests('/a.png')), 1, 'the image was fetched once');
is($sim->stats->{file_offers}, 1, 'and uploaded once');
is($new->safe_psql($db, 'SELECT count(*) FROM rcs.event'), 0, 'the report is not stored');
is($new->safe_psql($db, 'SELECT count(*) FROM pg_stat_subscription WHERE pid IS NOT NULL AND relid IS NULL'), 1, 'the subscription runs');
is(log_count($new, 'duplicate key'), 0, 'without a conflict');
never_held($old, 'the old server was never on hold');
cmp_ok(longest_gap($sim), '<', 3, 'its one-time passwords go on');

# The cut-over in the midst of the campaign

$old->safe_psql($db, q{SELECT rcs_hold('cut-over', '20 s')});
my $offers = $sim->stats->{offers};
is(copied_offers($sim, $old), 0, 'the new server has offered nothing');
sleep(2);
my $lsn = $old->safe_psql($db, 'SELECT pg_current_wal_lsn()');
$old->poll_query_until($db, qq{SELECT replay_lsn >= '$lsn' FROM pg_stat_replication WHERE application_name = 'moved'});
cmp_ok($new->safe_psql($db, "SELECT queued FROM rcs.campaign_progress WHERE campaign = '$running'"), '>', 300, 'there is a rest');
is( $new->safe_psql($db, 'SELECT campaign, total, queued, sending, sent, uncertain FROM rcs.campaign_progress ORDER BY 1'),
	$old->safe_psql($db, 'SELECT campaign, total, queued, sending, sent, uncertain FROM rcs.campaign_progress ORDER BY 1'),
	'both count the same');
my %last = map { $_ => $old->safe_psql($db, "SELECT last_value FROM rcs.$_") } qw(campaign_no_seq batch_id_seq generation_seq change_seq);
$new->safe_psql($db, 'ALTER SUBSCRIPTION moved DISABLE');
$new->safe_psql($db, q{SELECT rcs_resume('cut-over')});
cmp_ok($new->safe_psql($db, 'SELECT last_value FROM rcs.batch_id_seq'), '>=',
	$new->safe_psql($db, 'SELECT max(batch_id) FROM (SELECT batch_id FROM rcs.batch UNION ALL SELECT batch_id FROM rcs.message) x'),
	'rcs_resume() puts the sequences past what the tables hold');
drained($new, $db, 60, 'the new server sends the rest');
is(push_to('/msgstatus', [ report($key) ]), 200, 'now it takes reports');
my $after = campaign($new, $db, 50, from => 50000000);
is($new->safe_psql($db, q{SELECT rcs_send('01022220001', 'keyed', key => 'order 1')}), $key, 'an old key stays used');
$new->safe_psql($db, q{SELECT rcs_send('01022220009', 'new')});
drained($new, $db, 60, 'and what is new');
is(open_holds($new), '', 'nothing is on hold any more');
is(ids_twice($sim), 0, 'no id is accepted twice');
is(phones_twice($sim), 0, 'no phone');
poll($new, $db, q{SELECT count(*) FROM rcs_changes(0, 100000) WHERE status = 'sent' AND message IS NOT NULL},
	$new->safe_psql($db, q{SELECT count(*) FROM rcs.message}), 20, 'each change is in the feed once');
oracle($new, $db, $sim);
$_->stop for $old, $new;
done_testing();
