# Helpers of the tests of copies: an original that is busy, copies of it in all the ways that people
# make them, and what the carrier's ledger says of both.
package RcsCopies;

use strict;
use warnings;

use Exporter 'import';
use IPC::Run ();
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use RcsTest;
use Test::More;
use Time::HiRes qw(sleep time);

our @EXPORT = qw(original busy_single singles_end longest_gap offers_here copied_offers phones_twice ids_twice
  open_holds held_soon never_held as_own_server application application_ends row print_matrix);

my $db = 'shop';

# A server with an account.  Options are settings, besides: rate => messages a minute, streaming => 1,
# archive => 1.
sub original
{
	my ($sim, $name, %conf) = @_;
	my $rate = delete $conf{rate} // 12000;
	my $archive = delete $conf{archive};
	my $streaming = delete $conf{streaming} // 1;
	my $node = rcs_node($name, start => 0, streaming => $streaming, 'rcs.settle_dead' => '1s', %conf);

	$node->enable_archiving if $archive;
	$node->start;
	rcs_database($node, $db);
	setup_account($node, $db, $sim, options => { rate_per_minute => $rate });
	return $node;
}

# One-time passwords, five a second, as an application sends them: to 0107 and a number.
sub busy_single
{
	my ($node, $seconds) = @_;
	my $n = int($seconds * 5);
	my $sql = "DO \$\$ BEGIN FOR i IN 1..$n LOOP"
	  . " PERFORM rcs_send('0107' || lpad(i::text, 7, '0'), 'otp', chatbot => '0212351235'); COMMIT;"
	  . " PERFORM pg_sleep(0.2); END LOOP; END \$\$";
	my ($out, $err) = ('', '');
	my $run = IPC::Run::start([ 'psql', '-X', '-q', '-d', $node->connstr($db), '-c', $sql ],
		'<', \'', '>', \$out, '2>', \$err);
	return { run => $run, err => \$err, began => time() };
}

sub singles_end
{
	my ($busy) = @_;

	$busy->{run}->finish;
	local $Test::Builder::Level = $Test::Builder::Level + 1;
	return is(${ $busy->{err} }, '', 'the application got no error');
}

sub ledger
{
	my ($sim) = @_;
	return map { [ split /\t/ ] } grep { !/^#/ } split /\n/, slurp_file($sim->ledger);
}

# The longest time without an accepted one-time password, from the first to a moment.
sub longest_gap
{
	my ($sim, $until) = @_;
	my @at = sort { $a <=> $b } map { $_->[1] / 1e6 } grep { $_->[6] eq 'accepted' && $_->[4] =~ /^0107/ } ledger($sim);
	my $longest = 0;

	return 1e9 unless @at;
	push @at, $until if defined $until && $until > $at[-1];
	for my $i (1 .. $#at)
	{
		$longest = $at[$i] - $at[ $i - 1 ] if $at[$i] - $at[ $i - 1 ] > $longest;
	}
	return $longest;
}

# What was offered from here: each intent, but those that were withdrawn.
sub offers_here
{
	my ($node) = @_;
	return $node->safe_psql($db,
		"SELECT (SELECT coalesce(sum(cardinality(ords)), 0) FROM rcs.intent) - (SELECT count(*) FROM rcs.result WHERE outcome = 'w')");
}

# All that the carrier was offered besides.
sub copied_offers
{
	my ($sim, $node) = @_;
	return $sim->stats->{offers} - offers_here($node);
}

sub groups_of_accepted
{
	my ($sim, $column) = @_;
	my %n;

	$n{ $_->[$column] }++ for grep { $_->[6] eq 'accepted' } ledger($sim);
	return scalar grep { $_ > 1 } values %n;
}

# How many phones, and how many ids, were accepted more than once.
sub phones_twice { return groups_of_accepted($_[0], 4); }
sub ids_twice { return groups_of_accepted($_[0], 3); }

# What is in force, as one line
sub open_holds
{
	my ($node, $in) = @_;
	return $node->safe_psql($in // $db,
		q{SELECT coalesce(string_agg(coalesce(server, 'all') || ': ' || reason, '; '), '') FROM rcs.hold WHERE released_at IS NULL});
}

sub held_soon
{
	my ($node, $seconds, $name, $in) = @_;
	my $end = time() + $seconds;

	sleep(0.1) while open_holds($node, $in) eq '' && time() < $end;
	local $Test::Builder::Level = $Test::Builder::Level + 1;
	return isnt(open_holds($node, $in), '', $name);
}

# No hold is or was in force here.
sub never_held
{
	my ($node, $name, $in) = @_;

	local $Test::Builder::Level = $Test::Builder::Level + 1;
	return is($node->safe_psql($in // $db, q{SELECT count(*) || coalesce(': ' || min(reason), '') FROM rcs.hold}), '0', $name);
}

# A data directory that was copied by other means becomes a node of the tests.
sub as_own_server
{
	my ($name, $copy) = @_;
	my $node = PostgreSQL::Test::Cluster->new($name);

	mkdir $node->basedir;
	$copy->($node->data_dir);
	$node->append_conf('postgresql.conf', 'port = ' . $node->port . "\n");
	return $node;
}

# An application that knows several servers, and sends to whichever takes writes: one-time passwords as
# busy_single.  What is refused or not answered it does not send again.
sub application
{
	my ($seconds, @connstr) = @_;
	my $host = join ',', map { /host=(\S+)/ } @connstr;
	my $port = join ',', map { /port=(\d+)/ } @connstr;
	my $conn = "dbname=$db host=$host port=$port target_session_attrs=read-write connect_timeout=2";
	my $script = 'i=0; end=$(($(date +%s) + ' . int($seconds) . ')); while [ $(date +%s) -lt $end ]; do i=$((i+1)); '
	  . qq(timeout 4 psql -X -q -At -d "$conn" -c "SELECT rcs_send('0107' || lpad('\$i', 7, '0'), 'otp', chatbot => '0212351235')"; )
	  . 'sleep 0.2; done; :';
	my ($out, $err) = ('', '');

	return { run => IPC::Run::start([ 'sh', '-c', $script ], '<', \'', '>', \$out, '2>', \$err), err => \$err, out => \$out };
}

sub application_ends
{
	my ($application) = @_;

	$application->{run}->finish;
	note ${ $application->{err} };
	return;
}

# ---------- the matrix ----------

my @rows;

# What a way to make a copy led to.  Also into a file beside the logs, a table of all tests.
sub row
{
	my ($name, %is) = @_;
	my @cells = ($name, map { defined $_ && $_ ne '' ? $_ : '-' } @is{qw(twice offers gap original copy)});

	s/\|/!/g for @cells;
	my $line = '| ' . join(' | ', @cells) . ' |';
	push @rows, $line;
	append_to_file($PostgreSQL::Test::Utils::log_path . '/copies_matrix.md', "$line\n");
	return;
}

sub print_matrix
{
	diag join "\n", '', '| way | phones twice | offers of the copy | longest s without a single | original on hold | copy on hold |',
	  '|---|---|---|---|---|---|', @rows;
	return;
}

1;
