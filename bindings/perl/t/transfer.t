# SPDX-License-Identifier: MIT
# Reads and writes, and what scalars they meet.
use strict;
use warnings FATAL => 'all';
use FindBin;
use lib "$FindBin::Bin/lib";
use Fcntl;
use Test::More;
use Linux::AIO;
use Support;

my $path = file_with(join '', 'a' .. 'z');
sysopen my $fh, $path, O_RDWR or die $!;

sub get { # offset, length, data offset, scalar
    my $got;
    aio_read $fh, $_[0], $_[1], $_[3], $_[2], sub { $got = $_[0] };
    finish();
    return $got;
}

my $data;
is(get(7, 15, 0, $data), 15, 'into an undefined scalar');
is($data, 'hijklmnopqrstuv', 'the bytes at the offset');
is(get(0, 3, 3, $data), 3, 'at a data offset');
is($data, 'hijabc', 'sets the length: data offset and what was read');
is(get(0, 3, -2, $data), 3, 'a negative data offset');
is($data, 'hijaabc', 'counts from the end');
is(get(0, 2, 7, $data), 2, 'at the very end');
is($data, 'hijaabcab', 'appends');
is(get(24, 10, 0, $data), 2, 'a short read');
is($data, 'yz', 'shortens');
is(get(100, 10, 2, $data), 0, 'past the end');
is($data, 'yz', 'reads nothing');
is(get(100, 10, 0, $data), 0, 'past the end, at 0');
is($data, '', 'gives an empty string');
is(get(0, 0, 0, $data = 'abc'), 0, 'nothing wanted');
is($data, '', 'nothing got');
is(get(0, 26, 0, $data), 26, 'grows') for 1 .. 3;
is($data, join('', 'a' .. 'z'), 'all of it');

for my $bad (4, -4, 1 << 40) {
    $data = 'abc';
    ok(!eval { aio_read $fh, 0, 1, $data, $bad, sub { }; 1 }, "read at data offset $bad");
    like($@, qr/^data offset outside of string at /, 'dies');
    ok(!eval { aio_write $fh, 0, 1, $data, $bad, sub { }; 1 }, "write at data offset $bad");
    like($@, qr/^data offset outside of string at /, 'dies');
}
ok(!eval { aio_read $fh, 0, -1, $data, 0, sub { }; 1 }, 'read with a negative length');
like($@, qr/^length must not be negative at /, 'dies');
ok(!eval { aio_write $fh, 0, -1, $data, 0, sub { }; 1 }, 'write with a negative length');
like($@, qr/^length must not be negative at /, 'dies');
ok(!eval { aio_read $fh, 0, 1, ${\ 'constant'}, 0, sub { }; 1 }, 'read into a constant');
like($@, qr/^Modification of a read-only value/, 'dies');
ok(!eval { aio_read $fh, 0, 1, $data, 0, $_; 1 } && $@ =~ /code reference|Not a|subroutine/i, 'no callback')
    for undef, [], 'no_such_function', '';
is(Linux::AIO::nreqs(), 0, 'nothing of this was accepted');

# Writes.
sub put { my $got; aio_write $fh, $_[0], $_[1], $_[2], $_[3], sub { $got = $_[0] }; finish(); return $got }
sub content { open my $in, '<:raw', $path or die $!; local $/; return scalar <$in> }
my $text = '0123456789';
is(put(2, 3, $text, 4), 3, 'write from a data offset');
is(content(), 'ab456fghijklmnopqrstuvwxyz', 'to the offset');
is(put(0, 2, $text, -2), 2, 'from a negative data offset');
is(content(), '89456fghijklmnopqrstuvwxyz', 'counts from the end');
is(put(20, 100, $text, 7), 3, 'more than the string has');
is(content(), '89456fghijklmnopqrst789xyz', 'is cut to it');
is(put(0, 5, $text, 10), 0, 'from its end: nothing');
is(put(0, 5, undef, 0), 0, 'an undefined scalar: nothing');
is(put(0, 5, 12345, 0), 5, 'a number');
is(content(), '12345fghijklmnopqrst789xyz', 'is its string');
is($text, '0123456789', 'the scalar is unchanged');

# Characters and bytes.
my $wide = "\x{e9}\x{100}";
chop(my $narrow = $wide);
is(put(0, 5, $narrow, 0), 1, 'a character below 256 is one byte');
is(substr(content(), 0, 2), "\xe92", 'of that value');
ok(utf8::is_utf8($narrow), "and the program's string is as it was");
ok(!eval { aio_write $fh, 0, 1, $wide, 0, sub { }; 1 }, 'a wide character');
like($@, qr/^Wide character in aio_write/, 'dies');
ok(!eval { aio_read $fh, 0, 1, $wide, 1, sub { }; 1 }, 'a read behind a wide character');
like($@, qr/^Wide character/, 'dies');
is(get(0, 1, 0, $wide), 1, 'a read over it');
ok($wide eq "\xe9" && !utf8::is_utf8($wide), 'gives bytes');

# The program changes the scalar while the request is outstanding.
my $large = 'x' x 100_000;
aio_write $fh, 0, 100_000, $large, 0, sub { };
substr($large, 0, 50_000) = 'changed' x 10;
$large .= 'y' x 1_000_000;
undef $large;
finish();
is(content(), 'x' x 100_000, 'what was there at the call is written');
my %change = (
    'longer'    => sub { $_[0] .= 'z' x 100_000 },
    'shorter'   => sub { $_[0] = '' },
    'undefined' => sub { undef $_[0] },
    'number'    => sub { $_[0] = 42 },
    'reference' => sub { $_[0] = [1] },
    'glob'      => sub { $_[0] = *STDOUT },
    'wide'      => sub { $_[0] = "\x{100}\x{200}" },
    'chopped'   => sub { $_[0] = 'abcdef'; $_[0] =~ s/^abc// },
    'shared'    => sub { $_[0] = $text },
    'constant'  => sub { Internals::SvREADONLY($_[0], 1) },
);
for my $how (sort keys %change) {
    for my $at (0, 2) {
        my $scalar = 'abcd';
        my ($got, $error);
        aio_read $fh, 0, 60_000, $scalar, $at, sub { ($got, $error) = ($_[0], $! + 0) };
        $change{$how}->($scalar);
        finish();
        if ($how eq 'constant') {
            is($got, -1, "$how meanwhile: an error");
            is($scalar, 'abcd', 'and unchanged');
            next;
        }
        is($got, 60_000, "$how meanwhile, read at $at");
        is(length $scalar, 60_000 + $at, 'the length');
        is(substr($scalar, $at), 'x' x 60_000, 'the bytes');
    }
}
is($text, '0123456789', 'a string that shared a buffer is whole');

# Scalars with magic.
{
    package Tied;
    our @log;
    sub TIESCALAR { bless [$_[1]] }
    sub FETCH     { push @log, 'FETCH'; $_[0][0] }
    sub STORE     { push @log, 'STORE'; $_[0][0] = $_[1] }
}
tie my $tied, 'Tied', 'abc';
is(get(0, 4, 1, $tied), 4, 'into a tied scalar');
is_deeply(\@Tied::log, ['FETCH', 'STORE'], 'one fetch, one store');
is($tied, 'axxxx', 'the value');
is(put(0, 9, $tied, 1), 4, 'from a tied scalar');
my %hash;
is(get(0, 4, 0, $hash{element}), 4, 'into a hash element');
is($hash{element}, 'xxxx', 'the value');
my $whole = 'abcdef';
is(get(0, 1, 0, substr $whole, 1, 2), 1, 'into a substr');
is($whole, 'axdef', 'replaces it');
my $matched = 'aaa';
$matched =~ /a/g;
get(0, 3, 0, $matched);
is(pos $matched, undef, 'pos is reset');
{
    package Dies;
    sub TIESCALAR { bless [] }
    sub FETCH     { '' }
    sub STORE     { die "no store\n" }
}
tie my $dying, 'Dies';
aio_read $fh, 0, 4, $dying, 0, sub { };
eval { finish() };
is($@, "no store\n", 'a store that dies surfaces from the poll');
finish();
is(Linux::AIO::nreqs(), 0, 'and loses nothing');

# Buffers: equal scalars read again and again, at sizes that keep and that exchange them.
for my $length (1, 100, 4096, 16383, 16384, 99_999) {
    my ($one, $two) = ('', '');
    for (1 .. 5) {
        aio_read $fh, 0, $length, $one, 0, sub { };
        aio_read $fh, 0, $length, $two, 0, sub { };
        finish();
        is(length $one, $length, "$length bytes");
        is($two, $one, 'twice');
    }
}
done_testing;
