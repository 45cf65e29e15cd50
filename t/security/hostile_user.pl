# An ordinary user who owns the schema public, with functions, operators, casts, tables and temporary tables named like those that
# the extension uses, a search_path of his own, a handler, and a query for a campaign: none of it is run with the rights of the
# extension's owner, and no number or secret of others is shown.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::RealBin/../lib";
use RcsTest;
use Test::More;

my $node = rcs_node('main', 'rcs.changes' => 'on', 'rcs.keep' => '1d', 'rcs.ad_daily_cap' => 5, 'rcs.chat_workers' => 1);
my $sim = start_ktsim();
my $db = 'shop';
$node->safe_psql('postgres', "CREATE ROLE mallory LOGIN; CREATE DATABASE $db");

sub sql { return $node->safe_psql($db, $_[0]); }
sub mallory { return $node->psql($db, $_[0], extra_params => [ '-U', 'mallory' ]); }
# By the superuser, with all that is mallory's before what is PostgreSQL's.
sub trapped { return $node->safe_psql($db, "SET search_path = trap, public, pg_catalog;\n$_[0]"); }
sub by_mallory { my ($rc, $out, $err) = mallory($_[0]); return $err eq '' ? $out : $err; }

# He has CREATE on public, as before PostgreSQL 15, and a schema that comes first for everybody, even before pg_catalog:
# for workers too, unless they see to it.  The statements of this test see to it.
$ENV{PGOPTIONS} = '-c search_path=public';
sql(q{GRANT CREATE, USAGE ON SCHEMA public TO mallory; GRANT CREATE, TEMPORARY ON DATABASE shop TO mallory});
sql(q{CREATE SCHEMA trap AUTHORIZATION mallory});
$node->safe_psql('postgres', qq{ALTER DATABASE $db SET search_path = trap, public, pg_catalog});

# Each call as another role than mallory is counted; a sequence counts across rollbacks.
is(by_mallory(q{
	CREATE SEQUENCE trap.sprung;
	GRANT USAGE ON SEQUENCE trap.sprung TO PUBLIC;
	GRANT USAGE ON SCHEMA trap TO PUBLIC;
	CREATE FUNCTION trap.spring() RETURNS void LANGUAGE plpgsql AS $$
	BEGIN
		IF current_user::pg_catalog.text OPERATOR(pg_catalog.<>) 'mallory' THEN
			PERFORM pg_catalog.nextval('trap.sprung');
		END IF;
	END $$;
	}), '', 'the tripwire');
# One of each name that the extension's SQL calls, with the same number of arguments as text, bigint, timestamptz and so on:
# an exact match is preferred to one of pg_catalog if the search_path has it first.
my $names = q{SELECT DISTINCT p.proname, p.pronargs, pg_catalog.oidvectortypes(p.proargtypes) AS args, p.prorettype::regtype AS result
	FROM pg_proc p WHERE p.pronamespace = 'pg_catalog'::regnamespace AND p.prokind = 'f' AND NOT p.proretset
	AND p.proname IN ('now', 'lower', 'upper', 'length', 'left', 'right', 'coalesce', 'concat_ws', 'format', 'jsonb_build_object', 'convert_to', 'sha256',
		'encode', 'gen_random_uuid', 'nextval', 'statement_timestamp', 'clock_timestamp', 'current_setting', 'jsonb_typeof',
		'array_append', 'cardinality', 'make_interval', 'uuid_send', 'has_server_privilege', 'pg_has_role', 'regexp_replace', 'parse_ident', 'array_position')
	AND pg_catalog.oidvectortypes(p.proargtypes) !~ 'VARIADIC|any|internal' AND p.prorettype::regtype::text !~ 'any|internal|record|void'};
my $planted = sql(qq{
	SELECT pg_catalog.string_agg(pg_catalog.format(
		'CREATE FUNCTION trap.%I(%s) RETURNS %s LANGUAGE plpgsql AS \$\$ BEGIN PERFORM trap.spring(); RETURN NULL; END \$\$;', proname, args, result), E'\\n')
	FROM ($names) x});
is(by_mallory($planted), '', 'functions: ' . (() = $planted =~ /CREATE FUNCTION/g));
my $operators = '';
for my $op ('=', '<>', '<', '>', '<=', '>=')
{
	for my $type ('text', 'bigint', 'int', 'uuid', 'timestamptz', 'bytea', '"char"', 'bool')
	{
		my $f = 'op_' . (() = $operators =~ /CREATE FUNCTION/g);
		$operators .= qq{CREATE FUNCTION trap.$f($type, $type) RETURNS bool LANGUAGE plpgsql AS \$\$ BEGIN PERFORM trap.spring(); RETURN true; END \$\$;
			CREATE OPERATOR trap.$op (LEFTARG = $type, RIGHTARG = $type, FUNCTION = trap.$f);\n};
	}
}
is(by_mallory($operators), '', 'operators');
is(by_mallory(q{
	CREATE TABLE trap.pg_class (oid oid, relname name); CREATE TABLE trap.pg_roles (rolname name, rolsuper bool); CREATE TABLE trap.pg_foreign_server (srvname name);
	CREATE VIEW trap.pg_proc AS SELECT trap.spring()::pg_catalog.text;
	CREATE TYPE trap.jsonb_row AS (a int);
	CREATE DOMAIN trap.uuid AS pg_catalog.text; CREATE DOMAIN trap.regclass AS pg_catalog.text; CREATE DOMAIN trap.interval AS pg_catalog.text;
	CREATE FUNCTION public.rcs_changes(bigint) RETURNS void LANGUAGE plpgsql AS 'BEGIN PERFORM trap.spring(); END'}), '', 'tables, a view and types');

# His own function of a name and arguments of the extension is in the way of CREATE EXTENSION, which must fail.
by_mallory(q{CREATE FUNCTION public.rcs_phone(text) RETURNS text LANGUAGE plpgsql IMMUTABLE AS 'BEGIN PERFORM trap.spring(); RETURN $1; END'});
my ($rc, $out, $err) = $node->psql($db, 'CREATE EXTENSION rcs SCHEMA public');
like($err, qr/function "?rcs_phone"? already exists|is not a member of extension/, 'CREATE EXTENSION over a function of his fails');
by_mallory('DROP FUNCTION public.rcs_phone(text)');
by_mallory('CREATE SCHEMA rcs');
($rc, $out, $err) = $node->psql($db, 'CREATE EXTENSION rcs SCHEMA public');
like($err, qr/schema "rcs" already exists|is not a member of extension|must be owner/, 'over a schema of his too');
by_mallory('DROP SCHEMA rcs');
trapped('CREATE EXTENSION rcs SCHEMA public');
setup_account($node, $db, $sim);
is(sql('SELECT last_value, is_called FROM trap.sprung'), '1|f', 'CREATE EXTENSION and setting up have called nothing of his');

# He may send through the account, write rules for himself and read nothing.
sql(q{GRANT USAGE ON FOREIGN SERVER kt TO mallory; GRANT USAGE ON SCHEMA rcs TO mallory; GRANT INSERT, SELECT, UPDATE ON rcs.reply_rule TO mallory});
my $others = sql(q{SELECT rcs_send('01099998888', 'my secret order', send_at => now() + interval '1 day')});
my $campaign = campaign($node, $db, 30);
is(sql(q{SELECT rcs_optout('01020000003'), rcs_optin('01020000003')}), 't|t', 'refusals');
my $temp = q{CREATE TEMP TABLE message (phone text); CREATE TEMP TABLE batch (n int); CREATE TEMP TABLE rcs_new_rows (phone text);
	CREATE FUNCTION pg_temp.rcs_phone(text) RETURNS text LANGUAGE plpgsql AS 'BEGIN PERFORM trap.spring(); RETURN $1; END';
	SET search_path = pg_temp, trap, public, pg_catalog;};
like(by_mallory("$temp SELECT public.rcs_send('01012345678', 'mine')"), qr/^[-0-9a-f]{36}$/, 'he sends, with temporary tables and a search_path of his');
my $mine = by_mallory(q{SET search_path = pg_catalog; SELECT public.rcs_campaign_create('mine', '{"serviceType": "RCSSMS", "header": "0", "body": {"description": "x"}}'::jsonb)});
like(by_mallory("$temp SELECT added FROM public.rcs_campaign_add('$mine', \$\$SELECT '01012345679'::pg_catalog.text AS phone, trap.spring()::pg_catalog.text AS p\$\$)"), qr/^1$/,
	'his query runs as he');
like(by_mallory("SET search_path = pg_catalog; SELECT added FROM public.rcs_campaign_add('$mine', 'SELECT phone FROM rcs.message')"), qr/permission denied/, 'and reads no numbers of others');
for my $try ("SELECT public.rcs_message('$others')", "SELECT public.rcs_cancel('$others')", "SELECT * FROM public.rcs_campaign_preview('$campaign')",
	"SELECT * FROM public.rcs_trace('01099998888')", 'SELECT * FROM rcs.message', 'SELECT * FROM rcs.message_status', 'SELECT * FROM rcs.installation', 'SELECT * FROM rcs.refusal',
	"SELECT public.rcs_erase('01099998888')", 'SELECT * FROM public.rcs_changes()', 'SELECT rcs._phone_hash($$01099998888$$)', 'SELECT rcs._was_erased($$' . $others . '$$)',
	'SELECT * FROM rcs.inbound', 'SELECT rcs._erase($$01099998888$$)')
{
	like(by_mallory("SET search_path = pg_catalog; $try"), qr/permission denied|must be|may not|not allowed|is not yours to see/, "not for him: $try");
}
unlike(by_mallory('SET search_path = pg_catalog; SELECT srvoptions, umoptions FROM pg_foreign_server, pg_user_mappings'), qr/secret/, 'no secret in the catalogs for him');

# His handler and rule run as he; in them he is not more than outside.
is(by_mallory(q{SET search_path = pg_catalog;
	CREATE FUNCTION trap.answer(i rcs.inbound) RETURNS jsonb LANGUAGE plpgsql AS $$
	BEGIN
		PERFORM trap.spring();
		BEGIN
			EXECUTE 'RESET ROLE'; EXECUTE 'RESET SESSION AUTHORIZATION';
		EXCEPTION WHEN OTHERS THEN NULL;
		END;
		PERFORM trap.spring();
		BEGIN
			PERFORM FROM rcs.message;
			RETURN pg_catalog.to_jsonb('read it'::pg_catalog.text);
		EXCEPTION WHEN OTHERS THEN
			RETURN pg_catalog.to_jsonb(pg_catalog.concat('as ', current_user, ': ', SQLERRM));
		END;
	END $$;
	INSERT INTO rcs.reply_rule (handler, owner) VALUES ('trap.answer', 'mallory')}), '', 'a handler of his');
like(by_mallory(q{SET search_path = pg_catalog; INSERT INTO rcs.reply_rule (handler, owner) VALUES ('trap.answer', 'postgres')}), qr/must be member|permission/, 'but not as somebody else');
# Nor does somebody else run it as himself: not when a superuser names no owner, and not when a function becomes his later.
my ($bad, $nothing, $told) = $node->psql($db, q{INSERT INTO rcs.reply_rule (handler, pattern) VALUES ('trap.answer', '^later$')});
like($told, qr/role "mallory" owns the handler trap.answer, and has not the rights of role/, 'a rule of a superuser does not run a function of his');
sql(q{CREATE FUNCTION trap.later(i rcs.inbound) RETURNS jsonb LANGUAGE sql AS $$ SELECT pg_catalog.to_jsonb('mine'::pg_catalog.text) $$;
	INSERT INTO rcs.reply_rule (handler, pattern, priority) VALUES ('trap.later', '^later$', 1); ALTER FUNCTION trap.later OWNER TO mallory});
is(by_mallory(q{SET search_path = pg_catalog; CREATE OR REPLACE FUNCTION trap.later(i rcs.inbound) RETURNS jsonb LANGUAGE plpgsql AS $$
	BEGIN PERFORM trap.spring(); RETURN (SELECT pg_catalog.to_jsonb(u.umoptions::pg_catalog.text) FROM pg_catalog.pg_user_mappings u LIMIT 1); END $$}), '', 'he writes into it what he likes');
sql(q{SELECT rcs_receive('{"eventType": "message", "chatbotId": "0212351235", "replyId": "r0", "userContact": "01055556666", "messageBody": {"textMessage": "later"}}')});
poll($node, $db, 'SELECT count(*) FROM rcs.inbound WHERE handled_at IS NULL', 0, 30, 'the rule was tried');
like(sql(q{SELECT concat(reply_message, problem) FROM rcs.inbound WHERE reply_id = 'r0'}), qr/^the handler trap.later failed: role "mallory" owns the handler trap.later, and has not the rights/,
	'what became his is not run as the one who wrote the rule');
sql(q{SELECT rcs_receive('{"eventType": "message", "chatbotId": "0212351235", "replyId": "r1", "userContact": "01055556666", "messageBody": {"textMessage": "hello"}}')});
poll($node, $db, 'SELECT count(*) FROM rcs.inbound WHERE handled_at IS NULL', 0, 30, 'it has run');
is(sql(q{SELECT m.message #>> '{body,description}' FROM rcs.message m JOIN rcs.inbound i ON i.reply_message = m.id}), 'as mallory: permission denied for table message', 'as he, without more');

# Everything else that runs meanwhile.
drained($node, $db, 60);
my $reports = sql(q{SELECT jsonb_agg('{"status": "success"}'::jsonb || jsonb_build_object('msgId', id)) FROM rcs.message WHERE phone LIKE '0102%'});
trapped("SELECT rcs_receive('$reports')");
poll($node, $db, 'SELECT count(*) FROM rcs.event WHERE NOT counted', 0, 30, 'reports are counted');
my @calls = (q{SELECT * FROM rcs_health()}, q{SELECT rcs_metrics()}, q{SELECT rcs_erase('01020000001')}, q{SELECT rcs_purge('1 hour')}, q{SELECT rcs_hold('x'); SELECT rcs_resume()},
	q{SELECT * FROM rcs.campaign_progress}, q{SELECT * FROM rcs.queue_depth}, q{SELECT * FROM rcs_trace('01020000002')}, 'SELECT * FROM rcs_changes()',
	q{SELECT * FROM rcs.message_status}, q{SELECT * FROM rcs.message_status_masked}, q{SELECT * FROM rcs.campaign_result}, q{SELECT * FROM rcs.account_status}, q{SELECT * FROM rcs.throughput},
	q{SELECT rcs_send('01020000007', 'one')}, q{SELECT rcs_send('01020000008', 'two', key => 'k')}, q{SELECT rcs_optout('01020000009'); SELECT rcs_optin('01020000009')},
	q{SELECT rcs_account_check('kt')}, q{SELECT rcs_wait('20 s')}, "SELECT * FROM rcs_campaign_add('$campaign', 'SELECT ''01020000010'' AS phone, ''N'' AS name')",
	"SELECT * FROM rcs_campaign_check('$campaign')", "SELECT * FROM rcs_campaign_preview('$campaign')", "SELECT rcs_campaign_test('$campaign', '01020000011', '01020000004')",
	"SELECT rcs_campaign_change('$campaign', name => 'x')", "SELECT rcs_campaign_create('y', '$text')", q{SELECT rcs_campaign_start(rcs_campaign_id('y'))},
	"SELECT rcs_campaign_cancel('$mine')", "SELECT rcs_cancel('$others')");
for my $call (@calls)
{
	trapped($call);
	is(sql('SELECT is_called FROM trap.sprung'), 'f', "nothing of his is called by $call");
}
drained($node, $db, 60);

# He becomes the owner of a server in a way that no event trigger sees: the file of its login is not sent where he says.
my $his = start_ktsim();
my $there = 'http://127.0.0.1:' . $his->port . '/corp/v1';
my $file = PostgreSQL::Test::Utils::tempdir() . '/secret';
PostgreSQL::Test::Utils::append_to_file($file, "secret\n");
chmod 0600, $file;
sql(qq{ALTER USER MAPPING FOR PUBLIC SERVER kt OPTIONS (DROP rcs_secret, ADD rcs_secret_file '$file')});
is(sql(q{SELECT ok FROM rcs_account_check('kt')}), 't', 'the login of a file works');
like(by_mallory("ALTER SERVER kt OPTIONS (SET url '$there')"), qr/must be owner/, 'who owns the server says where it is sent');
sql(q{SET session_replication_role = replica; ALTER SERVER kt OWNER TO mallory});
unlike(by_mallory("ALTER SERVER kt OPTIONS (SET url '$there')"), qr/ERROR/, 'which is he now');
like(by_mallory(q{SET search_path = pg_catalog; SELECT ok, detail FROM public.rcs_account_check('kt')}),
	qr/^f\|rcs_secret_file is not used, because the server's owner lacks pg_read_server_files: grant it, or ALTER SERVER/, 'he is sent nothing');
is($his->stats->{tokens_issued}, 0, 'not even once');
like(sql(q{SELECT rcs_send('01020000012', 'waits'); SELECT pg_sleep(3); SELECT string_agg(detail, ' ') FROM rcs_health() WHERE "check" = 'account' AND NOT ok}),
	qr/rcs_secret_file is not used, because the server's owner lacks/, 'and the operator is told what to do');
is(sql(q{GRANT pg_read_server_files TO mallory; SELECT count(*) FROM rcs.message_status WHERE status = 'queued'}), 1, 'the message waits');
drained($node, $db, 60, 'until he may read files anyway');

is(sql('SELECT last_value, is_called FROM trap.sprung'), '1|f', 'nothing of his was ever called as somebody else');
# the tripwire works
sql('SELECT trap.spring()');
is(sql('SELECT is_called FROM trap.sprung'), 't', 'the tripwire would have told');
$node->stop;
done_testing();
