# SPDX-License-Identifier: MIT
# open, close, stat, lstat, fstat, unlink, and the syncs.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/lib";
use Fcntl;
use Test::More;
use Linux::AIO;
use Support;

my $path = file_with('x' x 1234);
my $link = directory() . '/link';
symlink $path, $link or die $!;

my ($fd) = result_of(sub { aio_open $path, O_RDONLY, 0, $_[0] });
cmp_ok($fd, '>=', 3, 'open gives a descriptor');
is(readlink "/proc/self/fd/$fd", $path, 'of the file');
is((result_of(sub { aio_close $fd, $_[0] }))[0], 0, 'close');
ok(!-e "/proc/self/fd/$fd", 'is closed');

my $new = directory() . '/new';
umask 022;
($fd) = result_of(sub { aio_open $new, O_CREAT | O_EXCL | O_WRONLY, 0640, $_[0] });
is((CORE::stat $new)[2] & 07777, 0640, 'open creates with the mode');
is((result_of(sub { aio_fsync $fd, $_[0] }))[0], 0, 'fsync');
is((result_of(sub { aio_fdatasync $fd, $_[0] }))[0], 0, 'fdatasync');
result_of(sub { aio_close $fd, $_[0] });
open my $fh, '<', $path or die $!;
is((result_of(sub { aio_readahead $fh, 0, 1000, $_[0] }))[0], 0, 'readahead');
is((result_of(sub { aio_unlink $new, $_[0] }))[0], 0, 'unlink');
ok(!-e $new, 'is gone');

# All of Perl's fields, from a path, a handle and a descriptor.
my @expected = CORE::stat $path;
for my $what ([path => $path], [handle => $fh], [descriptor => fileno $fh], [link => $link]) {
    my ($name, $argument) = @$what;
    my @got;
    aio_stat $argument, sub { @got = ($_[0], -s _, -f _ ? 1 : 0, -d _ ? 1 : 0, CORE::stat _) };
    finish();
    is_deeply([splice @got, 0, 4], [0, 1234, 1, 0], "stat of a $name: -s _, -f _, -d _");
    is_deeply(\@got, \@expected, "stat of a $name: all fields");
}
@expected = CORE::lstat $link;
for my $directory_or_link (directory(), $link) {
    my @got;
    aio_lstat $directory_or_link, sub { @got = ($_[0], -d _ ? 1 : 0, -l _ ? 1 : 0, CORE::lstat _) };
    finish();
    my $is_link = $directory_or_link eq $link;
    is_deeply([splice @got, 0, 3], [0, $is_link ? 0 : 1, $is_link ? 1 : 0], "lstat: -d _, -l _");
    is_deeply(\@got, [CORE::lstat $directory_or_link], 'lstat _');
}
my @device;
aio_stat '/dev/null', sub { @device = CORE::stat _ };
finish();
is_deeply(\@device, [CORE::stat '/dev/null'], 'device numbers');

aio_stat $path, sub { eval { my @unused = CORE::lstat _ } };
finish();
like($@, qr/stat preceding lstat\(\) wasn't an lstat/, "lstat _ after a stat dies, by Perl's rule");
aio_lstat $fh, sub { eval { @device = CORE::lstat _; 1 } or fail($@) };
finish();
is($device[7], 1234, 'lstat of a handle');

my ($size, $exists) = (1, 1);
CORE::stat $path;
aio_stat "$path.missing", sub { ($size, $exists) = (-s _, -e _) };
finish();
ok(!defined $size && !$exists, 'a stat that failed leaves nothing in _');

# A callback sees its own file, however many are outstanding.
my %size;
my @paths = map { file_with('x' x $_) } 1 .. 50;
for my $each (@paths) { aio_stat $each, sub { $size{$each} = -s _ } }
finish();
is_deeply([@size{@paths}], [1 .. 50], 'fifty at once');
done_testing;
