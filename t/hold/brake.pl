# The brake: foreign duplicates of a campaign stop that campaign, not the account and no single message; and
# what it stops tries again by itself.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::RealBin/../lib";
use RcsCopies;
use RcsTest;
use Test::More;
use Time::HiRes qw(sleep time);

my $db = 'shop';
my $sim = start_ktsim();
my $node = original($sim, 'main', rate => 6000);
my $id = '6c1c1e8a-5a50-4d0f-9a49-3c3f6c6a7d11';

# The same id in another database, before
rcs_database($node, 'before');
setup_account($node, 'before', $sim);
campaign($node, 'before', 40, id => $id);
drained($node, 'before', 30, 'sent by another database');

my $other = campaign($node, $db, 900, from => 40000000);
my $busy = busy_single($node, 15);
sleep(1);
my $again = campaign($node, $db, 400, id => $id);
poll($node, $db, "SELECT state FROM rcs.campaign_progress WHERE campaign = '$again'", 'paused', 20, 'forty duplicates pause their campaign');
like($node->safe_psql($db, "SELECT state_reason FROM rcs.campaign_progress WHERE campaign = '$again'"), qr/carrier|duplicate/, 'it says why');
is(open_holds($node), '', 'the account is not on hold');
cmp_ok($node->safe_psql($db, "SELECT count(*) FROM rcs.message_status WHERE campaign = '$again' AND code = 'foreign_duplicate'"), '>=', 20, 'not before the twentieth');
singles_end($busy);
cmp_ok(longest_gap($sim, $busy->{began} + 14), '<', 3, 'one-time passwords go on');
drained($node, $db, 60, 'so does another campaign', $other);

# The rest of it is unknown to the carrier: a few are tried, and then all of it
poll($node, $db, "SELECT sent || ' ' || uncertain FROM rcs.campaign_progress WHERE campaign = '$again'", '360 40', 120,
	'the pause ends by itself when messages are accepted');
is($node->safe_psql($db, "SELECT state FROM rcs.campaign_progress WHERE campaign = '$again'"), 'finished', 'the campaign is finished');

# Single messages with keys that are used up elsewhere: each is uncertain, none stops another
$node->safe_psql('before', q{SELECT count(rcs_send('0108000' || i, 'hello', key => 'k' || i)) FROM generate_series(1000, 1049) i});
drained($node, 'before', 30);
$node->safe_psql($db, 'DELETE FROM rcs.installation') ;
$node->safe_psql($db, 'INSERT INTO rcs.installation (namespace, phone_key) VALUES ('
	  . join(', ', map { "'$_'" } split /\|/, $node->safe_psql('before', 'SELECT namespace, phone_key FROM rcs.installation')) . ')');
$node->safe_psql($db, q{SELECT count(rcs_send('0108000' || i, 'hello', key => 'k' || i)) FROM generate_series(1000, 1049) i});
$node->safe_psql($db, q{SELECT rcs_send('01088880001', 'a new one')});
drained($node, $db, 30, 'fifty duplicates of single messages stop nothing');
is($node->safe_psql($db, q{SELECT status, count(*) FROM rcs.message_status WHERE phone LIKE '0108%' GROUP BY 1 ORDER BY 1}), "sent|1\nuncertain|50", 'they are uncertain');
never_held($node, 'nothing was ever on hold');
$node->stop;
done_testing();
