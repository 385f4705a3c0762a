"""CLOCK_MONOTONIC in nanoseconds; private to ext/."""

from libc.stdint cimport uint64_t

cdef extern from "time.h" nogil:
    enum: CLOCK_MONOTONIC
    cdef struct timespec:
        long tv_sec
        long tv_nsec
    int clock_gettime(int clock, timespec *now)


cdef inline uint64_t clock_now_ns() noexcept nogil:
    cdef timespec now
    clock_gettime(CLOCK_MONOTONIC, &now)
    return <uint64_t> now.tv_sec * 1000000000 + <uint64_t> now.tv_nsec
