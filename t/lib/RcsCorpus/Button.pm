# Messages by the rules of buttons, chips and their actions.
package RcsCorpus::Button;

use strict;
use warnings;
use utf8;

use RcsCorpus qw(message with group good bad NONE TRUE FALSE ascii hangul emoji card_body suggestion action button);

my %most = (RCSSMS => 1, RCSLMS => 3, RCSMMS => 2, RCSCHAT => 4);
my $at = 'buttons.0.suggestions.0';
my $path = 'buttons[0].suggestions[0]';

# A message with this one button, changed.
sub with_button
{
	my ($kind, @changes) = @_;
	return message($kind eq 'reply' ? 'RCSCHAT' : 'RCSSMS', buttons => [ { suggestions => [ suggestion($kind) ] } ], @changes);
}

sub count_cases
{
	group('number of buttons');
	for my $type (sort keys %most)
	{
		for my $n (1 .. 5, 50)
		{
			my $message = message($type, buttons => [ button($n) ]);
			if ($n <= $most{$type}) { good("$type with $n", $message); }
			else { bad("$type with $n", $message, 'buttons[0].suggestions too_many'); }
		}
		good("$type with an empty list", message($type, buttons => []));
		good("$type with a place for none", message($type, buttons => [ {} ]));
		bad("$type with an empty list on its card", message($type, buttons => [ { suggestions => [] } ]),
			'buttons[0].suggestions too_few');
		bad("$type with a list for another card", message($type, buttons => [ button(1), button(1) ]), 'buttons too_many');
		my $reply = message($type, buttons => [ { suggestions => [ suggestion('reply') ] } ]);
		if ($type eq 'RCSCHAT') { good("$type with a reply", $reply); }
		else { bad("$type with a reply", $reply, "$path.reply forbidden"); }
	}
	bad('a reply after an address', message('RCSLMS', buttons => [ { suggestions => [ suggestion('url'), suggestion('reply') ] } ]),
		'buttons[0].suggestions[1].reply forbidden');
	bad('an object in place of the list', message('RCSLMS', buttons => button(1)), 'buttons type');
	bad("a card is a $_->[0]", message('RCSLMS', buttons => [ $_->[1] ]), 'buttons[0] type')
	  for [ string => 'x' ], [ number => 1 ], [ null => undef ], [ array => [] ], [ boolean => TRUE ];
	bad('an unknown member beside the list', message('RCSLMS', buttons => [ { %{ button(1) }, x => 1 } ]), 'buttons[0].x unknown');
	bad("the list of a card is a $_->[0]", message('RCSLMS', buttons => [ { suggestions => $_->[1] } ]), 'buttons[0].suggestions type')
	  for [ string => 'x' ], [ number => 1 ], [ object => {} ];
	bad('the list of a card is null', message('RCSLMS', buttons => [ { suggestions => undef } ]), 'buttons[0].suggestions type');
	return;
}

sub carousel_cases
{
	group('buttons of a carousel');
	for my $n (2 .. 6)
	{
		my $all = message('RCSMMS', body => card_body($n), buttons => [ map { button(2) } 1 .. $n ]);

		good("on each of $n", $all);
		good("only on the first of $n", with_cards($n, button(1), ({}) x ($n - 1)));
		good("only on the last of $n", with_cards($n, ({}) x ($n - 1), button(2)));
		good("on none of $n", with_cards($n, ({}) x $n));
		bad("one too few for $n", with_cards($n, (button(1)) x ($n - 1)), 'buttons too_few');
		bad("one too many for $n", with_cards($n, (button(1)) x ($n + 1)), 'buttons too_many');
		bad("three on card $n", with_cards($n, ({}) x ($n - 1), button(3)), 'buttons[' . ($n - 1) . '].suggestions too_many');
	}
	return;
}

sub with_cards
{
	my ($n, @buttons) = @_;
	return message('RCSMMS', body => card_body($n), buttons => \@buttons);
}

sub suggestion_cases
{
	group('suggestions');
	for my $kind (action(), 'reply')
	{
		my $inner = $kind eq 'reply' ? 'reply' : 'action';
		my $p = "$path.$inner";

		good($kind, with_button($kind));
		good("$kind of a chat", message('RCSCHAT', buttons => [ { suggestions => [ suggestion($kind) ] } ]));
		good("$kind as a chip", message('RCSCHAT', chipList => [ suggestion($kind) ]));
		good("$kind, text of 200", with_button($kind, "$at.$inner.displayText" => hangul(200)));
		bad("$kind, text of 201", with_button($kind, "$at.$inner.displayText" => hangul(201)), "$p.displayText too_long");
		bad("$kind, empty text", with_button($kind, "$at.$inner.displayText" => ''), "$p.displayText too_short");
		bad("$kind, no text", with_button($kind, "$at.$inner.displayText" => NONE), "$p.displayText missing");
		bad("$kind, no postback", with_button($kind, "$at.$inner.postback" => NONE), "$p.postback missing");
		bad("$kind, postback is a string", with_button($kind, "$at.$inner.postback" => 'open'), "$p.postback type");
		bad("$kind, unknown member", with_button($kind, "$at.$inner.x" => 1), "$p.x unknown");
		bad("$kind as a chip, no text", message('RCSCHAT', chipList => [ suggestion($kind) ], "chipList.0.$inner.displayText" => undef),
			"chipList[0].$inner.displayText missing");
	}
	my $p = "$path.action";
	good('text of 100 emoji', with_button('url', "$at.action.displayText" => emoji(100)));
	bad('text of 101 emoji', with_button('url', "$at.action.displayText" => emoji(101)), "$p.displayText too_long");
	good('postback of 2048', with_button('url', "$at.action.postback.data" => hangul(2048)));
	bad('postback of 2049', with_button('url', "$at.action.postback.data" => hangul(2049)), "$p.postback.data too_long");
	good('postback is empty', with_button('url', "$at.action.postback.data" => ''));
	bad('postback without data', with_button('url', "$at.action.postback" => {}), "$p.postback.data missing");
	bad('postback data is a number', with_button('url', "$at.action.postback.data" => 1), "$p.postback.data type");
	bad('postback data is an object', with_button('url', "$at.action.postback.data" => {}), "$p.postback.data type");
	bad('unknown member of postback', with_button('url', "$at.action.postback.x" => 1), "$p.postback.x unknown");
	bad('action and reply', message('RCSCHAT', buttons => [ { suggestions => [ { %{ suggestion('url') }, %{ suggestion('reply') } } ] } ]),
		"$path conflict");
	bad('neither', message('RCSSMS', buttons => [ { suggestions => [ {} ] } ]), "$path missing");
	bad('null action', with_button('url', "$at.action" => undef), "$path missing");
	bad("$_->[0] in place of an action", with_button('url', "$at.action" => $_->[1]), "$path.action type")
	  for [ string => 'x' ], [ array => [] ], [ number => 1 ];
	bad("$_->[0] in place of a suggestion", message('RCSSMS', buttons => [ { suggestions => [ $_->[1] ] } ]), "$path type")
	  for [ string => 'x' ], [ array => [] ], [ null => undef ];
	bad('unknown member of a suggestion', with_button('url', "$at.x" => 1), "$path.x unknown");
	bad('two actions', with_button('url', "$at.action.dialerAction" => action('dial')->{dialerAction}), "$path.action conflict");
	bad('no action', message('RCSSMS', buttons => [ { suggestions => [ { action => { displayText => 'x', postback => { data => '' } } } ] } ]),
		"$path.action missing");
	for my $other (qw(settingsAction shareAction deviceAction urlaction))
	{
		bad("$other", message('RCSSMS', buttons => [ { suggestions => [ { action => { $other => {}, displayText => 'x', postback => { data => '' } } } ] } ]),
			[ "$path.action missing", "$path.action.$other unknown" ]);
	}
	return;
}

# What each action must have: kind, the member that says what it does, the object in that, and texts
# in there: name => [least, most], 0 for no limit.
my @actions = (
	[ url => 'urlAction', 'openUrl', url => [ 1, 0 ] ],
	[ local => 'localBrowserAction', 'openUrl', url => [ 1, 0 ] ],
	[ query => 'mapAction', 'showLocation', fallbackUrl => [ 0, 1000 ] ],
	[ calendar => 'calendarAction', 'createCalendarEvent', title => [ 1, 100 ], description => [ 1, 500 ], startTime => [ 1, 0 ], endTime => [ 1, 0 ] ],
	[ copy => 'clipboardAction', 'copyToClipboard', text => [ 1, 0 ] ],
	[ compose => 'composeAction', 'composeTextMessage', phoneNumber => [ 1, 0 ], text => [ 1, 100 ] ],
	[ dial => 'dialerAction', 'dialPhoneNumber', phoneNumber => [ 1, 0 ] ],
);

sub action_cases
{
	group('actions');
	for (@actions)
	{
		my ($kind, $action, $object, %text) = @$_;
		my $inner = "$at.action.$action.$object";
		my $p = "$path.action.$action";

		bad("$action is a string", with_button($kind, "$at.action.$action" => 'x'), "$p type");
		bad("$action is null", with_button($kind, "$at.action.$action" => undef), "$path.action missing");
		bad("$action is an array", with_button($kind, "$at.action.$action" => []), "$p type");
		bad("$action is empty", with_button($kind, "$at.action.$action" => {}),
			$action eq 'mapAction' ? "$p missing" : "$p.$object missing");
		bad("$action with an unknown member", with_button($kind, "$at.action.$action.x" => 1), "$p.x unknown");
		bad("$object of $action is a string", with_button($kind, $inner => 'x'), "$p.$object type");
		bad("$object of $action with an unknown member", with_button($kind, "$inner.x" => 1), "$p.$object.x unknown");
		for my $name (sort keys %text)
		{
			my ($least, $most) = @{ $text{$name} };
			my $q = "$p.$object.$name";

			bad("$object of $action without $name", with_button($kind, "$inner.$name" => NONE), "$q missing");
			bad("$name of $action is null", with_button($kind, "$inner.$name" => undef), "$q missing");
			bad("$name of $action is a number", with_button($kind, "$inner.$name" => 1), "$q type");
			bad("$name of $action is an object", with_button($kind, "$inner.$name" => {}), "$q type");
			bad("$name of $action is empty", with_button($kind, "$inner.$name" => ''), "$q too_short") if $least;
			next unless $most;
			good("$name of $action of $most", with_button($kind, "$inner.$name" => hangul($most)));
			bad("$name of $action of " . ($most + 1), with_button($kind, "$inner.$name" => hangul($most + 1)), "$q too_long");
		}
	}
	return;
}

sub browser_cases
{
	my $inner = "$at.action.localBrowserAction.openUrl";
	my $p = "$path.action.localBrowserAction.openUrl";

	group('addresses');
	for my $url ('https://example.com', 'http://example.com/?a=1&b=#{', 'tel:0212345678', 'https://예제.한국/가', 'market://details?id=a', 'a1+-.:x')
	{
		good($url, with_button('url', "$at.action.urlAction.openUrl.url" => $url));
		good("$url in the app", with_button('local', "$inner.url" => $url));
	}
	bad("\"$_\"", with_button('url', "$at.action.urlAction.openUrl.url" => $_), "$path.action.urlAction.openUrl.url format")
	  for 'example.com', '//example.com', 'https:', ':x', '1https://example.com', 'https//example.com', 'https://exa mple.com',
	  ' https://example.com', "https://example.com\n", '가://example.com';
	good("isHalfView $_", with_button('local', "$inner.isHalfView" => $_)) for qw(true false);
	bad("isHalfView \"$_\"", with_button('local', "$inner.isHalfView" => $_), "$p.isHalfView value") for '', 'yes', 'TRUE', '1';
	bad('isHalfView is a boolean', with_button('local', "$inner.isHalfView" => TRUE), "$p.isHalfView type");
	good('postParameter', with_button('local', "$inner.postParameter" => { P_NAME => 'a', P_MID => 'b' }));
	bad('postParameter is a string', with_button('local', "$inner.postParameter" => 'x'), "$p.postParameter type");
	bad("$_ is a number", with_button('local', "$inner.postParameter" => { P_NAME => 'a', P_MID => 'b', $_ => 1 }), "$p.postParameter.$_ type")
	  for qw(P_NAME P_MID);
	bad('postParameter with an unknown member', with_button('local', "$inner.postParameter" => { P_NAME => 'a', P_MID => 'b', P_X => 'c' }),
		"$p.postParameter.P_X unknown");
	# they belong to the browser of the app; elsewhere the carrier's data model takes them too
	good("$_->[0] of the default browser", with_button('url', "$at.action.urlAction.openUrl.$_->[0]" => $_->[1]))
	  for [ isHalfView => 'true' ], [ postParameter => { P_NAME => 'a', P_MID => 'b' } ];
	return;
}

sub map_cases
{
	my $inner = "$at.action.mapAction.showLocation.location";
	my $p = "$path.action.mapAction.showLocation.location";
	my $of = sub { return with_button('query', $inner => { @_ }); };

	group('maps');
	good('query', $of->(query => '서울역'));
	good('numbers', $of->(latitude => 37.5, longitude => -126));
	good('strings', $of->(latitude => '37.5665', longitude => '-126.978'));
	good('a number and a string', $of->(latitude => 37, longitude => '126'));
	good('label of 200', $of->(query => 'x', label => hangul(200)));
	bad('label of 201', $of->(query => 'x', label => hangul(201)), "$p.label too_long");
	bad('label is a number', $of->(query => 'x', label => 1), "$p.label type");
	bad('query is a number', $of->(query => 1), "$p.query type");
	bad('no longitude', $of->(latitude => 37.5), "$p missing");
	bad('no latitude', $of->(longitude => 126.9), "$p missing");
	bad('query and latitude', $of->(query => 'x', latitude => 37.5), "$p conflict");
	bad('query and longitude', $of->(query => 'x', longitude => 126.9), "$p conflict");
	bad('unknown member', $of->(query => 'x', radius => 5), "$p.radius unknown");
	for my $name (qw(latitude longitude))
	{
		my @both = (latitude => 1, longitude => 1);
		bad("$name \"$_\"", $of->(@both, $name => $_), "$p.$name format") for '', 'x', '1,5', '1e', '.', '-', '1.2.3', '37.5 ', '가', '0x10';
		bad("$name is a $_->[0]", $of->(@both, $name => $_->[1]), "$p.$name type") for [ boolean => TRUE ], [ array => [1] ], [ object => {} ];
	}
	bad('location is missing', with_button('query', $inner => NONE), "$p missing");
	bad('location is a string', with_button('query', $inner => '서울역'), "$p type");
	bad('ask and show', with_button('query', "$at.action.mapAction.requestLocationPush" => {}), "$path.action.mapAction conflict");
	bad('ask is a string', with_button('ask', "$at.action.mapAction.requestLocationPush" => 'x'), "$path.action.mapAction.requestLocationPush type");
	return;
}

sub time_cases
{
	my $inner = "$at.action.calendarAction.createCalendarEvent";
	my $p = "$path.action.calendarAction.createCalendarEvent";

	group('times');
	good($_, with_button('calendar', "$inner.startTime" => $_, "$inner.endTime" => $_))
	  for '2026-12-01T10:00:00+09:00', '2026-12-01T10:00:00Z', '2026-12-01T10:00:00.123+09:00', '2026-12-01T10:00:00.1Z',
	  '2026-12-01T10:00:00', '2026-12-01T10:00+09:00', '2026-12-01T10:00:00+09', '2026-12-01T10:00:00+0900', '20261201T100000Z',
	  '2028-02-29T23:59:59-12:00', '2026-12-31T00:00:00Z';
	for my $name (qw(startTime endTime))
	{
		bad("$name \"$_\"", with_button('calendar', "$inner.$name" => $_), "$p.$name format")
		  for '2026-12-01', '10:00:00', '2026-12-01 10:00:00', '2026/12/01T10:00:00', '2026-12-01T10:00:00+9', '2026-12-01T10:00:00KST',
		  '26-12-01T10:00:00Z', '2026-12-1T10:00:00Z', '2026-12-01T10:00:00Z ', 'tomorrow', '1764550800', '2026-12-01t10:00:00z',
		  '2026-13-01T10:00:00Z', '2026-00-01T10:00:00Z', '2026-12-32T10:00:00Z', '2026-12-00T10:00:00Z', '2026-12-01T25:00:00Z',
		  '2026-12-01T10:60:00Z';
	}
	return;
}

sub chip_cases
{
	group('chips');
	bad("a chip is a $_->[0]", message('RCSCHAT', chipList => [ suggestion('reply'), $_->[1] ]), 'chipList[1] type')
	  for [ string => 'x' ], [ null => undef ], [ array => [] ];
	bad('a chip that is neither', message('RCSCHAT', chipList => [ {} ]), 'chipList[0] missing');
	bad('a chip that is both', message('RCSCHAT', chipList => [ { %{ suggestion('url') }, %{ suggestion('reply') } } ]), 'chipList[0] conflict');
	bad('chips in the form of buttons', message('RCSCHAT', chipList => [ button(1) ]), [ 'chipList[0] missing', 'chipList[0].suggestions unknown' ]);
	good('buttons and chips', message('RCSCHAT', buttons => [ button(4) ], chipList => [ map { suggestion('reply') } 1 .. 11 ]));
	return;
}

sub cases
{
	count_cases();
	carousel_cases();
	suggestion_cases();
	action_cases();
	browser_cases();
	map_cases();
	time_cases();
	chip_cases();
	return;
}

1;
