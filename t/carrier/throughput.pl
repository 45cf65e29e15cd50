# rcs.throughput: the answers to each account in each minute, of all workers together.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::RealBin/../lib";
use RcsTest;
use Test::More;

my $node = rcs_node('main', 'rcs.campaign_workers' => 2);
my $slow = start_ktsim(args => [ '--latency-ms', 60 ]);
my $strict = start_ktsim(accounts => ['shop:secret:600']);
my $db = rcs_database($node, 'shop');
setup_account($node, $db, $slow);
setup_account($node, $db, $strict, server => 'strict', chatbot => '0200000002');

sub sql { return $node->safe_psql($db, $_[0]); }

campaign($node, $db, 300, chatbot => '0212351235', from => 20000000);
campaign($node, $db, 60, chatbot => '0200000002', from => 30000000);
sql(q{SELECT rcs_send('01099999999', 'hello', chatbot => '0212351235')});
drained($node, $db, 60);

# at the end of a worker everything is written; they are told to end here, so that the test need not wait
set_conf($node, 'rcs.campaign_workers' => 0, 'rcs.single_workers' => 0);
poll($node, $db, q{SELECT coalesce(sum(accepted), 0) FROM rcs.throughput}, 361, 30, 'all messages are counted, once');
is(sql(q{SELECT server, sum(accepted), sum(failed) FROM rcs.throughput GROUP BY 1 ORDER BY 1}),
	"kt|301|0\nstrict|60|0", 'each at its account');
is(sql(q{SELECT bool_and(sums) FROM (
		SELECT sum(throttled) = (SELECT count(*) FROM rcs.result r WHERE r.server = t.server AND r.outcome = 'r') AS sums
		FROM rcs.throughput t GROUP BY server) x}), 't', 'answers "too fast" are those of the record');
cmp_ok(sql(q{SELECT sum(throttled) FROM rcs.throughput WHERE server = 'strict'}), '>', 0, 'and there were some');
is(sql(q{SELECT bool_and(p50_ms >= 50 AND p99_ms >= p50_ms) FROM rcs.throughput WHERE server = 'kt'}), 't',
	'the times are not shorter than the carrier takes');
is(sql(q{SELECT count(*) FROM (SELECT 1 FROM rcs.throughput GROUP BY minute, server HAVING count(*) > 1) x}), 0,
	'one row per minute and account');
is(sql(q{SELECT bool_and(minute = date_trunc('minute', minute) AND minute > now() - interval '5 minutes') FROM rcs.throughput}),
	't', 'a minute is a minute');

# the arithmetic: 90 answers within 1 to 1.26 ms, 10 within 64 to 80.6 ms; twice
is(sql(q{SELECT rcs._percentile(a, 0.5), rcs._percentile(a, 0.9), rcs._percentile(a, 0.99), rcs._percentile(array_fill(0, ARRAY[54]), 0.5) IS NULL
	FROM (SELECT array_agg(x) AS a FROM generate_series(1, 2), LATERAL (
		SELECT array_agg(CASE i WHEN 4 THEN 90 WHEN 22 THEN 10 ELSE 0 END) AS x FROM generate_series(0, 53) i) y) z}),
	'1.1|1.1|71.8|t', 'percentiles of ranges');

oracle($node, $db, $slow, $strict);
$node->stop;
done_testing();
