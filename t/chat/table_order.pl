# The whole table-order dialogue, each hop checked: a user writes to the room, the carrier pushes it to the
# listener, a rule asks the table-order server, images are uploaded once, a carousel answers, a report says
# that it arrived.  Then a refusal by text and by its button.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::RealBin/../lib";
use JSON::PP ();
use PostgreSQL::Test::Utils;
use RcsImages;
use RcsListener;
use RcsTest;
use Test::More;

my $db = 'shop';
my $bot = '0212351235';
my $bodies = PostgreSQL::Test::Utils::tempdir() . '/bodies';
my $node = rcs_node('main', 'rcs.chat_workers' => 1);
my $sim = start_ktsim(args => [ '--dump-bodies', $bodies, '--set', 'report_mode=1' ]);
my $web = start_images();
rcs_database($node, $db);
setup_account($node, $db, $sim);
listen_to($node, $db);
$sim->set(push_url => listener_url('/msgstatus'), mo_url => listener_url('/momsg'), mo_segment => 1, push_authorization => "Bearer $secret");
sub sql { return $node->safe_psql($db, $_[0]); }

my @codes = qw(bibimbap bulgogi mandu);
my $url = $web->url;
$web->say("/image/$_.png", body => png($_), headers => ['Content-Type: image/png']) for @codes;
$web->say('/menu', headers => ['Content-Type: application/json'],
	body => JSON::PP::encode_json({ items => [ map { { code => $_, name => ucfirst, price => 9000, image => "$url/image/$_.png" } } @codes ] }));
sql(qq{
	CREATE ROLE clerk;
	CREATE SERVER table_order TYPE 'http' FOREIGN DATA WRAPPER rcs OPTIONS (url '$url', timeout '5s');
	GRANT USAGE ON FOREIGN SERVER kt, table_order TO clerk;
	INSERT INTO rcs.reply_rule (owner, event, pattern, data_server, data_path, "each", reply, error_reply) VALUES
		('clerk', 'message', '^menu\$', 'table_order', '/menu?from=#{inbound.text}', 'items', '{"body": {"title": "#{item.name}",
			"description": "#{item.price} won", "media": "#{item.image}"}, "buttons": [{"suggestions": [{"reply":
			{"displayText": "Order", "postback": {"data": "order:#{item.code}"}}}]}]}', '"not now"');
});

# The lines of a ledger of the carrier that fit, as rows of columns.
sub ledger
{
	my ($file, $pattern) = @_;
	return map { [ split /\t/ ] } grep { /$pattern/ } split /\n/, slurp_file($file);
}

my %menu_of;

# One user asks for the menu: from the carrier's push to the report, hop by hop.
sub asks
{
	my ($name, $phone, $asked_before) = @_;
	my $reply_id = $sim->inbound(chatbotId => $bot, userContact => $phone, text => ' Menu ');

	# carrier -> listener
	poll($node, $db, "SELECT event, text, phone, chatbot FROM rcs.inbound WHERE reply_id = '$reply_id'", "message| Menu |$phone|$bot", 20,
		"$name: the message is stored");
	# listener -> rule -> answer
	poll($node, $db, "SELECT problem IS NULL, rule_id = (SELECT min(rule_id) FROM rcs.reply_rule), reply_message IS NOT NULL
		FROM rcs.inbound WHERE reply_id = '$reply_id' AND handled_at IS NOT NULL", 't|t|t', 20, "$name: the rule answers");
	my ($push) = ledger($sim->push_ledger, "\tinbound\t$reply_id\t");
	is("$push->[6] $push->[7]", '200 taken', "$name: and the carrier is told that it was taken");
	# rule -> data server
	is(scalar(grep { $_->{path} eq '/menu?from=%20Menu%20' } $web->requests), $asked_before + 1, "$name: the data server was asked once more");
	# answer -> carrier -> report -> listener
	my $id = sql("SELECT reply_message FROM rcs.inbound WHERE reply_id = '$reply_id'");
	poll($node, $db, "SELECT status, lane, carrier IS NOT NULL FROM rcs.message_status WHERE id = '$id'", 'delivered|single|t', 20,
		"$name: the answer is delivered");
	my @offers = ledger($sim->ledger, "\t$id\t");
	is("@{ $offers[0] }[3 .. 6] " . @offers, "$id $phone $bot accepted 1", "$name: it was offered once, and accepted");
	my ($report) = ledger($sim->push_ledger, "\treport\t$id\t");
	is("$report->[4] $report->[6] $report->[7]", 'success 200 taken', "$name: its report was taken");
	# what the user sees
	my ($sent) = map { JSON::PP::decode_json($_->[1]) } ledger($bodies, "^$id\t");
	my $rcs = $sent->{rcs};
	is("$rcs->{serviceType} $rcs->{replyId} $rcs->{messagebaseId}", "RCSCHAT $reply_id CCwMhM0300", "$name: a carousel for this message");
	is(join(' ', map { $rcs->{body}{"title$_"} } 1 .. 3), 'Bibimbap Bulgogi Mandu', "$name: with the dishes");
	is($rcs->{buttons}[1]{suggestions}[0]{reply}{postback}{data}, 'order:bulgogi', "$name: and their buttons");
	$menu_of{$name} = join ' ', map { $rcs->{body}{"media$_"} } 1 .. 3;
	# images
	for my $code (@codes)
	{
		is(scalar(grep { $_->{path} eq "/image/$code.png" } $web->requests), 1, "$name: image $code was fetched once");
	}
	my @files = ledger($sim->file_ledger, "\tstored\t");
	is(@files, 3, "$name: three images were uploaded");
	is($menu_of{$name}, join(' ', map { "maapfile://$_->[3]" } sort { index($menu_of{$name}, $a->[3]) <=> index($menu_of{$name}, $b->[3]) } @files),
		"$name: which the answer names");
	is($sim->stats->{file_offers}, 3, "$name: none twice");
	return;
}

asks('the first user', '01020000001', 0);
asks('the second user', '01020000002', 1);
is($menu_of{'the second user'}, $menu_of{'the first user'}, 'both see the same images');

# The same message pushed three times, as a carrier that missed our answer does

sql(q{INSERT INTO rcs.reply_rule (owner, pattern, reply) VALUES ('clerk', '^hello$', '"Good day"')});
my $again = $sim->inbound(chatbotId => $bot, userContact => '01020000003', text => 'hello', times => 3);
poll($node, $db, "SELECT count(*), count(reply_message) FROM rcs.inbound WHERE reply_id = '$again' AND handled_at IS NOT NULL", '1|1', 20, 'it is answered once');
poll($node, $db, q{SELECT count(*) FROM rcs.message_status WHERE phone = '01020000003' AND status = 'delivered'}, '1', 20, 'and delivered once');

# A refusal, written and by its button

sql(qq{
	INSERT INTO rcs.reply_rule (owner, priority, event, pattern, opt_out, reply) VALUES
		('clerk', 10, 'message', '^수신거부\$', true, '"no more advertising"'), ('clerk', 10, 'response', '^optout\$', true, NULL);
});
my $refusal = "\x{C218}\x{C2E0}\x{AC70}\x{BD80}";
my $written = $sim->inbound(chatbotId => $bot, userContact => '01020000004', text => $refusal);
my $pressed = $sim->inbound(chatbotId => $bot, userContact => '01020000005', displayText => $refusal, postbackData => 'optout');
poll($node, $db, "SELECT count(*) FROM rcs.inbound WHERE reply_id IN ('$written', '$pressed') AND handled_at IS NOT NULL AND problem IS NULL", '2', 20, 'refusals are taken');
is(sql('SELECT phone, chatbot, source FROM rcs.optout ORDER BY phone'), "01020000004|$bot|chat\n01020000005|$bot|chat", 'and written down');
poll($node, $db, q{SELECT phone, status FROM rcs.message_status WHERE phone IN ('01020000004', '01020000005')}, '01020000004|delivered', 20,
	'the written one is answered, the other rule says nothing');
is(sql(q{SELECT rcs_optout('01020000005', '0212351235')}), 'f', 'nothing is left to be written down');
my $odd = $sim->inbound(chatbotId => $bot, userContact => 'x0102', text => $refusal);
poll($node, $db, "SELECT problem ~ 'the opt-out could not be recorded' FROM rcs.inbound WHERE reply_id = '$odd' AND handled_at IS NOT NULL", 't', 20,
	'one that cannot be written down says why');

drained($node, $db, 20, 'nothing is unsent');
is(sql('SELECT count(*) FROM rcs.quarantine'), 0, 'all that was pushed is understood');
oracle($node, $db, $sim);
done_testing();
