#!/usr/bin/perl
# SPDX-License-Identifier: MIT
# Linux::AIO against IO::AIO in one run: their rounds alternate, each keeps 64 requests outstanding.
# Usage: perl -Ibuild/release/bindings/perl/lib bindings/perl/bench.pl [SECONDS_PER_ROUND [ROUNDS]]
#    or: cmake --build build/release --target bench-perl
# Prints medians of requests a second and of the process's CPU time a request, and the ratios. Fails below 2.
use strict;
use warnings;
use Fcntl;
use File::Temp 'tempfile';
use Time::HiRes 'time';
use IO::AIO ();
use Linux::AIO ();

my ($seconds, $rounds) = @ARGV;
$seconds ||= 0.3;
$rounds  ||= 9;
my $depth  = 64;
my $bad_fd = 1_000_000;
my ($fh, $path) = tempfile(UNLINK => 1);
syswrite $fh, 'x' x (16 * 4096) or die "$path: $!";

my @names = ('Linux::AIO', sprintf 'IO::AIO %.2f', IO::AIO->VERSION);
my @workloads = (
    [
        'close of a bad descriptor',
        sub { Linux::AIO::aio_close($bad_fd, $_[0]) },
        sub { IO::AIO::aio_close($bad_fd, $_[0]) },
    ],
    ['stat', sub { Linux::AIO::aio_stat($path, $_[0]) }, sub { IO::AIO::aio_stat($path, $_[0]) }],
    [
        'cached 4 KiB read',
        sub { Linux::AIO::aio_read($fh, 4096 * 7, 4096, my $data = '', 0, $_[0]) },
        sub { IO::AIO::aio_read($fh, 4096 * 7, 4096, my $data = '', 0, $_[0]) },
    ],
);

# Both are driven as their documentation says: wait for the descriptor, take what is there.
my @drivers = (
    sub { while (Linux::AIO::nreqs()) { Linux::AIO::poll_wait(); Linux::AIO::poll_cb() } },
    sub { while (IO::AIO::nreqs()) { IO::AIO::poll_wait(); IO::AIO::poll_cb() } },
);

# One round: ($depth) requests, each starting the next until the time is over.
sub measure {
    my ($start, $drive) = @_;
    my $done = 0;
    my $begun = time;
    my $until = $begun + $seconds;
    my @cpu_before = times;
    my ($over, $next);
    $next = sub {
        ++$done;
        $over ||= !($done & 63) && time >= $until;
        $start->($next) if !$over;
    };
    $start->($next) for 1 .. $depth;
    $drive->();
    my $elapsed = time - $begun;
    my @cpu = times;
    undef $next;
    return ($done / $elapsed, ($cpu[0] + $cpu[1] - $cpu_before[0] - $cpu_before[1]) / $done * 1e9);
}

sub median { my @sorted = sort { $a <=> $b } @_; return $sorted[$#sorted / 2] }

printf "%d requests outstanding, medians of %d rounds of %g s\n", $depth, $rounds, $seconds;
printf "%-26s %-12s %12s %10s %18s\n", qw(workload module requests/s CPU-ns/op lowest..highest);
my $missed = 0;
for my $workload (@workloads) {
    my ($name, @start) = @$workload;
    my (@rate, @cpu);
    measure($start[$_], $drivers[$_]) for 0, 1; # warms up
    for my $round (1 .. $rounds) {
        for my $which ($round & 1 ? (0, 1) : (1, 0)) {
            my ($rate, $cpu) = measure($start[$which], $drivers[$which]);
            push @{ $rate[$which] }, $rate;
            push @{ $cpu[$which] }, $cpu;
        }
    }
    my @median = map { median(@$_) } @rate;
    for my $which (0, 1) {
        my @sorted = sort { $a <=> $b } @{ $rate[$which] };
        printf "%-26s %-12s %12.0f %10.0f %18s\n", $name, $names[$which], $median[$which], median(@{ $cpu[$which] }),
            sprintf('%.0fk..%.0fk', $sorted[0] / 1e3, $sorted[-1] / 1e3);
    }
    my $ratio = $median[0] / $median[1];
    $missed += $ratio < 2;
    printf "%-26s %.2f times%s\n\n", '', $ratio, $ratio < 2 ? ' (goal: 2)' : '';
}
exit($missed ? 1 : 0);
