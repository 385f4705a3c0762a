"""TUN and TAP: one read or write is one packet, or a super-packet of up to 64 KiB.

    open    /dev/net/tun, TUNSETIFF, virtio header size, offload mask, link settings
    recv    read() into the arena, the virtio header into the 10 bytes before the packet
    send    writev() of a virtio header on the stack and the packet where it lies
"""

import fcntl
import os

import msgspec

from libc.stdint cimport uint8_t, uint16_t, uint32_t
from _linux cimport (
    EAGAIN, EBADF, EBADFD, EINTR, EINVAL, EIO, ENODEV, errno, iovec, read, virtio_net_hdr, write, writev,
)
from _vnet cimport VNET_HDR, vnet_give, vnet_take

from tunnel.arena cimport ARENA_RECEIVE, HEADROOM, READ_MAX, TAILROOM, arena_take
from tunnel.batch cimport BATCH_RECEIVE, batch_append, batch_t
from tunnel.device cimport Device
from tunnel.devices.vnet cimport Vnet, vnet_count, vnet_refused
from tunnel.packet cimport ETHERNET, F_CSUM, F_USO4, IP, packet_drop, packet_lay, packet_t

from tunnel import arguments, offloads, reasons
from tunnel.devices import link
from tunnel.devices import tun_ioctl as tun
from tunnel.devices.gso_limits import gso_limits
from tunnel.devices.options import TunOptions
from tunnel.devices.queue_drops import QueueDrops
from tunnel.errors import ConfigError, DeviceClosed, DeviceError
from tunnel.netns import inside

cdef uint16_t REFUSED = reasons.REFUSED
cdef uint16_t LINK_DOWN = reasons.LINK_DOWN


cdef class TunTap(Device):
    """What Tun and Tap share; use one of those.

    ``Tun("tun0", mtu=1420)``, or ``Tun(fd=7)`` for a descriptor that was set up by somebody else, and is
    closed with the device. Options are the fields of ``TunOptions``. ``netns`` may also be an open descriptor.
    """

    Options = TunOptions
    queue = None              # its number among those of several workers

    def __init__(self, name=None, *, netns=None, **options):
        kind = type(self).__name__.lower()
        self.options = arguments.read(kind, TunOptions, options)
        arguments.check_interfaces(kind, self.options.address)
        self.netns = self.options.netns if netns is None else netns
        self.inherited = self.options.fd is not None
        if self.inherited:
            tun.check_inherited(kind, options | ({} if netns is None else {"netns": netns}))
            self.fd = self.options.fd
        self.name = name or ""
        self.use = Vnet()
        self.leads = None
        self.queue_drops = QueueDrops()

    @property
    def interface(self) -> str:
        """The name of the interface (as wished; once open, as the kernel gave it)."""
        return self.adopted or self.options.interface or self.name

    def check(self) -> None:
        """Raise ``ConfigError`` for a name that the kernel will not take."""
        if not self.inherited:
            tun.check_name(self.interface)

    def queues(self, int count) -> list:
        """Queues of one interface (IFF_MULTI_QUEUE): the first makes it, the others attach."""
        if self.inherited:
            raise ConfigError(f"{self.name}: an open descriptor is one queue, expected workers = 1, or a name")
        return [self._queue(number) for number in range(count)]

    def _queue(self, number):
        options = msgspec.structs.asdict(self.options) | {"netns": self.netns}
        cdef TunTap made = type(self)(self.name, **options)
        made.queue, made.leads = number, self.leads
        return made

    def open(self) -> None:
        """Make or attach the device and set the link. Raises ``DeviceError``, leaving nothing behind."""
        if self.inherited and self.fd < 0:
            raise DeviceError(f"{self.interface}: it came as an open descriptor, is closed and cannot be opened again")
        if not self.inherited:
            if self.fd >= 0:
                return
            self.check()
            self.fd = inside(self.netns, tun.open_control)
        try:
            self._adopt() if self.inherited else inside(self.netns, self._create)
        except BaseException:
            self.close()
            raise

    def _adopt(self):
        name, flags = tun.identity(self.fd)
        fcntl.fcntl(self.fd, fcntl.F_SETFL, fcntl.fcntl(self.fd, fcntl.F_GETFL) | os.O_NONBLOCK)
        if not flags & self._kind():
            raise DeviceError(f"descriptor {self.fd}: {name} is not a {type(self).__name__.lower()}")
        self.name, self.adopted = self.name or name, name
        self.queue_drops.start(self.fd, inherited=True)
        self._offload(flags & tun.IFF_VNET_HDR)

    def _create(self):
        """In the namespace of the device: TUNSETIFF first, so that all that follows has a name."""
        cdef object options = self.options
        header = options.offload and self._may_have_header()
        flags = self._kind() | tun.IFF_NO_PI
        flags |= tun.IFF_VNET_HDR if header else 0
        flags |= tun.IFF_MULTI_QUEUE if options.multi_queue or self.queue is not None else 0
        flags |= 0 if options.attach or options.multi_queue or self.queue else tun.IFF_TUN_EXCL
        if options.attach or self.queue:
            link.find(self.interface)  # TUNSETIFF would make a new one
        tun.attach(self.fd, self.interface, flags)
        if not self.queue:        # it counts for all queues
            self.queue_drops.start(self.fd, inherited=False)
        self._offload(header)
        tun.set_ownership(self.fd, options)
        if self.queue:
            return            # what follows is the interface's, and the first queue's to do
        link.set_link(self.interface, mtu=options.mtu, txqueuelen=options.txqueuelen, gso=self._gso(), up=options.up)
        if options.address:
            self._addresses()
        if options.persist:  # last: what fails before leaves nothing behind
            tun.set_value(self.fd, tun.TUNSETPERSIST, 1, "persist")

    def _may_have_header(self):
        """TUNSETIFF masks a flag that it does not know, and says nothing."""
        if not offloads.allowed("vnet"):
            return False
        if tun.features(self.fd) & tun.IFF_VNET_HDR:
            return True
        self.use.unable("vnet")
        return False

    def _offload(self, bint header):
        """The mask says what reads may bring; what writes may carry came with each kind's first kernel."""
        wanted = self.use.choose(header)
        self.vnet = header
        if header:
            self.brings = tun.set_offload(self.fd, wanted)
            if wanted & F_USO4 and not self.brings & F_USO4:  # to both directions in Linux 6.2
                self.use.unable("uso")
        else:
            self.brings = 0
            tun.set_value(self.fd, tun.TUNSETOFFLOAD, 0, "offload")
        self.accepts = self.use.features()

    def _gso(self):
        """The interface's gso_max_size and gso_ipv4_max_size; None leaves them to the kernel."""
        told = self.options.gso_max_size
        if told is not None:
            return told, told
        if self.leads is None or self.medium != IP or not self.use.features() & ~F_CSUM or link.forwards():
            return None
        send_max, overhead = self.leads
        return gso_limits(self.options.mtu or link.mtu(self.interface), overhead, send_max)

    def _addresses(self):
        from tunnel.netlink import Netlink
        with Netlink() as netlink:
            for address in self.options.address:
                netlink.add_address(self.interface, address)

    def offloads(self) -> dict:
        """``vnet``, ``tso`` and ``uso``: see ``tunnel.offloads``."""
        return self.use.rows()

    def leads_to(self, int send_max, int overhead) -> None:
        """Before ``open``: super-packets are to be no larger than such a send takes (``gso_max_size``)."""
        self.leads = (send_max, overhead)

    def close(self) -> None:
        """Close the descriptor; a device that is not persistent goes with it."""
        fd, self.fd = self.fd, -1
        if fd < 0:
            return
        self.queue_drops.stop(fd)
        if self.options.persist and self.vnet and not self.queue:
            tun.clear_offload(fd)
        os.close(fd)

    def kernel_drops(self) -> dict:
        """``tx``: packets for us that found the queue full: ``tx_dropped`` of the interface, where it is now.

        All queues of the interface count, those of other processes too; of several workers the first tells.
        None where it cannot be read: once the interface is gone, or without CAP_NET_ADMIN when it has left
        its first namespace.
        """
        return {} if self.queue else {"tx": self.queue_drops.total(self.fd)}

    cdef int c_recv(self, batch_t *batch) except -1 nogil:
        cdef uint32_t skip = VNET_HDR if self.vnet else 0
        cdef packet_t *p
        cdef uint8_t *room
        cdef ssize_t size
        while batch.count < BATCH_RECEIVE and batch.arena.cursor < ARENA_RECEIVE:
            room = batch.arena.start + batch.arena.cursor
            size = read(self.fd, room + HEADROOM - skip, READ_MAX + skip)
            if size <= <ssize_t> skip:
                if _again(self, size, batch.count):
                    continue
                break
            p = batch_append(batch)
            packet_lay(p, room, HEADROOM, <uint32_t> size - skip, TAILROOM)
            p.medium = self.medium
            if skip:
                vnet_take(p, <const virtio_net_hdr *> (room + HEADROOM - VNET_HDR))
                vnet_count(self.use, p)
            arena_take(batch.arena, HEADROOM + p.len + TAILROOM)
        return <int> batch.count

    cdef int c_send(self, batch_t *batch) except -1 nogil:
        cdef uint32_t i = 0
        cdef ssize_t done
        cdef packet_t *p
        while i < batch.count:
            p = &batch.packets[i]
            done = _write_vnet(self.fd, p) if self.vnet else write(self.fd, p.data, p.len)
            if done >= 0:
                vnet_count(self.use, p)
            elif errno == EINTR:
                continue
            elif not _refused(self, p, i):
                break
            i += 1
        return <int> i


cdef inline ssize_t _write_vnet(int fd, const packet_t *p) noexcept nogil:
    """The header comes from the stack: what lies before the bytes may belong to another packet."""
    cdef virtio_net_hdr header
    cdef iovec parts[2]
    vnet_give(p, &header)
    parts[0].iov_base = &header
    parts[0].iov_len = VNET_HDR
    parts[1].iov_base = p.data
    parts[1].iov_len = p.len
    return writev(fd, parts, 2)


cdef bint _again(TunTap device, ssize_t size, uint32_t received) except -1 nogil:
    """After a read that brought no packet: True to read on, False to stop; raises when it is gone.

    What was received before is passed on first: the next read tells again.
    """
    if size >= 0 or errno == EINTR:
        return size < 0
    if errno != EAGAIN and received == 0:
        _gone(device, errno)
    return False


cdef bint _refused(TunTap device, packet_t *p, uint32_t sent) except -1 nogil:
    """After a write that failed: True if it costs this packet only; raises when the device is gone.

    What was sent before is counted as sent first: the next write tells again. EINVAL: Linux 6.6.44
    and 6.10.3 do not take super-packets whose last segment is short (until 89add40066f9).
    """
    if errno == EAGAIN:
        return False
    if errno == EINVAL and p.gso_type:
        return vnet_refused(device.use, device, p)
    if errno == EBADFD or errno == EBADF or errno == ENODEV:
        return False if sent else _gone(device, errno)
    packet_drop(p, LINK_DOWN if errno == EIO else REFUSED)
    return True


cdef int _gone(TunTap device, int number) except -1 nogil:
    with gil:
        raise DeviceClosed(f"interface {device.interface}: gone (deleted, or its namespace was)", number)


cdef class Tun(TunTap):
    """A TUN device: IP packets."""

    def __cinit__(self, *args, **options):
        self.medium = IP

    def _kind(self):
        return tun.IFF_TUN


cdef class Tap(TunTap):
    """A TAP device: Ethernet frames."""

    def __cinit__(self, *args, **options):
        self.medium = ETHERNET

    def _kind(self):
        return tun.IFF_TAP
