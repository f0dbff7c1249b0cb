# SPDX-License-Identifier: MIT
"""The errors of operations, said once for all pages."""

# What every operation may be refused with, and what the uses of operations.def add: (errno, text).
REFUSALS_OF_ALL = [
    ("EINVAL", "_ctx_ is NULL."),
    ("EAGAIN", "*max_outstanding* requests are outstanding (see *aioc_create*(3))."),
    ("ENOMEM", "There is no memory for one more request. (In the steady state none is allocated.)"),
    ("ESHUTDOWN", "The context is being destroyed: *aioc_destroy*(3) runs."),
]
PATH_REFUSALS = [("EFAULT", "A path or name is NULL, or points outside of the readable address space."),
                 ("ENAMETOOLONG", "A path or name is longer than PATH_MAX - 1 (4095) bytes.")]
OFFSET_REFUSALS = [("EINVAL", "An offset is negative.")]
REFUSALS_OF_USES = {
    "use_path": PATH_REFUSALS,
    "use_path2": PATH_REFUSALS,
    "use_name": PATH_REFUSALS,
    "use_length": [("EINVAL", "The number is larger than INT64_MAX.")],
    "use_offset": OFFSET_REFUSALS,
    "use_offset2": OFFSET_REFUSALS,
    "use_times": [("EFAULT", "_times_ points outside of the readable address space.")],
    "gives_directory": [("EFAULT", "_ret_ is not writable.")],
    "gives_statvfs": [("EFAULT", "_ret_ is not writable.")],
    "gives_fd": [],
    "use_more": [],
}

# What a completion may carry. The words of a line "@completes" are keys of these two; a key with a slash is
# another text for the errno before it.
TEXTS = {
    "EACCES": "A directory on the way may not be searched.",
    "EACCES/change": "A directory on the way may not be searched, or the last one not be changed.",
    "EACCES/open": "A directory may not be searched, the file not be opened so, or not be created there.",
    "EAGAIN/lease": "O_NONBLOCK was asked for, and a lease is held on the file.",
    "EAGAIN/nowait": "RWF_NOWAIT was asked for, and it would wait.",
    "EBADF": "_fd_ is not open, or not open for this.",
    "EBADF/directory": "The path is relative and the directory descriptor is none.",
    "EBUSY": "It is in use by the system, as a mount point is.",
    "EBUSY/device": "O_EXCL on a block device that is in use.",
    "ECANCELED": "It was cancelled by *aioc_cancel*(3) or *aioc_destroy*(3).",
    "EDQUOT": "The user's quota is used up.",
    "EEXIST/open": "It exists, and O_CREAT | O_EXCL was asked for.",
    "EFAULT": "A buffer points outside of the accessible address space.",
    "EFBIG": "The file would become larger than RLIMIT_FSIZE or than the file system allows.",
    "EINVAL/open": "The flags are not valid together, or O_DIRECT is not supported there.",
    "EINVAL/sync": "_fd_ is something that cannot be synchronised, as a pipe.",
    "EINVAL/transfer": "The file cannot be read or written so; with O_DIRECT: the address, the count or the offset is "
                       "not aligned.",
    "EINVAL/readahead": "It is not a file of which anything can be read ahead.",
    "EIO": "The device failed.",
    "EIO/close": "An earlier write has failed; network file systems say so here.",
    "EIO/sync": "The device failed. Whether the data is there is not known; a second call may say 0 without having "
                "written it.",
    "EISDIR": "It is a directory.",
    "EISDIR/open": "A directory was to be opened for writing, or O_TMPFILE is not known.",
    "ELOOP": "There are too many symbolic links on the way.",
    "ELOOP/open": "There are too many symbolic links on the way, or the last part is one and O_NOFOLLOW was asked for.",
    "EMFILE": "No descriptor is left in the process.",
    "ENAMETOOLONG": "A part of the path is too long for the file system.",
    "ENFILE": "No descriptor is left in the system.",
    "ENODEV": "There is no such device.",
    "ENOENT": "It does not exist, or a directory on the way does not, or the path is empty.",
    "ENOENT/open": "It does not exist and O_CREAT was not asked for, or a directory on the way does not exist.",
    "ENOMEM": "The kernel has no memory for it.",
    "ENOSPC": "There is no room on the device.",
    "ENOTDIR": "A part of the path that is used as a directory is none.",
    "ENOTDIR/open": "A part of the path that is used as a directory is none, or O_DIRECTORY was asked for.",
    "ENXIO/open": "O_NONBLOCK | O_WRONLY on a FIFO that nobody reads; or there is no such device; or it is a socket.",
    "EOPNOTSUPP/open": "The file system has no O_TMPFILE.",
    "EOPNOTSUPP/rwf": "An RWF\\_ flag is not known, or not for this file.",
    "EPERM/open": "O_NOATIME on another user's file, or the file is sealed or immutable.",
    "EPERM/sealed": "The file is sealed.",
    "EPERM/unlink": "The directory is sticky and neither it nor the file is the caller's, or the file is immutable.",
    "EROFS": "The file system is read-only.",
    "EROFS/sync": "_fd_ is something that cannot be synchronised.",
    "ESPIPE": "It has no position: a pipe, a FIFO, a socket, a terminal.",
    "ETXTBSY": "It is a program that runs, or a swap file.",
}
CLASSES = {
    "path": "EACCES EBADF/directory ELOOP ENAMETOOLONG ENOENT ENOMEM ENOTDIR",
    "change": "EACCES/change EBADF/directory EIO ELOOP ENAMETOOLONG ENOENT ENOMEM ENOTDIR EROFS",
    "room": "EDQUOT ENOSPC",
}


def keys_of(words):
    """The keys of TEXTS that the words of "@completes" stand for, or KeyError."""
    keys = []
    for word in words:
        keys += keys_of(CLASSES[word].split()) if word in CLASSES else [word]
    for key in keys:
        if key not in TEXTS:
            raise KeyError(key)
    return keys
