# SPDX-License-Identifier: MIT
# The end of the program waits for what is outstanding.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/lib";
use Test::More;
use Linux::AIO ();
use Support;

my $path = file_with('x' x 321);
my $use  = "use strict; use warnings; use Linux::AIO; \$| = 1; open STDERR, '>&', \\*STDOUT; my \$path = '$path';";

my ($output, $status) = output_of($use . 'aio_stat $path, sub { print -s _, "," } for 1 .. 20;');
is($output, '321,' x 20, 'requests outstanding at the end are called back');
is($status, 0, 'status');
($output, $status) = output_of(
    $use . 'aio_stat $path, sub { aio_stat $path, sub { aio_stat $path, sub { print "third" } } }');
is($output, 'third', 'and what they start');
($output, $status) = output_of($use . 'aio_stat $path, sub { print "called" }; exit 7');
is("$output $status", 'called ' . (7 << 8), 'exit keeps its status');
($output, $status) = output_of($use . 'aio_stat $path, sub { print "called" }; die "error\n"');
like($output, qr/error\n.*called/s, 'die');
cmp_ok($status, '>', 0, 'and its status');
($output, $status) = output_of($use . 'my $f; $f = sub { aio_stat $path, $f }; aio_stat $path, $f for 1 .. 3');
is("$output $status", ' 0', 'a program whose callbacks submit for ever ends');
($output, $status) = output_of($use . '
    aio_stat $path, sub { print "one\n"; die "first\n" };
    aio_stat $path, sub { print "two\n"; die "second\n" };
    aio_stat $path, sub { print "three\n" };');
like($output, qr/one.*two.*second.*three.*first/s, 'callbacks that die: the others are called, the first error is last');
cmp_ok($status, '>', 0, 'status');
($output, $status) = output_of($use . 'my $f; $f = sub { aio_stat $path, $f; die "x\n" }; aio_stat $path, $f');
cmp_ok($status >> 8, '!=', 124, 'one that dies and submits for ever ends too');
($output, $status) = output_of($use . 'END { aio_stat $path, sub { print "late" } }');
is("$output $status", 'late 0', 'a request of another END');
($output, $status) = output_of($use . 'require POSIX; aio_stat $path, sub { print "never" } for 1 .. 100; POSIX::_exit(0)');
is("$output $status", ' 0', '_exit waits for nothing');
($output, $status) = output_of($use . 'aio_stat $path, sub { print "never" } for 1 .. 100; exec "true"');
is("$output $status", ' 0', 'nor does exec');
done_testing;
