"""A ring of packets in memory, and a handler that works a fixed while on each of them."""

from libc.stdint cimport uint32_t, uint64_t

from tunnel cimport Handler, batch_t

from time import perf_counter_ns

FRAME = bytes.fromhex("020000000002" "020000000001" "88b5") + bytes(46)


cdef class Burner(Handler):
    """Sends back what comes; before that, ``spins`` steps of arithmetic on what comes by ``a``.

    At the start it lets ``packets`` frames go by ``a``. Ports: ``a``, ``b``. Drops: none.
    """

    ports = ("a", "b")
    parallel = True

    cdef uint64_t state
    cdef uint32_t spins
    cdef object packets

    def __init__(self, *, int spins, int packets):
        self.state = 1
        self.spins = spins
        self.packets = packets

    def opened(self, now_ns):
        self.deadline_ns = now_ns

    def tick(self, now_ns, batch):
        for _ in range(self.packets):
            batch.emit(FRAME, egress=0)
        return 0

    cdef int c_process(self, batch_t *batch) except -1 nogil:
        cdef uint32_t i
        for i in range(batch.count):
            if batch.packets[i].ingress == 0:
                self.state = burn(self.state, self.spins)
            batch.packets[i].egress = batch.packets[i].ingress
        return 0


cdef uint64_t burn(uint64_t state, uint32_t spins) noexcept nogil:
    """Steps that wait for each other (xorshift), so that no compiler and no processor shortens them."""
    cdef uint32_t i
    for i in range(spins):
        state ^= state << 13
        state ^= state >> 7
        state ^= state << 17
    return state


def spins_for(double ns):
    """How many steps take so many nanoseconds on a processor that is not disturbed."""
    cdef uint32_t count = 1_000_000
    cdef uint64_t state = 1
    times = []
    for _ in range(20):
        began = perf_counter_ns()
        state = burn(state, count)
        times.append(perf_counter_ns() - began)
    assert state, "xorshift never comes to 0"
    return round(ns * count / min(times))
