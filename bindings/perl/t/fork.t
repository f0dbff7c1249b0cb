# SPDX-License-Identifier: MIT
# The child of a fork uses the module anew; the parent notices nothing.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/lib";
use POSIX ();
use Test::More;
use Linux::AIO;
use Support;

my $path = file_with('x' x 55);
my $owner = $$;

# Runs the sub in a child: true if it returned true and the child ended by itself.
sub in_child {
    my ($body) = @_;
    my $pid = fork // die $!;
    if (!$pid) {
        alarm 60;
        POSIX::_exit(eval { $body->() } ? 0 : 1);
    }
    waitpid $pid, 0;
    return $? == 0;
}

{
    package Guard;
    our %destroyed;
    sub DESTROY { ++$destroyed{$$} }
}
my ($parent, $child) = (0, 0);
open my $fh, '<', $path or die $!;
my $data = 'abcd';
for (1 .. 50) {
    my $guard = bless [], 'Guard';
    aio_stat $path, sub { ++$parent; $guard->[0] = 1 };
    aio_read $fh, 0, 10, $data, 2, sub { ++$parent };
}
ok(in_child(sub {
    Linux::AIO::nreqs() == 0 or return;
    $Guard::destroyed{$$} == 50 or return; # the closures of the parent's requests are dropped
    aio_stat $path, sub { ++$child if -s _ == 55 } for 1 .. 50;
    aio_read $fh, 0, 10, $data, 2, sub { ++$child if $data eq 'abxxxxxxxxxx' };
    finish();
    return $child == 51 && $parent == 0;
}), 'the child has its own requests');
is($Guard::destroyed{$$}, undef, 'the parent keeps its closures');
finish();
is($parent, 100, 'and gets its answers');
is($child, 0, 'none of the child');
is($data, 'abxxxxxxxxxx', 'the data');

ok(in_child(sub { Linux::AIO::poll_cb() == 0 && Linux::AIO::nreqs() == 0 }), 'a child with nothing to do');
ok(in_child(sub { Linux::AIO::min_parallel(3); Linux::AIO::max_parallel(1); aio_stat $path, sub { ++$child };
    finish(); $child == 1 }), 'a child sets its workers');
ok(in_child(sub { in_child(sub { aio_stat $path, sub { ++$child }; finish(); $child == 1 }) }), 'a grandchild');

# Inside a callback.
my @pids;
aio_stat $path, sub { ++$parent } for 1 .. 5;
aio_stat $path, sub {
    my $pid = fork // die $!;
    if ($pid) { push @pids, $pid; return }
    aio_stat $path, sub { POSIX::_exit(-s _ == 55 ? 0 : 1) };
};
aio_stat $path, sub { ++$parent } for 1 .. 5;
finish();
POSIX::_exit(2) if $$ != $owner;
is(scalar @pids, 1, 'a callback forked');
waitpid $pids[0], 0;
is($?, 0, 'and its child used the module');
is($parent, 110, 'the parent got all of its own');

# A child that ends as programs do.
my ($output, $status) = output_of("use Linux::AIO; \$| = 1; my \$pid = fork; aio_stat '$path', sub { print 'x' };"
    . "waitpid \$pid, 0 if \$pid;");
is($output, 'xx', 'both ends wait for their own');
is($status, 0, 'status');
done_testing;
