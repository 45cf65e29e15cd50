# Workers that have nothing to do ask for nothing: at most sixty statements a minute of all of them, and
# what comes then is as quick as ever.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::RealBin/../lib";
use PostgreSQL::Test::Utils;
use RcsListener;
use RcsTest;
use Test::More;
use Time::HiRes qw(sleep time);

my $node = rcs_node('main', preload => 0, shared_preload_libraries => "'rcs,pg_stat_statements'", 'rcs.chat_workers' => 1);
plan skip_all => 'pg_stat_statements is not installed'
  if $node->safe_psql('postgres', q{SELECT count(*) FROM pg_available_extensions WHERE name = 'pg_stat_statements'}) == 0;
my $sim = start_ktsim();
my $db = rcs_database($node, 'shop');
$node->safe_psql($db, 'CREATE EXTENSION pg_stat_statements');
setup_account($node, $db, $sim);
listen_to($node, $db);

sub sql { return $node->safe_psql($db, $_[0]); }

# Something has happened, and something is scheduled
drained($node, $db, 30, 'a campaign is sent', campaign($node, $db, 1000));
campaign($node, $db, 10, from => 30000000, start_at => '2099-01-01');
sql("SELECT rcs_send('01011110000', 'hello', send_at => '2099-01-01')");
sql("SELECT rcs_send('01011110001', 'hello')");
sleep($ENV{RCS_LONG} ? 60 : 5);

# What is done once a minute may fall into the time that is watched, or not
my $watched = $ENV{RCS_LONG} ? 120 : 20;
sql('SELECT pg_stat_statements_reset()');
sleep($watched);
my $calls = sql(q{SELECT coalesce(sum(calls), 0) FROM pg_stat_statements WHERE query !~ 'pg_stat_statements'});
my $most = $ENV{RCS_LONG} ? 120 : 35;
cmp_ok($calls, '<=', $most, "$calls statements in $watched s");
note sql(q{SELECT string_agg(calls || '  ' || left(regexp_replace(query, '\s+', ' ', 'g'), 100), E'\n') FROM
	(SELECT * FROM pg_stat_statements ORDER BY calls DESC LIMIT 25) s});

# Quick all the same

sub quick
{
	my ($what, $limit, $do, $wait) = @_;
	my @took;
	for (1 .. ($ENV{RCS_LONG} ? 3 : 1))
	{
		sleep($ENV{RCS_LONG} ? 12 : 1);
		my $start = time();
		$wait->($do->());
		push @took, time() - $start;
	}
	@took = sort { $a <=> $b } @took;
	return took($took[$#took / 2], $limit, $what);
}

my $from = 40000000;
my $leaves = sub { drained($node, $db, 20, 'it leaves', $_[0]) };
quick('a single message', 0.5, sub { sql("SELECT rcs_send('01011112222', 'hello')") }, $leaves);
quick('a campaign', 1.5, sub { campaign($node, $db, 5, from => ($from += 100)) }, $leaves);
quick('a message of a transaction in two phases', 2.5, sub {
	sql("BEGIN; SELECT rcs_send('01011113333', 'hello'); PREPARE TRANSACTION 'two'");
	sql(q{COMMIT PREPARED 'two'});
	return sql('SELECT id FROM rcs.message ORDER BY batch_id DESC LIMIT 1');
}, $leaves);
quick('a message for a moment from now', 2, sub { sql("SELECT rcs_send('01011114444', 'hello', send_at => now() + interval '1 s')") }, $leaves);
quick('a report', 1.5, sub { my $id = sql('SELECT m.id FROM rcs.message m WHERE campaign_no > 0 AND NOT EXISTS (SELECT FROM rcs.event e WHERE e.message = m.id) AND EXISTS (SELECT FROM rcs.result r WHERE r.batch_id = m.batch_id) LIMIT 1');
	sql(qq{SELECT rcs_receive('[{"msgId": "$id", "status": "success", "serviceType": "RCSSMS"}]')}); $id }, sub {
	poll($node, $db, "SELECT counted FROM rcs.event WHERE message = '$_[0]'", 't', 20, 'it is counted') });
quick('a hold', 1, sub { sql("SELECT rcs_hold('test')"); sql("SELECT rcs_resume('test')"); sql("SELECT rcs_send('01011115555', 'hello')") }, $leaves);

is(complaints($node), 0, 'the log has no complaint');
$node->stop;
done_testing();
