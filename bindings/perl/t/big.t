# SPDX-License-Identifier: MIT
# Offsets and sizes beyond 4 GiB.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/lib";
use Fcntl;
use Test::More;
use Linux::AIO;
use Support;

my $path = directory() . '/big';
sysopen my $fh, $path, O_RDWR | O_CREAT or die $!;
my $big = (5 << 30) + 12345;
is((result_of(sub { aio_write $fh, $big, 4, 'here', 0, $_[0] }))[0], 4, 'write beyond 4 GiB');
my $data = '';
is((result_of(sub { aio_read $fh, $big - 2, 100, $data, 0, $_[0] }))[0], 6, 'read there');
is($data, "\0\0here", 'the bytes');
is((result_of(sub { aio_readahead $fh, $big - 4096, 4096, $_[0] }))[0], 0, 'readahead there');
my $size;
aio_stat $path, sub { $size = -s _ };
finish();
is($size, $big + 4, 'the size');
is((result_of(sub { aio_read $fh, 12345, 100, $data, 0, $_[0] }))[0], 100, 'the offset is not cut');
is($data, "\0" x 100, 'to 32 bits');
SKIP: {
    skip 'this file system has no larger offsets', 2 if !truncate $fh, 1 << 42;
    is((result_of(sub { aio_write $fh, (1 << 42) + 1, 4, 'here', 0, $_[0] }))[0], 4, 'write beyond 4 TiB');
    is(-s $fh, (1 << 42) + 5, 'the size');
}
is((result_of(sub { aio_read $fh, 1 << 62, 100, $data, 0, $_[0] }))[0], 0, 'read far past the end');
is((result_of(sub { aio_write $fh, 0, 1 << 40, 'x' x (16 << 20), 0, $_[0] }))[0], 16 << 20, 'a large write');
is((result_of(sub { aio_read $fh, 0, 16 << 20, $data, 0, $_[0] }))[0], 16 << 20, 'a large read');
ok($data eq 'x' x (16 << 20), 'the same');
done_testing;
