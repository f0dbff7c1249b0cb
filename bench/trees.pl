#!/usr/bin/perl
# SPDX-License-Identifier: MIT
# IO::AIO's two ways through a tree, for aioclone-bench-trees. Reads lines "scandir PATH" or "readdirx PATH", and prints
# how many entries there are.
use strict;
use warnings;
use IO::AIO;

IO::AIO::min_parallel 4;
IO::AIO::max_parallel 4;
IO::AIO::max_poll_reqs 0;
my $count;

sub by_scandir {
    my ($path) = @_;
    aio_scandir $path, 0, sub {
        my ($directories, $others) = @_ or return;
        $count += @$directories + @$others;
        by_scandir("$path/$_") for @$directories;
    };
}

sub by_readdirx {
    my ($path) = @_;
    aio_readdirx $path, IO::AIO::READDIR_DENTS, sub {
        my $entries = $_[0] or return;
        $count += @$entries;
        for (@$entries) {
            by_readdirx("$path/$_->[0]") if $_->[1] == IO::AIO::DT_DIR;
        }
    };
}

$| = 1;
print "ready\n";
while (<STDIN>) {
    my ($way, $path) = /^(\w+) (.*)$/ or die;
    $count = 0;
    $way eq 'scandir' ? by_scandir($path) : by_readdirx($path);
    IO::AIO::flush;
    print "$count\n";
}
