"""Where recvmmsg writes: a slot of the arena for each message; private, header-only."""

from libc.stdint cimport uint8_t, uint32_t

from _message cimport CONTROL, NAME
from _socket cimport iovec, mmsghdr, msghdr
from tunnel.arena cimport ARENA_RECEIVE, HEADROOM, TAILROOM
from tunnel.batch cimport BATCH_MAX, batch_t

# A message may bring 65,535 bytes, and recvmmsg wants every buffer beforehand. What a slot does not use
# is never touched, hence no memory. Its size is no power of two, lest the headers of all messages fall
# into one set of the cache.
cdef enum:
    SLOTS = 15                # of a call: as many lie below ARENA_RECEIVE
    SLOT_BYTES = 64 + HEADROOM    # where the bytes begin: behind the endpoint_t and headroom
    SLOT_WHOLE = 65536        # the largest message, rounded
    SLOT = 64 + HEADROOM + 65536 + TAILROOM


cdef inline uint32_t slots_free(const batch_t *batch, uint32_t most) noexcept nogil:
    """How many messages, ``most`` at most, have a slot and a descriptor for one datagram at least."""
    if batch.arena.cursor >= ARENA_RECEIVE or batch.count >= BATCH_MAX:
        return 0
    return min(most, (ARENA_RECEIVE - batch.arena.cursor) // SLOT, BATCH_MAX - batch.count)


cdef inline void slots_offer(
    batch_t *batch, uint32_t count, mmsghdr *messages, iovec *pieces, uint8_t (*control)[CONTROL]
) noexcept nogil:
    """``count`` messages are received into slots from the arena's cursor on: name, then bytes."""
    cdef uint8_t *slot = batch.arena.start + batch.arena.cursor
    cdef msghdr *message
    cdef uint32_t i
    for i in range(count):
        pieces[i].iov_base = slot + SLOT_BYTES
        pieces[i].iov_len = SLOT_WHOLE
        message = &messages[i].msg_hdr
        message.msg_name = slot
        message.msg_namelen = NAME
        message.msg_iov = &pieces[i]
        message.msg_iovlen = 1
        message.msg_control = control[i]
        message.msg_controllen = CONTROL
        slot += SLOT


cdef inline void slots_close(batch_t *batch, const mmsghdr *last) noexcept nogil:
    """Set the cursor behind the last message that came, and its tailroom."""
    cdef uint8_t *end = <uint8_t *> last.msg_hdr.msg_iov.iov_base + last.msg_len + TAILROOM
    batch.arena.cursor = (<uint32_t> (end - batch.arena.start) + 7) & ~<uint32_t> 7
