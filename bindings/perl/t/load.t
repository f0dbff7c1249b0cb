# SPDX-License-Identifier: MIT
use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/lib";
use Test::More;
use Linux::AIO 1.9;
use Support;

my %prototype = (
    aio_open => '$$$$', aio_close => '$$', aio_read => '$$$$$$', aio_write => '$$$$$$', aio_readahead => '$$$$',
    aio_stat => '$$', aio_lstat => '$$', aio_unlink => '$$', aio_fsync => '$$', aio_fdatasync => '$$',
    poll_fileno => '', poll_cb => '', poll_wait => '', nreqs => '', min_parallel => '$', max_parallel => '$',
);
my @default = grep { /^aio_/ } sort keys %prototype;
my @asked   = grep { !/^aio_/ } sort keys %prototype;

cmp_ok(Linux::AIO->VERSION, '>=', 1.9, 'version');
ok(Linux::AIO->isa('Exporter'), 'an Exporter');
is_deeply([sort @Linux::AIO::EXPORT], \@default, 'exported by default');
is_deeply([sort @Linux::AIO::EXPORT_OK], \@asked, 'exported on request');
is(prototype("Linux::AIO::$_"), $prototype{$_}, "prototype of $_") for sort keys %prototype;
ok(defined &{"main::$_"}, "$_ is here") for @default;
ok(!defined &{"main::$_"}, "$_ is not here") for @asked;
Linux::AIO->import(@asked);
ok(defined &{"main::$_"}, "$_ on request") for @asked;

is(workers(1), 1, 'one worker at load');
is(Linux::AIO::nreqs(), 0, 'nothing outstanding');
is(Linux::AIO::poll_cb(), 0, 'poll_cb returns at once');
Linux::AIO::poll_wait();
pass('poll_wait returns at once');
cmp_ok(Linux::AIO::poll_fileno(), '>=', 3, 'a descriptor');
eval { Linux::AIO->import('nothing_like_that') };
like($@, qr/not exported/, 'Exporter refuses the unknown');
done_testing;
