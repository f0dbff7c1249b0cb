# SPDX-License-Identifier: MIT
# poll_fileno in every event loop.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/lib";
use Test::More;
use Linux::AIO;
use Support;

my $path = file_with('x' x 77);
my ($done, $last);

# A chain of three requests, a hundred times: the loop must wake for each.
sub start {
    my ($finished) = @_;
    my $open = 100;
    ($done, $last) = (0, undef);
    for (1 .. 100) {
        aio_stat $path, sub {
            my $size = -s _;
            aio_lstat $path, sub {
                aio_stat $path, sub {
                    ++$done if $size == 77;
                    $finished->() if --$open == 0;
                }
            }
        };
    }
}

sub readable {
    my $bits = '';
    vec($bits, Linux::AIO::poll_fileno, 1) = 1;
    return select $bits, undef, undef, $_[0];
}

# select
is(readable(0), 0, 'not readable when nothing is outstanding');
start(my $nothing = sub { });
while (Linux::AIO::nreqs) { is(readable(60), 1, 'readable') or last; Linux::AIO::poll_cb }
is($done, 100, 'select');
is(readable(0), 0, 'not readable afterwards');

# A callback runs a loop of its own, for a request that may be complete already.
my ($inner, $outer) = (0, 0);
for (1 .. 10) {
    aio_stat $path, sub {
        my $here = 0;
        aio_lstat $path, sub { ++$here; ++$inner };
        while (!$here) { readable(60) or die 'not readable'; Linux::AIO::poll_cb }
        ++$outer;
    };
}
while (Linux::AIO::nreqs) { readable(60) or die 'not readable'; Linux::AIO::poll_cb }
is("$inner $outer", '10 10', 'a loop in a callback');

use IO::Poll 'POLLIN';
open my $fh, '<&', Linux::AIO::poll_fileno or die $!;
my $poll = IO::Poll->new;
$poll->mask($fh => POLLIN);
start($nothing);
while (Linux::AIO::nreqs) { $poll->poll(60) > 0 or die 'not readable'; Linux::AIO::poll_cb }
is($done, 100, 'IO::Poll');
close $fh;

SKIP: {
    need('EV') or last;
    my $watcher = EV::io(Linux::AIO::poll_fileno(), EV::READ(), \&Linux::AIO::poll_cb);
    start(sub { EV::break() });
    EV::run();
    is($done, 100, 'EV');
}
SKIP: {
    need('Event') or last;
    my $watcher = Event->io(fd => Linux::AIO::poll_fileno(), poll => 'r', cb => \&Linux::AIO::poll_cb);
    start(sub { Event::unloop() });
    Event::loop(60);
    $watcher->cancel;
    is($done, 100, 'Event');
}
SKIP: {
    need('AnyEvent') or last;
    my $finished = AnyEvent->condvar;
    my $watcher = AnyEvent->io(fh => Linux::AIO::poll_fileno(), poll => 'r', cb => \&Linux::AIO::poll_cb);
    start(sub { $finished->send });
    $finished->recv;
    is($done, 100, 'AnyEvent with ' . AnyEvent::detect());
}

done_testing;
