"""How far CLOCK_BOOTTIME is ahead of CLOCK_MONOTONIC, in ns: the time that the machine slept; private to ext/."""

from libc.stdint cimport int64_t, uint64_t

from _clock cimport clock_gettime, clock_now_ns, timespec

cdef extern from "time.h" nogil:
    enum: CLOCK_BOOTTIME


cdef inline uint64_t boottime_ahead_ns() noexcept nogil:
    """Never negative, and too small by what lies between two readings, some 20 ns: 0 below a millisecond."""
    cdef timespec boot
    cdef int64_t ahead
    cdef uint64_t now_ns
    clock_gettime(CLOCK_BOOTTIME, &boot)
    now_ns = clock_now_ns()
    ahead = <int64_t> (<uint64_t> boot.tv_sec * 1000000000 + <uint64_t> boot.tv_nsec - now_ns)
    return ahead // 1000000 * 1000000 if ahead > 0 else 0
