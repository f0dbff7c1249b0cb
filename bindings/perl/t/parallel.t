# SPDX-License-Identifier: MIT
use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/lib";
use Test::More;
use Linux::AIO qw(:DEFAULT min_parallel max_parallel nreqs poll_cb);
use Support;

my $path = file_with('parallel');
is(workers(1), 1, 'one at first');
min_parallel 4;
is(workers(4), 4, 'min_parallel starts more');
min_parallel 2;
is(workers(4), 4, 'and ends none');
max_parallel 2;
is(workers(2), 2, 'max_parallel ends those above');
max_parallel 8;
is(workers(2), 2, 'and starts none');
my $done = 0;
aio_stat $path, sub { ++$done } for 1 .. 200;
max_parallel 1;
is(workers(1), 1, 'with requests outstanding');
finish();
is($done, 200, 'which all complete');

$done = 0;
aio_stat $path, sub { ++$done; aio_stat $path, sub { ++$done } if $done <= 10 } for 1 .. 10;
max_parallel 0;
is(nreqs(), 0, 'max_parallel 0 leaves nothing outstanding');
is($done, 20, 'and calls back, also for what callbacks start');
is(workers(0), 0, 'no worker is left');
aio_stat $path, sub { ++$done };
finish();
is($done, 21, 'the next request works all the same');
min_parallel 3;
is(workers(3), 3, 'min_parallel again');
aio_stat $path, sub { ++$done } for 1 .. 100;
is(nreqs(), 100, 'nreqs counts');
my ($polls, $inside) = (0);
aio_stat $path, sub { $inside = nreqs() };
while (nreqs()) { Linux::AIO::poll_wait; $polls += poll_cb }
is($polls, 101, 'poll_cb returns how many it processed');
cmp_ok($inside, '<=', 100, 'a callback is not counted in itself');

# A callback that always submits does not keep poll_cb.
my $stop = 0;
my $chain; $chain = sub { aio_stat $path, $chain if !$stop };
aio_stat $path, $chain for 1 .. 4;
for (1 .. 50) { Linux::AIO::poll_wait; cmp_ok(poll_cb, '<=', 4, 'poll_cb returns') }
$stop = 1;
finish();
undef $chain;
is(&poll_cb(1, 2, 3), 0, 'event loops pass arguments');
done_testing;
