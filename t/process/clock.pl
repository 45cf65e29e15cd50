# The clock of a server that sends is set: an hour on, an hour and a day back, over 21:00 and over 08:00.  Rates and
# time-outs run on, singles leave at once, nothing is offered twice or outside of the ad hours as the clock has them.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::RealBin/../lib";
use List::Util qw(max);
use POSIX qw(fmod);
use PostgreSQL::Test::Utils;
use RcsTest;
use Test::More;
use Time::HiRes qw(sleep time);

my $library = build_library();
plan skip_all => 'no C compiler' unless $library;

my $clock = PostgreSQL::Test::Utils::tempdir() . '/clock';
my $off = 0;
set_clock(0);
my $node = rcs_node('main', start => 0, 'rcs.request_timeout' => '3s', 'rcs.settle' => '1s', 'rcs.ad_hours' => "'08:00-21:00 Asia/Seoul'");
my $sim = start_ktsim();
{
	local @ENV{qw(LD_PRELOAD RCS_TEST_CLOCK)} = ($library, $clock);
	$node->start;
}
# nothing below is before the extension was made: such messages would be taken for those of a dump
set_clock(-3 * 86400);
my $db = rcs_database($node, 'shop');
my $rate = 1200;
setup_account($node, $db, $sim, options => { rate_per_minute => $rate });
my $from = 20000000;

sub sql { return $node->safe_psql($db, $_[0]); }

# The time of day as all processes of the server see it, running ones too: some microseconds off, in a shared page.
sub build_library
{
	return preload_library(<<'C');
#define _GNU_SOURCE
#include <fcntl.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

static volatile int64_t *page = NULL;

static int64_t
offset_us(void)
{
	if (page == NULL)
	{
		const char *path = getenv("RCS_TEST_CLOCK");
		int fd = path == NULL ? -1 : open(path, O_RDONLY | O_CLOEXEC);
		void *p = fd < 0 ? MAP_FAILED : mmap(NULL, sizeof(int64_t), PROT_READ, MAP_SHARED, fd, 0);
		static int64_t none = 0;

		if (fd >= 0)
			close(fd);
		page = p == MAP_FAILED ? &none : p;
	}
	return *page;
}

int
clock_gettime(clockid_t id, struct timespec *ts)
{
	int rc = (int) syscall(SYS_clock_gettime, id, ts);
	int64_t ns;

	if (rc != 0 || (id != CLOCK_REALTIME && id != CLOCK_REALTIME_COARSE))
		return rc;
	ns = ts->tv_sec * INT64_C(1000000000) + ts->tv_nsec + offset_us() * 1000;
	ts->tv_sec = ns / 1000000000;
	ts->tv_nsec = ns % 1000000000;
	return 0;
}

int
gettimeofday(struct timeval *tv, void *zone)
{
	struct timespec ts;

	clock_gettime(CLOCK_REALTIME, &ts);
	tv->tv_sec = ts.tv_sec;
	tv->tv_usec = ts.tv_nsec / 1000;
	return 0;
}

time_t
time(time_t *t)
{
	struct timespec ts;

	clock_gettime(CLOCK_REALTIME, &ts);
	if (t != NULL)
		*t = ts.tv_sec;
	return ts.tv_sec;
}
C
}

# So many seconds from ours, for everybody, now.
sub set_clock
{
	($off) = @_;
	open my $h, -e $clock ? '+<' : '>', $clock or die "open: $!";
	syswrite $h, pack('q', $off * 1e6) or die "write: $!";
	close $h or die "close: $!";
	return note sprintf 'the clock is %+.0f s off', $off;
}

# It is that time of the day in Seoul.
sub set_time_of_day
{
	my ($h, $m, $s) = @_;
	my $seconds = ($h * 60 + $m) * 60 + $s - fmod(time() + 9 * 3600, 86400);
	set_clock($seconds < -43200 ? $seconds + 86400 : $seconds);
	return;
}

# Our time when the server's clock will say so next
sub when_it_is
{
	my ($h, $m) = @_;
	my $now = time();
	return $now + fmod(($h * 60 + $m) * 60 + 86400 - fmod($now + $off + 9 * 3600, 86400), 86400);
}

sub progress { return sql("SELECT $_[1] FROM rcs.campaign_progress WHERE campaign = '$_[0]'"); }

# Real times of the offers to phones from one on
sub offered
{
	my ($first, $n) = @_;
	return map { $_->[1] / 1e6 } grep { $_->[4] ge "010$first" && $_->[4] lt '010' . ($first + $n) }
	  map { [ split /\t/ ] } grep { !/^#/ } split /\n/, slurp_file($sim->ledger);
}

sub ads
{
	my ($first, $n) = @_;
	my $id = sql(q{SELECT rcs_campaign_create('sale', '{"serviceType": "RCSSMS", "header": "1", "body": {"description": "sale"}}')});
	sql(qq{SELECT rcs_campaign_add('$id', 'SELECT ''010'' || i AS phone FROM generate_series($first, $first + $n - 1) i')});
	sql(qq{SELECT rcs_campaign_start('$id')});
	return $id;
}

sql(q{UPDATE rcs.chatbot SET footer = '080-123-4567'});
set_clock(3600);
cmp_ok(abs(sql('SELECT extract(epoch FROM clock_timestamp())') - time() - 3600), '<', 5, 'the clock can be set');
poll($node, $db, q{SELECT count(*) FROM rcs.worker_status WHERE kind = 'campaign' AND pid IS NOT NULL}, 1, 30, 'a worker runs');

# In the middle of a campaign, also after its worker has ended: a pause, wait or count that goes by the clock would show.
my $campaign = campaign($node, $db, 1200, from => 21000000);
for my $to (7200, 3700, 90000, 7300)
{
	my $before = progress($campaign, 'accepted');
	set_clock($to);
	my $since = time();
	my $id = sql(sprintf q{SELECT rcs_send('010%08d', 'hello')}, $from++);
	drained($node, $db, 30, 'a single leaves', $id);
	cmp_ok(time() - $since, '<', 20, 'soon');
	poll($node, $db, "SELECT accepted > $before + 20 FROM rcs.campaign_progress WHERE campaign = '$campaign'", 't', 30, 'the campaign goes on');
	sql(q{SELECT pg_terminate_backend(pid) FROM rcs.worker_status WHERE kind = 'campaign' AND pid IS NOT NULL});
	poll($node, $db, q{SELECT count(*) FROM rcs.worker_status WHERE kind = 'campaign' AND pid IS NOT NULL}, 1, 30, 'a worker that ended is back');
}
is(sql(q{SELECT severity FROM rcs_health() WHERE "check" = 'clock'}), 'critical', 'rcs_health() says that the clock is wrong');
drained($node, $db, 120, 'all of it leaves', $campaign);
my @times = offered(21000000, 1200);
cmp_ok(scalar @times, '>=', 1200, 'the ledger has it');
my ($first, $most) = (0, 0);
for my $last (0 .. $#times)
{
	$first++ while $times[$last] - $times[$first] >= 10;
	$most = max($most, $last - $first + 1);
}
cmp_ok($most, '<=', 1.02 * $rate / 6 + 1, "the rate is kept in any ten seconds of real time: $most");

# The clock was ahead, and is set back before the time when the messages were queued: due messages stay due, scheduled
# ones wait for their date, and a try that is put off waits as long as before.
my $waits = campaign($node, $db, 700, from => 22000000);
my $later = sql(qq{SELECT rcs_campaign_create('later', '$text', start_at => now() + interval '1 hour')});
sql(qq{SELECT rcs_campaign_add('$later', 'SELECT ''01022900000'' AS phone, ''N'' AS name')});
set_clock($off - 3600);
my $new = campaign($node, $db, 50, from => 23000000);
drained($node, $db, 60, 'what is queued now leaves', $new);
drained($node, $db, 60, 'what was queued before as well', $waits);
is(progress($later, 'state, accepted'), 'scheduled|0', 'what is scheduled waits');
sql(q{SELECT rcs_hold('a look at the clock')});
my $held = campaign($node, $db, 20, from => 24000000);
set_clock($off - 600);
poll($node, $db, 'SELECT count(*) FROM rcs.batch b JOIN rcs.campaign c USING (campaign_no) WHERE greatest(b.due_at, c.started_at) > now()'
	  . " AND c.id = '$held'", 0, 20, 'also on hold');
sql('SELECT rcs_resume()');
drained($node, $db, 60, 'which leaves after it', $held);
is(progress($later, 'state, accepted'), 'scheduled|0', 'what is scheduled still waits');
sql("SELECT rcs_campaign_cancel('$later')");
$sim->set(error_pct => 100, error_code => '50002');
my $again = sql(sprintf q{SELECT rcs_send('010%08d', 'hello')}, $from++);
poll($node, $db, "SELECT attempts > 1 FROM rcs.message_status WHERE id = '$again'", 't', 30, 'one is tried again');
set_clock($off - 3600);
$sim->set(error_pct => 0);
drained($node, $db, 30, 'and again, soon', $again);
is(log_count($node, 'the clock was set back by (?:3599|3600)\.\d seconds; what was due stays due'), 4, 'it is logged, by each lane');

# While they fly: no answer is given up early, none is waited for until the clock is there again.
for my $step (86400, -86400)
{
	$sim->set(latency_ms => 1200);
	my $flies = campaign($node, $db, 20, from => $from += 100);
	poll($node, $db, 'SELECT sum(in_flight) > 0 FROM rcs.worker_status', 't', 20, 'requests are under way');
	set_clock($off + $step);
	drained($node, $db, 30, 'their answers come', $flies);
	is(progress($flies, 'accepted, uncertain'), '20|0', "none is given up for a step of $step s");
	# after a step forward what waited for its permit is withdrawn, and taken anew
	is(sql(qq{SELECT count(*) FROM rcs.intent i JOIN rcs.campaign c USING (campaign_no) WHERE c.id = '$flies' AND i.attempt > 1
			AND NOT EXISTS (SELECT FROM rcs.result r WHERE r.campaign_no = i.campaign_no AND r.batch_id = i.batch_id AND r.outcome = 'w')}), 0, 'nor offered again');
	$sim->set(latency_ms => 0);
}
$sim->set(latency_ms => 60000);
set_conf($node, 'rcs.in_doubt' => 'hold');
my $lost = sql(sprintf q{SELECT rcs_send('010%08d', 'hello')}, $from += 100);
poll($node, $db, 'SELECT sum(in_flight) > 0 FROM rcs.worker_status', 't', 20, 'one that gets no answer');
set_clock($off - 7200);
poll($node, $db, "SELECT status FROM rcs.message_status WHERE id = '$lost'", 'uncertain', 30, 'is given up in time');
$sim->set(latency_ms => 0);
sql("SELECT rcs_resolve('$lost', 'sent')");

# Over 21:00, set back, over 21:00 again; then over 08:00.
set_time_of_day(20, 49, 50);
my $closes = when_it_is(20, 50);    # the margin of ten minutes
my $ad = ads(30000000, 1200);
poll($node, $db, "SELECT accepted > 20 FROM rcs.campaign_progress WHERE campaign = '$ad'", 't', 30, 'advertising leaves before the closing');
sleep(max(0, $closes + 2 - time()));
is(scalar(grep { $_ > $closes + 0.5 } offered(30000000, 1200)), 0, 'not after it');
like(progress($ad, 'state_reason'), qr/^outside ad hours until /, 'it says why');
set_time_of_day(12, 0, 0);
poll($node, $db, "SELECT accepted FROM rcs.campaign_progress WHERE campaign = '$ad'", 1200, 90, 'what was put off to the morning leaves when it is noon again');
my $noon = ads(31000000, 1200);
poll($node, $db, "SELECT accepted > 20 FROM rcs.campaign_progress WHERE campaign = '$noon'", 't', 30, 'at noon it leaves');
set_time_of_day(22, 0, 0);
my $night = time();
sleep(3);
is(scalar(grep { $_ > $night + 0.5 } offered(31000000, 1200)), 0, 'not when somebody sets the clock to the night');
set_clock($off + 10 * 3600 - 4 - (time() - $night));
my $opens = when_it_is(8, 0);
drained($node, $db, 120, 'all leave in the morning', $noon);
is(scalar(grep { $_ > $night + 0.5 && $_ < $opens } offered(31000000, 1200)), 0, 'and none before 08:00');
oracle($node, $db, $sim);
$node->stop;
done_testing();
