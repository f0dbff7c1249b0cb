# SPDX-License-Identifier: MIT
# A callback that dies: out of poll_cb, and the others are called back by the next one.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/lib";
use Test::More;
use Linux::AIO;
use Support;

my $path = file_with('die');
my (%called, %died, $destroyed);
{
    package Guard;
    sub DESTROY { ++$destroyed }
}
for my $i (1 .. 100) {
    my $guard = bless [], 'Guard';
    aio_stat $path, sub {
        ++$called{$i};
        $guard->[0] = 1;
        die "error $i\n" if $i % 3 == 0;
    };
}
my $polls = 0;
while (Linux::AIO::nreqs()) {
    Linux::AIO::poll_wait();
    eval { Linux::AIO::poll_cb(); 1 } or ++$died{$@};
    last if ++$polls > 1000;
}
is(scalar keys %called, 100, 'every callback was called');
is((grep { $_ != 1 } values %called), 0, 'once');
is_deeply([sort keys %died], [sort map { "error $_\n" } grep { $_ % 3 == 0 } 1 .. 100], 'every error surfaced');
is($destroyed, 100, 'every closure is gone');

# The descriptor says that there is more. It may say so once more than needed.
aio_stat $path, sub { die "first\n" };
aio_stat $path, sub { die "second\n" };
for my $expected ("first\n", "second\n") {
    for (1 .. 3) {
        vec(my $bits = '', Linux::AIO::poll_fileno(), 1) = 1;
        my $ready = select my $readable = $bits, undef, undef, 60;
        is($ready, 1, 'readable');
        eval { Linux::AIO::poll_cb() };
        last if $@;
    }
    is($@, $expected, 'one error at a time');
}

# Objects as errors; an eval inside; leaving the callback in other ways.
aio_stat $path, sub { die bless {code => 5}, 'Problem' };
eval { finish() };
is(ref $@ && $@->{code}, 5, 'an object');
my $inside;
aio_stat $path, sub { eval { die "inside\n" }; $inside = $@ };
finish();
is($inside, "inside\n", 'an eval in the callback');
{
    no warnings 'exiting';
    for (1) {
        aio_stat $path, sub { last };
        eval { finish() };
        like($@, qr/^Can't "last" outside a loop block/, 'last cannot leave a callback');
    }
}

# Not one value is left by errors.
aio_stat $path, sub { die 'x' } for 1 .. 1000;
my $deaths = 0;
while (Linux::AIO::nreqs()) { Linux::AIO::poll_wait(); eval { Linux::AIO::poll_cb(); 1 } or ++$deaths }
is($deaths, 1000, 'a thousand errors');
my $kept;
aio_stat $path, sub { $kept = \$_[0] };
aio_stat "$path.none", sub { };
finish();
is($$kept, 0, 'a result that a callback keeps stays what it was');
aio_stat $path, sub { $_[0] = 'changed' };
aio_stat $path, sub { $kept = $_[0] };
finish();
is($kept, 0, 'a result that a callback changes is its own');
done_testing;
