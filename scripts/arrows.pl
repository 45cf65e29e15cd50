#!/usr/bin/perl
# Which file of src/ knows which: by its #include lines, and by the symbols of the objects, if
# they are built.  Prints what breaks the rules as file: rule:
#   - a folder knows only folders of lower rows; folders of one row do not know each other
#   - no files know each other in a circle
#   - a base name is there once, whatever the folder
# With --picture it prints the arrows between the folders and how many files draw each.
use strict;
use warnings;

# The rows, lowest first.  src/README.md says what each folder is for.
my @rows = (
	['base'], ['message'], [ 'process', 'kt' ], [ 'account', 'hold', 'listener' ],
	[ 'queue', 'carrier' ], [ 'campaign', 'chat', 'media', 'report' ], ['delivery']);

my %row;
for my $n (0 .. $#rows)
{
	$row{$_} = $n for @{ $rows[$n] };
}

# The file whose job is to start all others.
my $top = 'rcs';

my (%folder, %knows, @faults);

sub fault
{
	push @faults, "$_[0]: $_[1]";
}

# A unit is a .c file and the .h file of its name.
sub unit
{
	my ($path) = @_;
	return $path =~ m{([^/]+)\.[cho]$} ? $1 : die "no source: $path";
}

sub find_units
{
	for my $path (glob('src/*.[ch] src/*/*.[ch]'))
	{
		my $unit = unit($path);
		my $dir = $path =~ m{^src/([^/]+)/} ? $1 : '';

		next if $path =~ m{/(kt_codes|console_files)\.h$};
		if (defined $folder{$unit} && $folder{$unit} ne $dir)
		{
			fault($path, "another folder has a file of this name: $folder{$unit}");
		}
		if ($dir eq '' && $unit ne $top)
		{
			fault($path, 'a source stands in a folder');
		}
		if ($dir ne '' && !defined $row{$dir})
		{
			fault($path, 'its folder has no row (scripts/arrows.pl)');
			next;
		}
		$folder{$unit} = $dir;
	}
}

sub know
{
	my ($from, $to, $how) = @_;
	$knows{$from}{$to} //= $how if $from ne $to;
}

sub read_includes
{
	for my $path (glob('src/*.[ch] src/*/*.[ch]'))
	{
		open my $file, '<', $path or die "$path: $!";
		while (my $line = <$file>)
		{
			next if $line !~ m{^\s*#\s*include\s*"([a-z_]+)/([a-z0-9_]+)\.h"};
			next if !defined $folder{$2} || $folder{$2} ne $1;
			know(unit($path), $2, "$path:$.");
		}
		close $file;
	}
}

sub read_symbols
{
	my (%made_by, @wanted);

	# an object of a source that is gone is not ours
	my @objects = grep { defined $folder{ unit($_) } } glob('src/*.o src/*/*.o') or return 0;
	open my $nm, '-|', 'nm', '-A', '-p', @objects or die "nm: $!";
	while (my $line = <$nm>)
	{
		my ($object, $type, $symbol) = $line =~ /^([^:]+):[0-9a-f ]* ([A-Za-z]) (\S+)$/ or next;
		my $unit = unit($object);

		push @wanted, [ $unit, $symbol ] if $type eq 'U';
		$made_by{$symbol} = $unit if $type =~ /[TDBRC]/;
	}
	close $nm;
	for my $w (@wanted)
	{
		my ($unit, $symbol) = @$w;
		my $maker = $made_by{$symbol} // $unit;
		know($unit, $maker, source($unit) . " ($symbol)") if !$knows{$unit}{$maker};
	}
	return %made_by ? 1 : 0;
}

sub source
{
	my ($unit) = @_;
	my ($path) = glob("src/$folder{$unit}/$unit.[ch]");
	return $path // "src/$unit.c";
}

sub check_rows
{
	for my $from (sort keys %knows)
	{
		next if $folder{$from} eq '';
		for my $to (sort keys %{ $knows{$from} })
		{
			my ($a, $b) = ($folder{$from}, $folder{$to});

			next if $a eq $b || ($b ne '' && $row{$a} > $row{$b});
			fault($knows{$from}{$to}, "$a/ must not know $to of $b/");
		}
	}
}

# Tarjan's circles: files that reach each other.
my ($count, %index, %low, %open, @stack) = (0);

sub visit
{
	my ($unit) = @_;
	my @circle;

	$index{$unit} = $low{$unit} = $count++;
	push @stack, $unit;
	$open{$unit} = 1;
	for my $next (sort keys %{ $knows{$unit} // {} })
	{
		if (!defined $index{$next})
		{
			visit($next);
			$low{$unit} = $low{$next} if $low{$next} < $low{$unit};
		}
		elsif ($open{$next} && $index{$next} < $low{$unit})
		{
			$low{$unit} = $index{$next};
		}
	}
	return if $low{$unit} != $index{$unit};
	while (defined(my $member = pop @stack))
	{
		delete $open{$member};
		push @circle, $member;
		last if $member eq $unit;
	}
	fault(source($unit), 'files that know each other in a circle: ' . join(', ', sort @circle))
	  if @circle > 1;
}

sub print_picture
{
	my %arrows;

	for my $from (keys %knows)
	{
		for my $to (keys %{ $knows{$from} })
		{
			my ($a, $b) = ($folder{$from}, $folder{$to});
			$arrows{$a}{$b}{$from} = 1 if $a ne $b && $a ne '' && $b ne '';
		}
	}
	for my $n (reverse 0 .. $#rows)
	{
		for my $a (@{ $rows[$n] })
		{
			print "row ", $n + 1, "  $a: ",
			  join(', ', map { $_ . ' ' . keys %{ $arrows{$a}{$_} } }
				  sort { $row{$b} <=> $row{$a} || $a cmp $b } keys %{ $arrows{$a} // {} }), "\n";
		}
	}
}

find_units();
read_includes();
my $built = read_symbols();
check_rows();
visit($_) for grep { !defined $index{$_} } sort keys %folder;
print_picture() if @ARGV && $ARGV[0] eq '--picture';
print "$_\n" for @faults;
print "arrows: nothing is built, so calls were not looked at\n" if !$built;
exit(@faults ? 1 : 0);
