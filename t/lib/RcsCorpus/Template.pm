# Templates of campaigns, each with a value that just fits and one that just does not.
package RcsCorpus::Template;

use strict;
use warnings;
use utf8;

use Exporter 'import';
use RcsCorpus qw(message ascii hangul emoji combining MEDIA OPT_OUT card_body suggestion);

our @EXPORT_OK = qw(templates);

my $action = 'buttons.0.suggestions.0.action';

sub with_button
{
	my ($kind, $path, $text) = @_;
	return message('RCSLMS', buttons => [ { suggestions => [ suggestion($kind) ] } ], "$action.$path" => $text // '#{v}');
}

sub fallback
{
	my ($type, $text, @more) = @_;
	return message('RCSSMS', legacy => { serviceType => $type, msg => $text }, @more);
}

# Of each: name, message, value that fits, value that does not, how the reason begins.
sub templates
{
	my $path = 'buttons[0].suggestions[0].action';
	my $event = 'calendarAction.createCalendarEvent';
	my @list;

	for ([ RCSSMS => 100 ], [ RCSLMS => 1300 ], [ RCSMMS => 1300 ])
	{
		my ($type, $max) = @$_;
		my $all = message($type, 'body.description' => '#{v}');

		push @list,
		  [ "$type, text of $max", $all, hangul($max), hangul($max + 1), 'body.description: ' ],
		  [ "$type, text of $max with emoji", $all, emoji($max / 2), emoji($max / 2) . 'a', 'body.description: ' ],
		  [ "$type, text of $max with accents", $all, combining($max / 2), combining($max / 2 + 1), 'body.description: ' ],
		  [ "$type, text that is empty", $all, ' ', '', 'body.description: ' ],
		  [ "$type, text of $max in parts",
			message($type, 'body.description' => hangul($max - 20) . '#{v}' . hangul(10)), ascii(10), ascii(11), 'body.description: ' ],
		  [ "$type, text of $max, twice", message($type, 'body.description' => '#{v} #{v}.'), ascii($max / 2 - 1), ascii($max / 2), 'body.description: ' ],
		  [ "$type, title of 30", message($type, 'body.title' => '#{v}'), hangul(30), hangul(31), 'body.title: ' ],
		  [ "$type, the mark", $all, '광고', '(광고)', 'body.description: ' ],
		  [ "$type, the mark in parts", message($type, 'body.description' => '(광#{v}'), '고', '고)', 'body.description: ' ];
	}
	push @list,
	  [ 'texts of all cards, one', message('RCSMMS', body => card_body(2, description1 => ascii(650), description2 => '#{v}')), ascii(650), ascii(651), 'body: ' ],
	  [ 'texts of all cards, two', message('RCSMMS', body => card_body(2, description1 => '#{v}', description2 => '#{v}')), ascii(650), ascii(651), 'body: ' ],
	  [ 'texts of six cards', message('RCSMMS', body => card_body(6, map { ("description$_" => $_ == 4 ? '가#{v}' : ascii(100)) } 1 .. 6)), hangul(799), hangul(800), 'body: ' ],
	  [ 'variables, one', message('RCSTMPL', body => { a => '#{v}' }), hangul(90), hangul(91), 'body: ' ],
	  [ 'variables, three', message('RCSTMPL', body => { a => '#{v}', b => '#{v}', c => hangul(30) }), emoji(15), emoji(15) . 'a', 'body: ' ],
	  [ 'size of the body', message('RCSITMPL', body => { a => '#{v}' }), ascii(10232), ascii(10233), 'body: ' ],
	  [ 'size of the body, Hangul', message('RCSITMPL', body => { a => '#{v}' }), hangul(3410) . 'aa', hangul(3411), 'body: ' ],
	  [ 'size of the body, what is escaped', message('RCSITMPL', body => { a => '#{v}' }), "\"\n" x 2558, "\"\n" x 2558 . 'a', 'body: ' ],
	  [ 'size of the body, two members', message('RCSITMPL', body => { a => '#{v}', b => '#{v}' }), ascii(5112), ascii(5113), 'body: ' ];
	push @list,
	  [ 'text of a button', with_button('url', 'displayText'), hangul(200), hangul(201), "$path.displayText: " ],
	  [ 'text of a button that is empty', with_button('url', 'displayText'), 'a', '', "$path.displayText: " ],
	  [ 'postback', with_button('url', 'postback.data'), hangul(2048), hangul(2049), "$path.postback.data: " ],
	  [ 'address', with_button('url', 'urlAction.openUrl.url'), 'https://example.com/', 'example.com', "$path.urlAction.openUrl.url: " ],
	  [ 'part of an address', with_button('url', 'urlAction.openUrl.url', 'https://example.com/#{v}'), 'a', 'a b', "$path.urlAction.openUrl.url: " ],
	  [ 'label of a map', with_button('place', 'mapAction.showLocation.location.label'), hangul(200), hangul(201), "$path.mapAction.showLocation.location.label: " ],
	  [ 'fallback address of a map', with_button('query', 'mapAction.showLocation.fallbackUrl'), ascii(1000), ascii(1001), "$path.mapAction.showLocation.fallbackUrl: " ],
	  [ 'latitude', with_button('place', 'mapAction.showLocation.location.latitude'), '-37.5', '37,5', "$path.mapAction.showLocation.location.latitude: " ],
	  [ 'title of an event', with_button('calendar', "$event.title"), hangul(100), hangul(101), "$path.$event.title: " ],
	  [ 'description of an event', with_button('calendar', "$event.description"), hangul(500), hangul(501), "$path.$event.description: " ],
	  [ 'time of an event', with_button('calendar', "$event.startTime", '2026-12-01T10:00:00#{v}'), '+09:00', '+9', "$path.$event.startTime: " ],
	  [ 'text to compose', with_button('compose', 'composeAction.composeTextMessage.text'), hangul(100), hangul(101), "$path.composeAction.composeTextMessage.text: " ],
	  [ 'text to copy', with_button('copy', 'clipboardAction.copyToClipboard.text'), 'a', '', "$path.clipboardAction.copyToClipboard.text: " ],
	  [ 'media', message('RCSMMS', 'body.media' => '#{v}'), MEDIA, 'a.jpg', 'body.media: ' ],
	  [ 'id of a file', message('RCSMMS', 'body.media' => 'maapfile://#{v}'), ascii(64), ascii(65), 'body.media: ' ],
	  [ 'cdrId', message('RCSSMS', cdrId => '#{v}'), ascii(20), ascii(21), 'cdrId: ' ];
	push @list,
	  [ 'SMS of 80 bytes', fallback('SMS', '#{v}'), hangul(40), hangul(40) . 'a', 'legacy.msg: ' ],
	  [ 'SMS of 80 bytes in parts', fallback('SMS', hangul(30) . '#{v}'), ascii(20), hangul(10) . 'a', 'legacy.msg: ' ],
	  [ 'SMS beside a prefix', fallback('SMS', '#{v}', 'legacy.prefix' => hangul(10)), hangul(30), hangul(30) . 'a', 'legacy.msg: ' ],
	  [ 'LMS of 4000 bytes', fallback('LMS', '#{v}'), hangul(2000), hangul(2000) . 'a', 'legacy.msg: ' ],
	  [ 'a character that CP949 has not', fallback('LMS', '안녕 #{v}'), '뷁', emoji(1), 'legacy.msg: ' ],
	  [ 'fallback that is empty', fallback('SMS', '#{v}'), ' ', '', 'legacy.msg: ' ],
	  [ 'subject', fallback('LMS', 'x', 'legacy.subject' => '#{v}'), hangul(50), hangul(51), 'legacy.subject: ' ],
	  [ 'a character of the subject', fallback('LMS', 'x', 'legacy.subject' => '#{v}'), '뷁', emoji(1), 'legacy.subject: ' ],
	  [ 'callback', fallback('SMS', 'x', 'legacy.callback' => '#{v}'), '0' x 20, '0' x 21, 'legacy.callback: ' ],
	  [ 'contentData', fallback('MMS', 'x', 'legacy.contentCount' => 1, 'legacy.contentData' => '#{v}'), ascii(250), hangul(84), 'legacy.contentData: ' ],
	  [ 'advertising, the mark', fallback('SMS', '#{v}가게 ' . OPT_OUT, header => '1', footer => OPT_OUT), '(광고)', '[광고]', 'legacy.msg: ' ],
	  [ 'advertising, the number', fallback('SMS', '(광고)가게 #{v}', header => '1', footer => OPT_OUT), '0801234567', '0801234568', 'legacy.msg: ' ],
	  [ 'advertising, the number of the chatbot', fallback('SMS', '(광고)가게 #{v}', header => '1'), OPT_OUT, '', 'legacy.msg: ' ];
	return @list;
}

1;
