# CREATE PUBLICATION ... FOR ALL TABLES, as Debezium, blue/green upgrades and AWS DMS make it, harms
# nothing: all that is changed or deleted has a replica identity.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::RealBin/../lib";
use RcsCopies;
use RcsTest;
use Test::More;

my $db = 'shop';
my $sim = start_ktsim();
my $node = original($sim, 'main', wal_level => 'logical', 'rcs.changes' => 'on', rate => 60000);

sub sql { return $node->safe_psql($db, $_[0]); }

sql('CREATE PUBLICATION everything FOR ALL TABLES');
is( sql(q{
		SELECT string_agg(c.relname, ', ' ORDER BY c.relname) FROM pg_class c
		WHERE c.relnamespace = 'rcs'::regnamespace AND c.relkind IN ('r', 'p') AND c.relpersistence = 'p'
		AND c.relreplident <> 'f' AND NOT EXISTS (
			SELECT FROM pg_index i WHERE i.indrelid = c.oid
			AND (c.relreplident = 'd' AND i.indisprimary OR c.relreplident = 'i' AND i.indisreplident))}),
	'', 'each table has a replica identity');

my $campaign = campaign($node, $db, 300);
sql(q{SELECT count(rcs_send('0103000' || i, 'hello', key => 'k' || i)) FROM generate_series(1000, 1049) i});
drained($node, $db, 60, 'all is sent');
sql(q{SELECT rcs_receive(jsonb_agg('{"status": "success", "serviceType": "RCSSMS", "mnoInfo": "KT", "bill": 1}'::jsonb
	|| jsonb_build_object('msgId', id))) FROM rcs.message});
poll($node, $db, "SELECT delivered FROM rcs.campaign_progress WHERE campaign = '$campaign'", 300, 20,
	'reports are counted');
is(sql(q{SELECT count(*) FROM rcs.message_status WHERE status = 'delivered'}), 350, 'for single messages, too');
poll($node, $db, 'SELECT count(*) FROM rcs_changes(0, 100000) WHERE message IS NOT NULL', 700, 20, 'changes are numbered');
sub without_error
{
	my ($query, $name) = @_;
	my ($rc, $out, $err) = $node->psql($db, $query);

	local $Test::Builder::Level = $Test::Builder::Level + 1;
	is($err, '', $name);
	return $out;
}

is(without_error(q{SELECT rcs_erase('01030001000')}, 'rcs_erase works'), 1, 'on one message');
without_error(q{
	UPDATE rcs.message SET created_at = created_at - interval '3 h';
	UPDATE rcs.result SET at = at - interval '3 h';
	UPDATE rcs.intent SET at = at - interval '3 h';
	UPDATE rcs.tally SET at = at - interval '3 h';
	UPDATE rcs.campaign SET created_at = created_at - interval '3 h', started_at = started_at - interval '3 h';
	UPDATE rcs.event SET received_at = received_at - interval '3 h'}, 'each table can be updated');
cmp_ok(without_error(q{SELECT rcs_purge('2 h')}, 'rcs_purge works') || 0, '>=', 300, 'on many');
without_error(q{DELETE FROM rcs._throughput WHERE minute < now() + interval '1 h'}, 'old minutes are deleted');
is(log_count($node, 'replica identity'), 0, 'no line in the log');
is(log_count($node, 'ERROR:  '), 0, 'of any kind');
$node->stop;
done_testing();
