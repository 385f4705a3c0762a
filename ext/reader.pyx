"""From the loop straight into a breath: no Python function is entered while all is well."""

from _clock cimport clock_now_ns
from tunnel.device cimport Device
from tunnel.plan cimport Plan, plan_asks, plan_place, plan_step


cdef class Reader:
    """What a loop calls when a device is readable: the plan breathes for as long as packets keep coming.

    ``attend`` is called with an exception that the breath raised, and with None where the plan
    asks for something: a deadline moved, a device became blocked, packets wait.
    """

    def __init__(self, Plan plan not None, Device device not None, attend):
        self.plan = plan
        self.place = plan_place(plan, device)
        self.attend = attend

    def __call__(self):
        try:
            plan_step(self.plan, self.place, clock_now_ns(), True)
        except Exception as error:
            self.attend(error)
            return
        if plan_asks(self.plan):
            self.attend(None)
