"""Datagrams of a UDP socket.

recv   1 offer     a slot of the arena for each of at most 15 messages
       2 recvmmsg  those that have come
       3 take      the sender becomes an endpoint_t, each datagram of the message a packet
send   4 lay       packets become messages, one a run: destination, source address, interface, ToS
       5 sendmmsg  an error belongs to the message in front: a run goes once more, datagram by
                   datagram; a datagram is dropped
"""

from libc.errno cimport (
    EAGAIN, EBADF, ECONNREFUSED, EHOSTUNREACH, EINTR, EMSGSIZE, ENETDOWN, ENETUNREACH, ENOTSOCK, errno,
)
from libc.stdint cimport uint8_t, uint16_t, uint32_t
from libc.stdlib cimport calloc, free

from _lay cimport LAID, PIECES, batch_lay
from _message cimport CONTROL, NAME, message_read, message_unstick
from _run cimport RUN_BYTES, run_count_once, run_refused, run_split
from _slot cimport SLOT_BYTES, SLOTS, slots_close, slots_free, slots_offer
from _socket cimport MSG_DONTWAIT, MSG_NOSIGNAL, iovec, mmsghdr, msghdr, recvmmsg, sendmmsg
from tunnel.batch cimport batch_t
from tunnel.device cimport Device, offload_dict, offload_refuse, offload_t
from tunnel.endpoint cimport AF_INET6, endpoint_at
from tunnel.packet cimport DATAGRAM, packet_drop

from tunnel import reasons
from tunnel.devices.udp_counters import UdpCounters
from tunnel.devices.udp_socket import UdpOptions, bind_ahead, check_options, mark, offloads, opened, sharing
from tunnel.errors import DeviceClosed

cdef uint16_t REFUSED = reasons.REFUSED
cdef uint16_t LINK_DOWN = reasons.LINK_DOWN
cdef uint16_t TOO_BIG = reasons.TOO_BIG
cdef uint16_t NO_ROUTE = reasons.NO_ROUTE
cdef uint16_t NO_ENDPOINT = reasons.NO_ENDPOINT
cdef uint16_t NO_ROOM = reasons.NO_ROOM

cdef struct udp_t:
    mmsghdr messages[LAID]
    iovec pieces[PIECES]
    uint8_t control[LAID][CONTROL]
    uint8_t names[LAID][NAME]    # v4-mapped destinations
    bint six                  # an IPv6 socket
    offload_t gso
    offload_t gro
    offload_t mmsg
    uint32_t largest          # datagram that this c_send joins to runs
    int suspect               # the error of a run whose datagrams go alone now
    bint blocked


cdef void udp_take(Udp self, batch_t *batch, uint32_t count) noexcept nogil:
    """The datagrams of ``count`` messages become packets."""
    cdef udp_t *c = self.c
    cdef uint8_t *bytes
    cdef uint32_t i, record, segment
    for i in range(count):
        bytes = <uint8_t *> c.pieces[i].iov_base
        record = <uint32_t> (bytes - SLOT_BYTES - batch.arena.start)
        segment = message_read(&c.messages[i].msg_hdr, endpoint_at(batch.arena, record))
        if run_split(batch, bytes, c.messages[i].msg_len, segment, record, self.counters, NO_ROOM) > 1:
            c.gro.used += 1
    slots_close(batch, &c.messages[count - 1])
    if count > 1:
        c.mmsg.used += 1


cdef uint16_t udp_reason(int error) noexcept nogil:
    if error == EMSGSIZE:
        return TOO_BIG
    if error == ENETUNREACH or error == EHOSTUNREACH:
        return NO_ROUTE
    return LINK_DOWN if error == ENETDOWN else REFUSED


cdef int udp_gone(Udp self, int error) except -1 with gil:
    raise DeviceClosed(f"{self.name or 'udp'}: the socket is closed", error)


cdef int udp_sent(Udp self, batch_t *batch, uint32_t at, uint32_t first, uint32_t count) except -1 nogil:
    """Count ``count`` messages from ``first`` on, whose packets begin ``at``, as sent; returns their packets.

    One that goes where its run did not shows that segmentation was refused, not the datagram.
    """
    cdef udp_t *c = self.c
    cdef uint32_t packets = 0, i, run
    for i in range(first, first + count):
        run = <uint32_t> c.messages[i].msg_hdr.msg_iovlen
        run_count_once(batch, at + packets, run)
        packets += run
        c.gso.used += run > 1
    if count > 1:
        c.mmsg.used += 1
    if c.suspect:
        offload_refuse(self, "gso", &c.gso, c.suspect)
        c.suspect = 0
    return packets


cdef uint32_t udp_refused(Udp self, batch_t *batch, uint32_t first, msghdr *message, int error) noexcept nogil:
    """Packets dropped, after an error of the message that carries those from ``first`` on.

    0: it is to be sent again, as ``message`` is now, or laid anew where c.largest has sunk below it.
    """
    cdef udp_t *c = self.c
    cdef uint32_t run = <uint32_t> message.msg_iovlen, i
    if message_unstick(message, endpoint_at(batch.arena, batch.packets[first].endpoint), error):
        return 0
    if run > 1 and run_refused(error):
        c.largest = batch.packets[first].len - 1
        c.suspect = 0 if error == EMSGSIZE else error       # EMSGSIZE: the path's MTU has shrunk
        return 0
    c.suspect = 0
    for i in range(first, first + run):
        packet_drop(&batch.packets[i], udp_reason(error))
    return run


cdef int udp_push(Udp self, batch_t *batch, uint32_t first, uint32_t laid) except -1 nogil:
    """How many packets from ``first`` on, laid as ``laid`` messages, are done with."""
    cdef udp_t *c = self.c
    cdef uint32_t done = 0, packets = 0, dropped
    cdef uint32_t largest = c.largest
    cdef int sent
    while done < laid and c.largest == largest:
        sent = sendmmsg(
            self.fd, &c.messages[done], laid - done if c.mmsg.on else 1, MSG_DONTWAIT | MSG_NOSIGNAL
        )
        if sent > 0:
            packets += udp_sent(self, batch, first + packets, done, sent)
            done += sent
        elif errno == EAGAIN:
            c.blocked = True
            break
        elif errno == EBADF or errno == ENOTSOCK:
            udp_gone(self, errno)
        elif errno != EINTR and errno != ECONNREFUSED:      # the latter tells of an earlier datagram
            dropped = udp_refused(self, batch, first + packets, &c.messages[done].msg_hdr, errno)
            packets += dropped
            done += 1 if dropped else 0
    return packets


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
    a full queue); on receive: NO_ROOM, what passes 16,384 packets in a batch.

    Offloads (``TUNNEL_NO_OFFLOAD`` switches them off)
      gso    packets of a batch that follow one another, go to one endpoint from one source with one
             ToS, and are equally long (the last may be shorter) leave as one send: 64 at most, or
             65,507 bytes. If the kernel refuses it, they leave one by one: those of them that the
             path's MTU lets pass, the others are TOO_BIG. If their length was not the cause, gso is
             off from then on, with a warning
      gro    the kernel hands such a run over as one; its packets share an endpoint and show one
             buffer, so that only the first has headroom
      mmsg   up to 15 runs a receive, 64 a send

    Notes: buffers are 7 MiB with CAP_NET_ADMIN, else what net.core.rmem_max and wmem_max allow,
    with a warning. What the kernel dropped for want of room is ``kernel_drops``.

    See also: udp(7), ip(7), ipv6(7), recvmmsg(2), sendmmsg(2)
    """

    exposed = True
    send_max = RUN_BYTES
    Options = UdpOptions
    port = None               # a SharedPort, in several workers
    ahead = None              # the socket that the next open takes
    queues = sharing
    rebind = bind_ahead
    set_mark = mark

    def __cinit__(self, **options):
        self.c = <udp_t *> calloc(1, sizeof(udp_t))
        if self.c == NULL:
            raise MemoryError()
        self.medium = DATAGRAM

    def __init__(self, **options):
        super().__init__()
        self.options = check_options(UdpOptions(**options))
        self.kernel = UdpCounters(self.options)

    def __dealloc__(self):
        free(self.c)

    def open(self):
        """Open and bind the socket; raises ``DeviceError``. Nothing happens where it is open."""
        if self.socket is None:
            self.socket = opened(self)
            self.c.six = self.socket.family == AF_INET6
            self.c.gso.on, self.c.gro.on, self.c.mmsg.on = offloads(self.socket)
            self.fd = self.socket.fileno()
            self.kernel.start(self.socket)

    def close(self):
        """Close the socket. Idempotent."""
        if self.socket is not None:
            self.kernel.stop()
            self.fd = -1
            self.socket.close()
            self.socket = None

    leave = close

    @property
    def address(self):
        """Local address and port, as text and number; raises ``DeviceClosed`` while closed."""
        if self.socket is None:
            udp_gone(self, EBADF)
        return self.socket.getsockname()[:2]

    def kernel_drops(self):
        """``rx``: datagrams that this socket had no room for; with gro, a run that the kernel had joined is one."""
        return {"rx": self.kernel.dropped()}

    def namespace_drops(self):
        """See ``Device``."""
        return self.kernel.around()

    def offloads(self):
        """``gso``, ``gro`` and ``mmsg``; used: runs sent, runs received, calls that moved several messages."""
        return {"gso": offload_dict(&self.c.gso), "gro": offload_dict(&self.c.gro), "mmsg": offload_dict(&self.c.mmsg)}

    cdef int c_recv(self, batch_t *batch) except -1 nogil:
        cdef uint32_t before = batch.count, left = SLOTS, asked
        cdef int got
        while left:
            asked = slots_free(batch, left if self.c.mmsg.on else 1)
            if asked == 0:
                break
            slots_offer(batch, asked, self.c.messages, self.c.pieces, self.c.control)
            got = recvmmsg(self.fd, self.c.messages, asked, MSG_DONTWAIT, NULL)
            if got < 0 and (errno == EBADF or errno == ENOTSOCK):
                udp_gone(self, errno)
            if got < 0 and (errno == EINTR or errno == ECONNREFUSED):
                continue
            if got <= 0:
                break       # EAGAIN; or an ICMP error of an earlier datagram, told once
            udp_take(self, batch, got)
            left -= got
            if <uint32_t> got < asked:
                break
        return batch.count - before

    cdef int c_send(self, batch_t *batch) except -1 nogil:
        cdef uint32_t done = 0, laid
        self.c.largest = RUN_BYTES
        self.c.suspect = 0
        self.c.blocked = False
        while done < batch.count and not self.c.blocked:
            laid = batch_lay(
                batch, done, self.c.largest if self.c.gso.on else 0, self.c.messages, self.c.pieces,
                self.c.control, self.c.names if self.c.six else NULL,
            )
            if laid:
                done += udp_push(self, batch, done, laid)
            else:
                packet_drop(&batch.packets[done], NO_ENDPOINT)
                done += 1
        return done
