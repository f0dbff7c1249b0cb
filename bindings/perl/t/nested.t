# SPDX-License-Identifier: MIT
# An event loop inside a callback: what callbacks submit is held while others wait, and must start all the same.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/lib";
use Test::More;
use IO::Select;
use Linux::AIO;
use Support;

my $path     = file_with('nested');
my $readable = do {
    open my $fh, '<&=', Linux::AIO::poll_fileno() or die "$!";
    IO::Select->new($fh);
};

# As an event loop does it, which asks nothing else of the module. False: the descriptor was silent for 20 s.
sub loop_until {
    my ($condition) = @_;
    until ($condition->()) {
        $readable->can_read(20) or return 0;
        Linux::AIO::poll_cb();
    }
    return 1;
}

for my $nth (1, 2, 7, 8) {
    my ($called, $inner, $ended) = (0, 0);
    for my $i (1 .. 8) {
        aio_stat $path, sub {
            ++$called;
            return if $i != $nth;
            aio_stat $path, sub { ++$inner } for 1 .. 20;
            $ended = loop_until(sub { $inner == 20 });
        };
    }
    ok(loop_until(sub { $called == 8 && $inner == 20 }), "a loop in callback $nth: all were called");
    ok($ended,                                           "a loop in callback $nth: it ended");
}

# What a callback that dies has submitted is started as well.
my ($called, $inner) = (0, 0);
for my $i (1 .. 8) {
    aio_stat $path, sub { ++$called; aio_stat $path, sub { ++$inner }; die "once\n" if $i == 3 };
}
my $died = 0;
my $ended = loop_until(sub { eval { Linux::AIO::poll_cb(); 1 } or $died += $@ eq "once\n"; $called == 8 && $inner == 8 });
ok($ended, 'all were called after one died');
is($died, 1, 'which surfaced once');

# A thousand at a time, so that a part is the worker's.
($called, $inner) = (0, 0);
for (1 .. 1000) {
    aio_stat $path, sub { ++$called; aio_stat $path, sub { ++$inner } };
}
ok(loop_until(sub { $called == 1000 && $inner == 1000 }), 'many, each starting another');
is(Linux::AIO::nreqs(), 0, 'nothing is outstanding');
done_testing;
