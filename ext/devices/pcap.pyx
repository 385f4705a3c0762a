"""Capture files: packets out of pcap and pcapng, packets into pcapng.

recv   capture_next finds a packet in the window, which is copied into the arena
send   blocks gather in a buffer, written when it is full and at the end of the batch
"""

import logging
import os
import time

from libc.errno cimport EINTR, ENOSPC, errno
from libc.stdint cimport int64_t, uint8_t, uint16_t, uint32_t, uint64_t
from libc.stdlib cimport calloc, free, malloc
from libc.string cimport memcpy, memset
from posix.unistd cimport ftruncate

from _capture cimport (
    CUT, END, ENHANCED, PACKET, PASSED, WINDOW, capture_begin, capture_next, capture_t,
)
from tunnel.arena cimport ARENA_RECEIVE, HEADROOM, TAILROOM, arena_take
from tunnel.batch cimport BATCH_RECEIVE, batch_append, batch_t
from tunnel.device cimport Device
from tunnel.packet cimport ETHERNET, IP, packet_drop, packet_lay, packet_t

from tunnel import reasons
from tunnel.devices.pcap_file import PcapOptions, link_name, open_capture
from tunnel.errors import DeviceClosed, DeviceError
from tunnel.pcapng import beginning, ending

log = logging.getLogger(__name__)

cdef extern from "unistd.h" nogil:
    ssize_t pwrite(int fd, const void *bytes, size_t size, int64_t offset)

cdef uint16_t REFUSED = reasons.REFUSED
cdef uint16_t READ_ONLY = reasons.READ_ONLY

cdef enum:
    BLOCK = 32                # bytes of an enhanced packet block beyond its data

_MEDIA = {"ethernet": ETHERNET, "ip": IP}


cdef class Pcap(Device):
    """A capture file, read as fast as asked or written.

    Synopsis: ``Pcap(path="in.pcapng")``, ``Pcap(path="out.pcapng", mode="w", medium="ip")``

    Reading takes pcap (micro- and nanoseconds) and pcapng, both in either byte order; when the last
    packet has been received the device is gone. A file that ends within a packet gives the packets
    before it and says so. Timestamps play no part: nothing is paced. Packets of another medium are
    passed over and counted (``foreign``). Writing makes pcapng with nanoseconds and one interface;
    ``close`` adds statistics. The file is readable by its owner only.

    Options
      path      the file; written, it is emptied first
      mode      "r" (default) or "w"
      medium    "ethernet" (default) or "ip": what the packets begin with. IP is LINKTYPE_RAW;
                reading also takes LINKTYPE_IPV4 and LINKTYPE_IPV6

    Drop reasons on send: REFUSED (no room on the disc: the packet is missing, the file stays sound),
    READ_ONLY (the file is being read).

    Notes: while reading ``fd`` is an eventfd that is always readable, as epoll takes no files; of a
    written file it is -1. What a card had yet to checksum when it was captured has wrong checksums
    in the file, and here.

    See also: Tee
    """

    Options = PcapOptions

    def __cinit__(self, **options):
        self.file = -1
        self.buffer = <uint8_t *> malloc(WINDOW)
        self.reader = calloc(1, sizeof(capture_t))
        if self.buffer == NULL or self.reader == NULL:
            raise MemoryError("no memory for a capture file")

    def __init__(self, **options):
        super().__init__()
        self.options = PcapOptions(**options)
        self.medium = _MEDIA[self.options.medium]

    def __dealloc__(self):
        free(self.buffer)
        free(self.reader)

    def open(self) -> None:
        """Open the file, from its beginning; raises ``DeviceError``. Nothing happens where it is open."""
        if self.file >= 0:
            return
        self.file = open_capture(self.options)
        self.used = self.size = self.written = self.refused = self.foreign = 0
        try:
            self._begin_reading() if self.options.mode == "r" else self._begin_writing()
        except BaseException:
            os.close(self.file)
            self.file = -1
            raise

    def _begin_reading(self):
        cdef capture_t *reader = <capture_t *> self.reader
        memset(reader, 0, sizeof(capture_t))
        reader.fd = self.file
        reader.window = self.buffer
        if capture_begin(reader) != PASSED:
            raise DeviceError(self._malformed())
        self.fd = os.eventfd(1, os.EFD_NONBLOCK | os.EFD_CLOEXEC)

    def _begin_writing(self):
        (<capture_t *> self.reader).fd = -1
        self.epoch_ns = time.time_ns() - time.monotonic_ns()
        head = beginning(self.options.medium)
        self.size = os.pwrite(self.file, head, 0)
        if self.size != len(head):
            raise DeviceError(f"{self.options.path}: {os.strerror(ENOSPC)}", ENOSPC)

    def close(self) -> None:
        """Finish and close the file. Idempotent."""
        file, self.file = self.file, -1
        if file < 0:
            return
        fd, self.fd = self.fd, -1
        if fd >= 0:
            os.close(fd)
        if self.options.mode == "w":
            tail = ending(time.time_ns(), self.written + self.refused, self.refused)
            os.pwrite(file, tail, self.size)
        os.close(file)

    def _malformed(self):
        cdef capture_t *reader = <capture_t *> self.reader
        where = f"{self.options.path}: at byte {reader.base + reader.at}"
        return f"{where}: {(<bytes> reader.expected).decode()} was expected"

    cdef int c_recv(self, batch_t *batch) except -1 nogil:
        cdef capture_t *reader = <capture_t *> self.reader
        cdef uint32_t before = batch.count
        cdef int status = PACKET
        if self.file < 0:
            pcap_closed(self)
        if reader.fd != self.file:      # written, not read
            return 0
        while batch.count - before < BATCH_RECEIVE and batch.arena.cursor < ARENA_RECEIVE:
            status = capture_next(reader)
            if status != PACKET:
                break
            if pcap_medium(reader.link) != self.medium:
                self.foreign += 1
                self.other = reader.link
            elif not pcap_append(self, batch, reader):
                break
        if batch.count == before and status != PACKET:
            pcap_end(self, status)
        return batch.count - before

    cdef int c_send(self, batch_t *batch) except -1 nogil:
        cdef uint64_t now_ns = batch.now_ns + self.epoch_ns
        cdef uint32_t first = 0
        cdef uint32_t i
        if self.file < 0:
            pcap_closed(self)
        if (<capture_t *> self.reader).fd == self.file:
            pcap_refuse(batch, 0, batch.count, READ_ONLY)
            return batch.count
        for i in range(batch.count):
            if self.used + BLOCK + batch.packets[i].len + 3 > WINDOW:
                pcap_flush(self, batch, first, i)
                first = i
            self.used += pcap_block(self.buffer + self.used, &batch.packets[i], now_ns)
        pcap_flush(self, batch, first, batch.count)
        return batch.count


cdef uint32_t pcap_medium(uint32_t link) noexcept nogil:
    """The medium of a link type (tcpdump.org/linktypes.html), 0 for others."""
    if link == 1:
        return ETHERNET
    if link == 101 or link == 228 or link == 229 or link == 12 or link == 14:
        return IP             # RAW, IPV4, IPV6; and DLT_RAW of systems that write it as it is
    return 0


cdef bint pcap_append(Pcap self, batch_t *batch, const capture_t *reader) noexcept nogil:
    """The reader's packet into the batch; False where there is no room."""
    cdef uint8_t *room = arena_take(batch.arena, HEADROOM + reader.size + TAILROOM)
    cdef packet_t *p = NULL if room == NULL else batch_append(batch)
    if p == NULL:
        return False
    packet_lay(p, room, HEADROOM, reader.size, TAILROOM)
    p.medium = self.medium
    memcpy(p.data, reader.data, reader.size)
    return True


cdef int pcap_end(Pcap self, int status) except -1 with gil:
    """Nothing more can be read: raise what that means."""
    if status != END and status != CUT:
        raise DeviceClosed(self._malformed())
    if status == CUT:
        log.warning("%s: the file ends within a packet, which is left out", self.options.path)
    if self.foreign:
        log.warning(
            "%s: %d packets were not %s (the last was %s) and were passed over",
            self.options.path, self.foreign, self.options.medium, link_name(self.other),
        )
    raise DeviceClosed(f"{self.options.path}: end of file", finished=True)


cdef int pcap_closed(Pcap self) except -1 with gil:
    raise DeviceClosed(f"{self.options.path}: closed")


cdef uint32_t pcap_block(uint8_t *at, const packet_t *p, uint64_t now_ns) noexcept nogil:
    """An enhanced packet block; its length. Our own byte order, nanoseconds, interface 0."""
    cdef uint32_t length = BLOCK + ((p.len + 3) & ~<uint32_t> 3)
    cdef uint32_t *field = <uint32_t *> at
    field[0] = ENHANCED
    field[1] = length
    field[2] = 0
    field[3] = <uint32_t> (now_ns >> 32)
    field[4] = <uint32_t> now_ns
    field[5] = p.len          # captured
    field[6] = p.len          # on the wire
    memset(at + length - 8, 0, 4)
    memcpy(at + 28, p.data, p.len)
    (<uint32_t *> (at + length - 4))[0] = length
    return length


cdef void pcap_refuse(batch_t *batch, uint32_t first, uint32_t last, uint16_t reason) noexcept nogil:
    cdef uint32_t i
    for i in range(first, last):
        packet_drop(&batch.packets[i], reason)


cdef int pcap_flush(Pcap self, batch_t *batch, uint32_t first, uint32_t last) except -1 nogil:
    """Write the blocks of packets ``first`` to ``last``, or drop them and leave the file as it was."""
    cdef uint32_t done = 0
    cdef ssize_t put = 0
    cdef int error
    while done < self.used and put >= 0:
        put = pwrite(self.file, self.buffer + done, self.used - done, self.size + done)
        if put >= 0:
            done += <uint32_t> put
        elif errno == EINTR:
            put = 0
    if put >= 0:
        self.size += self.used
        self.written += last - first
    else:
        error = errno
        ftruncate(self.file, self.size)
        pcap_refuse(batch, first, last, REFUSED)
        pcap_lament(self, error)
        self.refused += last - first
    self.used = 0
    return 0


cdef int pcap_lament(Pcap self, int error) except -1 with gil:
    if self.refused == 0:
        log.warning("%s: %s; packets will be missing", self.options.path, os.strerror(error))
    return 0
