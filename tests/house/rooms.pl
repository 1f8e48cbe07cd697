#!/usr/bin/perl
# rooms.pl FOLDER: does every include of the tree obey rooms.tsv, and is nothing in a circle?
#
# 1. A file includes headers of its own room and of those that the room knows, directly or through others; the tests'
#    headers are for tests. Every header included in quotes is named by its whole path.
# 2. Rooms know each other in one direction.
# 3. No circles between files: a module is a .c and the .h of its name, and none includes, through whatever others,
#    a header whose module includes its own.
# 4. Every source below the house's folders stands in a room, and every folder of sources has a row.
# 5. backoffice/ answers whoever asks: it prints nothing, and takes nothing from the environment.
# 6. It speaks no language: words are backoffice/pages'. Outside that room no string has other than ASCII, nor three words in a
#    row, unless it is an error: its statement names one (error, fail, why). Journals' readers say of a line what is wrong with it.
#
# Prints what is wrong, a line each, and exits 1; nothing, and 0, where all is well.
use strict;
use warnings;
use File::Find;

my $root = shift // die "usage: rooms.pl FOLDER\n";
my (%knows, @order, @wrong);
open my $table, '<', "$root/rooms.tsv" or die "rooms.tsv: $!\n";
while (<$table>) {
        chomp;
        next if /^#/;
        my ($room, $known, $what) = split /\t/;
        defined $what && length $what or push(@wrong, "rooms.tsv:$.: '$_': wanted three columns: room, the rooms it knows, what it is for"), next;
        for (split / /, $known) {
                $knows{$_} or push @wrong, "rooms.tsv:$.: $room knows $_, which no row above names";
        }
        $knows{$room} = {$room => 1, map { %{$knows{$_} // {}} } split / /, $known};
}

# The room of a path: the longest of the rows that it lies in.
sub room_of {
        my $path = shift;
        while ($path =~ s{/[^/]*$}{}) {
                return $path if $knows{$path} || $path eq 'tests';
        }
        return undef;
}

my (%includes, @files);
find({no_chdir => 1, wanted => sub { push @files, substr($_, 1 + length $root) if /\.[ch]$/ }},
        grep { -d } map { "$root/$_" } qw(protocol rules lib keymodule config daemon backoffice tools tests));
for my $file (sort @files) {
        my $room = room_of($file);
        defined $room or push(@wrong, "$file: stands in no room of rooms.tsv"), next;
        find_words($file) if $room =~ m{^backoffice/(?!pages|journals)};
        open my $source, '<', "$root/$file" or die "$file: $!\n";
        while (<$source>) {
                push @wrong, "$file:$.: $1: the back office answers, and prints and looks round for nothing"
                        if $room =~ m{^backoffice/} && /\b(v?f?printf|f?puts|f?putc|putchar|perror|getenv|stdout|stderr)\b/ && !m{^\s*(/?\*|//)};
                my ($header) = /^\s*#\s*include\s*"([^"]+)"/ or next;
                next if $header =~ /\.inc$|\.def$/ && $header !~ m{/};
                if (!-e "$root/$header") {
                        push @wrong, "$file:$.: \"$header\": no such file from the root: headers are named by their whole path";
                        next;
                }
                my $other = room_of($header) // '';
                push @wrong, "$file:$.: $room may not know $other (\"$header\")"
                        unless $room eq 'tests' || $knows{$room}{$other};
                (my $from = $file) =~ s/\.[ch]$//;
                (my $to = $header) =~ s/\.h$//;
                $includes{$from}{$to} = 1 if $from ne $to;
        }
}

# Strings in words, statement by statement.
sub find_words {
        my $file = shift;
        open my $source, '<', "$root/$file" or die "$file: $!\n";
        my $text = do { local $/; <$source> };
        my $string = qr/"(?:[^"\\]|\\.)*"/s;
        $text =~ s{(/\*.*?\*/|^\s*\#\s*include[^\n]*)}{ (my $kept = $1) =~ tr/\n//cd; $kept }gsem;
        my $line = 1;
        while ($text =~ /\G((?:$string|[^;{}"])*)(?:[;{}]|\z)/g) {
                my $statement = $1;
                last if pos($text) >= length $text;
                my ($at, $said) = ($line, join '', map { substr $_, 1, -1 } $statement =~ /$string/g);
                $at++ while $statement =~ /\G\s*?\n/gc;
                $line += $statement =~ tr/\n//;
                push @wrong, "$file:$at: '$said': words are backoffice/pages'"
                        if $said =~ /[^\x00-\x7f]/ || $said =~ /\b[a-z']{2,} [a-z']{2,} [a-z']{2,}/
                        && $statement !~ /error|fail|why|_Static_assert|hashtext/;
        }
}

# Circles: modules that reach each other, found as those that are left when all that reach nothing are taken away.
my %left = map { $_ => {%{$includes{$_}}} } keys %includes;
my $before = -1;
while (keys %left != $before) {
        $before = keys %left;
        for my $module (keys %left) {
                delete $left{$module}{$_} for grep { !$left{$_} } keys %{$left{$module}};
                delete $left{$module} unless %{$left{$module}};
        }
}
my %reached_by;
for my $module (keys %left) {
        my @next = keys %{$left{$module}};
        my %seen;
        while (defined(my $at = pop @next)) {
                push @next, keys %{$left{$at} // {}} unless $seen{$at}++;
        }
        push @wrong, "$module: in a circle with " . join(' ', grep { reaches($_, $module) } sort keys %{$left{$module}})
                if $seen{$module};
}

sub reaches {
        my ($from, $to) = @_;
        my @next = ($from);
        my %seen;
        while (defined(my $at = pop @next)) {
                return 1 if $at eq $to;
                push @next, keys %{$left{$at} // {}} unless $seen{$at}++;
        }
        return 0;
}

print "$_\n" for sort @wrong;
exit(@wrong ? 1 : 0);
