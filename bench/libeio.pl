#!/usr/bin/perl
# SPDX-License-Identifier: MIT
# libeio through IO::AIO. Reads a line with seconds, runs the closed loop for that long, prints a line:
# operations, seconds, CPU seconds, errors, p50, p90, p99, p99.9 and largest latency in ns. Ends with its input.
#   libeio.pl WORKLOAD DEPTH LENGTH FILE TREE-OR-DIRECTORY
use strict;
use warnings;
use Fcntl qw(O_RDONLY O_RDWR O_WRONLY);
use IO::AIO;
use Time::HiRes qw(clock_gettime CLOCK_MONOTONIC CLOCK_PROCESS_CPUTIME_ID);
use constant O_DIRECT => eval { Fcntl::O_DIRECT() } // 040000;

my ($workload, $depth, $length, $path, $directory) = @ARGV;
my $direct = $workload eq 'read-direct';
my $writes = $workload eq 'write-buffered';
my ($fh, $blocks, @files, @appended);
if ($workload =~ /^(read|write|burst|idle)/) {
    sysopen $fh, $path, $direct ? O_RDONLY | O_DIRECT : $writes ? O_RDWR : O_RDONLY or die "$path: $!";
    $blocks = int((-s $fh) / $length);
}
my $once = $workload eq 'burst';
my $dsync = $workload eq 'fsync-dsync';
if ($workload =~ /^fsync/) {
    # No RWF_DSYNC here: descriptors with O_DSYNC.
    for my $i (0 .. 7) {
        sysopen $files[$i], "$directory/append$i", O_WRONLY | ($dsync ? Fcntl::O_DSYNC() : 0) or die "append$i: $!";
    }
}
my @tree = map "$directory/t/d" . ($_ % 100) . "/f$_", 0 .. 19999 if $workload =~ /^(stat|open)/;
# O_DIRECT wants aligned memory: each string has room to start at the next page.
my (@buffer, @at);
for my $i (0 .. ($once && $depth > 16 ? 15 : $depth - 1)) {
    $buffer[$i] = 'x' x (($length || 4096) + 8192);
    $at[$i] = -unpack('J', pack 'p', $buffer[$i]) & 4095;
}
IO::AIO::min_parallel 4;
IO::AIO::max_parallel 4;
IO::AIO::max_poll_reqs 0;

# Only each eighth is timed: reading the clock from Perl costs more than a nop.
my ($operations, $errors, $stopping, $deadline, @latency);
my $sample = $workload eq 'nop' || $workload =~ /cached|stat|buffered/ ? 8 : 1;

sub start {
    my ($i) = @_;
    my $began = $operations % $sample ? 0 : clock_gettime(CLOCK_MONOTONIC);
    my $ended = sub {
        ++$operations;
        if ($began) {
            my $now = clock_gettime(CLOCK_MONOTONIC);
            push @latency, $now - $began;
            $stopping ||= $now >= $deadline;
        }
        start($i) unless $stopping || $once;
    };
    if ($workload eq 'nop') {
        aio_nop $ended;
    } elsif ($blocks) {
        my $bad = sub { ++$errors if $_[0] != $length; &$ended };
        my $where = int(rand $blocks) * $length;
        if ($writes) {
            aio_write $fh, $where, $length, $buffer[$i], $at[$i], $bad;
        } else {
            aio_read $fh, $where, $length, $buffer[$i % @buffer], $at[$i % @buffer], $bad;
        }
    } elsif ($workload eq 'stat') {
        aio_stat $tree[rand @tree], sub { ++$errors if $_[0]; &$ended };
    } elsif (@files) {
        my $f = $i % 8;
        my $where = $appended[$f];
        $appended[$f] += $length;
        aio_write $files[$f], $where, $length, $buffer[$i], $at[$i], sub {
            ++$errors if $_[0] != $length;
            return &$ended if $dsync;
            aio_fdatasync $files[$f], sub { ++$errors if $_[0]; &$ended };
        };
    } else {
        aio_open $tree[rand @tree], O_RDONLY, 0, sub {
            my $file = $_[0] or return ++$errors, &$ended;
            aio_stat $file, sub {
                my $size = -s _;
                aio_read $file, 0, $size, $buffer[$i], $at[$i], sub {
                    ++$errors if $_[0] != $size;
                    aio_close $file, $ended;
                };
            };
        };
    }
}

$| = 1;
print "ready\n";
while (defined(my $seconds = <STDIN>)) {
    ($operations, $errors, $stopping, @latency) = (0, 0, 0);
    @appended = (0) x 8;
    my ($began, $cpu) = (clock_gettime(CLOCK_MONOTONIC), clock_gettime(CLOCK_PROCESS_CPUTIME_ID));
    $deadline = $began + $seconds;
    do {
        start($_) for 0 .. $depth - 1;
        while (IO::AIO::nreqs) {
            IO::AIO::poll_wait;
            IO::AIO::poll_cb;
        }
    } until $stopping;
    my $took = clock_gettime(CLOCK_MONOTONIC) - $began;
    $cpu = clock_gettime(CLOCK_PROCESS_CPUTIME_ID) - $cpu;
    @latency = sort { $a <=> $b } @latency;
    printf "%d %.9f %.9f %d %s\n", $operations, $took, $cpu, $errors,
        join ' ', map sprintf('%.0f', 1e9 * ($latency[$_ * $#latency] // 0)), 0.5, 0.9, 0.99, 0.999, 1;
}
