# One element that is no text costs the others nothing: what can be taken is, and the rest is kept whole
# and in order, so that one call stores it later.

use strict;
use warnings;

use Encode qw(encode);
use FindBin;
use lib "$FindBin::RealBin/../lib";
use HTTP::Tiny;
use JSON::PP;
use PostgreSQL::Test::Utils;
use RcsListener;
use RcsTest;
use Test::More;

my $node = rcs_node('main', 'rcs.report_overdue' => 0);
my $db = rcs_database($node, 'shop');
my $sim = start_ktsim(args => [ '--set', 'report_mode=2', '--set', 'report_never_pct=100' ]);
setup_account($node, $db, $sim);
listen_to($node, $db);

# What it answers, or what is wrong with it.
sub sql
{
	my ($rc, $out, $err) = $node->psql($db, $_[0]);
	return $rc == 0 ? $out : $err;
}

# Single messages that were sent.
sub sent
{
	my ($n, $phone) = @_;
	my @ids = split /\n/, sql("SELECT rcs_send('010$phone' || i, 'hello') FROM generate_series(1001, 1000 + $n) i");
	drained($node, $db, 30, "$n messages are sent");
	return @ids;
}

# A report as the carrier writes it, with bytes of the caller's choice in a text of it.
sub element
{
	my ($id, $text) = @_;
	my $json = JSON::PP->new->canonical->encode(report($id, status => 'fail', error => { code => '54002', message => 'TEXT' }));
	$json =~ s/TEXT/$text/;
	return $json;
}

sub reported
{
	my (@ids) = @_;
	my $list = join ',', map { "'$_'" } @ids;
	return sql("SELECT count(DISTINCT message) FROM rcs.event WHERE message IN ($list)");
}

my $korean = encode('cp949', "\x{acb0}\x{bc88} \x{d638}"); # a few syllables
my %bad = (
	'half of a surrogate' => '\ud800',
	'a NUL by its number' => 'a\u0000b',
	'a NUL byte' => "a\0b",
	'no UTF-8' => "a\xffb",
	'EUC-KR' => $korean);

# ---------- pushed ----------

my $phone = 1000;
for my $kind (sort keys %bad)
{
	my @ids = sent(5, $phone++);
	my @elements = map { element($ids[$_], $_ == 2 ? $bad{$kind} : 'fine') } 0 .. 4;
	my $body = '[' . join(',', @elements) . ']';
	my $kept = sql('SELECT count(*) FROM rcs.quarantine');

	is(push_to('/msgstatus', $body), 200, "$kind, pushed: it is taken, or the carrier would repeat it for ever");
	is(reported(@ids[ 0, 1, 3, 4 ]), 4, "$kind, pushed: the others are stored");
	is(sql('SELECT count(*) FROM rcs.quarantine') - $kept, 1, "$kind, pushed: it is kept");
	is(sql(sprintf q{SELECT encode(raw, 'hex') FROM rcs.quarantine ORDER BY id DESC LIMIT 1}), unpack('H*', $elements[2]), "$kind, pushed: as it came");
	is(push_to('/msgstatus', '{"statusInfo":' . $body . '}'), 200, "$kind, pushed in the other form");
}
my @ids = sent(2, $phone++);
is(push_to('/momsg', sprintf '[%s,%s]', map { sprintf '{"chatbotId":"0212351235","userContact":"01012345678","eventType":"message","replyId":"r%d","messageBody":{"textMessage":"%s"}}', @$_ } [ 1, '\udc00' ], [ 2, 'fine' ]),
	200, 'a message of a user, pushed');
is(sql('SELECT string_agg(reply_id, $$,$$) FROM rcs.inbound'), 'r2', 'the other one is stored');
is(push_to('/msgstatus', '[{"msgId":"\ud800"},'), 400, 'what ends in the middle is refused as ever');
is(push_to('/msgstatus', '["\ud800"]'), 400, 'and what holds no element at all');

is(sql(q{SELECT severity, detail ~ '^\d+ of what the carrier sent', hint ~ 'rcs_receive_again' FROM rcs_health() WHERE "check" = 'listener' AND NOT ok}), 'warning|t|t',
	'the health says that something is kept');

# Somebody is being erased: who pushes does not wait for it, who takes kept elements does, since both look at all of them

my $s = $node->background_psql($db);
$s->query_safe(q{BEGIN; SELECT rcs_erase('01099999999')});
is(push_to('/msgstatus', '[' . element($ids[0], '\ud800') . ']'), 200, 'a bad element during an erasure');
like(sql(q{SET lock_timeout = '300ms'; SELECT rcs_receive_again(encoding => 'UHC')}), qr/lock timeout/, 'to take it waits for the erasure');
$s->query_safe('ROLLBACK');
$s->quit;

# ---------- asked for ----------

sql(q{DELETE FROM rcs.quarantine; ALTER SERVER kt OPTIONS (ADD results 'query')});
for my $kind (sort keys %bad)
{
	@ids = sent(20, $phone++);
	my @elements = map { element($ids[$_], $_ % 7 == 3 ? $bad{$kind} : 'fine') } 0 .. 19;
	my $answer = '{"statusInfo":[' . join(',', @elements) . '],"queryId":"q","moreToSend":"1"}';
	$sim->request('POST', 'query-answer', { hex => unpack 'H*', $answer });
	poll($node, $db, sprintf(q{SELECT count(DISTINCT message) FROM rcs.event WHERE message IN (%s)}, join ',', map { "'$_'" } @ids), 17, 20,
		"$kind, asked for: 17 of 20 are stored");
	is(sql(q{SELECT string_agg(encode(raw, 'hex'), ' ' ORDER BY id) FROM (SELECT * FROM rcs.quarantine ORDER BY id DESC LIMIT 3) q}),
		join(' ', map { unpack 'H*', $elements[$_] } 3, 10, 17), "$kind, asked for: three are kept whole and in order");
}

# A whole answer of Korean texts, and one that is no JSON at all and longer than 4,000 bytes

@ids = sent(20, $phone++);
my @elements = map { element($_, $korean) } @ids;
$sim->request('POST', 'query-answer', { hex => unpack 'H*', '{"statusInfo":[' . join(',', @elements) . '],"queryId":"q","moreToSend":"0"}' });
poll($node, $db, q{SELECT count(*) FROM rcs.quarantine}, 15 + 20, 20, 'all of an answer is in EUC-KR: nothing of it is lost');

# ---------- later, with one call ----------

is(sql(q{SELECT rcs_receive_again(encoding => 'UHC')}), 35, 'one call stores what was kept');
is(reported(@ids), 20, 'each of them');
is(sql(q{SELECT count(*) FROM rcs.event WHERE reason ~ U&'\ACB0\BC88'}), 23, 'with its text');
is(sql('SELECT count(*) FROM rcs.quarantine'), 0, 'and nothing is left');
is(sql('SELECT rcs_receive_again()'), 0, 'a second call finds nothing');

is(complaints($node), 1, 'the log has no complaint but for that lock');
$node->stop;
done_testing();
