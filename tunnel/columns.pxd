"""Columns of a batch; entry points for ``tunnel.batch``."""

from libc.stdint cimport uint8_t, uint32_t

from tunnel.batch cimport batch_t

cdef enum:
    GATHERED = 16             # bytes an address; an IPv4 address takes the first four, zeros behind it


cdef class Column:
    cdef object batch         # whose memory is shown
    cdef uint8_t *start
    cdef Py_ssize_t shape
    cdef Py_ssize_t stride
    cdef Py_ssize_t itemsize
    cdef bytes format
    cdef bint writable


cdef object column(object batch, uint32_t count, uint8_t *start, int itemsize, bint writable)
cdef object column_addresses(const batch_t *batch, bint destination)
cdef object column_ports(const batch_t *batch, bint destination)
