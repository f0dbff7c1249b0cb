# SPDX-License-Identifier: MIT
use strict;
use warnings;
use Config;
BEGIN {
    if (!$Config{useithreads}) { print "1..0 # SKIP this perl has no threads\n"; exit }
}
use threads;
use FindBin;
use lib "$FindBin::Bin/lib";
use Test::More;
use Linux::AIO;
use Support;

my $path = file_with('x' x 66);
my $descriptors = descriptors();
sub work {
    my ($count) = @_;
    my ($done, $data) = (0);
    open my $fh, '<', $path or die $!;
    for (1 .. $count) {
        aio_stat $path, sub { ++$done if -s _ == 66 };
        aio_read $fh, 6, 60, $data, 0, sub { ++$done if $data eq 'x' x 60 };
    }
    Linux::AIO::nreqs() == 2 * $count or return -1;
    finish();
    return $done;
}

my $parent = 0;
aio_stat $path, sub { ++$parent } for 1 .. 100;
my @threads = map { threads->create(\&work, 200) } 1 .. 4;
is($_->join, 400, 'a thread has its own requests') for @threads;
finish();
is($parent, 100, 'and the parent its own');
is(threads->create(sub { Linux::AIO::nreqs() + Linux::AIO::poll_cb() })->join, 0, 'a thread that does nothing');
is(threads->create(sub { threads->create(\&work, 10)->join })->join, 20, 'a thread of a thread');
is(threads->create(sub { aio_stat $path, sub { }; 5 })->join, 5, 'a thread that leaves a request');
is(work(10), 20, 'after all that');
is(threads->create(sub { aio_stat $path, sub { die "in thread\n" }; eval { finish() }; $@ })->join, "in thread\n", 'die');
is(descriptors(), $descriptors, 'no descriptor is left');
done_testing;
