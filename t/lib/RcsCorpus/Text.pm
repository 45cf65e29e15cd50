# Messages by the rules of their texts: lengths of titles and descriptions, template variables, the
# mark of advertising, placeholders.
package RcsCorpus::Text;

use strict;
use warnings;
use utf8;

use RcsCorpus qw(message with group good bad NONE TRUE FALSE ascii hangul emoji combining OWN_BASE MEDIA
  OPT_OUT suggestion);

my %description = (RCSSMS => 100, RCSLMS => 1300, RCSMMS => 1300, RCSCHAT => 1300);

# Texts of exactly n characters, n even: an emoji counts twice, as does a letter with its accent.
my %of_length = (
	ASCII => sub { ascii($_[0]) },
	Hangul => sub { hangul($_[0]) },
	emoji => sub { emoji($_[0] / 2) },
	'letters with accents' => sub { combining($_[0] / 2) },
	'lines' => sub { "가\n" x ($_[0] / 2) },
	'quotes and backslashes' => sub { '"\\' x ($_[0] / 2) },
	'Hangul in pieces' => sub { "\x{1112}\x{1161}" x ($_[0] / 2) },
);

sub length_cases
{
	for my $type (sort keys %description)
	{
		group("length of the texts of $type");
		for my $member ([ title => 30 ], [ description => $description{$type} ])
		{
			my ($name, $max) = @$member;
			for my $kind (sort keys %of_length)
			{
				my $text = $of_length{$kind}->($max);
				good("$name of $max, $kind", message($type, "body.$name" => $text));
				bad("$name of one more, $kind", message($type, "body.$name" => "a$text"), "body.$name too_long");
			}
			bad("$name is a $_->[0]", message($type, "body.$name" => $_->[1]), "body.$name type")
			  for [ number => 5 ], [ boolean => TRUE ], [ array => ['x'] ], [ object => { text => 'x' } ];
		}
		good('a title that is empty', message($type, 'body.title' => ''));
		good('a title that is null', message($type, 'body.title' => undef));
		good('one character', message($type, 'body.description' => '.'));
		bad('no description', message($type, 'body.description' => NONE), 'body.description missing');
		bad('description is null', message($type, 'body.description' => undef), 'body.description missing');
		bad('description is empty', message($type, 'body.description' => ''), 'body.description too_short');
		bad('an unknown text', message($type, 'body.subtitle' => 'x'), 'body.subtitle unknown');
		bad('Description', message($type, 'body.Description' => 'x'), 'body.Description unknown');
		bad('everything is wrong',
			message($type, 'body.title' => ascii(31), 'body.description' => ascii(1301), 'body.x' => 1),
			[ 'body.title too_long', 'body.description too_long', 'body.x unknown' ]);
	}
	return;
}

sub variable_cases
{
	my $of = sub { my ($type, %body) = @_; return message($type, body => \%body); };

	group('variables of a text template');
	for my $kind (sort keys %of_length)
	{
		my $text = $of_length{$kind}->(90);
		good("90 characters, $kind", $of->('RCSTMPL', name => $text));
		bad("91 characters, $kind", $of->('RCSTMPL', name => "${text}a"), 'body too_long');
		good("of an image template 91 characters, $kind", $of->('RCSITMPL', name => "${text}a"));
	}
	good('90 in three', $of->('RCSTMPL', a => hangul(30), b => hangul(30), c => hangul(30)));
	bad('91 in three', $of->('RCSTMPL', a => hangul(30), b => hangul(30), c => hangul(31)), 'body too_long');
	good('90 in ninety', $of->('RCSTMPL', map { ("variable $_" => 'x') } 1 .. 90));
	bad('91 in ninety-one', $of->('RCSTMPL', map { ("variable $_" => 'x') } 1 .. 91), 'body too_long');
	good('a number counts as it is written', $of->('RCSTMPL', name => hangul(85), amount => 12000));
	bad('a number counts as it is written, one more', $of->('RCSTMPL', name => hangul(86), amount => 12000), 'body too_long');
	good('a boolean counts as it is written', $of->('RCSTMPL', name => hangul(85), paid => FALSE));
	bad('a boolean counts as it is written, one more', $of->('RCSTMPL', name => hangul(86), paid => FALSE), 'body too_long');
	for my $type (qw(RCSTMPL RCSITMPL))
	{
		good("$type without variables", $of->($type));
		good("$type, names in Hangul", $of->($type, '이름' => '홍길동', '주문 번호' => '1'));
		good("$type, a variable that is empty", $of->($type, name => ''));
		good("$type, a variable that is null", $of->($type, name => undef));
		good("$type, the single text of a free form", $of->($type, description => '안녕하세요'));
		good("$type, a variable that is a $_->[0]", $of->($type, name => $_->[1])) for [ number => 12000 ], [ boolean => TRUE ];
		bad("$type, a variable that is a $_->[0]", $of->($type, name => $_->[1]), 'body.name type')
		  for [ object => {} ], [ array => ['x'] ];
		bad("$type, the mark", $of->($type, name => '(광고)'), 'body.name forbidden');
		bad("$type with a button", message($type, buttons => [ { suggestions => [ suggestion('url') ] } ]),
			'buttons forbidden');
		bad("$type with an empty place for buttons", message($type, buttons => [ {} ]), 'buttons forbidden');
		good("$type with an empty list of buttons", message($type, buttons => []));
	}
	good('a variable called title, longer than a title', $of->('RCSTMPL', title => hangul(31)));
	good('an image template with much text', $of->('RCSITMPL', a => hangul(1301), b => hangul(1300)));
	return;
}

sub mark_cases
{
	group('the mark of advertising');
	for my $member (qw(title description))
	{
		for my $type (sort keys %description)
		{
			bad("in the $member of $type", message($type, "body.$member" => '(광고) 세일'), "body.$member forbidden");
		}
		bad("within the $member", message('RCSLMS', "body.$member" => '봄 (광고)'), "body.$member forbidden");
		bad("$member with header 1",
			message('RCSLMS', header => '1', footer => OPT_OUT, "body.$member" => '(광고)세일'), "body.$member forbidden");
		good("$member with $_", message('RCSLMS', "body.$member" => $_))
		  for '광고', '( 광고 )', '[광고]', '(광고', '광고)', '(광 고)', '((광고';
	}
	bad("in card $_",
		message('RCSMMS', body => { title1 => 'a', description1 => 'a', media1 => MEDIA, description2 => 'b', media2 => MEDIA, "description$_" => '(광고)' }),
		"body.description$_ forbidden") for 1, 2;
	return;
}

# A template: what its placeholders leave open is judged for each recipient.
sub placeholder_cases
{
	my $in_action = sub { return message('RCSLMS', 'buttons' => [ { suggestions => [ suggestion($_[0]) ] } ], $_[1] => $_[2]); };
	my $at = 'buttons.0.suggestions.0.action';
	my $path = 'buttons[0].suggestions[0].action';
	my $later = 'what it becomes depends on the recipient';

	group('placeholders');
	good('a name', message('RCSSMS', 'body.description' => '#{name}님'), params => { name => '홍길동' });
	good('a name with blanks, a dot and Hangul',
		message('RCSSMS', 'body.description' => '#{ 이름 }#{a.b}#{c.0}'), params => { '이름' => 1, a => { b => 2 }, c => [3] });
	good('all of the text allowed, and a name', message('RCSSMS', 'body.description' => hangul(100) . '#{x}'), params => { x => '' });
	bad('more text than allowed, and a name', message('RCSSMS', 'body.description' => hangul(101) . '#{x}'),
		'body.description too_long', unsent => $later);
	bad('a title too long without its name', message('RCSLMS', 'body.title' => ascii(31) . '#{x}'), 'body.title too_long', unsent => $later);
	good('a title with a name', message('RCSLMS', 'body.title' => ascii(30) . '#{x}'), params => { x => '' });
	good('an escape counts as what it becomes', message('RCSSMS', 'body.description' => hangul(98) . '##{'));
	bad('an escape counts as what it becomes, one more', message('RCSSMS', 'body.description' => hangul(99) . '##{'), 'body.description too_long');
	good('what is no placeholder', message('RCSSMS', 'body.description' => '#{} #{ } #a # {b} #{open'));
	bad('what is no placeholder counts', message('RCSSMS', 'body.description' => '#{}' . hangul(98)), 'body.description too_long');
	good('variables of 90 and a name', message('RCSTMPL', body => { a => hangul(45) . '#{x}', b => hangul(45) }), params => { x => '' });
	bad('variables of 91 and a name', message('RCSTMPL', body => { a => hangul(46) . '#{x}', b => hangul(45) }), 'body too_long', unsent => $later);
	good("a $_->[0]", $in_action->($_->[1], "$at.$_->[2]" => '#{x}'), params => { x => $_->[3] })
	  for [ 'address', 'url', 'urlAction.openUrl.url', 'https://example.com/1' ],
	  [ 'time', 'calendar', 'calendarAction.createCalendarEvent.startTime', '2026-12-01T10:00:00+09:00' ],
	  [ 'latitude', 'place', 'mapAction.showLocation.location.latitude', '37.5' ],
	  [ 'text of a button', 'url', 'displayText', '보기' ],
	  [ 'postback', 'url', 'postback.data', 'x' ],
	  [ 'phone number', 'dial', 'dialerAction.dialPhoneNumber.phoneNumber', '0212345678' ];
	good('a file', message('RCSMMS', 'body.media' => '#{x}'), params => { x => MEDIA });
	good('a part of an address', $in_action->('url', "$at.urlAction.openUrl.url" => 'https://example.com/#{x}?a=#{y}'), params => { x => 1, y => 2 });
	bad("no $_", message('RCSSMS', $_ => '#{x}'), "$_ value", unsent => $later) for qw(header serviceType);
	# what the other rules depend on is the same for all
	bad('no messagebaseId', message('RCSLMS', messagebaseId => '#{x}'), 'messagebaseId value', unsent => $later);
	bad('no footer', message('RCSLMS', header => '1', footer => '#{x}'), 'footer value', unsent => $later);
	bad('no prefix', message('RCSSMS', legacy => { serviceType => 'SMS', msg => 'x', prefix => '#{x}' }),
		'legacy.prefix value', unsent => $later);
	bad('no expiryOption', message('RCSSMS', expiryOption => '#{x}'), 'expiryOption type', unsent => $later);
	bad('no half view', $in_action->('local', "$at.localBrowserAction.openUrl.isHalfView" => '#{x}'),
		"$path.localBrowserAction.openUrl.isHalfView value", unsent => $later);
	bad('no type of fallback', message('RCSSMS', legacy => { serviceType => '#{x}', msg => 'x' }),
		'legacy.serviceType value', unsent => $later);
	bad('fallback too long without its name',
		message('RCSSMS', legacy => { serviceType => 'SMS', msg => hangul(41) . '#{x}' }), 'legacy.msg too_long', unsent => $later);
	bad('fallback with what cannot be sent beside a name',
		message('RCSSMS', legacy => { serviceType => 'SMS', msg => emoji(1) . '#{x}' }), 'legacy.msg encoding', unsent => $later);
	return;
}

sub cases
{
	length_cases();
	variable_cases();
	mark_cases();
	placeholder_cases();
	return;
}

1;
