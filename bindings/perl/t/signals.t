# SPDX-License-Identifier: MIT
# A signal while poll_wait waits: its Perl handler runs, and may do what ends the wait, or die.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/lib";
use Fcntl;
use POSIX ();
use Test::More;
use Linux::AIO;
use Support;

my $fifo = directory() . '/fifo';
POSIX::mkfifo($fifo, 0600) or die $!;
my $parent = $$;

# While the parent waits a child sends signals, up to 20 s.
sub with_signals {
    my ($body) = @_;
    my $pid = fork // die $!;
    if (!$pid) {
        for (1 .. 1000) {
            select undef, undef, undef, 0.02;
            kill USR1 => $parent or last;
        }
        POSIX::_exit(0);
    }
    $body->();
    kill KILL => $pid;
    waitpid $pid, 0;
}

# Not before the request waits for a writer: until then there is nobody to write to.
my ($signals, $writer, $fd) = (0);
local $SIG{USR1} = sub { ++$signals; $writer || sysopen $writer, $fifo, O_WRONLY | O_NONBLOCK };
with_signals(sub {
    aio_open $fifo, O_RDONLY, 0, sub { $fd = $_[0] }; # waits for a writer
    finish();
    $SIG{USR1} = 'IGNORE';
});
cmp_ok($signals, '>=', 1, 'the handler ran');
cmp_ok($fd, '>=', 3, 'and let the request end');

undef $writer;
my $waiting = 0;
$SIG{USR1} = sub { return if !$waiting; $waiting = 0; die "from a handler\n" };
with_signals(sub {
    aio_open $fifo, O_RDONLY, 0, sub { $fd = $_[0] };
    eval { $waiting = 1; finish() };
    is($@, "from a handler\n", 'a handler that dies ends the wait');
    $SIG{USR1} = 'IGNORE';
});
is(Linux::AIO::nreqs(), 1, 'the request is still outstanding');
open $writer, '>', $fifo or die $!;
finish();
is(Linux::AIO::nreqs(), 0, 'and completes');
done_testing;
