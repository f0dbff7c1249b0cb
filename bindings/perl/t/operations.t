# SPDX-License-Identifier: MIT
# The part of the operation table that this module has: each row is here by itself, or this fails.
# The build names its declarations (operations.i) and the generated wrapper.
use strict;
use warnings;
use Test::More;
use Linux::AIO;

my $generated = $ENV{AIOC_GENERATED} || '.';
if (!-e "$generated/operations.i") {
    BAIL_OUT('AIOC_GENERATED names no build') if $ENV{AIOC_CI};
    plan skip_all => 'not in a build tree';
}
sub text { open my $in, '<', $_[0] or die "$_[0]: $!"; local $/; return scalar <$in> }

my @operations = text("$generated/operations.i") =~ /^aioc_request aioc_(\w+) \(/mg;
cmp_ok(scalar @operations, '>=', 12, 'there are operations');
for my $operation (@operations) {
    ok(defined &{"Linux::AIO::aio_$operation"}, "aio_$operation");
}
# A parameter that no typemap knows would be a raw pointer from Perl.
unlike(text("$generated/AIO_wrap.c"), qr/SWIG_ConvertPtr\(ST\(/, 'every parameter has a typemap');

# Those that the module of 2005 has not are there under their full name, and not exported.
my %documented = map { ("aio_$_" => 1) } qw(read write open close stat lstat unlink fsync fdatasync readahead);
is_deeply([sort grep { !$documented{$_} } @Linux::AIO::EXPORT, grep { /^aio_/ } @Linux::AIO::EXPORT_OK], [],
    'no other is exported');
my @results;
Linux::AIO::aio_nop(sub { push @results, @_ });
open my $fh, '<', $0 or die $!;
Linux::AIO::aio_fstat($fh, sub { push @results, -s _ });
Linux::AIO::poll_wait(), Linux::AIO::poll_cb() while Linux::AIO::nreqs();
is_deeply(\@results, [0, -s $0], 'they work');
done_testing;
