# SPDX-License-Identifier: MIT
# One worker means one operation at a time, in the order of the calls: a program may write and read without waiting.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/lib";
use Fcntl;
use Test::More;
use Linux::AIO;
use Support;

my $path = directory() . '/order';
sysopen my $fh, $path, O_RDWR | O_CREAT or die $!;
my ($wrong, $early, $paths_wrong) = (0, 0, 0);
for my $round (1 .. 1000) {
    my ($data, $written);
    my $value = sprintf '%08d', $round;
    aio_write $fh, 0, 8, $value, 0, sub { $written = 1 };
    aio_read $fh, 0, 8, $data, 0, sub { ++$wrong if $data ne $value; ++$early if !$written };
    finish();
    my $other = "$path.other";
    aio_open $other, O_CREAT | O_EXCL | O_RDWR, 0600, sub { aio_close $_[0], sub { } };
    aio_stat $other, sub { ++$paths_wrong if $_[0] };
    aio_unlink $other, sub { ++$paths_wrong if $_[0] };
    aio_stat $other, sub { ++$paths_wrong if !$_[0] };
    finish();
}
is($wrong, 0, 'a read after a write sees it');
is($early, 0, 'and is called back after it');
is($paths_wrong, 0, 'open, stat, unlink, stat');
done_testing;
