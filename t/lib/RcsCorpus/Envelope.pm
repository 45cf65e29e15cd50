# Messages by the rules of their top level: types, ids, header and footer, expiry, chat, sizes.
package RcsCorpus::Envelope;

use strict;
use warnings;
use utf8;

use RcsCorpus qw(message with group good bad to_json NONE TRUE FALSE ascii hangul emoji OWN_BASE
  CHATBOT OPT_OUT suggestion button);

my @types = qw(RCSSMS RCSLMS RCSMMS RCSCHAT RCSTMPL RCSITMPL);
my @one_way = grep { $_ ne 'RCSCHAT' } @types;

# one of each kind of JSON
my %any = (
	string => 'x', number => 7, fraction => 1.5, boolean => TRUE, array => [], object => {}, 'array of strings' => ['x']);

sub type_cases
{
	group('service type');
	good($_, message($_)) for @types;
	good("$_ without header", message($_, header => NONE)) for @types;
	bad('missing', message('RCSSMS', serviceType => NONE), 'serviceType missing');
	bad('null', message('RCSSMS', serviceType => undef), 'serviceType missing');
	bad("\"$_\"", message('RCSSMS', serviceType => $_), 'serviceType value')
	  for 'SMS', 'rcssms', '', 'RCSSMS ', 'RCS', 'MMS', "RCSSMS\n";
	bad("a $_", message('RCSSMS', serviceType => $any{$_}), 'serviceType type')
	  for grep { $_ ne 'string' } sort keys %any;
	return;
}

sub shape_cases
{
	group('not an object');
	bad("a $_", \$any{$_}, '- type') for grep { !ref $any{$_} && $_ ne 'string' && $_ ne 'boolean' } sort keys %any;
	bad($_, \$_, '- type') for '"text"', 'true', 'null', '[]', '[{"serviceType":"RCSSMS"}]', '""';
	bad('empty', {}, [ 'serviceType missing', 'body missing' ]);
	return;
}

sub member_type_cases
{
	my %kind = (
		messagebaseId => 'string', header => 'string', footer => 'string', chatbotId => 'string',
		agencyId => 'string', agencyKey => 'string', brandKey => 'string', cdrId => 'string',
		expiryOption => 'number', copyAllowed => 'boolean', body => 'object', buttons => 'array',
		legacy => 'object');

	group('type of a member');
	for my $member (sort keys %kind)
	{
		for my $wrong (qw(string number boolean object array))
		{
			next if $wrong eq $kind{$member};
			bad("$member is a $wrong", message('RCSLMS', $member => $any{$wrong}), "$member type");
		}
		next if $member eq 'body';
		good("$member is null", message('RCSLMS', $member => undef));
	}
	bad("replyId is a $_", message('RCSCHAT', replyId => $any{$_}), 'replyId type')
	  for qw(number boolean object array);
	bad("chipList is a $_", message('RCSCHAT', chipList => $any{$_}), 'chipList type')
	  for qw(string number boolean object);
	good('chipList is null', message('RCSCHAT', chipList => undef));
	bad('body is missing', message('RCSLMS', body => NONE), 'body missing');
	bad('body is null', message('RCSLMS', body => undef), 'body missing');
	bad("$_ is unknown", message('RCSLMS', $_ => 'x'), "$_ unknown")
	  for qw(msgId userContact common Header serviceTypes rcs x_1);
	bad('an unknown one is null', message('RCSLMS', surprise => undef), 'surprise unknown');
	# a name that could be mistaken for part of a path is written as a JSON string
	bad("the name $_->[1]", { %{ message('RCSLMS') }, $_->[0] => 1 }, "$_->[1] unknown")
	  for [ 'a.b', '"a.b"' ], [ '', '""' ], [ '한글', '"한글"' ], [ 'a[0]', '"a[0]"' ], [ 'a"b\\', '"a\"b\\\\"' ],
	  [ "a\nb", '"a\nb"' ];
	return;
}

sub length_cases
{
	my $elsewhere = 'names another sender';

	group('length of an id');
	good('messagebaseId of 40', message('RCSITMPL', messagebaseId => ascii(40)));
	good('messagebaseId of 40 Hangul', message('RCSITMPL', messagebaseId => hangul(40)));
	bad('messagebaseId of 41', message('RCSITMPL', messagebaseId => ascii(41)), 'messagebaseId too_long');
	bad('messagebaseId is empty', message('RCSITMPL', messagebaseId => ''), 'messagebaseId too_short');
	bad("messagebaseId of $_ is missing", message($_, messagebaseId => NONE), 'messagebaseId missing')
	  for qw(RCSTMPL RCSITMPL);
	good('chatbotId of the sender', message('RCSSMS', chatbotId => CHATBOT));
	good('chatbotId of 40', message('RCSSMS', chatbotId => '0' x 40), unsent => $elsewhere);
	bad('chatbotId of 41', message('RCSSMS', chatbotId => '0' x 41), 'chatbotId too_long');
	good('agencyId of 20 bytes', message('RCSSMS', agencyId => ascii(20)));
	good('agencyId of 18 bytes', message('RCSSMS', agencyId => hangul(6)));
	bad('agencyId of 21 bytes', message('RCSSMS', agencyId => ascii(21)), 'agencyId too_long');
	bad('agencyId of 7 Hangul', message('RCSSMS', agencyId => hangul(7)), 'agencyId too_long');
	for my $key (qw(agencyKey brandKey))
	{
		good("$key of 64", message('RCSSMS', $key => ascii(64)));
		bad("$key of 65", message('RCSSMS', $key => ascii(65)), "$key too_long");
	}
	good('cdrId of 20', message('RCSSMS', cdrId => ascii(20)));
	bad('cdrId of 21', message('RCSSMS', cdrId => ascii(21)), 'cdrId too_long');
	return;
}

sub header_cases
{
	my @ad = (header => '1', footer => OPT_OUT);

	group('header and footer');
	good("$_ is advertising", message($_, @ad)) for grep { $_ ne 'RCSTMPL' } @types;
	bad('RCSTMPL is advertising', message('RCSTMPL', @ad), 'header conflict');
	bad("header \"$_\"", message('RCSSMS', header => $_), 'header value') for '2', '', '00', '1 ', '광고', 'true';
	good('advertising with the footer of the chatbot', message('RCSSMS', header => '1'));
	for my $footer ('0801234567', '080-1234-5678', '0' x 20, '1', '-' . '1' x 19)
	{
		good("footer $footer", message('RCSLMS', header => '1', footer => $footer));
	}
	bad("footer \"$_\"", message('RCSLMS', header => '1', footer => $_), 'footer format')
	  for '080 123 4567', '080.123.4567', '+82801234567', '무료', '080-123-4567#', '０８０', "0801234567\n";
	bad('footer of 21', message('RCSLMS', header => '1', footer => '0' x 21), 'footer too_long');
	bad('advertising with an empty footer', message('RCSLMS', header => '1', footer => ''), 'footer too_short');
	for my $type (@types)
	{
		good("$type, information with an empty footer", message($type, footer => ''));
		bad("$type, information with a footer", message($type, footer => OPT_OUT), 'footer forbidden');
	}
	bad('a footer without a header', message('RCSSMS', header => NONE, footer => OPT_OUT), 'footer forbidden');
	return;
}

sub expiry_cases
{
	group('expiry');
	for my $type (@types)
	{
		good("$type for a short while", message($type, expiryOption => 2));
		good("$type for three days", message($type, expiryOption => 1)) if $type ne 'RCSCHAT';
		bad("$type, $_", message($type, expiryOption => $_ + 0), 'expiryOption value') for 0, 3, -1;
	}
	bad('RCSCHAT for three days', message('RCSCHAT', expiryOption => 1), 'expiryOption conflict');
	for my $number ('1.5', '2.0', '1e20', '-2147483647', '99999999999999999999', '0.2e1')
	{
		my $text = to_json(message('RCSSMS', expiryOption => 4711)) =~ s/4711/$number/r;
		my $whole = $number eq '0.2e1';

		good("$number is an integer", \$text) if $whole;
		bad("$number is none", \$text, 'expiryOption value') if !$whole;
	}
	good("copyAllowed $_->[0]", message('RCSSMS', copyAllowed => $_->[1])) for [ 'true', TRUE ], [ 'false', FALSE ];
	return;
}

sub chat_cases
{
	group('chat');
	good('replyId of 40 bytes', message('RCSCHAT', replyId => ascii(40)));
	good('replyId of 39 bytes', message('RCSCHAT', replyId => hangul(13)));
	bad('replyId of 41 bytes', message('RCSCHAT', replyId => ascii(41)), 'replyId too_long');
	bad('replyId of 42 bytes', message('RCSCHAT', replyId => hangul(14)), 'replyId too_long');
	bad('replyId of eleven emoji', message('RCSCHAT', replyId => emoji(11)), 'replyId too_long');
	bad('replyId is empty', message('RCSCHAT', replyId => ''), 'replyId too_short');
	bad('replyId is missing', message('RCSCHAT', replyId => NONE), 'replyId missing');
	bad('replyId is null', message('RCSCHAT', replyId => undef), 'replyId missing');
	for my $type (@one_way)
	{
		bad("replyId of $type", message($type, replyId => 'reply-1'), 'replyId forbidden');
		good("replyId of $type is null", message($type, replyId => undef));
		bad("chips of $type", message($type, chipList => [ suggestion('reply') ]), 'chipList forbidden');
	}
	good("$_ chips", message('RCSCHAT', chipList => [ map { suggestion('reply') } 1 .. $_ ])) for 1, 2, 10, 11;
	bad('no chips', message('RCSCHAT', chipList => []), 'chipList too_few');
	bad("$_ chips", message('RCSCHAT', chipList => [ map { suggestion('reply') } 1 .. $_ ]), 'chipList too_many')
	  for 12, 100;
	bad('fallback', message('RCSCHAT', legacy => { serviceType => 'SMS', msg => '안녕하세요' }), 'legacy forbidden');
	good('no fallback', message('RCSCHAT', legacy => undef));
	return;
}

# How long the body is as JSON: {"a":"…"} has eight bytes around its text.
sub size_cases
{
	my $body = sub { return message('RCSITMPL', body => { a => $_[0] }); };

	group('size of the body');
	good('10240 bytes', $body->(ascii(10232)));
	bad('10241 bytes', $body->(ascii(10233)), 'body too_long');
	good('10240 bytes, Hangul', $body->(hangul(3410) . 'aa'));
	bad('10241 bytes, Hangul', $body->(hangul(3410) . 'aaa'), 'body too_long');
	good('10240 bytes, emoji', $body->(emoji(2558)));
	bad('10241 bytes, emoji', $body->(emoji(2558) . 'a'), 'body too_long');
	good('10240 bytes, escaped line breaks', $body->("\n" x 5116));
	bad('10241 bytes, escaped line breaks', $body->("\n" x 5116 . 'a'), 'body too_long');
	good('10240 bytes, escaped quotes and backslashes', $body->('"\\' x 2558));
	bad('10242 bytes, escaped quotes and backslashes', $body->('"\\' x 2558 . '"'), 'body too_long');
	good('10240 bytes, control characters', $body->("\x01" x 1705 . 'aa'));
	bad('10241 bytes, control characters', $body->("\x01" x 1705 . 'aaa'), 'body too_long');
	# {"a0":"x",…}: nine bytes and a comma each for a0 to a9, then one more
	good('a hundred members', message('RCSITMPL', body => { map { ("a$_" => 'x') } 1 .. 100 }));
	bad('a thousand members', message('RCSITMPL', body => { map { ("member$_" => 'x') } 1000 .. 1999 }), 'body too_long');
	good('10240 bytes of a layout of the brand',
		message('RCSLMS', messagebaseId => OWN_BASE, body => { description => 'x', other => ascii(10240 - 30) }));
	bad('10241 bytes of a layout of the brand',
		message('RCSLMS', messagebaseId => OWN_BASE, body => { description => 'x', other => ascii(10241 - 30) }),
		'body too_long');
	bad('a carousel within its texts',
		message('RCSCHAT', body => { map { ("description$_" => hangul(1300)) } 1 .. 3 }), 'body too_long');
	return;
}

sub cases
{
	type_cases();
	shape_cases();
	member_type_cases();
	length_cases();
	header_cases();
	expiry_cases();
	chat_cases();
	size_cases();
	return;
}

1;
