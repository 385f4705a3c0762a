"""System calls and constants of Linux that the devices use; private to ext/."""

from libc.stdint cimport uint16_t, uint32_t, uint64_t

cdef extern from "errno.h" nogil:
    int errno
    enum: EAGAIN
    enum: EBADF
    enum: EBADFD
    enum: EINTR
    enum: EINVAL
    enum: EIO
    enum: ENODEV

cdef extern from "unistd.h" nogil:
    int close(int fd)
    ssize_t read(int fd, void *bytes, size_t size)
    ssize_t write(int fd, const void *bytes, size_t size)

cdef extern from "sys/uio.h" nogil:
    cdef struct iovec:
        void *iov_base
        size_t iov_len
    ssize_t writev(int fd, const iovec *parts, int count)

cdef extern from "linux/virtio_net.h" nogil:
    cdef struct virtio_net_hdr:
        unsigned char flags
        unsigned char gso_type
        uint16_t hdr_len
        uint16_t gso_size
        uint16_t csum_start
        uint16_t csum_offset
