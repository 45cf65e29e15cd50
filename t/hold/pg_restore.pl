# Ways to restore: each works, or is refused with the right advice, and never doubles a count.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::RealBin/../lib";
use IPC::Run ();
use PostgreSQL::Test::Utils;
use RcsCopies;
use RcsTest;
use Test::More;
use Time::HiRes qw(sleep time);

my $db = 'shop';
my $sim = start_ktsim();
my $main = original($sim, 'main', rate => 60000);
my $tmp = $PostgreSQL::Test::Utils::tmp_check;
my @connect = ('-p', $main->port, '-h', $main->host);

# Two roles with a campaign each; "again" is dropped, and made anew under its name.
sub create { my ($node, $role) = @_;
	return $node->safe_psql($db, qq{SET ROLE $role; SELECT rcs_campaign_create('of $role', '{"serviceType": "RCSSMS", "header": "0", "body": {"description": "x"}}'::jsonb)}); }
sub preview { my ($node, $role, $id, $in) = @_;
	return ($node->psql($in // $db, "SET ROLE $role; SELECT count(*) FROM rcs_campaign_preview('$id')"))[0] == 0 ? 'may' : 'may not'; }
$main->safe_psql('postgres', 'CREATE ROLE stays; CREATE ROLE again; CREATE ROLE missing');
$main->safe_psql($db, 'GRANT USAGE ON FOREIGN SERVER kt TO stays, again, missing');
my %whose = map { $_ => create($main, $_) } 'stays', 'again', 'missing';
$main->safe_psql($db, q{
	UPDATE rcs.chatbot SET owner = 'missing';
	INSERT INTO rcs.reply_rule (pattern, reply, owner) VALUES ('^stays$', '"x"', 'stays'), ('^missing$', '"x"', 'missing');
	REVOKE USAGE ON FOREIGN SERVER kt FROM again, missing; DROP ROLE again; CREATE ROLE again});
is(preview($main, 'again', $whose{again}), 'may not', 'a role made anew has not what the dropped one had');
$main->safe_psql($db, 'SELECT rcs._follow_roles()'); # as a worker does once a minute

my $campaign = campaign($main, $db, 1000);
$main->safe_psql($db, qq{SELECT rcs_campaign_add('$campaign', '{12}'::text[])});
$main->safe_psql($db, q{SELECT count(rcs_send('0103000' || i, 'hello', key => 'k' || i)) FROM generate_series(1000, 1049) i});
drained($main, $db, 60, 'all is sent');
$main->safe_psql($db, q{SELECT rcs_receive(jsonb_agg('{"status": "success", "serviceType": "RCSSMS", "bill": 1}'::jsonb
	|| jsonb_build_object('msgId', id))) FROM (SELECT id FROM rcs.message WHERE campaign_no > 0 LIMIT 600) x});
poll($main, $db, "SELECT delivered FROM rcs.campaign_progress WHERE campaign = '$campaign'", 600, 20, 'reports are counted');
$main->safe_psql($db, q{UPDATE rcs.tally SET at = at - interval '10 min'});
command_ok([ 'pg_dump', '-Fc', '-f', "$tmp/pg_restore.dump", @connect, $db ], 'pg_dump');
command_ok([ 'pg_dump', '-Fp', '--clean', '--if-exists', '-f', "$tmp/pg_restore_clean.sql", @connect, $db ], 'pg_dump --clean');

my $all = q{
	SELECT (SELECT array_agg((total, queued, sent, delivered, rejected, accepted)::text ORDER BY created_at) FROM rcs.campaign_progress)::text
	|| (SELECT array_agg((status, n)::text ORDER BY status, n) FROM rcs.campaign_result)::text
	|| (SELECT count(*) FROM rcs.rejected) || ' ' || (SELECT count(*) FROM rcs.campaign_history)
	|| ' ' || (SELECT count(*) FROM rcs.intent)};
my $counts = $main->safe_psql($db, $all);

sub restore
{
	my ($into, @options) = @_;
	my ($out, $err) = ('', '');
	IPC::Run::run([ 'pg_restore', @options, '-d', $into, @connect, "$tmp/pg_restore.dump" ], '>', \$out, '2>', \$err);
	return $err;
}

sub advice { return qr/HINT: +.*DROP EXTENSION rcs CASCADE|HINT: +.*new database/; }

for my $way ([], ['-1'], [ '-j', '4' ], ['--no-owner'], [ '--no-owner', '--no-acl' ])
{
	my $name = join(' ', @$way) || 'plain';
	$main->safe_psql('postgres', 'DROP DATABASE IF EXISTS r');
	$main->safe_psql('postgres', 'CREATE DATABASE r');
	is(restore('r', @$way), '', "$name: restored");
	is($main->safe_psql('r', $all), $counts, "$name: counts are the same");
	is(join(' ', map { preview($main, $_, $whose{$_}, 'r') } 'stays', 'again'), 'may may not', "$name: roles have what they had");
	held_soon($main, 10, "$name: on hold", 'r');
	my $again = restore('r', @$way);
	# in one transaction PostgreSQL's own "already exists" comes first
	like($again, "@$way" eq '-1' ? qr/already exists/ : advice(), "$name: a second time is refused with advice");
	is($main->safe_psql('r', $all), $counts, "$name: no count is doubled");
	my $clean = restore('r', '--clean', @$way);
	like($clean, qr/DROP EXTENSION rcs CASCADE/, "$name: --clean over it is refused with advice");
	is($main->safe_psql('r', $all), $counts, "$name: nor by --clean");
}

# Over a database that goes on: what was folded and purged since has other rows
$main->safe_psql($db, q{
	UPDATE rcs.result SET at = at - interval '3 h'; UPDATE rcs.message SET created_at = created_at - interval '3 h';
	UPDATE rcs.event SET received_at = received_at - interval '3 h'; UPDATE rcs.rejected SET at = at - interval '3 h'});
my $results = q{SELECT sum(n) FROM rcs.campaign_result};
my $sum = $main->safe_psql($db, $results);
$main->safe_psql($db, q{SELECT rcs_purge('2 h')});
is($main->safe_psql($db, $results), $sum, 'purged');
like(restore($db, '--data-only'), advice(), 'loaded over what was purged: refused with advice');
is($main->safe_psql($db, $results), $sum, 'no result is counted twice');
is($main->safe_psql($db, "SELECT total FROM rcs.campaign_progress WHERE campaign = '$campaign'"), 1000, 'no message');

# --data-only into an extension that is there
$main->safe_psql('postgres', 'DROP DATABASE r');
rcs_database($main, 'r');
setup_account($main, 'r', $sim);
$main->safe_psql('r', 'DELETE FROM rcs.chatbot');
is(restore('r', '--data-only'), '', '--data-only: loaded');
is($main->safe_psql('r', $all), $counts, '--data-only: counts are the same');
held_soon($main, 10, '--data-only: on hold', 'r');

# SQL with --clean, by psql: into a new database, and over one
$main->safe_psql('postgres', 'DROP DATABASE r');
$main->safe_psql('postgres', 'CREATE DATABASE r');
my ($out, $err) = ('', '');
IPC::Run::run([ 'psql', '-X', '-q', '-v', 'ON_ERROR_STOP=1', '-f', "$tmp/pg_restore_clean.sql", @connect, 'r' ], '>', \$out, '2>', \$err);
unlike($err, qr/ERROR/, 'SQL with --clean --if-exists loads');
is($main->safe_psql('r', $all), $counts, 'counts are the same');
IPC::Run::run([ 'psql', '-X', '-q', '-f', "$tmp/pg_restore_clean.sql", @connect, 'r' ], '>', \$out, '2>', \$err);
is($main->safe_psql('r', $all), $counts, 'a second time: no count is doubled');

# The whole server
$main->safe_psql('postgres', 'DROP DATABASE r');
command_ok([ 'pg_dumpall', '-f', "$tmp/pg_restore_all.sql", @connect ], 'pg_dumpall');
my $other = rcs_node('other');
$other->safe_psql('postgres', 'CREATE ROLE stranger; CREATE ROLE stays'); # oids that mean others in the dump
IPC::Run::run([ 'psql', '-X', '-q', '-f', "$tmp/pg_restore_all.sql", '-p', $other->port, '-h', $other->host, 'postgres' ], '>', \$out, '2>', \$err);
is(join("\n", grep { !/role .* already exists/ } grep { /ERROR/ } split /\n/, $err), '', 'pg_dumpall loads');
is($other->safe_psql($db, 'SELECT count(*) FROM rcs.chatbot'), 1, 'with the sender');
held_soon($other, 10, 'and is on hold');
my $roles = q{SELECT string_agg(concat_ws(' ', pattern, owner, rcs._rule_lacks(r)), ', ' ORDER BY rule_id) FROM rcs.reply_rule r};
is(join(' ', map { preview($other, $_, $whose{$_}) } 'stays', 'again', 'missing') . ' ' . preview($other, 'stranger', $whose{stays}), 'may may not may may not',
	'on another server the roles of these names have what they had');
is($other->safe_psql($db, $roles), '^stays$ stays, ^missing$ missing', 'and their rules');

# One database alone, where a role is not there
$other->safe_psql($db, 'DROP EXTENSION rcs CASCADE');
$other->safe_psql('postgres', "DROP DATABASE $db; DROP ROLE missing; CREATE DATABASE $db");
IPC::Run::run([ 'pg_restore', '-d', $db, '-p', $other->port, '-h', $other->host, "$tmp/pg_restore.dump" ], '>', \$out, '2>', \$err);
is(join("\n", grep { /error/i } split /\n/, $err), '', 'a dump loads without a role of it');
is($other->safe_psql($db, $all), $counts, 'counts are the same');
$other->safe_psql($db, q{CREATE ROLE missing; SET client_min_messages = error; SELECT rcs_resume('moved')});
is(join(' ', map { preview($other, $_, $whose{$_}) } 'stays', 'missing'), 'may may not', 'a role that was not there has nothing later');
is($other->safe_psql($db, $roles), '^stays$ stays, ^missing$ missing role "missing", which owned the rule, does not exist any more', 'nor a rule');
is($other->safe_psql($db, 'SELECT owner, owner_id FROM rcs.chatbot'), 'missing|0', 'nor a chatbot');
$_->stop for $main, $other;
done_testing();
