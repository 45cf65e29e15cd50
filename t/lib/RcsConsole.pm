# Helpers of the tests of the web console: a server with one, and a client that asks it as its page does.
package RcsConsole;

use strict;
use warnings;

use Exporter 'import';
use JSON::PP ();
use RcsListener;
use RcsTest;

our @EXPORT = qw(console_node console_ask console_json console_login console_campaign console_handle);

# A server with a listener, an account, and a role "ops" for the console; its name, and a database.
sub console_node
{
	my ($sim) = @_;
	my $node = rcs_node('main');
	my $db = rcs_database($node, 'shop');

	setup_account($node, $db, $sim);
	$node->safe_psql($db, q{
		CREATE ROLE ops;
		GRANT USAGE ON FOREIGN SERVER kt TO ops;
		UPDATE rcs.chatbot SET owner = 'ops'});
	listen_to($node, $db, 'rcs.console_role' => 'ops');
	return ($node, $db);
}

# The answer of HTTP::Tiny; headers by name.
sub console_ask
{
	my ($method, $path, %headers) = @_;
	return ask($method, $path, headers => \%headers);
}

sub console_json
{
	return JSON::PP::decode_json(console_ask('GET', @_)->{content});
}

# Logs in and gives the headers of the session; nothing if the login was refused.
sub console_login
{
	my ($with) = @_;
	my $answer = console_ask('POST', '/api/login', 'X-RCS-Console' => 1, Authorization => "Bearer $with");

	return $answer->{status} == 200 && $answer->{headers}{'set-cookie'} =~ /^(rcs_session=[0-9a-f]{64});/ ? (Cookie => $1) : ();
}

my $next_phone = 20000000;

# To so many phones, started; options as for rcs_campaign_create.
sub console_campaign
{
	my ($node, $db, $name, $n, %opt) = @_;
	my $from = $next_phone;

	$next_phone += $n;
	return campaign($node, $db, $n, from => $from, name => $name, %opt);
}

# The handle of a message, given a query for a row with its place.
sub console_handle
{
	my ($node, $db, $query) = @_;
	return $node->safe_psql($db, "SELECT rcs._handle(k.key, q.campaign_no, q.batch_id, q.ord) FROM rcs._handle_key k, ($query) q");
}

1;
