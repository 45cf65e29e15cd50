# A sender with several accounts: their rates add up, and no account sends above its own rate.  An account
# that is refused is set aside with the reason, the others send everything, and it comes back by itself or
# by a command.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::RealBin/../lib";
use List::Util qw(max sum);
use PostgreSQL::Test::Utils;
use RcsProxy;
use RcsTest;
use Test::More;
use Time::HiRes qw(sleep time);

my %rate = (one => 3000, two => 6000, three => 1500); # a minute
my @names = sort keys %rate;
my $node = rcs_node('main', 'rcs.request_timeout' => '1s', 'rcs.settle' => '300ms', 'rcs.campaign_workers' => 2);
# it has no limits of its own, so that the ledger shows ours
my $sim = start_ktsim(accounts => [ map { "$_:secret-of-$_" } @names ]);
my $db = rcs_database($node, 'shop');
setup_account($node, $db, $sim, server => $_, rcs_id => $_, rcs_secret => "secret-of-$_", options => { rate_per_minute => $rate{$_} })
  for @names;
my $url = 'http://127.0.0.1:' . $sim->port . '/corp/v1';
my $from = 20000000;

sub sql { return $node->safe_psql($db, $_[0]); }

sub send_some
{
	my ($n) = @_;
	my $campaign = campaign($node, $db, $n, from => $from);
	$from += $n;
	return $campaign;
}

# Times of the acceptances by account, in seconds, from one on
sub accepted
{
	my ($since) = @_;
	my %times = map { $_ => [] } @names;
	for my $line (grep { !/^#/ } split /\n/, slurp_file($sim->ledger))
	{
		my @f = split /\t/, $line;
		push @{ $times{ $f[2] } }, $f[1] / 1e6 if $f[6] eq 'accepted' && $f[1] / 1e6 >= $since;
	}
	return %times;
}

# The most of them in any ten seconds
sub most
{
	my @times = sort { $a <=> $b } @_;
	my ($first, $most) = (0, 0);
	for my $last (0 .. $#times)
	{
		$first++ while $times[$last] - $times[$first] >= 10;
		$most = max($most, $last - $first + 1);
	}
	return $most;
}

sub all_sent
{
	my ($campaign, $n, $name) = @_;
	local $Test::Builder::Level = $Test::Builder::Level + 1;
	drained($node, $db, 120, "$name: everything leaves", $campaign);
	return is(sql("SELECT sent, total FROM rcs.campaign_progress WHERE campaign = '$campaign'"), "$n|$n", "$name: all are sent");
}

# ---------- their rates add up ----------

my $start = time();
my $n = 175 * 15;
my $campaign = send_some($n);
drained($node, $db, 120, 'the pool: everything leaves', $campaign);
my %times = accepted($start);
for my $name (@names)
{
	my $most = most(@{ $times{$name} });
	note "$name: " . @{ $times{$name} } . " accepted, $most in the fullest ten seconds, of " . $rate{$name} / 6;
	cmp_ok($most, '<=', 1.02 * $rate{$name} / 6 + 1, "$name is never above its own rate");
	my $share = @{ $times{$name} } / $n / ($rate{$name} / 10500);
	cmp_ok($share, '>', 0.8, "$name has its share, no less");
	cmp_ok($share, '<', 1.2, "$name has its share, no more");
}
my @all = sort { $a <=> $b } map { @$_ } values %times;
note sprintf 'the pool: %.1f a second, of 175', @all / ($all[-1] - $all[0]);
took($all[-1] - $all[0], $n / 175 / 0.9, 'the pool: nine tenths of the sum of the rates');

# ---------- one is refused ----------

# Of an account: what rcs.account_status and rcs_health() say
sub shown
{
	my ($name) = @_;
	return sql("SELECT state, last_error, (SELECT severity || ' ' || detail || ' ' || hint FROM rcs_health()
		WHERE \"check\" = 'account' AND detail LIKE 'account $name %') FROM rcs.account_status WHERE server = '$name'");
}

sub aside
{
	my ($name, $reason, $what) = @_;
	local $Test::Builder::Level = $Test::Builder::Level + 1;
	poll($node, $db, "SELECT state IN ('closed', 'probing') FROM rcs.account_status WHERE server = '$name'", 't', 30, "$what: it is set aside");
	return like(shown($name), qr/^\w+\|[^|]*$reason.*\|critical account $name is set aside: [^|]*$reason.*rcs_account_check/, "$what: with its reason");
}

# The others go on with everything, singles too, and are not said to be at fault.
sub others_go_on
{
	my ($name, $what) = @_;
	local $Test::Builder::Level = $Test::Builder::Level + 1;
	my $others = join ', ', map { "'$_'" } grep { $_ ne $name } @names;
	my $since = time();
	my $campaign = send_some(200);
	my $single = sql("SELECT rcs_send('01099990000', '$what')");
	all_sent($campaign, 200, "$what, the others");
	drained($node, $db, 30, "$what, the others: a single leaves", $single);
	my %times = accepted($since);
	is(scalar @{ $times{$name} }, 0, "$what: nothing is accepted through it");
	cmp_ok(sum(map { scalar @{ $times{$_} } } grep { $_ ne $name } @names), '>=', 201, "$what: all goes through the others");
	return is(sql("SELECT string_agg(state, ',') FROM rcs.account_status WHERE server IN ($others)"), 'open,open', "$what: which are open");
}

sub back
{
	my ($name, $what) = @_;
	local $Test::Builder::Level = $Test::Builder::Level + 1;
	poll($node, $db, "SELECT state FROM rcs.account_status WHERE server = '$name'", 'open', 90, "$what: it is back");
	my $since = time();
	all_sent(send_some(350), 350, "$what, back");
	my %times = accepted($since);
	cmp_ok(scalar @{ $times{$name} }, '>', 0, "$what, back: it takes part again");
	return is(sql(q{SELECT severity FROM rcs_health() WHERE "check" = 'account'}), 'ok', "$what, back: nothing is wrong");
}

# A wrong login, found when the tokens have ended; the account comes back when the login is right and rcs_account_check() is called
sql("ALTER USER MAPPING FOR PUBLIC SERVER two OPTIONS (SET rcs_secret 'wrong')");
$sim->set(expire_tokens => JSON::PP::true());
like(sql("SELECT ok, detail FROM rcs_account_check('two')"), qr/^f\|login refused: /, 'login: a check says so');
aside('two', 'login refused', 'login');
others_go_on('two', 'login');
sql("ALTER USER MAPPING FOR PUBLIC SERVER two OPTIONS (SET rcs_secret 'secret-of-two')");
is(sql("SELECT ok FROM rcs_account_check('two')"), 't', 'login: put right, and checked');
back('two', 'login');

# A wrong address, while a campaign is under way; the account comes back by itself when a carrier listens there, and when the address is right
$campaign = send_some(1000);
poll($node, $db, "SELECT sent > 100 FROM rcs.campaign_progress WHERE campaign = '$campaign'", 't', 30, 'address: a campaign is on its way');
my $nowhere = PostgreSQL::Test::Cluster::get_free_port();
sql("ALTER SERVER one OPTIONS (SET url 'http://127.0.0.1:$nowhere/corp/v1')");
aside('one', '(?i:connect)', 'address');
all_sent($campaign, 1000, 'address: what was on its way');
others_go_on('one', 'address');
my $proxy = start_proxy($sim->port, port => $nowhere);
$campaign = campaign($node, $db, 600, from => 60000000, rate_per_minute => 600);
poll($node, $db, q{SELECT state FROM rcs.account_status WHERE server = 'one'}, 'open', 90, 'address: a message finds that it is there');
sql("SELECT rcs_campaign_change('$campaign', rate_per_minute => 0)");
back('one', 'address, by itself');
sql("ALTER SERVER one OPTIONS (SET url '$url')");
back('one', 'address, put right');

# Its quota, used up by another sender; it comes back by a command, and what waited for it leaves
sql(q{INSERT INTO rcs.chatbot (chatbot, servers, agency_id, agency_key, brand_key) VALUES ('0200000002', '{three}', 'ktbizrcs', 'AK', 'BK');
	ALTER DATABASE shop SET rcs.chatbot = '0212351235'});
$sim->set(quota => 150);
$campaign = campaign($node, $db, 160, from => 50000000, chatbot => '0200000002');
aside('three', '72105', 'quota');
others_go_on('three', 'quota');
is(sql("SELECT sent, queued + sending FROM rcs.campaign_progress WHERE campaign = '$campaign'"), '150|10', 'quota: what only it may send waits');
like(sql("SELECT state_reason FROM rcs.campaign_progress WHERE campaign = '$campaign'"), qr/72105/, 'quota: and says why');
$sim->set(quota => 0);
is(sql("SELECT ok FROM rcs_account_check('three')"), 't', 'quota: it is brought back by a command');
all_sent($campaign, 160, 'quota');
back('three', 'quota');

oracle($node, $db, $sim);
is(complaints($node), 0, 'the log has no complaint');
$node->stop;
done_testing();
