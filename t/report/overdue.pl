# A report is overdue: the carrier is asked about the message at growing pauses, if the account reports at all.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::RealBin/../lib";
use HTTP::Tiny;
use JSON::PP ();
use PostgreSQL::Test::Utils;
use RcsTest;
use Test::More;
use Time::HiRes qw(sleep time);

my $node = rcs_node('main', 'rcs.report_overdue' => "'2s'", log_statement => 'none');
my $db = rcs_database($node, 'shop');
my $sim = start_ktsim(accounts => [ 'shop:secret', 'silent:secret', 'pushed:secret' ], args => [ '--set', 'report_mode=2' ]);
setup_account($node, $db, $sim, options => { results => 'query' });
setup_account($node, $db, $sim, server => 'silent', rcs_id => 'silent', chatbot => '0212350002');
setup_account($node, $db, $sim, server => 'pushed', rcs_id => 'pushed', chatbot => '0212350003');
sub sql { return $node->safe_psql($db, $_[0]); }
sub message { return sql("SELECT rcs_send('$_[0]', 'hello', chatbot => '$_[1]')"); }

# The switches hold for what is accepted from then on.
sub reports { $sim->set(report_phone_suffix => { '7' => $_[0] // 'never' }, report_account_mode => { pushed => '1' }); return; }

# An account that reports: what it lost on the way is asked for

reports('success');
my $told = message('01010000007', '0212351235');
poll($node, $db, "SELECT status FROM rcs.message_status WHERE id = '$told'", 'delivered', 20, 'a report that was asked for');

# The carrier has handed the report out already, to a question of somebody else, so it never reaches us
my $token = do
{
	my $answer = HTTP::Tiny->new->request('POST', 'http://127.0.0.1:' . $sim->port . '/corp/v1/token',
		{ content => '{"rcsId":"shop","rcsSecret":"secret","grantType":"clientCredentials"}', headers => { 'Content-Type' => 'application/json' } });
	JSON::PP::decode_json($answer->{content})->{data}{tokenInfo}{accessToken};
};
sub take_away
{
	my ($n) = @_;
	return JSON::PP::decode_json(HTTP::Tiny->new->request('POST', 'http://127.0.0.1:' . $sim->port . '/corp/v1/querymsgstatus',
		{ content => qq({"queryType":"rcsId","rcsId":"shop","queryId":"taken$n"}),
			headers => { 'Content-Type' => 'application/json', Authorization => "Bearer $token" } })->{content});
}
sql(q{ALTER SERVER kt OPTIONS (SET results 'push')});
sleep(2.5);
my $lost = message('01020000007', '0212351235');
drained($node, $db, 20, 'another message');
my $taken = 0;
for my $n (1 .. 40)
{
	$taken += @{ take_away($n)->{statusInfo} };
	last if $taken;
	sleep(0.1);
}
is($taken, 1, 'its report goes astray');
poll($node, $db, "SELECT status FROM rcs.message_status WHERE id = '$lost'", 'delivered', 30, 'and is asked for by its message');

# One that has no report is asked about at growing pauses

reports('never');
my $never = message('01030000007', '0212351235');
drained($node, $db, 20, 'one without a report');
my $before = $sim->stats->{queries};
sleep(11);
my $asked = $sim->stats->{queries} - $before;
cmp_ok($asked, '>=', 2, 'the carrier is asked about it');
cmp_ok($asked, '<=', 5, 'after 2, 4 and 8 seconds');
is(sql("SELECT status FROM rcs.message_status WHERE id = '$never'"), 'sent', 'it stays sent');

# An account that never reports is not asked

my $silent = message('01040000007', '0212350002');
drained($node, $db, 20, 'one of an account that does not report');
$before = $sim->stats->{queries};
sleep(6);
cmp_ok($sim->stats->{queries} - $before, '<=', 1, 'is not asked about');

# An account whose reports are pushed, and that answers no questions, is asked once, and that is no problem

my $seen = message('01050000007', '0212350003');
drained($node, $db, 20, 'one of an account that pushes');
sql(qq{SELECT rcs_receive('{"msgId": "$seen", "status": "success", "serviceType": "RCSSMS"}')});
my @quiet = map { message("010600000${_}7", '0212350003') } 1 .. 3;
drained($node, $db, 20, 'others of it');
sleep(5);
is(sql("SELECT count(*) FROM rcs.account_status WHERE last_error <> ''"), 0, 'nothing is wrong');
is(sql(q{SELECT ok FROM rcs_health() WHERE "check" = 'account'}), 't', 'in the health neither');

oracle($node, $db, $sim);
is(log_count($node, '010[0-9]{8}'), 0, 'no number is in the log');
done_testing();
