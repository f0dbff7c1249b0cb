# SPDX-License-Identifier: MIT
package Linux::AIO;
use 5.010;
use strict;
use warnings;
use base 'Exporter';
use XSLoader;

our $VERSION = '2.00';
our @EXPORT = qw(aio_read aio_write aio_open aio_close aio_stat aio_lstat aio_unlink aio_fsync aio_fdatasync
    aio_readahead);
our @EXPORT_OK = qw(poll_fileno poll_cb poll_wait min_parallel max_parallel nreqs);

XSLoader::load('Linux::AIO', $VERSION);

# Callbacks may die here as anywhere. The others are called all the same, and the first error is the program's.
END {
    my ($error, $deaths_left) = (undef, nreqs() + 1000);
    until (eval { max_parallel(0); 1 }) {
        if (defined $error) { warn $@ }
        else { $error = $@ }
        last if $deaths_left-- <= 0;
    }
    die $error if defined $error;
}

1;
__END__

=encoding utf8

=head1 NAME

Linux::AIO - file operations that do not block, for Linux

=head1 SYNOPSIS

=for test root:.*closed

    use Fcntl;
    use Linux::AIO;

    aio_open "/etc/passwd", O_RDONLY, 0, sub {
        my ($fd) = @_;
        $fd >= 0 or die "open: $!";
        my $data;
        aio_read $fd, 0, 1024, $data, 0, sub {
            $_[0] >= 0 or die "read: $!";
            print $data;
            aio_close $fd, sub { print "closed\n" };
        };
    };

    # Wait for everything,
    Linux::AIO::poll_wait, Linux::AIO::poll_cb while Linux::AIO::nreqs;

or let an event loop call C<poll_cb> when the descriptor C<poll_fileno> is readable:

=for test unlinked: No such file or directory

    use AnyEvent;
    use Linux::AIO;

    my $watcher = AnyEvent->io(fh => Linux::AIO::poll_fileno, poll => "r", cb => \&Linux::AIO::poll_cb);

    my $finished = AnyEvent->condvar;
    aio_unlink "/tmp/no such file", sub {
        print "unlinked: ", $_[0] < 0 ? $! : "yes", "\n";
        $finished->send;
    };
    $finished->recv;

=head1 DESCRIPTION

Opening, examining, deleting or syncing a file has no non-blocking form in Unix, and a read of a file that is not in
memory waits for the disk whatever its handle's flags. This module hands such calls to the library libaioclone, which
runs them outside of the program's thread, and calls back in the program's thread when it asks for results.

It is for programs that were written for the module of this name from 2001 to 2006, and runs them unchanged.

=head1 FUNCTIONS

All begin an operation and return at once. B<$callback> is a code reference. It is called once, never before C<poll_cb>,
C<poll_wait>'s caller or the program's end asks for results, and with one argument: what the system call of that name
returned, which is C<-1> for an error, with the reason in C<$!>. The callback, the file handle and the scalar of a
request live at least until then.

Where a B<$fh> is expected there may be a file handle in any form (a glob or a reference to one, a lexical handle, an
L<IO::File> object) or a descriptor's number. Perl's buffers are not looked at: do not mix these functions and C<print>
or C<readline> on one handle.

Paths should be absolute: a relative one is resolved when the operation runs, and the program may have changed its
directory by then. A path with a C<"\0"> in it gives C<ENOENT>, with the warning that Perl's own functions have. Paths
and data are bytes: a string with a character above 255 makes the call die, as it does with C<syswrite>.

A wrong argument dies in the call, and what the operating system does not like is an error in the callback.

=head2 Exported by default

=over 4

=item aio_open $pathname, $flags, $mode, $callback

Opens or creates a file, as C<sysopen> does (flags from L<Fcntl>). The callback gets a descriptor's number and not a
handle; close it with C<aio_close>, or make a handle of it:

=for test opened: root:

    aio_open "/etc/passwd", O_RDONLY, 0, sub {
        $_[0] >= 0 or die "open failed: $!\n";
        open my $fh, "<&=", $_[0] or die;  # a handle for this descriptor; closes it in the end
        print "opened: ", scalar readline $fh;
    };

The descriptor is inherited by programs that are started, unless C<$flags> has C<O_CLOEXEC>.

=item aio_close $fh, $callback

Closes it. Perl does not learn that: of a handle, it closes the same number once more when the handle goes out of scope,
which may be another file by then. Use it for descriptors.

=item aio_read $fh, $offset, $length, $data, $dataoffset, $callback

=item aio_write $fh, $offset, $length, $data, $dataoffset, $callback

Read or write up to C<$length> bytes at the position C<$offset> of the file, which is not moved by this, into or out of
the scalar C<$data> from its position C<$dataoffset>. A negative C<$dataoffset> counts from the end; one outside of the
string dies with C<data offset outside of string>, and a negative length dies.

A read makes C<$data> as long as C<$dataoffset> and what was read together; the scalar may be undefined before. It
changes when the callback is called, and not earlier: what the program does with it meanwhile is safe. A write writes
what the scalar was at the call; no more than the string has from C<$dataoffset>.

Fifteen bytes from position 7 of the file:

=for test read 15 bytes: <.{15}>

    my $buffer;
    aio_read $fh, 7, 15, $buffer, 0, sub {
        $_[0] > 0 or die "read error: $!";
        print "read $_[0] bytes: <$buffer>\n";
    };

Both may transfer less than was asked for, as the system calls. There is no "current position": an undefined offset is
0.

=item aio_readahead $fh, $offset, $length, $callback

Brings that part of the file into the page cache, as readahead(2).

=item aio_stat $fh_or_path, $callback

=item aio_lstat $fh_or_path, $callback

As C<stat> and C<lstat>, with the result in C<_> while the callback runs:

=for test length: \d+ bytes, directory: no, links: \d

    aio_stat "/etc/passwd", sub {
        $_[0] and die "stat failed: $!";
        print "length: ", -s _, " bytes, directory: ", -d _ ? "yes" : "no", ", links: ", (stat _)[3], "\n";
    };

A number is a descriptor, a string a path, also one of digits. C<lstat _> after C<aio_stat> dies, by Perl's own rule.
C<-T _> and C<-B _> need the file itself, and work only after a stat of a handle.

=item aio_unlink $pathname, $callback

=for test -1: No such file or directory

    aio_unlink "/tmp/no such file", sub { print "$_[0]: $!\n" };

=item aio_fsync $fh, $callback

=item aio_fdatasync $fh, $callback

As fsync(2) and fdatasync(2).

=back

=head2 Exported on request, or as Linux::AIO::name

=over 4

=item poll_fileno

A descriptor that is readable while results wait. Watch it, and call C<poll_cb> when it is; do not read or close it.

With L<Event>:

=for test Event: 0

    use Event;

    Event->io(fd => Linux::AIO::poll_fileno, poll => 'r', cb => \&Linux::AIO::poll_cb);
    aio_stat "/", sub { print "Event: $_[0]\n"; Event::unloop };
    Event::loop;

With L<EV>:

=for test EV: 0

    use EV;

    my $watcher = EV::io Linux::AIO::poll_fileno, EV::READ, \&Linux::AIO::poll_cb;
    aio_stat "/", sub { print "EV: $_[0]\n"; EV::break };
    EV::run;

With L<Glib>:

=for test Glib: 0

    use Glib;

    my $loop = Glib::MainLoop->new;
    Glib::IO->add_watch(Linux::AIO::poll_fileno, in => sub { Linux::AIO::poll_cb; 1 });
    aio_stat "/", sub { print "Glib: $_[0]\n"; $loop->quit };
    $loop->run;

With L<IO::Poll>, which wants a handle:

=for test IO::Poll: 0

    use IO::Poll;

    open my $results, "<&", Linux::AIO::poll_fileno or die $!;
    my $poll = IO::Poll->new;
    $poll->mask($results => IO::Poll::POLLIN);
    aio_stat "/", sub { print "IO::Poll: $_[0]\n" };
    while (Linux::AIO::nreqs) {
        $poll->poll;
        Linux::AIO::poll_cb;
    }

With C<select>:

=for test select: 0

    aio_stat "/", sub { print "select: $_[0]\n" };
    while (Linux::AIO::nreqs) {
        vec(my $readable = "", Linux::AIO::poll_fileno, 1) = 1;
        select $readable, undef, undef, undef;
        Linux::AIO::poll_cb;
    }

=item poll_cb

Calls back for all results that are there and returns their number, at once.

A callback that dies ends C<poll_cb> with its error. The other results are not lost: the descriptor is still readable,
and the next C<poll_cb> goes on.

While other results wait, what callbacks submit is held, so that it starts together: at the latest after 64 callbacks, and
whenever an event loop or C<poll_wait> runs.

=item poll_wait

Waits until there are results, or a signal came. It returns at once when nothing is outstanding.

=item nreqs

The number of requests that are outstanding. Wait for all of them:

=for test all done

    aio_stat "/", sub { } for 1 .. 10;
    Linux::AIO::poll_wait, Linux::AIO::poll_cb
        while Linux::AIO::nreqs;
    print "all done\n";

=item min_parallel $workers

=item max_parallel $workers

The number of workers, and so of operations that are executed at once. One is started when the module is loaded, and
the number of outstanding requests is not limited. C<min_parallel> starts workers until there are at least as many, at
most 1024. C<max_parallel> ends those above, and waits for that. With one worker, operations are executed in the order
of the calls; only C<aio_stat>, C<aio_lstat> and C<aio_read>, which change nothing, may be executed beside each other on
another processor, and call back in another order.

C<max_parallel 0> also waits for all requests, and calls back. The module does that itself at the end of the program.
(Requests that those callbacks start are executed too. After a thousand rounds of that the end is the end.) The next
request starts a worker again.

=for test 4 at a time

    Linux::AIO::min_parallel 4;
    aio_stat $_, sub { } for glob "/etc/*";
    print "4 at a time\n";

=back

=head1 PROCESSES AND THREADS

After C<fork> the child has no requests and may use the module anew; the parent's are called back in the parent.
The child's event loop must watch C<poll_fileno> anew. Requests run with the rights that the process has at the call.

Each thread of a Perl with threads has its own requests, workers and descriptor. The end of a thread waits for its
requests, but calls nothing back: let a thread wait for them itself.

=head1 DIFFERENCES

The scalar of a read changes when its callback is called, while the old module wrote into it meanwhile.
Operations of the library that the old module did not have are reachable as C<Linux::AIO::aio_NAME>, with the arguments
of the C function and a callback; they are never exported.

=head1 SEE ALSO

The library's header F<aioclone.h>. L<IO::AIO>, with more operations.

=head1 LICENSE

MIT.

=cut
