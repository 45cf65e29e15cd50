# A server under AddressSanitizer, and what that has to report.
package RcsAsan;

use strict;
use warnings;

use Exporter 'import';
use PostgreSQL::Test::Utils;

our @EXPORT = qw(start_under_asan new_reports);

my $reports;
my %read;

# All its processes are; the quarantine is small: freed memory is soon used again, so that what grows is growth.
sub start_under_asan
{
	my ($node) = @_;

	$reports //= PostgreSQL::Test::Utils::tempdir() . '/asan';
	local $ENV{LD_PRELOAD} = $ENV{RCS_FUZZ_PRELOAD};
	local $ENV{ASAN_OPTIONS} =
	  "detect_leaks=0:abort_on_error=1:disable_coredump=1:quarantine_size_mb=16:detect_stack_use_after_return=0:log_path=$reports";
	$node->start;
	return;
}

# The reports since the last look.
sub new_reports
{
	return join "\n", map { slurp_file($_) } grep { !$read{$_}++ } sort glob "$reports.*";
}

1;
