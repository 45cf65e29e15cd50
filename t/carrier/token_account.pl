# Tokens and faults of an account: they cost no message an attempt.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::RealBin/../lib";
use RcsTest;
use Test::More;
use Time::HiRes qw(sleep time);

my $node = rcs_node('main', 'rcs.request_timeout' => '1s', 'rcs.settle' => '300ms');
my $sim = start_ktsim();
my $db = rcs_database($node, 'shop');
setup_account($node, $db, $sim);

my $phone = 11110000;

sub sql { return $node->safe_psql($db, $_[0]); }

sub single { return sql(sprintf "SELECT rcs_send('010%d', 'hello')", ++$phone); }

sub shown
{
	my ($id, $columns) = @_;
	return sql("SELECT $columns FROM rcs.message_status WHERE id = '$id'");
}

sub state_is
{
	my ($state, $name) = @_;
	local $Test::Builder::Level = $Test::Builder::Level + 1;
	return poll($node, $db, "SELECT state FROM rcs.account_status WHERE server = 'kt'", $state, 20, $name);
}

# One token for many messages; renewed when the carrier says it has expired

sql("SELECT count(rcs_send('010' || i, 'many')) FROM generate_series(30000001, 30000500) i");
drained($node, $db, 60, '500 messages leave');
is($sim->stats->{tokens_issued}, 1, 'with one token');

$sim->set(latency_ms => 20);
set_conf($node, 'rcs.max_in_flight' => 20);
my $campaign = campaign($node, $db, 3000);
poll($node, $db, "SELECT sent > 300 FROM rcs.campaign_progress WHERE campaign = '$campaign'", 't', 30,
	'a campaign is on its way');
my $tokens = $sim->stats->{tokens_issued};
is($tokens, 2, 'its worker has a token of its own');
$sim->set(expire_tokens => JSON::PP::true());
drained($node, $db, 60, 'it leaves, though the tokens expire', $campaign);
is(sql("SELECT sent, failed FROM rcs.campaign_progress WHERE campaign = '$campaign'"), '3000|0', 'all of it');
is($sim->stats->{tokens_issued}, $tokens + 1, 'its worker got one new token');
my $refused = $sim->stats->{token};
cmp_ok($refused, '>', 0, 'some offers met the expiry');
cmp_ok($refused, '<=', 20, 'only those that were in flight');
is(sql('SELECT max(answers) FROM rcs.batch'), '', 'nothing is left over');
$sim->set(latency_ms => 0);

# The token endpoint is down for a while

$sim->set(token_down => JSON::PP::true(), expire_tokens => JSON::PP::true());
my $id = single();
state_is('closed', 'without a token the account is closed');
like(sql("SELECT last_error FROM rcs.account_status"), qr/^login refused/, 'with a reason');
poll($node, $db, "SELECT status FROM rcs.message_status WHERE id = '$id'", 'queued', 10, 'its messages wait');
my $waits = single();
sleep(3);
is(shown($waits, 'status, attempts'), 'queued|0', 'and are not offered');
like(shown($waits, 'reason'), qr/login refused: http 500/, 'they say why');
$sim->set(token_down => JSON::PP::false());
drained($node, $db, 60, 'when it is back, they leave');
is(shown($id, 'status'), 'sent', 'the first is sent');
is(shown($waits, 'status, attempts'), 'sent|1', 'the second at its first offer');
state_is('open', 'the account is open');

# Rejected logins, rcs_account_check

$sim->set(token_reject => JSON::PP::true(), expire_tokens => JSON::PP::true());
$id = single();
state_is('closed', 'a rejected login closes the account');
like(sql("SELECT ok, detail FROM rcs_account_check('kt')"), qr/^f\|login refused: 70008/,
	'rcs_account_check says so');
sleep(4);	# the pauses grow
$sim->set(token_reject => JSON::PP::false());
my $start = time();
is(sql("SELECT ok FROM rcs_account_check('kt')"), 't', 'it logs in again');
drained($node, $db, 10, 'and brings the account back', $id);
took(time() - $start, 3, 'at once');

# Changed logins and addresses

sql("ALTER USER MAPPING FOR PUBLIC SERVER kt OPTIONS (SET rcs_secret 'wrong')");
like(sql("SELECT ok, detail FROM rcs_account_check('kt')"), qr/^f\|login refused/, 'a wrong secret');
sql("ALTER USER MAPPING FOR PUBLIC SERVER kt OPTIONS (SET rcs_secret 'secret')");
is(sql("SELECT ok FROM rcs_account_check('kt')"), 't', 'the right one');
$id = single();
drained($node, $db, 30, 'a message leaves', $id);

# A changed login counts at once, also when the login before it was refused

sql("ALTER USER MAPPING FOR PUBLIC SERVER kt OPTIONS (SET rcs_secret 'wrong')");
$id = single();
poll($node, $db, "SELECT reason ~ 'login refused' FROM rcs.message_status WHERE id = '$id'", 't', 20,
	'a wrong secret stops what is sent, though there was a token');
sql("SELECT rcs_account_check('kt')") for 1 .. 6;	# the pause is half a minute now
sql("ALTER USER MAPPING FOR PUBLIC SERVER kt OPTIONS (SET rcs_secret 'secret')");
$start = time();
drained($node, $db, 30, 'the right one lets it go', $id);
took(time() - $start, 3, 'at once');

# A few checks a minute, and those of others take nothing from the owner's

sql('CREATE ROLE checker; GRANT USAGE ON FOREIGN SERVER kt TO checker');
my $logins = $sim->stats->{tokens_issued};
my @checks = split /\n/, sql(q{
	CREATE FUNCTION pg_temp.checked() RETURNS text LANGUAGE plpgsql AS $$
	DECLARE hint text;
	BEGIN
		RETURN (SELECT ok FROM rcs_account_check('kt'));
	EXCEPTION WHEN configuration_limit_exceeded THEN
		GET STACKED DIAGNOSTICS hint = PG_EXCEPTION_HINT;
		RETURN hint;
	END $$;
	SET ROLE checker;
	SELECT pg_temp.checked() FROM generate_series(1, 20)});
is(scalar(grep { $_ eq 'true' } @checks), 3, 'who may send checks an account three times');
like($checks[-1], qr/^Try again in (?:1?\d|20) seconds; rcs.account_status says/, 'and is told when to come back');
is($sim->stats->{tokens_issued} - $logins, 3, 'there were no more logins');
is(sql("SELECT ok FROM rcs_account_check('kt')"), 't', 'the owner may still');

my $other = start_ktsim(accounts => ['other:geheim']);
sql(sprintf q{
	BEGIN;
	ALTER SERVER kt OPTIONS (SET url 'http://127.0.0.1:%d/corp/v1');
	ALTER USER MAPPING FOR PUBLIC SERVER kt OPTIONS (SET rcs_id 'other', SET rcs_secret 'geheim');
	COMMIT}, $other->port);
$id = single();
drained($node, $db, 30, 'a message after a change of address and login', $id);
is($other->stats->{accepted}, 1, 'goes there at once');

$other->set(latency_ms => 20);
$campaign = campaign($node, $db, 2000, from => 40000000);
poll($node, $db, "SELECT sent > 300 FROM rcs.campaign_progress WHERE campaign = '$campaign'", 't', 30,
	'a campaign is on its way');
sql(sprintf q{
	BEGIN;
	ALTER SERVER kt OPTIONS (SET url 'http://127.0.0.1:%d/corp/v1');
	ALTER USER MAPPING FOR PUBLIC SERVER kt OPTIONS (SET rcs_id 'shop', SET rcs_secret 'secret');
	COMMIT}, $sim->port);
my $there = $other->stats->{accepted};
drained($node, $db, 60, 'it leaves', $campaign);
is(sql("SELECT sent FROM rcs.campaign_progress WHERE campaign = '$campaign'"), 2000, 'all of it');
cmp_ok($other->stats->{accepted} - $there, '<', 500, 'soon by the new address');
cmp_ok($other->stats->{accepted}, '<', 2001, 'not all by the old one');

oracle($node, $db, $sim, $other);
is(complaints($node), 0, 'the log has no complaint');
$node->stop;
done_testing();
