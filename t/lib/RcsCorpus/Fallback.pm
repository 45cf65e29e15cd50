# Messages by the rules of their fallback: bytes as the carrier counts them, files, advertising.
package RcsCorpus::Fallback;

use strict;
use warnings;
use utf8;

use RcsCorpus qw(message with group good bad NONE TRUE ascii hangul emoji OPT_OUT);

# A message with a fallback of this type and text.
sub fallback
{
	my ($type, $text, @changes) = @_;
	return message('RCSSMS', legacy => { serviceType => $type, msg => $text }, @changes);
}

sub member_cases
{
	group('members of the fallback');
	good($_, fallback($_, '안녕하세요')) for qw(SMS LMS MMS);
	bad("type \"$_\"", fallback($_, 'x'), 'legacy.serviceType value') for 'RCSSMS', 'sms', '', 'LMS ';
	bad('no type', fallback('SMS', 'x', 'legacy.serviceType' => NONE), 'legacy.serviceType missing');
	bad('type is a number', fallback('SMS', 'x', 'legacy.serviceType' => 1), 'legacy.serviceType type');
	bad("$_ without a text", fallback($_, 'x', 'legacy.msg' => NONE), 'legacy.msg missing') for qw(SMS LMS MMS);
	bad("$_ with an empty text", fallback($_, ''), 'legacy.msg too_short') for qw(SMS LMS MMS);
	bad("$_ with a null text", fallback($_, undef), 'legacy.msg missing') for qw(SMS LMS MMS);
	bad("text is a $_->[0]", fallback('SMS', $_->[1]), 'legacy.msg type') for [ number => 1 ], [ object => {} ], [ array => ['x'] ], [ boolean => TRUE ];
	bad('empty', message('RCSSMS', legacy => {}), [ 'legacy.serviceType missing', 'legacy.msg missing' ]);
	bad("$_ is unknown", fallback('SMS', 'x', "legacy.$_" => 'x'), "legacy.$_ unknown") for qw(message title body msgId Msg);
	good('callback of 20', fallback('SMS', 'x', 'legacy.callback' => '0' x 20));
	bad('callback of 21', fallback('SMS', 'x', 'legacy.callback' => '0' x 21), 'legacy.callback too_long');
	bad('callback is empty', fallback('SMS', 'x', 'legacy.callback' => ''), 'legacy.callback too_short');
	bad('callback is a number', fallback('SMS', 'x', 'legacy.callback' => 212345678), 'legacy.callback type');
	good('subject of 50', fallback('LMS', 'x', 'legacy.subject' => hangul(50)));
	bad('subject of 51', fallback('LMS', 'x', 'legacy.subject' => hangul(51)), 'legacy.subject too_long');
	bad('subject is a number', fallback('LMS', 'x', 'legacy.subject' => 1), 'legacy.subject type');
	good('contentData of 250 bytes', fallback('MMS', 'x', 'legacy.contentCount' => 1, 'legacy.contentData' => ascii(250)));
	bad('contentData of 251 bytes', fallback('MMS', 'x', 'legacy.contentCount' => 1, 'legacy.contentData' => ascii(251)), 'legacy.contentData too_long');
	bad('contentData of 252 bytes', fallback('MMS', 'x', 'legacy.contentCount' => 1, 'legacy.contentData' => hangul(84)), 'legacy.contentData too_long');
	bad('contentData is an array', fallback('MMS', 'x', 'legacy.contentData' => ['a']), 'legacy.contentData type');
	for my $name (qw(callback subject contentCount contentData prefix kisaOrigCode))
	{
		good("$name is null", fallback('LMS', 'x', "legacy.$name" => undef));
	}
	return;
}

sub number_cases
{
	group('numbers of the fallback');
	good("$_ files of MMS", fallback('MMS', 'x', 'legacy.contentCount' => $_)) for 0 .. 3;
	bad("$_ files", fallback('MMS', 'x', 'legacy.contentCount' => $_), 'legacy.contentCount value') for 4, -1, 1.5;
	for my $type (qw(SMS LMS))
	{
		good("$type has no files", fallback($type, 'x', 'legacy.contentCount' => 0));
		bad("$type has no files: $_", fallback($type, 'x', 'legacy.contentCount' => $_), 'legacy.contentCount conflict') for 1 .. 3;
	}
	bad('contentCount is a string', fallback('MMS', 'x', 'legacy.contentCount' => '0'), 'legacy.contentCount type');
	good("kisaOrigCode $_->[0]", fallback('SMS', 'x', 'legacy.kisaOrigCode' => $_->[1]))
	  for [ 'a number' => 301390001 ], [ 'digits' => '301390001' ], [ 'zeros' => '000000001' ], [ 'short' => 1 ], [ 'the highest' => 999999999 ];
	bad("kisaOrigCode \"$_\"", fallback('SMS', 'x', 'legacy.kisaOrigCode' => $_), 'legacy.kisaOrigCode format')
	  for '1234567890', '', '12345678a', '-1', '1.5', ' 1', '１２３';
	bad("kisaOrigCode $_", fallback('SMS', 'x', 'legacy.kisaOrigCode' => $_ + 0), 'legacy.kisaOrigCode value') for 1000000000, -1, 1.5;
	bad("kisaOrigCode is a $_->[0]", fallback('SMS', 'x', 'legacy.kisaOrigCode' => $_->[1]), 'legacy.kisaOrigCode type') for [ boolean => TRUE ], [ array => [1] ];
	return;
}

# Two bytes for a Hangul syllable, one for ASCII.
sub byte_cases
{
	my %of = (
		ASCII => sub { ascii($_[0]) },
		Hangul => sub { hangul($_[0] / 2) },
		'rare Hangul' => sub { '뷁' x ($_[0] / 2) },
		'Chinese characters' => sub { '漢' x ($_[0] / 2) },
		signs => sub { '①' x ($_[0] / 2) },
		mixed => sub { "가a\n" x ($_[0] / 4) },
	);

	group('bytes of the fallback');
	for my $type ([ SMS => 80 ], [ LMS => 4000 ], [ MMS => 4000 ])
	{
		my ($name, $max) = @$type;
		for my $kind (sort keys %of)
		{
			my $text = $of{$kind}->($max);
			good("$name of $max, $kind", fallback($name, $text));
			bad("$name of one more, $kind", fallback($name, "${text}a"), 'legacy.msg too_long');
		}
	}
	for my $n (0 .. 10)
	{
		my $left = 80 - 2 * $n;
		good("SMS beside a prefix of $n Hangul", fallback('SMS', ascii($left), 'legacy.prefix' => hangul($n)));
		bad("SMS beside a prefix of $n Hangul, one more", fallback('SMS', ascii($left + 1), 'legacy.prefix' => hangul($n)), 'legacy.msg too_long');
	}
	good('SMS beside a prefix in ASCII', fallback('SMS', hangul(35), 'legacy.prefix' => ascii(10)));
	bad('SMS beside a prefix in ASCII, one more', fallback('SMS', hangul(35) . 'a', 'legacy.prefix' => ascii(10)), 'legacy.msg too_long');
	# in front of the subject, not of the text
	good("$_ beside a prefix", fallback($_, hangul(2000), 'legacy.prefix' => hangul(10))) for qw(LMS MMS);
	bad('prefix of 11', fallback('SMS', 'x', 'legacy.prefix' => ascii(11)), 'legacy.prefix too_long');
	bad('prefix is a number', fallback('SMS', 'x', 'legacy.prefix' => 1), 'legacy.prefix type');
	return;
}

sub character_cases
{
	group('characters of the fallback');
	good($_, fallback('SMS', $_)) for '한글 漢字 かな カナ', '①②㈜㎏℃', 'Ωα Дд', '“인용” ‘인용’ … ·', '½ ¾ ± × ÷', '뷁쀍햏', "가\t나\n다";
	for my $type (qw(SMS LMS MMS))
	{
		bad("$_->[0] in $type", fallback($type, "안녕 $_->[1]"), 'legacy.msg encoding')
		  for [ emoji => "\x{1F600}" ], [ 'Hangul in pieces' => "\x{1112}\x{1161}\x{11AB}" ], [ 'a letter with its accent' => "e\x{301}" ],
		  [ 'Chinese of China' => '们' ], [ Thai => 'ไทย' ], [ 'a zero-width joiner' => "\x{200D}" ], [ 'a no-break space' => "\x{FEFF}" ];
	}
	bad('emoji in the subject', fallback('LMS', 'x', 'legacy.subject' => emoji(1)), 'legacy.subject encoding');
	bad('emoji in the prefix', fallback('SMS', 'x', 'legacy.prefix' => emoji(1)), 'legacy.prefix encoding');
	return;
}

sub advertising_cases
{
	my $ad = sub { return fallback($_[0], $_[1], header => '1', footer => OPT_OUT); };

	group('advertising by fallback');
	for my $type (qw(SMS LMS MMS))
	{
		good($type, $ad->($type, '(광고)우리가게 봄 세일 무료거부 080-123-4567'));
		bad("$type without the mark", $ad->($type, '우리가게 봄 세일 무료거부 080-123-4567'), 'legacy.msg advertising');
		bad("$type without the number", $ad->($type, '(광고)우리가게 봄 세일'), 'legacy.msg advertising');
		bad("$type without both", $ad->($type, '우리가게 봄 세일'), [ 'legacy.msg advertising', 'legacy.msg advertising' ]);
	}
	bad("mark \"$_\"", $ad->('SMS', "$_ 가게 080-123-4567"), 'legacy.msg advertising')
	  for '( 광고 )', '[광고]', ' (광고)', '(광 고)', '광고', '<광고>', '(광고', '(AD)', '가(광고)';
	good("number as $_", $ad->('SMS', "(광고)가게 $_")) for '0801234567', '080 123 4567', '080.123.4567', '080)123-4567', '수신거부:080-123-4567.';
	bad("number as $_", $ad->('SMS', "(광고)가게 $_"), 'legacy.msg advertising') for '080-123-4568', '080-123-456', '123-4567', '080/123/4567';
	good('information needs no mark', fallback('SMS', '주문이 접수되었습니다.'));
	good('information may have one', fallback('SMS', '(광고)가게'));
	good('80 bytes', $ad->('SMS', '(광고)' . ascii(62) . '080-123-4567'));
	bad('81 bytes', $ad->('SMS', '(광고)' . ascii(63) . '080-123-4567'), 'legacy.msg too_long');
	return;
}

sub cases
{
	member_cases();
	number_cases();
	byte_cases();
	character_cases();
	advertising_cases();
	return;
}

1;
