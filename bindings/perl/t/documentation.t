# SPDX-License-Identifier: MIT
# Every example of the documentation runs, and prints what the line "=for test" before it says. So does the first one
# of the README.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/lib";
use Pod::Checker ();
use Test::More;
use Linux::AIO ();
use Support;

my $pod = $INC{'Linux/AIO.pm'};
my $checker = Pod::Checker->new(-quiet => 1);
$checker->parse_from_file($pod, '/dev/null');
is($checker->num_errors, 0, 'the POD is right');

open my $in, '<', $pod or die "$pod: $!";
my ($expected, @examples, $in_pod, $inside);
while (<$in>) {
    $in_pod ||= /^=\w/ or next;
    if (/^=for test (.*)/) { $expected = $1 }
    if (/^\S/) { $inside = 0 } # text ends an example
    elsif (/\S/) {
        if (!$inside) { push @examples, {line => $., expected => $expected, code => ''} }
        ($inside, $expected) = 1;
    }
    $examples[-1]{code} .= $_ if $inside;
}
my $prelude = 'use strict; use warnings; use Fcntl; use Linux::AIO; $| = 1;'
    . 'open STDERR, ">&", \*STDOUT; open my $fh, "<", "/etc/passwd" or die; ';
cmp_ok(scalar @examples, '>=', 12, 'there are examples');
for my $example (@examples) {
    my $name = "the example of line $example->{line}";
    if (!defined $example->{expected}) { fail("$name says what it prints"); next }
    my ($module) = $example->{code} =~ /^\s+use (AnyEvent|Event|EV|Glib);/m;
  SKIP: {
        need($module) or last if $module;
        my ($output, $status) = output_of($prelude . $example->{code});
        like($output, qr/$example->{expected}/s, $name);
        is($status, 0, 'its status');
    }
}

my $readme = "$FindBin::Bin/../README.md";
open $in, '<', $readme or die "$readme: $!";
my ($code) = do { local $/; <$in> } =~ /```perl\n(.*?)```/s;
my ($output, $status) = output_of($code);
like($output, qr/^.{15}\n\d+ bytes\n$/s, 'the first example of the README');
is($status, 0, 'its status');
done_testing;
