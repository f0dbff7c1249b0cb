# SPDX-License-Identifier: MIT
# 10,000 requests outstanding at once, and nothing left of them.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/lib";
use B ();
use Fcntl;
use Test::More;
use Linux::AIO;
use Support;

my $path = file_with('x' x 5000);
open my $fh, '<', $path or die $!;
my ($objects, $destroyed) = (0, 0);
{
    package Guard;
    sub new { ++$objects; bless [] }
    sub DESTROY { ++$destroyed }
}
sub memory { open my $in, '<', '/proc/self/statm' or die $!; return (split ' ', <$in>)[1] * 4 }

# Each kind, with an error among them; every callback holds an object.
sub round {
    my ($count) = @_;
    my ($done, $right) = (0, 0);
    for my $i (1 .. $count) {
        my $guard = Guard->new;
        my $data  = 'abc';
        my $check = sub { ++$done; ++$right if $_[0] == $_[1]; $guard->[0] = 1 };
        my $kind  = $i % 10;
        if    ($kind == 0) { aio_stat $path,       sub { $check->($_[0] + (-s _), 5000) } }
        elsif ($kind == 1) { aio_stat "$path.none", sub { $check->($_[0], -1) } }
        elsif ($kind == 2) { aio_read $fh, 10, 4096, $data, 0, sub { $check->(length $data, 4096) } }
        elsif ($kind == 3) { aio_read $fh, 10, 300, $data, 3, sub { $check->(length $data, 303) } }
        elsif ($kind == 4) { aio_write $fh, 10, 300, $data, 0, sub { $check->($_[0], -1) } }
        elsif ($kind == 5) { aio_close 1_000_000, sub { $check->($_[0], -1) } }
        elsif ($kind == 6) { aio_lstat $path, sub { $check->($_[0], 0) } }
        elsif ($kind == 7) { aio_stat $fh, sub { $check->($_[0], 0) } }
        elsif ($kind == 8) { aio_fsync $fh, sub { $check->($_[0], 0) } }
        else {
            aio_open $path, O_RDONLY, 0, sub {
                my $fd = $_[0];
                aio_close $fd, sub { $check->($_[0], 0) }
            }
        }
    }
    is(Linux::AIO::nreqs(), $count, "$count outstanding");
    finish();
    is($done, $count, 'all called back');
    is($right, $count, 'all right');
    is($destroyed, $objects, 'every closure is gone');
}

round(10_000); # reaches the steady state
my ($handles, $descriptors, $memory) = (B::svref_2object(\*{$fh})->REFCNT, descriptors(), memory());
round(10_000) for 1 .. 3;
is(B::svref_2object(\*{$fh})->REFCNT, $handles, 'no reference to the handle is left');
is(descriptors(), $descriptors, 'no descriptor is left');
cmp_ok(memory() - $memory, '<', 4000, 'memory does not grow (KiB)');

# References to what many requests share.
my $sum = 0;
my $callback = sub { $sum += $_[0] };
my $buffer = '';
my @counts;
for my $round (0 .. 3) {
    for (1 .. 2000) {
        aio_read $fh, 0, 4096, $buffer, 0, $callback;
        aio_stat $path, $callback;
    }
    finish();
    eval { aio_read $fh, 0, 10, $buffer, 9_999_999, $callback };
    eval { aio_write $fh, 0, 10, "\x{100}", 0, $callback };
    eval { aio_fsync [], $callback };
    $counts[$round] = Internals::SvREFCNT($buffer) . ' ' . B::svref_2object($callback)->REFCNT;
}
is($counts[$_], $counts[1], 'counts stay') for 2, 3;
done_testing;
