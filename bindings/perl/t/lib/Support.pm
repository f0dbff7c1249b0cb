# SPDX-License-Identifier: MIT
# What the tests share. A test that hangs is ended by its alarm.
package Support;
use strict;
use warnings;
use base 'Exporter';
use File::Temp ();
use Test::More ();

our @EXPORT = qw(finish result_of file_with directory workers descriptors output_of need);

alarm 120;
my $directory = File::Temp::tempdir(CLEANUP => 1); # not an object, which every thread would destroy
my $files     = 0;

sub directory { $directory }

sub file_with {
    my $path = "$directory/file" . ++$files;
    open my $fh, '>:raw', $path or die "$path: $!";
    print $fh @_;
    close $fh or die "$path: $!";
    return $path;
}

# Until nothing is outstanding.
sub finish { while (Linux::AIO::nreqs()) { Linux::AIO::poll_wait(); Linux::AIO::poll_cb() } }

# Starts a request with sub { $start->($callback) }; its result and errno.
sub result_of {
    my ($start) = @_;
    my @got;
    $start->(sub { @got = (scalar @_, $_[0], $! + 0) });
    Test::More::is(scalar @got, 0, 'not called back inside the call');
    finish();
    Test::More::is($got[0], 1, 'called back with one argument');
    return @got[1, 2];
}

# Threads of the library in this process. They name themselves when they begin to run: up to 10 s for the number that
# is expected.
sub workers {
    my ($expected) = @_;
    my $count;
    for (1 .. 1000) {
        $count = count_workers();
        last if !defined $expected || $count == $expected;
        select undef, undef, undef, 0.01;
    }
    return $count;
}

sub count_workers {
    my $count = 0;
    for my $task (glob "/proc/$$/task/*/comm") {
        open my $fh, '<', $task or next;
        $count += <$fh> =~ /^aioc-worker/;
    }
    return $count;
}

sub descriptors { my @all = glob "/proc/$$/fd/*"; return scalar @all }

# Runs Perl code in a new process: what it printed (with errors), and its status.
sub output_of {
    my ($code) = @_;
    open my $pipe, '-|', 'timeout', 60, $^X, (map { "-I$_" } grep { !ref } @INC), '-e', "$code;;\n#" or die $!;
    local $/;
    my $output = <$pipe>;
    close $pipe;
    return ($output, $?);
}

# A module that Debian packages: in CI it must be there.
sub need {
    my ($module) = @_;
    return 1 if eval "require $module";
    Test::More::fail("$module is missing") if $ENV{AIOC_CI};
    Test::More::skip("$module is missing", 1) if !$ENV{AIOC_CI};
    return 0;
}

1;
