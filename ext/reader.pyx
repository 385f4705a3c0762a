"""From the loop straight into a breath: no Python function is entered while all is well."""

from libc.stdint cimport uint64_t

from tunnel.device cimport Device
from tunnel.plan cimport Plan, plan_asks, plan_place, plan_step

cdef extern from "time.h" nogil:
    enum: CLOCK_MONOTONIC
    cdef struct timespec:
        long tv_sec
        long tv_nsec
    int clock_gettime(int clock, timespec *now)


cdef uint64_t _now_ns() noexcept nogil:
    cdef timespec now
    clock_gettime(CLOCK_MONOTONIC, &now)
    return <uint64_t> now.tv_sec * 1000000000 + <uint64_t> now.tv_nsec


cdef class Reader:
    """What a loop calls when a device is readable: one breath of the plan.

    ``attend`` is called with an exception that the breath raised, and with None where the plan
    asks for something: a deadline moved, a device became blocked, packets wait.
    """

    def __init__(self, Plan plan not None, Device device not None, attend):
        self.plan = plan
        self.place = plan_place(plan, device)
        self.attend = attend

    def __call__(self):
        try:
            plan_step(self.plan, self.place, _now_ns())
        except Exception as error:
            self.attend(error)
            return
        if plan_asks(self.plan):
            self.attend(None)
