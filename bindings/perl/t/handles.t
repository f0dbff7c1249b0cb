# SPDX-License-Identifier: MIT
# "All functions that expect a filehandle also accept a file descriptor."
use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/lib";
use Errno 'EBADF';
use Fcntl;
use IO::File;
use Scalar::Util 'weaken';
use Symbol ();
use Test::More;
use Linux::AIO;
use Support;

my $path = file_with('handles');
sub open_it { sysopen $_[0], $path, O_RDWR or die $! }
sysopen GLOB, $path, O_RDWR or die $!;
open_it(my $lexical);
open_it(my $symbol = Symbol::gensym());
my $number = fileno $lexical;
my $object = IO::File->new($path, O_RDWR) or die $!;
my %handles = (
    'glob' => *GLOB, 'reference to a glob' => \*GLOB, 'IO object' => *GLOB{IO}, 'name' => 'main::GLOB',
    'lexical' => $lexical, 'symbol' => $symbol, 'IO::File' => $object, 'number' => $number, 'string' => "$number",
);
for my $kind (sort keys %handles) {
    my $handle = $handles{$kind};
    my $data;
    is((result_of(sub { aio_read $handle, 0, 7, $data, 0, $_[0] }))[0], 7, "read: $kind");
    is($data, 'handles', 'the data');
    is((result_of(sub { aio_write $handle, 0, 7, $data, 0, $_[0] }))[0], 7, "write: $kind");
    is((result_of(sub { aio_fsync $handle, $_[0] }))[0], 0, "fsync: $kind");
    is((result_of(sub { aio_fdatasync $handle, $_[0] }))[0], 0, "fdatasync: $kind");
    is((result_of(sub { aio_readahead $handle, 0, 7, $_[0] }))[0], 0, "readahead: $kind");
    next if $kind =~ /name|string/; # those are paths to stat
    my $size;
    aio_stat $handle, sub { $size = -s _ };
    finish();
    is($size, 7, "stat: $kind");
}
is((result_of(sub { aio_fsync *GLOB, $_[0] }))[0], 0, 'glob, literally');
open_it(my $closing);
my $closed = fileno $closing;
is((result_of(sub { aio_close $closing, $_[0] }))[0], 0, 'close of a handle');
ok(!-e "/proc/self/fd/$closed", 'is closed');

open_it(my $shut);
close $shut;
is_deeply([result_of(sub { aio_fsync $shut, $_[0] })], [-1, EBADF], 'a closed handle');
open my $memory, '<', \'in memory' or die $!;
is_deeply([result_of(sub { aio_fsync $memory, $_[0] })], [-1, EBADF], 'a handle without descriptor');
is_deeply([result_of(sub { aio_fsync undef, $_[0] })], [-1, EBADF], 'undef');
for my $bad ([], {}, sub { }, 'no such handle') {
    ok(!eval { aio_fsync $bad, sub { }; 1 }, 'no handle');
    like($@, qr/Bad filehandle/, 'dies');
}

# What a request needs lives until its callback and no longer.
my ($handle, $buffer, $guard);
{
    open_it(my $fh);
    my ($data, $witness) = ('', []);
    ($handle, $buffer, $guard) = ($fh, \$data, $witness);
    weaken $_ for $handle, $buffer, $guard;
    aio_read $fh, 0, 7, $data, 0, sub { $witness->[0] = $_[0] };
}
ok($handle && $buffer && $guard, 'handle, scalar and closure live while the request is outstanding');
finish();
ok(!$handle && !$buffer && !$guard, 'and are gone after it');

# What a program may name a path.
{
    package Path;
    use overload '""' => sub { $_[0][0] }, fallback => 1;
}
my $size;
aio_stat bless([$path], 'Path'), sub { $size = -s _ };
finish();
is($size, 7, 'an object that is a string');
chdir directory() or die $!;
open my $numeric, '>', '5' or die $!;
print $numeric 'four';
close $numeric;
aio_stat '5', sub { $size = -s _ };
finish();
is($size, 4, 'a string of digits is a path to stat');
chdir '/';

# Callbacks of all kinds.
our @called;
sub named { push @called, 'named' }
{
    package Callable;
    use overload '&{}' => sub { my $self = shift; sub { push @main::called, $self->{name} } };
}
aio_fsync $lexical, \&named;
aio_fsync $lexical, 'main::named';
aio_fsync $lexical, *named;
aio_fsync $lexical, bless({name => 'object'}, 'Callable');
aio_fsync $lexical, bless(sub { push @called, 'blessed' }, 'Anything');
finish();
is_deeply([sort @called], [qw(blessed named named named object)], 'functions, names, globs, objects');
done_testing;
