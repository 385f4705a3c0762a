"""The checksums of whole packets.

    checksum_sum        a payload, by the widest vectors there are
    checksum_copy       the same while copying it
    checksum_verify     is the L4 checksum right
    checksum_complete   NEEDS_CSUM: sum over the payload, once, in place
"""

from cpython.buffer cimport PyBUF_SIMPLE, PyBUF_WRITABLE, PyBuffer_Release, PyObject_GetBuffer
from libc.stdint cimport uint8_t, uint16_t, uint32_t, uint64_t

from tunnel.packet cimport ABSENT, FRAGMENT, NEEDS_CSUM, Packet, packet_own

cimport tunnel.wire as wire

cdef extern from "_checksum.h" nogil:
    uint64_t checksum_loop(const uint8_t *at, uint32_t size)
    uint64_t checksum_copy_loop(uint8_t *to, const uint8_t *at, uint32_t size)


cdef uint64_t checksum_sum(const uint8_t *at, uint32_t size, uint64_t total) noexcept nogil:
    """``total`` plus the sum of ``size`` bytes, which must start at an even offset of the whole."""
    return total + checksum_loop(at, size)


cdef uint64_t checksum_copy(uint8_t *to, const uint8_t *at, uint32_t size, uint64_t total) noexcept nogil:
    """The same, and the bytes are copied. The places may not overlap."""
    return total + checksum_copy_loop(to, at, size)


cdef inline uint32_t _end(const packet_t *p) noexcept nogil:
    """Where the IP packet ends: before an Ethernet frame's padding."""
    cdef const uint8_t *ip = p.data + p.l3
    cdef uint32_t size
    if p.ip_version == 4:
        size = wire.be16(ip + wire.IP4_LENGTH)
    else:
        size = wire.IP6_SIZE + wire.be16(ip + wire.IP6_LENGTH)
    return p.len if p.gso_type or p.l3 + size > p.len else p.l3 + size


cdef bint checksum_verify(const packet_t *p) noexcept nogil:
    """False where an L4 checksum is there, complete and wrong."""
    cdef uint32_t size
    cdef uint64_t total = 0
    if p.l4 == ABSENT or p.flags & FRAGMENT or p.vnet_flags & NEEDS_CSUM:
        return True
    size = _end(p) - p.l4
    if p.proto == wire.PROTO_UDP:
        size = min(size, <uint32_t> wire.be16(p.data + p.l4 + wire.UDP_LENGTH))
        if wire.be16(p.data + p.l4 + wire.UDP_CHECKSUM) == 0:
            return p.ip_version == 4
    if p.proto == wire.PROTO_TCP or p.proto == wire.PROTO_UDP or p.proto == wire.PROTO_ICMP6:
        total = wire.csum_pseudo(p.data + p.l3, p.proto, size)
    elif p.proto != wire.PROTO_ICMP:
        return True
    return wire.csum_fold(checksum_sum(p.data + p.l4, size, total)) == 0xffff


cdef bint checksum_complete(arena_t *arena, packet_t *p) noexcept nogil:
    """Finish a NEEDS_CSUM checksum; False where its own bytes have no room. claim_check holds."""
    cdef uint8_t *start
    cdef uint32_t end = _end(p) if p.csum_start == p.l4 else p.len
    cdef uint16_t checksum
    if not packet_own(arena, p):
        return False
    start = p.data + p.csum_start
    checksum = ~wire.csum_fold(checksum_sum(start, end - p.csum_start, 0))
    # 0 would say that there is none; both stand for the same sum
    wire.put16(start + p.csum_offset, checksum if checksum else 0xffff)
    p.vnet_flags &= ~NEEDS_CSUM
    return True


def total(data, *, bint portable=False) -> int:
    """The sum of any bytes in 16 bits, not complemented; ``portable`` by the loop of headers."""
    cdef Py_buffer view
    cdef uint64_t found
    PyObject_GetBuffer(data, &view, PyBUF_SIMPLE)
    if portable:
        found = wire.csum_partial(<const uint8_t *> view.buf, <uint32_t> view.len, 0)
    else:
        found = checksum_sum(<const uint8_t *> view.buf, <uint32_t> view.len, 0)
    PyBuffer_Release(&view)
    return wire.csum_fold(found)


def total_copied(into, data) -> int:
    """The same while the bytes are copied to the front of ``into``."""
    cdef Py_buffer target, view
    cdef uint64_t found = 0
    cdef bint fits
    PyObject_GetBuffer(data, &view, PyBUF_SIMPLE)
    try:
        PyObject_GetBuffer(into, &target, PyBUF_WRITABLE)
        fits = target.len >= view.len
        if fits:
            found = checksum_copy(<uint8_t *> target.buf, <const uint8_t *> view.buf, <uint32_t> view.len, 0)
        PyBuffer_Release(&target)
    finally:
        PyBuffer_Release(&view)
    if not fits:
        raise ValueError("what the bytes are to be copied into is shorter than they are")
    return wire.csum_fold(found)


def verify(Packet packet not None) -> bool:
    """False where the packet has a complete L4 checksum that is wrong."""
    return checksum_verify(packet.p)
