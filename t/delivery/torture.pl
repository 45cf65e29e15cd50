# An error at each point of a message's life, at each of the first times it is passed, then a shortage
# of memory at each of the first allocations after a lease and after an answer.
#
# RCS_LONG=1 takes all of them.  The shortage needs a C compiler: a library is preloaded whose malloc
# fails once, at the allocation that the fault point asks for ("alloc", see src/base/fault_point.c).  It reaches
# palloc, the parser of answers, libcurl and the resolver alike; it does not reach allocations served
# from blocks that PostgreSQL has already.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::RealBin/../lib";
use PostgreSQL::Test::Utils;
use RcsTest;
use Test::More;
use Time::HiRes qw(sleep time);

my $long = $ENV{RCS_LONG};
my @points = qw(after-lease after-intent after-write after-answer before-result after-result);
my $library = build_library();

my $node = rcs_node('main',
	start => 0,
	'rcs.settle_dead' => '200ms',
	'rcs.settle' => '200ms',
	'rcs.request_timeout' => '2s');
start();
my $sim = start_ktsim();
$sim->set(latency_ms => 20);    # else all may be answered in the turn in which they leave
my $db = rcs_database($node, 'shop');
setup_account($node, $db, $sim);

my ($from, $happened) = (20000000, 0);
my $n = $long ? 40 : 5;

sub sql { return $node->safe_psql($db, $_[0]); }

sub start
{
	local $ENV{LD_PRELOAD} = $library if $library;
	return $node->start;
}

# malloc, calloc and realloc that fail once when they have been told to.
sub build_library
{
	return preload_library(<<'C');
#include <errno.h>
#include <stddef.h>

extern void *__libc_malloc(size_t n);
extern void *__libc_calloc(size_t n, size_t size);
extern void *__libc_realloc(void *p, size_t n);

static volatile int left = -1;
static volatile int struck = 0;

void rcs_shortage_after(int n) { struck = 0; left = n; }
int rcs_shortage_struck(void) { return struck; }

static int
fails(void)
{
	if (left < 0 || __sync_fetch_and_sub(&left, 1) != 0)
		return 0;
	struck = 1;
	errno = ENOMEM;
	return 1;
}

void *malloc(size_t n) { return fails() ? NULL : __libc_malloc(n); }
void *calloc(size_t n, size_t size) { return fails() ? NULL : __libc_calloc(n, size); }
void *realloc(void *p, size_t n) { return fails() ? NULL : __libc_realloc(p, n); }
C
}

# A few messages of each lane; the fault strikes or not, then they leave.
sub strike
{
	my ($line) = @_;
	my $file = $node->data_dir . '/rcs_fault';

	append_to_file("$file.new", "$line\n");
	rename "$file.new", $file or die "rename: $!";
	my $id = campaign($node, $db, $n, from => $from);
	sql("SELECT count(rcs_send('010' || i, 'hello')) FROM generate_series($from, $from + 2) i");
	$from += $n;
	my ($rc, $out) = $node->psql($db, q{SELECT rcs_wait('90 seconds')});
	$happened++ unless -e $file;
	unlink $file;
	return if $out eq 't'
		&& sql("SELECT sent FROM rcs.campaign_progress WHERE campaign = '$id'") == $n;
	fail("$line: everything left");
	return;
}

# An error outside of a transaction ends the worker, and each end delays the next start: fewer of those
for my $point (@points)
{
	my @skips = $long ? (0 .. 20) : $point =~ /after-lease|before-result/ ? (0 .. 2) : (0);
	$happened = 0;
	for my $skip (@skips)
	{
		# else it would rest for minutes before each start
		if ($skip % 4 == 3)
		{
			$node->stop;
			start();
		}
		strike("$point error $skip");
	}
	cmp_ok($happened, '>', 0, "$point: $happened errors happened");
	oracle($node, $db, $sim, name => "errors at $point");
}
is(sql("SELECT count(*) FROM rcs.message_status WHERE status <> 'sent'"), 0, 'all are sent');

SKIP:
{
	skip 'no C compiler', 4 unless $library;
	my $struck = 0;
	for my $point (qw(after-lease after-answer))
	{
		my $offset = -s $node->logfile;
		strike("$point alloc $_") for $long ? (0 .. 150) : (0, 1, 3, 9, 27, 50);
		oracle($node, $db, $sim, name => "shortage of memory $point");
		$struck += log_count($node, 'out of memory', $offset);
	}
	cmp_ok($struck, '>', 0, "$struck complaints of too little memory");
	is(sql("SELECT count(*) FROM rcs.message_status WHERE status <> 'sent'"), 0, 'all are sent');
}
is(log_count($node, 'PANIC|was terminated by signal'), 0, 'no process crashed');
$node->stop;
done_testing();
