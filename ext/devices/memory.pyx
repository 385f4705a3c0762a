"""Two devices joined in one process: what one sends, the other receives."""

import os

from libc.stdint cimport uint64_t
from _linux cimport close, read, write

from tunnel.arena cimport ARENA_RECEIVE
from tunnel.batch cimport BATCH_RECEIVE, batch_t
from tunnel.device cimport Device
from tunnel.hold cimport held_t, hold_copy, hold_drop, hold_free, hold_new, hold_put
from tunnel.packet cimport ETHERNET, FRESH, packet_t

from tunnel.errors import DeviceClosed


cdef class Memory(Device):
    """One end of a pair in memory, made by ``Memory.pair``.

    The queue towards each end is bounded (``limit`` bytes of slots); a sender whose packets do not
    fit would block. ``fd`` is an eventfd that is readable while the queue is not empty. ``brings``
    and ``accepts`` are what the pair is told to carry: the tests' stand-in for any device.
    """

    def __cinit__(self, *args, **options):
        self.queue = hold_new(0)

    def __init__(self, *, int medium=ETHERNET, unsigned int brings=0, unsigned int accepts=0, limit=16 << 20):
        self.medium = medium
        self.brings = brings
        self.accepts = accepts
        self.queue.limit = limit
        self.row = []

    def __dealloc__(self):
        if self.fd >= 0:
            close(self.fd)
        hold_free(self.queue)

    @staticmethod
    def pair(**options):
        """Two ends joined to each other; the options of the class hold for both."""
        cdef Memory left = Memory(**options), right = Memory(**options)
        left.peer, right.peer = right, left
        return left, right

    def queues(self, int count) -> list:
        """A pair for each worker, the same ones for both ends; nothing passes from one to another."""
        if self.peer is None:
            return Device.queues(self, count)
        if len(self.row) != count:
            alike = {"medium": self.medium, "brings": self.brings, "accepts": self.accepts}
            pairs = [Memory.pair(limit=self.queue.limit, **alike) for _ in range(count)]
            self.row, self.peer.row = [left for left, _ in pairs], [right for _, right in pairs]
        return list(self.row)

    def open(self) -> None:
        """Make the eventfd."""
        if self.fd < 0:
            self.fd = os.eventfd(1 if self.queue.count else 0, os.EFD_NONBLOCK | os.EFD_CLOEXEC)

    def close(self) -> None:
        """Close this end; the queue is forgotten."""
        fd, self.fd = self.fd, -1
        if fd >= 0:
            os.close(fd)
        while self.queue.count:
            hold_drop(self.queue, self.queue.oldest)

    cdef int c_recv(self, batch_t *batch) except -1 nogil:
        cdef held_t *held
        cdef packet_t *p
        cdef uint64_t count
        if self.fd < 0:
            _closed(self)
        while self.queue.count and batch.count < BATCH_RECEIVE and batch.arena.cursor < ARENA_RECEIVE:
            held = self.queue.oldest
            p = hold_copy(held, batch)
            if p == NULL:
                break
            p.flags &= ~FRESH
            p.hops = 0
            p.medium = self.medium
            hold_drop(self.queue, held)
        if self.queue.count == 0 and batch.count:
            read(self.fd, &count, sizeof(count))
        return <int> batch.count

    cdef int c_send(self, batch_t *batch) except -1 nogil:
        cdef unsigned int i, done = batch.count
        cdef uint64_t one = 1
        cdef bint empty
        if self.fd < 0 or self.peer is None:
            _closed(self)
        empty = self.peer.queue.count == 0
        for i in range(batch.count):
            if hold_put(self.peer.queue, batch, &batch.packets[i]) == NULL:
                done = i
                break
        if empty and done and self.peer.fd >= 0:
            write(self.peer.fd, &one, sizeof(one))
        return <int> done


cdef int _closed(Memory device) except -1 nogil:
    with gil:
        raise DeviceClosed(f"memory device {device.name!r}: closed, or an end without another")
