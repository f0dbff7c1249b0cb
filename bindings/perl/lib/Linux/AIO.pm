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

