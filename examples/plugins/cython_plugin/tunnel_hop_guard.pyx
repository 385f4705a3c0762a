"""A handler as a plugin, native: installed, a graph file calls it ``type = "hop_guard"``.

A stale build is refused when it is imported: ``ImportError: ... tunnel_abi_N``; compile it again.
"""

from libc.stdint cimport uint8_t, uint16_t, uint32_t

from tunnel cimport Handler, batch_t, packet_drop, packet_t, wire

from tunnel import reasons

cdef uint16_t FEW_HOPS = reasons.declare("FEW_HOPS", "fewer hops left than the guard asks for")


cdef class HopGuard(Handler):
    """Lets packets pass between two ports that have enough hops left (the GTSM of RFC 5082).

    Synopsis: ``type = "hop_guard"``, ``least = 255``

    Ports: ``inside``, ``outside``; what enters by one leaves by the other.

    Options: ``least``, the lowest TTL or hop limit that passes (1 to 255), default 255.

    Drop reasons: ``FEW_HOPS``.

    Notes: what is neither IPv4 nor IPv6 passes.
    """

    ports = ("inside", "outside")
    cdef uint8_t least

    def __init__(self, *, least: int = 255) -> None:
        self.least = least

    cdef int c_process(self, batch_t *batch) except -1 nogil:
        cdef uint32_t number
        cdef packet_t *p
        for number in range(batch.count):
            p = &batch.packets[number]
            if p.ip_version != 0 and hops(p) < self.least:
                packet_drop(p, FEW_HOPS)
            else:
                p.egress = 1 - p.ingress
        return 0


cdef inline uint8_t hops(const packet_t *p) noexcept nogil:
    return p.data[p.l3 + (wire.IP4_TTL if p.ip_version == 4 else wire.IP6_HOPS)]
