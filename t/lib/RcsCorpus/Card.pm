# Messages by the rules of their cards: carousels, layouts, media.
package RcsCorpus::Card;

use strict;
use warnings;
use utf8;

use RcsCorpus qw(message with group good bad NONE TRUE ascii hangul emoji OWN_BASE MEDIA card_body);

my %carousel = (RCSMMS => [ 'CMwMhM', 'CMwShS' ], RCSCHAT => [ 'CCwMhM', 'CCwShS' ]);

# The common layouts of one card, and the type they are for.
my %single = (
	SS000000 => 'RCSSMS', SL000000 => 'RCSLMS', SMwThT00 => 'RCSMMS', SMwThM00 => 'RCSMMS',
	SCS00000 => 'RCSCHAT', SCL00000 => 'RCSCHAT', SCwThT00 => 'RCSCHAT', SCwThM00 => 'RCSCHAT');

my @open = qw(OMHITV0001 OMHITS0001 OMHIMV0001 OMHIMS0001 OMTBNV0001 OMTBNS0001 OMSNSS0001 OMSNSH0001);

sub of_cards
{
	my ($type, $n, @more) = @_;
	return message($type, body => card_body($n), @more);
}

sub carousel_cases
{
	group('carousels');
	for my $type (sort keys %carousel)
	{
		for my $n (2 .. 6)
		{
			my @descriptions = map { "body.description$_" } 1 .. $n;
			my $more = $n == 6 ? 2 : $n + 1;

			good("$type of $n", of_cards($type, $n));
			good("$type of $n in $_", of_cards($type, $n, messagebaseId => "${_}0${n}00")) for @{ $carousel{$type} };
			bad("$type of $n in a layout of $more",
				of_cards($type, $n, messagebaseId => "$carousel{$type}[0]0${more}00"),
				$more > $n ? 'body too_few' : 'body too_many');
			bad("$type of 1 in a layout of $n", message($type, messagebaseId => "$carousel{$type}[1]0${n}00"), 'body too_few');
			good("$type of $n, only the first with a text",
				of_cards($type, $n, map { ("body.description$_" => NONE) } 2 .. $n));
			bad("$type of $n, the first without a text", of_cards($type, $n, 'body.description1' => NONE),
				'body.description1 missing');
			bad("$type of $n, the first with an empty text", of_cards($type, $n, 'body.description1' => ''),
				'body.description1 too_short');
			good("$type of $n, title $n of 30", of_cards($type, $n, "body.title$n" => hangul(30)));
			bad("$type of $n, title $n of 31", of_cards($type, $n, "body.title$n" => hangul(31)), "body.title$n too_long");
			good("$type of $n without titles", of_cards($type, $n, map { ("body.title$_" => NONE) } 1 .. $n));
		}
		bad("$type, one numbered card", of_cards($type, 1), 'body too_few');
		bad("$type, a title without a number", of_cards($type, 2, 'body.title' => 'x'), 'body.title unknown');
		bad("$type, a text without a number", of_cards($type, 3, 'body.description' => 'x'), 'body.description unknown');
		bad("$type of 7", of_cards($type, 7), [ map { "body.${_}7 unknown" } qw(title description media) ]);
		bad("$type of 6 and a title$_", of_cards($type, 6, "body.title$_" => 'x'), "body.title$_ unknown")
		  for 0, 7, 8, 10, '01', 'a';
		bad("$type, a member of another card that is null", of_cards($type, 2, 'body.title3' => undef), 'body.title3 unknown');
		good("$type, a member of a card that is null", of_cards($type, 3, 'body.title3' => undef));
	}
	bad('a member of a second card that is null', message('RCSSMS', 'body.title2' => undef), 'body.title2 unknown');
	for my $type (qw(RCSSMS RCSLMS))
	{
		bad("$type has one card", message($type, body => card_body(2, media => 0)), 'body too_many');
	}
	bad("two or three cards in $_", of_cards('RCSMMS', 2, messagebaseId => $_), 'body too_many') for qw(SMwThT00 SMwThM00);
	bad("two or three cards in $_", of_cards('RCSCHAT', 3, messagebaseId => $_), 'body too_many')
	  for qw(SCS00000 SCL00000 SCwThT00 SCwThM00);
	return;
}

sub sum_cases
{
	group('texts of all cards');
	for my $n (2 .. 6)
	{
		my @short = map { ("body.description$_" => 'x') } 2 .. $n;
		my $rest = 1300 - ($n - 1);

		good("1300 in $n", of_cards('RCSMMS', $n, @short, 'body.description1' => hangul($rest)));
		bad("1301 in $n", of_cards('RCSMMS', $n, @short, 'body.description1' => hangul($rest + 1)), 'body too_long');
		good("1300 in $n, even", of_cards('RCSMMS', $n, map { ("body.description$_" => ascii($_ == 1 ? 1300 - ($n - 1) * 200 : 200)) } 1 .. $n));
		bad("1302 in $n, emoji",
			of_cards('RCSMMS', $n, @short, 'body.description1' => emoji(int($rest / 2) + 1)), 'body too_long')
		  if $rest % 2 == 0;
	}
	good('1300 in one', message('RCSMMS', 'body.description' => hangul(1300)));
	bad('1301 in one is one fault', message('RCSMMS', 'body.description' => hangul(1301)), 'body.description too_long');
	bad('1301 on a card', of_cards('RCSMMS', 2, 'body.description1' => 'x', 'body.description2' => ascii(1301)),
		[ 'body.description2 too_long', 'body too_long' ]);
	# of chat messages only each text has a limit
	good('1300 on each card of a chat', of_cards('RCSCHAT', 2, map { ("body.description$_" => hangul(1300)) } 1, 2));
	bad('1301 on a card of a chat', of_cards('RCSCHAT', 2, 'body.description2' => hangul(1301)), 'body.description2 too_long');
	return;
}

sub media_cases
{
	my $film = 'https://www.youtube.com/watch?v=AbCdEfGhIjK';

	group('media');
	bad('none', message('RCSMMS', 'body.media' => NONE), 'body.media missing');
	bad('null', message('RCSMMS', 'body.media' => undef), 'body.media missing');
	bad('empty', message('RCSMMS', 'body.media' => ''), 'body.media too_short');
	bad('a number', message('RCSMMS', 'body.media' => 1), 'body.media type');
	for my $n (2 .. 6)
	{
		bad("none on card $_ of $n", of_cards('RCSMMS', $n, "body.media$_" => NONE), "body.media$_ missing") for 1 .. $n;
		good("a chat of $n cards needs none", message('RCSCHAT', body => card_body($n, media => 0)));
	}
	bad('a whole card is missing', of_cards('RCSMMS', 3, map { ("body.${_}2" => NONE) } qw(title description media)),
		'body.media2 missing');
	bad('a whole card of a chat is missing',
		of_cards('RCSCHAT', 3, map { ("body.${_}2" => NONE) } qw(title description media)), 'body missing');
	good('RCSSMS may have one', message('RCSSMS', 'body.media' => MEDIA));
	good('RCSLMS may have one', message('RCSLMS', 'body.media' => MEDIA));
	good('a card of a chat', message('RCSCHAT', messagebaseId => 'SCwThM00', 'body.media' => MEDIA));
	good($_, message('RCSMMS', 'body.media' => $_))
	  for 'maapfile://a', 'maapfile://' . ascii(64), "$film," . MEDIA, "https://youtu.be/AbCdEfGhIjK," . MEDIA,
	  'https://m.youtube.com/watch?v=AbCdEfGhIjK,' . MEDIA;
	good($_, message('RCSMMS', 'body.media' => $_), unsent => 'it would be fetched')
	  for 'https://cdn.example.com/a.jpg', 'http://127.0.0.1/a.png';
	bad("\"$_\"", message('RCSMMS', 'body.media' => $_), 'body.media format')
	  for 'maapfile://', 'maapfile://' . ascii(65), 'maapfile:/a', 'maapfile//a', 'a.jpg', 'ftp://example.com/a.jpg',
	  'maapfile://a b', " " . MEDIA, "maapfile://a\n", 'file:///etc/passwd', 'javascript:alert(1)',
	  "$film, " . MEDIA, 'data:image/png;base64,AAAA';
	return;
}

sub layout_cases
{
	group('layouts');
	for my $base (sort keys %single)
	{
		my $wrong = $base eq 'SS000000' ? 'RCSLMS' : 'RCSSMS';

		good($base, message($single{$base}, messagebaseId => $base, 'body.media' => MEDIA));
		bad("$base for $wrong", message($wrong, messagebaseId => $base), 'messagebaseId conflict');
		bad("$base for RCSTMPL", message('RCSTMPL', messagebaseId => $base), 'messagebaseId conflict');
	}
	for my $n (2 .. 6)
	{
		bad("RCSMMS layout of $n for a chat", of_cards('RCSCHAT', $n, messagebaseId => "CMwMhM0${n}00"), 'messagebaseId conflict');
		bad("chat layout of $n for RCSMMS", of_cards('RCSMMS', $n, messagebaseId => "CCwShS0${n}00"), 'messagebaseId conflict');
		bad("RCSMMS layout of $n for RCSLMS", of_cards('RCSLMS', $n, messagebaseId => "CMwShS0${n}00"), 'messagebaseId conflict');
	}
	for my $type (qw(RCSSMS RCSLMS RCSMMS RCSCHAT))
	{
		good("$type in a layout of the brand", message($type, messagebaseId => OWN_BASE));
		good("$type in a layout of the brand, members of its own",
			message($type, messagebaseId => OWN_BASE, 'body.shop' => '본점', 'body.price1' => '1,000원'));
		good("$type in a layout of the brand, a $_->[0]", message($type, messagebaseId => OWN_BASE, 'body.shop' => $_->[1]))
		  for [ number => 5 ], [ boolean => TRUE ];
		bad("$type in a layout of the brand, an $_->[0]", message($type, messagebaseId => OWN_BASE, 'body.shop' => $_->[1]), 'body.shop type')
		  for [ array => [5] ], [ object => {} ];
		bad("$type in a layout of the brand, a title that is a number",
			message($type, messagebaseId => OWN_BASE, 'body.title' => 5), 'body.title type');
		bad("$type in a layout of the brand, title of 31",
			message($type, messagebaseId => OWN_BASE, 'body.title' => hangul(31)), 'body.title too_long');
		bad("$type in a layout of the brand, title1 of 31",
			message($type, messagebaseId => OWN_BASE, 'body.title1' => hangul(31)), 'body.title1 too_long');
		bad("$type in a layout of the brand, a medium that is none",
			message($type, messagebaseId => OWN_BASE, 'body.media' => 'a.jpg'), 'body.media format');
		bad("$type in a layout of the brand, the mark",
			message($type, messagebaseId => OWN_BASE, 'body.shop' => '(광고)'), 'body.shop forbidden');
	}
	bad('a text too long for RCSSMS in a layout of the brand',
		message('RCSSMS', messagebaseId => OWN_BASE, 'body.description' => hangul(101)), 'body.description too_long');
	return;
}

sub open_cases
{
	my @texts = (qw(mTitle itemTitle itemDesc cellTitle cellLeft1 cellLeft2 cellRight1 cellRight2),
		map { ("subTitle$_", "subDesc$_") } 1 .. 3);
	my @media = qw(mTitleMedia itemMedia subMedia1 subMedia2 subMedia3);
	my @links = qw(mediaUrl subMediaUrl1 subMediaUrl2 subMediaUrl3);

	group('newer layouts');
	for my $base (@open)
	{
		good("$base for RCSMMS", message('RCSMMS', messagebaseId => $base));
		good("$base for RCSITMPL", message('RCSITMPL', messagebaseId => $base));
		bad("$base for RCSSMS", message('RCSSMS', messagebaseId => $base), 'messagebaseId conflict');
		bad("$base, an unknown member", message('RCSMMS', messagebaseId => $base, 'body.subTitle4' => 'x'), 'body.subTitle4 unknown');
	}
	my @text = (messagebaseId => 'OL00000001');
	good('OL00000001', message('RCSLMS', @text, 'body.mTitle' => '가게', 'body.mTitleMedia' => MEDIA, 'body.title' => '봄'));
	bad('OL00000001 for RCSSMS', message('RCSSMS', @text), 'messagebaseId conflict');
	good('OL00000001, 1300 in all', message('RCSLMS', @text, 'body.description' => hangul(700), 'body.subDesc1' => hangul(600)));
	bad('OL00000001, 1301 in all', message('RCSLMS', @text, 'body.description' => hangul(700), 'body.subDesc1' => hangul(601)), 'body too_long');
	my @layout = (messagebaseId => 'OMTBNV0001');
	good("member $_", message('RCSMMS', @layout, "body.$_" => '글')) for @texts;
	good("member $_", message('RCSMMS', @layout, "body.$_" => MEDIA)) for @media;
	good("member $_", message('RCSMMS', @layout, "body.$_" => 'https://example.com/a')) for @links;
	bad("member $_ is no text", message('RCSMMS', @layout, "body.$_" => 1), "body.$_ type") for @texts, @media, @links;
	bad("member $_ is no file", message('RCSMMS', @layout, "body.$_" => 'a.jpg'), "body.$_ format") for @media;
	bad("the mark in $_", message('RCSMMS', @layout, "body.$_" => '(광고)'), "body.$_ forbidden") for @texts;
	good('title of 30', message('RCSMMS', @layout, 'body.title' => hangul(30)));
	bad('title of 31', message('RCSMMS', @layout, 'body.title' => hangul(31)), 'body.title too_long');
	bad('numbered members', message('RCSMMS', @layout, 'body.title1' => 'x'), 'body.title1 unknown');
	return;
}

sub cases
{
	carousel_cases();
	sum_cases();
	media_cases();
	layout_cases();
	open_cases();
	return;
}

1;
