# SPDX-License-Identifier: MIT
use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/lib";
use Errno qw(EACCES EBADF EEXIST EINVAL EISDIR ENAMETOOLONG ENOENT ENOTDIR ESPIPE);
use Fcntl;
use POSIX ();
use Test::More;
use Linux::AIO;
use Support;

my $path = file_with('abc');
sub fails {
    my ($name, $errno, $start) = @_;
    my ($result, $error) = result_of($start);
    is($result, -1, "$name: -1");
    is($error, $errno, "$name: " . do { local $! = $errno; "$!" });
}
sysopen my $reader, $path, O_RDONLY or die $!;
sysopen my $writer, $path, O_WRONLY or die $!;
opendir my $unused, directory() or die $!;
sysopen my $directory, directory(), O_RDONLY or die $!;
pipe my $out, my $in or die $!;
my $data = 'abc';
my $bad = 1_000_000;

fails('open of a missing file', ENOENT, sub { aio_open "$path.missing", O_RDONLY, 0, $_[0] });
fails('open of a directory for writing', EISDIR, sub { aio_open directory(), O_WRONLY, 0, $_[0] });
fails('open below a file', ENOTDIR, sub { aio_open "$path/x", O_RDONLY, 0, $_[0] });
fails('exclusive open', EEXIST, sub { aio_open $path, O_CREAT | O_EXCL | O_RDWR, 0600, $_[0] });
fails('a path too long', ENAMETOOLONG, sub { aio_open 'x' x 5000, O_RDONLY, 0, $_[0] });
fails('an empty path', ENOENT, sub { aio_stat '', $_[0] });
fails('stat of a missing file', ENOENT, sub { aio_stat "$path.missing", $_[0] });
fails('lstat of a missing file', ENOENT, sub { aio_lstat "$path.missing", $_[0] });
fails('unlink of a missing file', ENOENT, sub { aio_unlink "$path.missing", $_[0] });
fails('unlink of a directory', EISDIR, sub { aio_unlink directory(), $_[0] });
fails('read of a directory', EISDIR, sub { aio_read $directory, 0, 3, $data, 0, $_[0] });
is($data, '', 'a read that failed leaves what is before the data offset');
fails('read of a writer', EBADF, sub { aio_read $writer, 0, 3, $data, 0, $_[0] });
fails('write to a reader', EBADF, sub { aio_write $reader, 0, 3, 'abc', 0, $_[0] });
fails('read of a pipe', ESPIPE, sub { aio_read $out, 0, 3, $data, 0, $_[0] });
fails('a negative offset', EINVAL, sub { aio_read $reader, -1, 3, $data, 0, $_[0] });
fails('a negative offset to write', EINVAL, sub { aio_write $writer, -1, 3, 'abc', 0, $_[0] });
fails('a negative readahead', EINVAL, sub { aio_readahead $reader, -1, 3, $_[0] });

fails('close', EBADF, sub { aio_close $bad, $_[0] });
fails('read', EBADF, sub { aio_read $bad, 0, 3, $data, 0, $_[0] });
fails('write', EBADF, sub { aio_write $bad, 0, 3, 'abc', 0, $_[0] });
fails('fsync', EBADF, sub { aio_fsync $bad, $_[0] });
fails('fdatasync', EBADF, sub { aio_fdatasync $bad, $_[0] });
fails('readahead', EBADF, sub { aio_readahead $bad, 0, 1, $_[0] });
fails('fstat', EBADF, sub { aio_stat $bad, $_[0] });
fails('a negative descriptor', EBADF, sub { aio_fsync -1, $_[0] });
fails('a huge descriptor', EBADF, sub { aio_fsync 1 << 40, $_[0] });

# A NUL in a path: as Perl's own functions.
open my $secret, '>', "$path.nul" or die $!;
for my $start (
    sub { aio_open "$path.nul\0x", O_RDONLY, 0, $_[0] },
    sub { aio_stat "$path.nul\0x", $_[0] },
    sub { aio_unlink "$path.nul\0x", $_[0] })
{
    my @warned;
    local $SIG{__WARN__} = sub { push @warned, @_ };
    fails('a path with a NUL', ENOENT, $start);
    like("@warned", qr/Invalid \\0 character in pathname/, 'warns');
}
ok(-e "$path.nul", 'nothing happened to the part before it');
ok(!eval { aio_stat "\x{100}", sub { }; 1 }, 'a wide character in a path');
like($@, qr/^Wide character/, 'dies');

# Rights: as another user where this is root, whom nothing is forbidden. They follow the process, not its start.
my $private = file_with('private');
my $child = fork // die $!;
if (!$child) {
    chmod 0, $private or POSIX::_exit(2);
    if ($> == 0) {
        chmod 0711, directory();
        POSIX::setgid(65534);
        POSIX::setuid(65534);
    }
    POSIX::_exit(3) if $> == 0;
    my @got;
    aio_open $private, O_RDONLY, 0, sub { @got = ($_[0], $! + 0) };
    finish();
    POSIX::_exit(@got == 2 && $got[0] == -1 && $got[1] == EACCES ? 0 : 1);
}
waitpid $child, 0;
is($?, 0, 'EACCES');
done_testing;
