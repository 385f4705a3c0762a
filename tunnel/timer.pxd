from libc.stdint cimport uint64_t


cdef class Timer:
    cdef readonly int fd
    cdef readonly uint64_t deadline_ns
