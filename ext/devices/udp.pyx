"""Datagrams of a UDP socket.

recv   1 prepare   a slot of the arena for each of at most 16 messages
       2 recvmmsg  until 64 have come or the socket is empty
       3 take      a message becomes a packet, its sender an endpoint_t
send   4 lay       up to 64 packets become messages: destination, source address, interface, ToS
       5 sendmmsg  an error belongs to the message in front and costs that packet only
"""

from libc.errno cimport (
    EAGAIN, EBADF, ECONNREFUSED, EHOSTUNREACH, EINTR, EINVAL, EMSGSIZE, ENETDOWN, ENETUNREACH,
    ENODEV, ENOTSOCK, errno,
)
from libc.stdint cimport uint8_t, uint16_t, uint32_t
from libc.stdlib cimport calloc, free
from libc.string cimport memcpy

from _message cimport CONTROL, NAME, message_read, message_unstick, message_write
from _socket cimport MSG_DONTWAIT, MSG_NOSIGNAL, iovec, mmsghdr, msghdr, recvmmsg, sendmmsg
from tunnel.arena cimport ARENA_RECEIVE, HEADROOM
from tunnel.batch cimport BATCH_RECEIVE, batch_append, batch_grow, batch_t
from tunnel.device cimport Device
from tunnel.endpoint cimport AF_INET6, endpoint_at, endpoint_t
from tunnel.packet cimport DATAGRAM, packet_drop, packet_lay, packet_t

from tunnel import reasons
from tunnel.devices.udp_socket import UdpOptions, check_options, drops, open_udp
from tunnel.errors import DeviceClosed

cdef uint16_t REFUSED = reasons.REFUSED
cdef uint16_t LINK_DOWN = reasons.LINK_DOWN
cdef uint16_t TOO_BIG = reasons.TOO_BIG
cdef uint16_t NO_ROUTE = reasons.NO_ROUTE
cdef uint16_t NO_ENDPOINT = reasons.NO_ENDPOINT

# A datagram may have 65,527 bytes, yet most fit an MTU, and recvmmsg wants every buffer beforehand.
# So each message gets two: a slot of 2 KiB, the slots lying densely side by side, and behind the
# last slot an address range of 64 KiB that costs nothing until a datagram overflows into it. The
# range begins with a gap for the first 2 KiB: copying those makes an overflown datagram whole.
# Only as many messages are asked for as have room for the worst case below ARENA_RECEIVE (15 of
# an empty arena), so whatever arrives fits, and 64 small ones take five calls.
cdef enum:
    CALL = 16                 # messages a recvmmsg; a call costs 10 ns a message then
    SEND = 64                 # messages a sendmmsg
    FIRST = 64 + HEADROOM     # of a slot: the endpoint_t, then headroom
    DATA = 2048               # of a slot: what a datagram has before it overflows
    SLOT = 64 + HEADROOM + 2048
    WHOLE = 65536             # the largest datagram, rounded
    RANGE = HEADROOM + 65536

cdef struct udp_t:
    mmsghdr messages[64]
    iovec pieces[128]
    uint8_t control[64][192]
    uint8_t names[64][28]     # v4-mapped destinations
    bint six                  # an IPv6 socket

cdef uint32_t udp_room(batch_t *batch) noexcept nogil:
    """How many messages a call may ask for."""
    cdef uint32_t most = CALL
    if batch.arena.cursor >= ARENA_RECEIVE:
        return 0
    most = min(most, (ARENA_RECEIVE - batch.arena.cursor) // (SLOT + RANGE))
    while batch.room < batch.count + most:
        if not batch_grow(batch):
            return min(most, batch.room - batch.count)
    return most


cdef void udp_prepare(udp_t *c, batch_t *batch, uint32_t count) noexcept nogil:
    """Slots and overflow ranges for ``count`` messages at the arena's cursor."""
    cdef uint8_t *slot = batch.arena.start + batch.arena.cursor
    cdef uint8_t *overflow = slot + count * SLOT
    cdef msghdr *message
    cdef uint32_t i
    for i in range(count):
        c.pieces[2 * i].iov_base = slot + FIRST
        c.pieces[2 * i].iov_len = DATA
        c.pieces[2 * i + 1].iov_base = overflow + HEADROOM + DATA
        c.pieces[2 * i + 1].iov_len = WHOLE - DATA
        message = &c.messages[i].msg_hdr
        message.msg_name = slot
        message.msg_namelen = NAME
        message.msg_iov = &c.pieces[2 * i]
        message.msg_iovlen = 2
        message.msg_control = c.control[i]
        message.msg_controllen = CONTROL
        slot += SLOT
        overflow += RANGE


cdef void udp_take(udp_t *c, batch_t *batch, uint32_t count) noexcept nogil:
    """The ``count`` messages that came become packets; the cursor passes what they use."""
    cdef uint8_t *end = batch.arena.start + batch.arena.cursor + count * SLOT
    cdef endpoint_t *endpoint
    cdef packet_t *p
    cdef uint8_t *room
    cdef uint32_t i, size
    for i in range(count):
        size = c.messages[i].msg_len
        endpoint = <endpoint_t *> c.messages[i].msg_hdr.msg_name
        message_read(&c.messages[i].msg_hdr, endpoint)
        p = batch_append(batch)     # not NULL: udp_room made the descriptors
        room = <uint8_t *> c.pieces[2 * i].iov_base - HEADROOM
        if size > DATA:
            room = <uint8_t *> c.pieces[2 * i + 1].iov_base - HEADROOM - DATA
            memcpy(room + HEADROOM, c.pieces[2 * i].iov_base, DATA)
            end = room + ((HEADROOM + size + 7) & ~<uint32_t> 7)
        packet_lay(p, room, HEADROOM, size, 0 if size > DATA else DATA - size)
        p.medium = DATAGRAM
        p.endpoint = <uint32_t> (<uint8_t *> endpoint - batch.arena.start)
    batch.arena.cursor = <uint32_t> (end - batch.arena.start)


cdef void udp_lay(udp_t *c, uint32_t i, batch_t *batch, packet_t *p) noexcept nogil:
    """Message ``i`` sends ``p`` to its endpoint."""
    cdef endpoint_t *endpoint = endpoint_at(batch.arena, p.endpoint)
    cdef msghdr *message = &c.messages[i].msg_hdr
    c.pieces[i].iov_base = p.data
    c.pieces[i].iov_len = p.len
    message.msg_iov = &c.pieces[i]
    message.msg_iovlen = 1
    message.msg_control = c.control[i]
    message_write(message, endpoint, c.names[i] if c.six else NULL)


cdef bint source_gone(int error) noexcept nogil:
    """What a send says when it may not come from the address or interface it asks for."""
    return error == EINVAL or error == ENODEV or error == ENETUNREACH


cdef uint16_t udp_reason(int error) noexcept nogil:
    if error == EMSGSIZE:
        return TOO_BIG
    if error == ENETUNREACH or error == EHOSTUNREACH:
        return NO_ROUTE
    return LINK_DOWN if error == ENETDOWN else REFUSED


cdef int udp_gone(Udp self, int error) except -1 with gil:
    raise DeviceClosed(f"{self.name or 'udp'}: the socket is closed", error)


cdef int udp_send_run(Udp self, batch_t *batch, uint32_t first, uint32_t count) except -1 nogil:
    """How many of ``count`` laid messages, the first being packet ``first``, are done with."""
    cdef udp_t *c = self.c
    cdef uint32_t done = 0
    cdef int sent
    cdef packet_t *p
    while done < count:
        sent = sendmmsg(self.fd, &c.messages[done], count - done, MSG_DONTWAIT | MSG_NOSIGNAL)
        if sent > 0:
            done += sent
        elif errno == EAGAIN:
            break
        elif errno == EBADF or errno == ENOTSOCK:
            udp_gone(self, errno)
        elif errno != EINTR and errno != ECONNREFUSED:      # the latter tells of an earlier datagram
            p = &batch.packets[first + done]
            if source_gone(errno) and message_unstick(
                &c.messages[done].msg_hdr, endpoint_at(batch.arena, p.endpoint)
            ):
                continue                                    # our address or interface has gone
            packet_drop(p, udp_reason(errno))
            done += 1
    return done


cdef class Udp(Device):
    """The UDP underlay: each packet is the payload of one datagram.

    Synopsis: ``Udp(listen="0.0.0.0:9000")``, ``Udp(listen="[::]:9000", dont_fragment=True)``

    Medium DATAGRAM. A received packet's endpoint names its sender, our address that it was sent
    to, the interface and the ToS byte; a packet to send goes to its endpoint, from that address and
    interface where they are set. When that address or interface has gone, routing chooses anew.
    An IPv6 socket on a wildcard also serves IPv4, with AF_INET endpoints.

    Options
      listen         address and port; port 0 takes a free one (see ``address``)
      fd             an inherited, bound socket instead; it then belongs to the device
      netns          namespace to open the socket in: a name under /run/netns, a path, an open fd
      mark           firewall mark of what is sent; needs CAP_NET_ADMIN
      dont_fragment  set DF and do not fragment; default: as the system does
      reuse_port     SO_REUSEPORT; all sockets of the port need it

    Drop reasons on send: TOO_BIG, NO_ROUTE, NO_ENDPOINT, LINK_DOWN, REFUSED (firewall, broadcast,
    a full queue).

    Notes: buffers are 7 MiB with CAP_NET_ADMIN, else what net.core.rmem_max and wmem_max allow,
    with a warning. What the kernel dropped for want of room is ``kernel_drops``.

    See also: udp(7), ip(7), ipv6(7), recvmmsg(2)
    """

    exposed = True
    Options = UdpOptions

    def __cinit__(self, **options):
        self.c = <udp_t *> calloc(1, sizeof(udp_t))
        if self.c == NULL:
            raise MemoryError()
        self.fd = -1
        self.medium = DATAGRAM
        self.brings = self.accepts = 0

    def __init__(self, **options):
        super().__init__()
        self.options = UdpOptions(**options)
        check_options(self.options)

    def __dealloc__(self):
        free(self.c)

    def open(self):
        """Open and bind the socket; raises ``DeviceError``. Nothing happens where it is open."""
        if self.socket is None:
            self.socket = open_udp(self.options)
            self.c.six = self.socket.family == AF_INET6
            self.fd = self.socket.fileno()

    def close(self):
        """Close the socket. Idempotent."""
        if self.socket is not None:
            self.lost = drops(self.socket)
            self.fd = -1
            self.socket.close()
            self.socket = None

    @property
    def address(self):
        """Local address and port, as text and number; raises ``DeviceClosed`` while closed."""
        if self.socket is None:
            udp_gone(self, EBADF)
        return self.socket.getsockname()[:2]

    def kernel_drops(self):
        """``rx``: datagrams that the kernel dropped at this socket, modulo 2**32; kept after close."""
        return {"rx": self.lost if self.socket is None else drops(self.socket)}

    cdef int c_recv(self, batch_t *batch) except -1 nogil:
        cdef uint32_t before = batch.count
        cdef uint32_t asked
        cdef int got
        while batch.count - before < BATCH_RECEIVE:
            asked = min(udp_room(batch), before + BATCH_RECEIVE - batch.count)
            if asked == 0:
                break
            udp_prepare(self.c, batch, asked)
            got = recvmmsg(self.fd, self.c.messages, asked, MSG_DONTWAIT, NULL)
            if got < 0 and (errno == EBADF or errno == ENOTSOCK):
                udp_gone(self, errno)
            if got < 0 and (errno == EINTR or errno == ECONNREFUSED):
                continue
            if got < 0:
                break       # EAGAIN; or an ICMP error of an earlier datagram, told once
            udp_take(self.c, batch, got)
            if <uint32_t> got < asked:
                break
        return batch.count - before

    cdef int c_send(self, batch_t *batch) except -1 nogil:
        cdef uint32_t done = 0
        cdef uint32_t run
        cdef int sent
        while done < batch.count:
            run = 0
            while run < SEND and done + run < batch.count and batch.packets[done + run].endpoint:
                udp_lay(self.c, run, batch, &batch.packets[done + run])
                run += 1
            if run == 0:
                packet_drop(&batch.packets[done], NO_ENDPOINT)
                done += 1
                continue
            sent = udp_send_run(self, batch, done, run)
            done += sent
            if <uint32_t> sent < run:
                break
        return done
