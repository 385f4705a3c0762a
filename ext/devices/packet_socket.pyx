"""Ethernet frames of an interface, by AF_PACKET.

recv   1 recvmsg   a frame into the arena, the virtio header into the 10 bytes before it
       2 untag     a VLAN tag that the kernel took out is put back from the auxiliary data
send   3 writev    a virtio header on the stack and the frame where it lies
"""

from libc.errno cimport (
    EAGAIN, EBADF, EINTR, EINVAL, EMSGSIZE, ENETDOWN, ENODEV, ENXIO, errno,
)
from libc.stdint cimport uint8_t, uint16_t, uint32_t
from libc.string cimport memmove

from _linux cimport virtio_net_hdr
from _socket cimport (
    CMSG_DATA, CMSG_FIRSTHDR, MSG_DONTWAIT, PACKET_AUXDATA, SOL_PACKET, TP_STATUS_VLAN_TPID_VALID,
    TP_STATUS_VLAN_VALID, cmsghdr, iovec, msghdr, recvmsg, tpacket_auxdata, writev,
)
from _vnet cimport VNET_HDR, vnet_give, vnet_take
from tunnel.arena cimport ARENA_RECEIVE, HEADROOM, READ_MAX, TAILROOM, arena_take
from tunnel.batch cimport BATCH_RECEIVE, batch_append, batch_t
from tunnel.device cimport Device
from tunnel.devices.vnet cimport Vnet, vnet_count, vnet_refused
from tunnel.packet cimport ETHERNET, F_ALL, packet_drop, packet_lay, packet_push, packet_t
from tunnel.wire cimport put16

import msgspec
from tunnel import reasons
from tunnel.devices.fanout import Fanout
from tunnel.devices.namespace_counters import Surroundings
from tunnel.devices.packet_interface import Attachment, PacketOptions
from tunnel.errors import DeviceClosed

cdef uint16_t REFUSED = reasons.REFUSED
cdef uint16_t LINK_DOWN = reasons.LINK_DOWN
cdef uint16_t TOO_BIG = reasons.TOO_BIG

cdef enum:
    MACS = 12                 # bytes before the tag
    TAG = 4
    CONTROL = 64              # one tpacket_auxdata (20 bytes)
    TPID = 0x8100


cdef class PacketSocket(Device):
    """Ethernet frames of a veth, a bridge or a card.

    Synopsis: ``PacketSocket(interface="eth1")``

    Medium ETHERNET. Super-packets and unfinished checksums pass in both directions, VLAN tags are
    where they were on the wire, frames that this machine sends by itself are not received.

    The kernel's own stack is kept off the interface while the device is open. An interface with an
    IPv4 or a global IPv6 address is refused: those belong to this machine. A link-local address is
    taken away and given back by ``close``. What comes in is dropped behind the socket by an nftables
    chain at the interface's ingress, so that nothing here answers, forwards or bridges it; the
    kernel removes the chain with the process.

    Options
      interface      its name; the device's name unless told
      netns          where it is: a name under /run/netns, a path, an open fd
      promiscuous    receive frames for other stations too; default true
      guard          keep the kernel from answering; default true. Without it, a machine that
                     forwards answers a SYN to a host behind it with a RST

    Drop reasons on send: TOO_BIG (above the MTU), LINK_DOWN, REFUSED (a full queue), BAD_GSO (a
    super-packet whose fields are wrong).

    Notes: needs CAP_NET_RAW and CAP_NET_ADMIN. A packet socket belongs to its namespace: when the
    interface is deleted or moved to another one, the device is gone. Set down, it receives nothing
    and comes back when set up; if it is deleted while down, only the next call tells.
    ``kernel_drops`` tells what the socket had no room for. Switching an offload off concerns what is
    sent; what comes is as the interface has it (``ethtool -K``), marked by its virtio header, and is
    cut in front of what cannot take it.

    See also: packet(7), Tap
    """

    exposed = True
    Options = PacketOptions
    queue = None              # its number among those of several workers
    fanout = None             # what those share

    def __cinit__(self, **options):
        self.medium = ETHERNET
        self.brings = self.accepts = F_ALL

    def __init__(self, **options):
        super().__init__()
        self.options = PacketOptions(**options)
        self.use = Vnet()
        self.surroundings = Surroundings()

    @property
    def interface(self) -> str:
        """The name of the interface."""
        return self.options.interface or self.name

    def queues(self, int count) -> list:
        """Sockets of one interface (PACKET_FANOUT by flow): the first keeps the kernel off for all."""
        fanout, made = Fanout(), [type(self)(**msgspec.structs.asdict(self.options)) for _ in range(count)]
        for number, queue in enumerate(made):
            queue.name, queue.queue, queue.fanout = self.name, number, fanout
        return made

    def leave(self) -> None:
        """Close this process's descriptors; what the interface was cleared of stays away."""
        if self.attachment is not None:
            self.fd = -1
            self.attachment.leave()
            self.attachment = None

    def open(self) -> None:
        """Take hold of the interface; raises ``DeviceError``. Nothing happens where it is open."""
        if self.attachment is None:
            self.accepts = self.use.choose(True)
            self.attachment = Attachment(self.interface, self.options, self.fanout, clears=not self.queue)
            self.fd = self.attachment.socket.fileno()
            self.surroundings.start(self.options.netns, f"interface {self.interface}")

    def close(self) -> None:
        """Let go of the interface. Idempotent."""
        if self.attachment is not None:
            self.lost += self.attachment.drops()
            self.surroundings.stop()
            self.fd = -1
            self.attachment.close()
            self.attachment = None

    def offloads(self) -> dict:
        """``vnet``, ``tso`` and ``uso``: see ``tunnel.offloads``; ``on`` is about what is sent."""
        return self.use.rows()

    def kernel_drops(self) -> dict:
        """``rx``: frames that the kernel dropped at this socket for want of room, in all."""
        if self.attachment is not None:
            self.lost += self.attachment.drops()
        return {"rx": self.lost}

    def namespace_drops(self) -> dict:
        """See ``Device``."""
        return self.surroundings.read()

    cdef int c_recv(self, batch_t *batch) except -1 nogil:
        cdef uint32_t before = batch.count
        cdef uint8_t[64] control
        cdef iovec piece
        cdef msghdr message
        cdef packet_t *p
        cdef uint8_t *room
        cdef ssize_t size
        message.msg_name = NULL
        message.msg_namelen = 0
        message.msg_iov = &piece
        message.msg_iovlen = 1
        message.msg_control = control
        while batch.count - before < BATCH_RECEIVE and batch.arena.cursor < ARENA_RECEIVE:
            room = batch.arena.start + batch.arena.cursor
            piece.iov_base = room + HEADROOM - VNET_HDR
            piece.iov_len = READ_MAX + VNET_HDR
            message.msg_controllen = CONTROL
            size = recvmsg(self.fd, &message, MSG_DONTWAIT)
            if size < VNET_HDR:
                if packet_again(self, size):
                    continue
                break
            self.down = False
            p = batch_append(batch)
            if p == NULL:
                break
            packet_lay(p, room, HEADROOM, <uint32_t> size - VNET_HDR, TAILROOM)
            p.medium = ETHERNET
            vnet_take(p, <const virtio_net_hdr *> (room + HEADROOM - VNET_HDR))
            vnet_count(self.use, p)
            arena_take(batch.arena, HEADROOM + p.len + TAILROOM)
            packet_untag(p, &message)
        return batch.count - before

    cdef int c_send(self, batch_t *batch) except -1 nogil:
        cdef virtio_net_hdr header
        cdef iovec pieces[2]
        cdef uint32_t i = 0
        pieces[0].iov_base = &header
        pieces[0].iov_len = VNET_HDR
        while i < batch.count:
            vnet_give(&batch.packets[i], &header)
            pieces[1].iov_base = batch.packets[i].data
            pieces[1].iov_len = batch.packets[i].len
            if writev(self.fd, pieces, 2) >= 0:
                vnet_count(self.use, &batch.packets[i])
            elif errno == EINTR:
                continue
            elif not packet_refused(self, &batch.packets[i]):
                break
            i += 1
        return i


cdef void packet_untag(packet_t *p, msghdr *message) noexcept nogil:
    """Put the tag back: the addresses move 4 bytes into the headroom (and csum_start with the push)."""
    cdef cmsghdr *cmsg = CMSG_FIRSTHDR(message)
    cdef tpacket_auxdata *aux
    if cmsg == NULL or cmsg.cmsg_level != SOL_PACKET or cmsg.cmsg_type != PACKET_AUXDATA:
        return
    aux = <tpacket_auxdata *> CMSG_DATA(cmsg)
    if not aux.tp_status & TP_STATUS_VLAN_VALID or p.len < MACS:
        return
    packet_push(p, TAG)
    memmove(p.data, p.data + TAG, MACS)
    put16(p.data + MACS, aux.tp_vlan_tpid if aux.tp_status & TP_STATUS_VLAN_TPID_VALID else TPID)
    put16(p.data + MACS + 2, aux.tp_vlan_tci)


cdef bint packet_again(PacketSocket self, ssize_t size) except -1 nogil:
    """After a receive that brought nothing: True to go on, False to stop; raises when it is gone.

    EINVAL: the frame, now gone, was a super-packet that a virtio header cannot describe.
    ENETDOWN: told once when the interface is set down; nothing tells of its deletion after that.
    """
    if size >= 0 or errno == EINTR or errno == EINVAL:
        self.down = False
        return True
    if errno == ENETDOWN:
        self.down = True
    if errno == EBADF or (self.down and packet_deleted(self)):
        packet_gone(self, errno)
    return False


cdef bint packet_deleted(PacketSocket self) except -1 with gil:
    return self.attachment.gone()


cdef bint packet_refused(PacketSocket self, packet_t *p) except -1 nogil:
    """After a send that failed: True if it costs this frame only; raises when the device is gone."""
    if errno == EAGAIN:
        return False
    if errno == EINVAL and p.gso_type:
        return vnet_refused(self.use, self, p)
    if errno == EBADF or errno == ENODEV or errno == ENXIO:
        packet_gone(self, errno)
    packet_drop(p, TOO_BIG if errno == EMSGSIZE else LINK_DOWN if errno == ENETDOWN else REFUSED)
    return True


cdef int packet_gone(PacketSocket self, int error) except -1 with gil:
    raise DeviceClosed(f"interface {self.interface}: gone (closed here, deleted or moved elsewhere)", error)
