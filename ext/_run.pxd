"""A run: datagrams that go out as one send, or came in as one receive; private, header-only.

run_length   how many packets of a batch, from one on, one UDP_SEGMENT send may carry
run_lay      they become one message's pieces
run_split    what one receive brought becomes a packet for each of its datagrams
"""

from libc.errno cimport EINVAL, EIO, EMSGSIZE
from libc.stdint cimport uint8_t, uint16_t, uint32_t
from libc.string cimport memcmp

from _socket cimport iovec, msghdr
from tunnel.arena cimport HEADROOM, TAILROOM, arena_t
from tunnel.batch cimport batch_append, batch_t
from tunnel.endpoint cimport endpoint_at, endpoint_same, endpoint_t
from tunnel.handler cimport counters_t, tally_add
from tunnel.packet cimport DATAGRAM, FOLLOWS, packet_lay, packet_t

cdef enum:
    RUN_PACKETS = 64          # a send; UDP_MAX_SEGMENTS is 128 from Linux 6.9, 64 before
    RUN_BYTES = 65507         # a send; IPv6 would take 20 more
    LOCAL_SIDE = 21           # bytes from endpoint_t.local on: address, interface, ToS


cdef inline bint run_goes_along(arena_t *arena, const packet_t *head, const packet_t *p) noexcept nogil:
    """To the same place, from the same place, with the same ToS: one send has one of each."""
    cdef endpoint_t *a
    cdef endpoint_t *b
    if head.endpoint == p.endpoint:
        return True
    if p.endpoint == 0:
        return False
    a, b = endpoint_at(arena, head.endpoint), endpoint_at(arena, p.endpoint)
    return endpoint_same(a, b) and memcmp(a.local, b.local, LOCAL_SIDE) == 0


cdef inline uint32_t run_length(const batch_t *batch, uint32_t first, uint32_t largest) noexcept nogil:
    """How many packets from ``first`` on are a run: all as long as it, the last at most.

    At least 1: what is empty, or above ``largest`` bytes, stays alone. ``first`` has an endpoint.
    """
    cdef const packet_t *head = &batch.packets[first]
    cdef const packet_t *p
    cdef uint32_t count = 1, total = head.len
    if head.len == 0 or head.len > largest:
        return 1
    while count < RUN_PACKETS and first + count < batch.count:
        p = &batch.packets[first + count]
        total += p.len
        if p.len == 0 or p.len > head.len or total > RUN_BYTES or not run_goes_along(batch.arena, head, p):
            break
        count += 1
        if p.len < head.len:
            break
    return count


cdef inline void run_lay(
    const batch_t *batch, uint32_t first, uint32_t count, msghdr *message, iovec *pieces
) noexcept nogil:
    """``count`` packets from ``first`` on become the message's pieces, where they lie."""
    cdef uint32_t i
    for i in range(count):
        pieces[i].iov_base = batch.packets[first + i].data
        pieces[i].iov_len = batch.packets[first + i].len
    message.msg_iov = pieces
    message.msg_iovlen = count


cdef inline void run_count_once(batch_t *batch, uint32_t first, uint32_t count) noexcept nogil:
    """``count`` packets from ``first`` on left as one: the kernel counts one."""
    cdef uint32_t i
    for i in range(first + 1, first + count):
        batch.packets[i].flags |= FOLLOWS


cdef inline bint run_refused(int error) noexcept nogil:
    """What a send says of a run whose datagrams it might take one by one."""
    return error == EMSGSIZE or error == EINVAL or error == EIO


cdef inline uint32_t run_split(
    batch_t *batch, uint8_t *start, uint32_t size, uint32_t each, uint32_t endpoint,
    counters_t *counters, uint16_t no_room,
) noexcept nogil:
    """Packets of ``each`` bytes (the last may be shorter) that show the ``size`` bytes at ``start``, uncopied.

    They share the record ``endpoint``. Only before the first are bytes free: HEADROOM of them; only
    behind the last: TAILROOM. What finds no descriptor is counted as received and dropped for
    ``no_room``. ``each`` 0: one datagram of all bytes, which may be none. Returns the datagrams.

    Hazard: a super-packet of a kernel tunnel (VXLAN) is one datagram, and ``each`` then tells the size
    of the inner segments; nothing in the message says which of the two it is.
    """
    cdef uint32_t offset = 0, count = 0, length
    cdef packet_t lost
    cdef packet_t *p
    while count == 0 or offset < size:
        length = size - offset if each == 0 else min(each, size - offset)
        p = batch_append(batch)
        if p == NULL:
            p = &lost
        packet_lay(
            p, start + offset - (0 if count else HEADROOM), 0 if count else HEADROOM, length,
            TAILROOM if offset + length == size else 0,
        )
        p.medium = DATAGRAM
        p.endpoint = endpoint
        p.flags = FOLLOWS if count else 0
        if p == &lost:
            tally_add(&counters.rx, p)
            tally_add(&counters.drops[no_room], p)
        offset += length
        count += 1
    return count
