"""Where sendmmsg reads: the packets of a batch as messages, a run each; private, header-only."""

from libc.stdint cimport uint8_t, uint32_t

from _message cimport CONTROL, NAME, message_write
from _run cimport RUN_PACKETS, run_lay, run_length
from _socket cimport iovec, mmsghdr, msghdr
from tunnel.batch cimport batch_t
from tunnel.endpoint cimport endpoint_at

cdef enum:
    LAID = 64                 # messages a sendmmsg
    PIECES = 1024             # datagrams a sendmmsg


cdef inline uint32_t batch_lay(
    batch_t *batch, uint32_t first, uint32_t largest, mmsghdr *messages, iovec *pieces,
    uint8_t (*control)[CONTROL], uint8_t (*names)[NAME],
) noexcept nogil:
    """How many messages the packets from ``first`` on became; 0: it has no endpoint.

    Packets above ``largest`` bytes are joined to no run. ``names`` of an IPv6 socket, else NULL, take
    v4-mapped destinations.
    """
    cdef uint32_t laid = 0, used = 0, run
    cdef msghdr *message
    while laid < LAID and used <= PIECES - RUN_PACKETS and first < batch.count and batch.packets[first].endpoint:
        run = run_length(batch, first, largest)
        message = &messages[laid].msg_hdr
        run_lay(batch, first, run, message, &pieces[used])
        message.msg_control = control[laid]
        message_write(
            message, endpoint_at(batch.arena, batch.packets[first].endpoint), names[laid] if names else NULL
        )
        laid += 1
        used += run
        first += run
    return laid
