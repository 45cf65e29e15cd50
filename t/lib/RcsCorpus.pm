# Messages that the carrier takes and messages that it does not, by systematic variation of each of
# its rules.  Derived from what is known of the carrier (doc/messages.md names its sources), not from
# the tables of the validator, which must not be looked at here.
package RcsCorpus;

use strict;
use warnings;
use utf8;

use Exporter 'import';
use JSON::PP ();
use Storable qw(dclone);

our @EXPORT_OK = qw(corpus to_json message with group good bad NONE TRUE FALSE
  ascii hangul emoji combining OWN_BASE MEDIA CHATBOT OPT_OUT card_body suggestion action button);

use constant NONE => \'this member is not there';
use constant TRUE => JSON::PP::true();
use constant FALSE => JSON::PP::false();
use constant OWN_BASE => 'UBR.1a2B3c4D5e-GG000F';
use constant MEDIA => 'maapfile://BR.1a2B3c4D5e.20260131090000.001';
use constant CHATBOT => '0212351235';
use constant OPT_OUT => '080-123-4567';

my $json = JSON::PP->new->canonical->utf8->allow_nonref;

my @cases;
my %named;
my $group = '';

# ---------- texts of a length ----------

sub ascii { return 'a' x $_[0]; }
sub hangul { return '가' x $_[0]; }
# two UTF-16 units each
sub emoji { return "\x{1F600}" x $_[0]; }
# a letter and its accent: two characters
sub combining { return "e\x{301}" x $_[0]; }

# ---------- messages ----------

my %minimal = (
	RCSSMS => { body => { description => '주문이 접수되었습니다.' } },
	RCSLMS => { body => { description => '주문이 접수되었습니다.' } },
	RCSMMS => { body => { description => '신상품 안내', media => MEDIA } },
	RCSCHAT => { body => { description => '무엇을 도와드릴까요?' }, replyId => 'reply-1' },
	RCSTMPL => { body => { name => '홍길동', amount => '12,000원' }, messagebaseId => OWN_BASE },
	RCSITMPL => { body => { name => '홍길동', amount => '12,000원' }, messagebaseId => OWN_BASE },
);

# The smallest message of a type; changes as with().
sub message
{
	my ($type, @changes) = @_;
	return with({ serviceType => $type, header => '0', %{ $minimal{$type} } }, @changes);
}

# A copy with members changed: 'buttons.0.suggestions' => value; NONE takes the member away.
sub with
{
	my ($message, @changes) = @_;
	my $copy = dclone($message);

	while (my ($path, $value) = splice @changes, 0, 2)
	{
		my @steps = split /\./, $path;
		my $last = pop @steps;
		my $at = $copy;

		for my $step (@steps)
		{
			$at = ref $at eq 'ARRAY' ? ($at->[$step] //= {}) : ($at->{$step} //= {});
		}
		if (ref $at eq 'ARRAY') { $at->[$last] = $value; }
		elsif (ref $value && $value == NONE) { delete $at->{$last}; }
		else { $at->{$last} = $value; }
	}
	return $copy;
}

# The body of a carousel.  Options: media => 0, and any member with its number: description2 => 'x'.
sub card_body
{
	my ($n, %more) = @_;
	my $media = delete $more{media} // 1;
	my %body = map { ("title$_" => "카드 $_", "description$_" => "설명 $_", $media ? ("media$_" => MEDIA) : ()) }
	  1 .. $n;

	%body = (%body, %more);
	for my $name (keys %body)
	{
		delete $body{$name} if ref $body{$name} && $body{$name} == NONE;
	}
	return \%body;
}

my %actions = (
	url => { urlAction => { openUrl => { url => 'https://example.com/' } } },
	local => { localBrowserAction => { openUrl => { url => 'https://example.com/' } } },
	query => { mapAction => { showLocation => { fallbackUrl => 'https://map.example.com/', location => { query => '서울역' } } } },
	place => {
		mapAction => {
			showLocation => {
				fallbackUrl => 'https://map.example.com/',
				location => { latitude => 37.5665, longitude => 126.978, label => '시청' } } } },
	ask => { mapAction => { requestLocationPush => {} } },
	calendar => {
		calendarAction => {
			createCalendarEvent => {
				title => '방문',
				description => '매장 방문 예약',
				startTime => '2026-12-01T10:00:00+09:00',
				endTime => '2026-12-01T11:00:00+09:00' } } },
	copy => { clipboardAction => { copyToClipboard => { text => 'COUPON-1234' } } },
	compose => { composeAction => { composeTextMessage => { phoneNumber => '0212345678', text => '문의' } } },
	dial => { dialerAction => { dialPhoneNumber => { phoneNumber => '0212345678' } } },
);

# Names of the kinds of actions without an argument, else the action of a kind.
sub action
{
	my ($kind) = @_;
	return sort keys %actions unless defined $kind;
	return { %{ dclone($actions{$kind}) }, displayText => '보기', postback => { data => 'open' } };
}

sub suggestion
{
	my ($kind) = @_;
	return $kind eq 'reply'
	  ? { reply => { displayText => '예', postback => { data => 'yes' } } }
	  : { action => action($kind) };
}

# So many buttons for one card.
sub button
{
	my ($n) = @_;
	return { suggestions => [ map { suggestion('url') } 1 .. $n ] };
}

# ---------- cases ----------

# What follows belongs to this group.
sub group { $group = $_[0]; return; }

sub add
{
	my ($name, $message, $faults, %opt) = @_;
	die "two cases are called \"$group: $name\"" if $named{"$group: $name"}++;
	push @cases, { group => $group, name => "$group: $name", message => $message, faults => $faults, %opt };
	return;
}

# Options: params => what its placeholders stand for; unsent => why it cannot be sent to the stand-in.
sub good
{
	my ($name, $message, %opt) = @_;
	return add($name, $message, [], %opt);
}

# Faults: 'path code', all of them; the path of the whole message is "-".
sub bad
{
	my ($name, $message, $faults, %opt) = @_;
	return add($name, $message, ref $faults ? $faults : [$faults], %opt);
}

# JSON text in UTF-8.  A message that Perl's data cannot hold is given as a reference to its text.
sub to_json
{
	my ($message) = @_;
	return $$message if ref $message eq 'SCALAR';
	return $json->encode($message);
}

sub corpus
{
	unless (@cases)
	{
		for my $part (qw(Envelope Text Card Button Fallback))
		{
			require "RcsCorpus/$part.pm";
			"RcsCorpus::$part"->can('cases')->();
		}
	}
	return @cases;
}

1;
