"""One timerfd: what wakes an engine at a packet time, which a loop's own timers round to 1 ms."""

import os

from libc.errno cimport errno
from libc.stdint cimport uint64_t

from tunnel.errors import DeviceError

cdef extern from "sys/timerfd.h" nogil:
    enum: TFD_CLOEXEC
    enum: TFD_NONBLOCK
    enum: TFD_TIMER_ABSTIME
    enum: CLOCK_MONOTONIC
    cdef struct timespec:
        long tv_sec
        long tv_nsec
    cdef struct itimerspec:
        timespec it_interval
        timespec it_value
    int timerfd_create(int clock, int flags)
    int timerfd_settime(int fd, int flags, const itimerspec *new, itimerspec *old)


cdef class Timer:
    """``fd`` becomes readable when CLOCK_MONOTONIC reaches what ``arm`` was told."""

    def __cinit__(self):
        self.fd = timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK | TFD_CLOEXEC)
        if self.fd < 0:
            raise DeviceError(f"the kernel gives no timerfd: {os.strerror(errno)}; see `ulimit -n`", errno)

    def arm(self, uint64_t deadline_ns) -> None:
        """Wake at ``deadline_ns``, at once if that is over; 0 for never."""
        cdef itimerspec when
        if deadline_ns == self.deadline_ns:
            return
        self.deadline_ns = deadline_ns
        when.it_interval.tv_sec = when.it_interval.tv_nsec = 0
        when.it_value.tv_sec = <long> (deadline_ns // 1000000000)
        when.it_value.tv_nsec = <long> (deadline_ns % 1000000000)
        timerfd_settime(self.fd, TFD_TIMER_ABSTIME, &when, NULL)

    def clear(self) -> None:
        """It has fired: not readable any more, and to be armed anew."""
        self.deadline_ns = 0
        try:
            os.read(self.fd, 8)
        except BlockingIOError:
            pass  # armed anew between firing and reading

    def close(self) -> None:
        """Give the descriptor back. May be called again."""
        fd, self.fd = self.fd, -1
        if fd >= 0:
            os.close(fd)
