# A dump that is restored as staging when nothing old is unsent: it is on hold before anybody sends anything
# there.  And rcs_resume() right after a restore counts.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::RealBin/../lib";
use PostgreSQL::Test::Utils;
use RcsCopies;
use RcsTest;
use Test::More;
use Time::HiRes qw(sleep time);

my $db = 'shop';
my $sim = start_ktsim();
my $main = original($sim, 'main', rate => 60000);
my $dump = $PostgreSQL::Test::Utils::tmp_check . '/staging.dump';
my $n = 0;

sub dumped { $main->command_ok([ 'pg_dump', '-Fc', '-f', $dump, '-p', $main->port, '-h', $main->host, $db ], 'pg_dump'); return; }

sub restored
{
	my ($name, @options) = @_;
	$main->safe_psql('postgres', "CREATE DATABASE $name");
	$main->command_ok([ 'pg_restore', @options, '-d', $name, '-p', $main->port, '-h', $main->host, $dump ], "restored as $name");
	return $name;
}

campaign($main, $db, 21, name => 'birthday');
$main->safe_psql($db, q{SELECT rcs_send('01022220001', 'keyed', key => 'order 1')});
drained($main, $db, 30, 'nothing is unsent');
dumped();

my $offers = $sim->stats->{offers};
my $staging = restored('staging');
held_soon($main, 10, 'staging is on hold', $staging);
$main->safe_psql($staging, q{SELECT rcs_send('01011110001', 'a test')});
campaign($main, $staging, 21, name => 'birthday');
sleep(2);
is($sim->stats->{offers}, $offers, 'neither a single message nor a new campaign leaves');
like($main->safe_psql($staging, q{SELECT severity FROM rcs_health() WHERE "check" = 'hold'}), qr/critical/, 'rcs_health() says so');
is(log_count($main, 'rcs sends nothing from database "staging"'), 1, 'the log names the database');

# At once, without waiting for a worker: sent, when nobody has said that nothing may be
my $fast = $main->safe_psql('postgres', 'CREATE DATABASE fast');
$main->command_ok([ 'pg_restore', '-d', 'fast', '-p', $main->port, '-h', $main->host, $dump ], 'restored as fast');
$main->safe_psql('fast', q{SELECT rcs_send('01011110002', 'a test')});
sleep(3);
is($sim->stats->{offers}, $offers, 'nor what is sent right after the restore');

# With an extension that is older than what is loaded
$main->safe_psql('postgres', 'CREATE DATABASE older');
$main->safe_psql('older', 'CREATE EXTENSION rcs');
setup_account($main, 'older', $sim);
poll($main, 'postgres', worker_count('older'), 2, 20, 'it runs');
$main->safe_psql('older', 'DELETE FROM rcs.chatbot');
$main->safe_psql($db, q{SELECT rcs_send('01033330001', 'later', send_at => now() + interval '4 s')});
dumped();
my ($rc, $out, $err) = (0, '', '');
IPC::Run::run([ 'pg_restore', '--data-only', '-d', 'older', '-p', $main->port, '-h', $main->host, $dump ], '2>', \$err);
is($err, '', 'loaded into a database with the extension');
held_soon($main, 10, 'it is on hold', 'older');
sleep(5);
is(phones_twice($sim), 0, 'nobody got anything twice');

# A tool that copies all tables: the identity of the other server comes beside whose data they are
rcs_database($main, 'copied');
setup_account($main, 'copied', $sim);
poll($main, 'postgres', worker_count('copied'), 2, 20, 'it runs');
$main->safe_psql('copied', q{
	INSERT INTO rcs.identity (system_id, timeline, dboid, node_id) VALUES ('1', 1, 1, '');
	INSERT INTO rcs._origin SELECT origin FROM rcs.identity WHERE system_id = '1'});
held_soon($main, 10, 'a copy of all tables is on hold', 'copied');

# rcs_resume() right after a restore, when nothing is due yet
$main->safe_psql($db, q{SELECT rcs_send('01044440001', 'at night', send_at => now() + interval '12 s', key => 'night')});
dumped();
$main->safe_psql('postgres', 'ALTER DATABASE shop RENAME TO gone');
$main->safe_psql('gone', q{SELECT rcs_hold('it is gone')});
restored($db, '-1');
($rc, $out, $err) = $main->psql($db, q{SELECT rcs_resume('restored')});
unlike($err, qr/nothing is on hold/, 'rcs_resume() right after a restore counts');
poll($main, $db, q{SELECT status FROM rcs.message_status WHERE key = 'night'}, 'sent', 40, 'what was due later is sent');
is(open_holds($main), '', 'no hold came');
my $c = campaign($main, $db, 5, from => 60000000);
drained($main, $db, 30, 'numbers go on', $c);
$main->stop;
done_testing();
