#!/usr/bin/perl
# SPDX-License-Identifier: MIT
# Linux::AIO against IO::AIO in one run: their rounds alternate, each keeps 64 requests outstanding.
# Usage: perl -Ibuild/release/bindings/perl/lib bindings/perl/bench.pl [SECONDS_PER_ROUND [ROUNDS]]
# Prints medians of requests a second and of the process's CPU time a request, and the ratios. Fails below 2.
use strict;
use warnings;
use Fcntl;
use File::Temp 'tempfile';
use List::Util 'sum';
use Time::HiRes 'time';
use IO::AIO ();
use Linux::AIO ();

my ($seconds, $rounds) = (@ARGV, 0.3, 9)[0, 1];
$rounds = 9 if @ARGV < 2;
my $depth = 64;
my $bad_fd = 1_000_000;
my ($fh, $path) = tempfile(UNLINK => 1);
syswrite $fh, 'x' x (64 * 4096) or die $!;

# IO::AIO refuses numbers where it wants handles, so that the bad descriptor is a closed handle there.
open my $closed, '<', '/dev/null' or die $!;
my $io_fd = fileno $closed;
open my $io_handle, '<', $path or die $!;
POSIX::close($io_fd) if require POSIX;

my %start = (
    'close of a bad descriptor' => [
        sub { Linux::AIO::aio_close($bad_fd, $_[0]) },
        sub { IO::AIO::aio_close($closed, $_[0]) },
    ],
    'stat' => [sub { Linux::AIO::aio_stat($path, $_[0]) }, sub { IO::AIO::aio_stat($path, $_[0]) }],
    'cached 4 KiB read' => [
        sub { my $data; Linux::AIO::aio_read($io_handle, 4096 * 7, 4096, $data, 0, $_[0]) },
        sub { my $data; IO::AIO::aio_read($io_handle, 4096 * 7, 4096, $data, 0, $_[0]) },
    ],
);
