"""Staying in C while packets keep coming, so that the data path does not wait for the interpreter.

Whoever returns to the loop waits for the GIL twice, and a Python thread that computes keeps it for
a switch interval each time. So after a breath:

    1 wait      ppoll() on the devices that the loop watches, for a moment only, and for no deadline too long
    2 breathe   each that is readable
    3 leave     when nothing came, the stay has been long enough, or the loop is needed: punts,
                packets that wait inside, a blocked device, a handler's deadline

The loop's other callbacks wait for as long as the stay lasts, which bounds it.
"""

from libc.stdint cimport uint32_t, uint64_t

from _clock cimport clock_now_ns, timespec
from tunnel.breath cimport plan_breathe
from tunnel.stage cimport plan_t, stages_earliest

cdef extern from "poll.h" nogil:
    enum: POLLIN
    cdef struct pollfd:
        int fd
        short events
        short revents
    int ppoll(pollfd *watched, unsigned long count, const timespec *patience, const void *mask)

cdef enum:
    WATCHED = 64              # devices; those beyond are left to the loop
    PAUSE_NS = 100000         # without a packet that end the stay
    STAY_NS = 2000000         # of a stay at most


cdef int plan_dwell(plan_t *plan) except -1 nogil:
    """Breathe at whichever watched device is readable until the loop is needed or nothing comes."""
    cdef pollfd[WATCHED] watched
    cdef uint32_t[WATCHED] places
    cdef uint32_t i, count = _watch(plan, watched, places)
    cdef timespec patience
    cdef uint64_t end = plan.now_ns + STAY_NS
    patience.tv_sec = 0
    while count and plan.now_ns < end and not _needed(plan):
        patience.tv_nsec = <long> min(<uint64_t> PAUSE_NS, plan.told_ns - plan.now_ns)  # told 0: far more
        if ppoll(watched, count, &patience, NULL) <= 0:
            return 0
        plan.now_ns = clock_now_ns()
        for i in range(count):
            if watched[i].revents:
                plan_breathe(plan, places[i])
    return 0


cdef uint32_t _watch(plan_t *plan, pollfd *watched, uint32_t *places) noexcept nogil:
    """The devices that the loop watches, as ``ppoll`` wants them, and their places."""
    cdef uint32_t i, count = 0
    for i in range(plan.handlers, plan.count):
        if plan.stages[i].fd >= 0 and count < WATCHED:
            watched[count].fd = plan.stages[i].fd
            watched[count].events = POLLIN
            places[count] = i
            count += 1
    return count


cdef bint _needed(plan_t *plan) noexcept nogil:
    """Something is left to the loop, or soon will be."""
    cdef uint64_t deadline = stages_earliest(plan)
    if plan.punted or plan.waiting or plan.blocked or deadline != plan.told_ns:
        return True
    return 0 < deadline <= plan.now_ns
