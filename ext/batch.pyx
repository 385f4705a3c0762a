"""The Python face of a batch: iteration, columns, and packets made from bytes."""

cimport cython
from libc.stdlib cimport calloc, free

from tunnel.arena cimport ARENA_SIZE, arena_rewind
from tunnel.columns cimport column, column_addresses, column_ports
from tunnel.endpoint cimport endpoint_at, endpoint_new, endpoint_t
from tunnel.packet cimport DROP, ETHERNET, packet_detach, packet_face
from tunnel.parse cimport parse_batch, parse_packet

from tunnel import endpoints

# By pointer: Cython counts a reference of its own where it passes an object.
cdef extern from *:
    """
    #define face_held(face, owners) (Py_REFCNT((PyObject *) (face)) > (owners))
    """
    bint face_held(void *face, int owners)


@cython.no_gc_clear  # what the faces show must be there until they are settled
cdef class Batch:
    """The packets of one breath, and the arena that holds their bytes.

    A handler is given one, iterates over it (``for p in batch``) or takes its columns, and may add
    packets by ``emit`` and ``clone``. ``len(batch)`` counts what is in it now. A column shows, without
    copying, the packets that were there when it was taken: after ``emit`` and ``clone``, take it again.
    """

    def __cinit__(self, Arena arena=None):
        self.arena = Arena() if arena is None else arena
        self.extra = []
        self.retired = []
        self.c.arena = &self.arena.c
        self.c.face = <void *> self
        self.view0 = packet_face(NULL, self.c.arena)
        self.view1 = packet_face(NULL, self.c.arena)
        self.c.packets = <packet_t *> calloc(BATCH_RECEIVE, sizeof(packet_t))
        if self.c.packets == NULL:
            raise MemoryError("no memory for a batch")
        self.c.room = BATCH_RECEIVE

    def __dealloc__(self):
        if self.c.packets != NULL:
            batch_settle(&self.c)
        free(self.c.packets)
        for address in self.retired:
            free(<void *> <size_t> address)

    @classmethod
    def of(cls, packets, *, int medium=ETHERNET):
        """A batch of these packets (bytes), parsed; malformed ones carry their reason."""
        batch = cls()
        for data in packets:
            batch.emit(data, medium=medium)
        batch.parse()
        return batch

    @property
    def now_ns(self) -> int:
        """CLOCK_MONOTONIC when the breath began."""
        return self.c.now_ns

    def __len__(self) -> int:
        return self.c.count

    def __getitem__(self, Py_ssize_t index) -> Packet:
        if index < 0:
            index += self.c.count
        if not 0 <= index < self.c.count:
            raise IndexError(f"packet {index} of {self.c.count}")
        return _face(self, <uint32_t> index)

    def __iter__(self) -> BatchIterator:
        return BatchIterator(self)

    def emit(self, data, *, uint16_t egress=DROP, int medium=0, endpoint=None) -> Packet:
        """Add a new packet with these bytes.

        ``medium`` is that of the batch's first packet unless told; ``endpoint`` an
        ``(address, port)`` for a datagram. Raises ``MemoryError`` where there is no room.
        """
        cdef bytes raw = bytes(data)
        cdef packet_t *p
        cdef uint32_t record = 0
        if endpoint is not None:
            record = _endpoint_record(self.c.arena, endpoint)
        if not medium:
            medium = self.c.packets[0].medium if self.c.count else ETHERNET
        p = batch_emit(&self.c, <uint32_t> len(raw)) if len(raw) < ARENA_SIZE else NULL
        if p == NULL:
            raise MemoryError("no room in the batch")
        memcpy(p.data, <const char *> raw, len(raw))
        p.medium = <uint8_t> medium
        p.reason = parse_packet(p)
        p.egress = egress
        p.endpoint = record
        return _face(self, self.c.count - 1)

    def clone(self, Packet packet not None) -> Packet:
        """Add a second descriptor of a packet of this batch; no bytes are copied."""
        cdef Py_ssize_t index = packet.p - self.c.packets
        if packet.arena != self.c.arena or not 0 <= index < self.c.count:
            raise ValueError("not a packet of this batch")
        if batch_clone(&self.c, <uint32_t> index) == NULL:
            raise MemoryError("no room in the batch")
        packet.p = &self.c.packets[index]
        return _face(self, self.c.count - 1)

    def parse(self) -> None:
        """Parse every packet anew and clear its verdict."""
        with nogil:
            parse_batch(&self.c)

    def clear(self) -> None:
        """Forget the packets; faces that are still held become private."""
        batch_settle(&self.c)
        self.c.count = 0
        arena_rewind(self.c.arena)

    @property
    def egress(self):
        """Writable column of uint16: the way out of each packet."""
        return column(self, self.c.count, <uint8_t *> &self.c.packets[0].egress, 2, True)

    @property
    def reason(self):
        """Writable column of uint16: the drop reasons."""
        return column(self, self.c.count, <uint8_t *> &self.c.packets[0].reason, 2, True)

    @property
    def ingress(self):
        """Column of uint16."""
        return column(self, self.c.count, <uint8_t *> &self.c.packets[0].ingress, 2, False)

    @property
    def length(self):
        """Column of uint32: bytes."""
        return column(self, self.c.count, <uint8_t *> &self.c.packets[0].len, 4, False)

    @property
    def flow(self):
        """Column of uint32: the symmetric flow hash."""
        return column(self, self.c.count, <uint8_t *> &self.c.packets[0].flow, 4, False)

    @property
    def ethertype(self):
        """Column of uint16."""
        return column(self, self.c.count, <uint8_t *> &self.c.packets[0].ethertype, 2, False)

    @property
    def proto(self):
        """Column of uint8: the IP protocol."""
        return column(self, self.c.count, &self.c.packets[0].proto, 1, False)

    @property
    def ip_version(self):
        """Column of uint8: 4, 6 or 0."""
        return column(self, self.c.count, &self.c.packets[0].ip_version, 1, False)

    @property
    def src(self):
        """Source addresses, gathered: bytes of shape (packets, 16); IPv4 in the first 4, zeros without IP."""
        return column_addresses(&self.c, False)

    @property
    def dst(self):
        """Destination addresses, as ``src``."""
        return column_addresses(&self.c, True)

    @property
    def sport(self):
        """Source ports, gathered: uint16, 0 where there is none."""
        return column_ports(&self.c, False)

    @property
    def dport(self):
        """Destination ports, as ``sport``."""
        return column_ports(&self.c, True)


cdef class BatchIterator:
    """One walk over a batch; walks may be nested."""

    def __cinit__(self, Batch batch not None):
        self.batch = batch

    def __iter__(self):
        return self

    def __next__(self) -> Packet:
        cdef Batch batch = self.batch
        if self.index >= batch.c.count:
            raise StopIteration
        self.index += 1
        return _face(batch, self.index - 1)


cdef inline Packet _face(Batch batch, uint32_t index):
    """A face of packet ``index``: one of the two that alternate, if nobody else holds it."""
    cdef Packet packet
    if not face_held(<void *> batch.view0, 1):
        packet = batch.view0
    elif not face_held(<void *> batch.view1, 1):
        packet = batch.view1
    else:
        packet = packet_face(NULL, batch.c.arena)
        batch.extra.append(packet)
    packet.p = &batch.c.packets[index]
    return packet


cdef int batch_settle(batch_t *batch) except -1:
    """After Python has had the batch: whatever face is still held becomes private."""
    cdef Batch face = <Batch> batch.face
    cdef Packet packet
    if face_held(<void *> face.view0, 1):
        packet_detach(face.view0)
        face.view0 = packet_face(NULL, batch.arena)
    if face_held(<void *> face.view1, 1):
        packet_detach(face.view1)
        face.view1 = packet_face(NULL, batch.arena)
    if face.extra:
        for packet in face.extra:
            if face_held(<void *> packet, 2):
                packet_detach(packet)
        face.extra.clear()
    return 0


cdef bint batch_grow(batch_t *batch) noexcept nogil:
    """Double the descriptors; False at BATCH_MAX. The old array stays, a column may show it."""
    cdef packet_t *larger
    if batch.room >= BATCH_MAX:
        return False
    larger = <packet_t *> calloc(batch.room * 2, sizeof(packet_t))
    if larger == NULL:
        return False
    memcpy(larger, batch.packets, batch.count * sizeof(packet_t))
    with gil:
        _adopt(<Batch> batch.face, larger)
    return True


cdef void _adopt(Batch batch, packet_t *larger) noexcept:
    """Move the faces along to the larger array; the stores come first, for Python may fail for want of memory."""
    cdef packet_t *smaller = batch.c.packets
    cdef Packet packet
    batch.c.packets = larger
    batch.c.room *= 2
    for packet in [batch.view0, batch.view1, *batch.extra]:
        if packet.p != NULL:
            packet.p = larger + (packet.p - smaller)
    batch.retired.append(<size_t> smaller)


cdef uint32_t _endpoint_record(arena_t *arena, endpoint) except 0:
    cdef bytes record = endpoints.pack(*endpoint)
    cdef uint32_t offset = endpoint_new(arena)
    if offset == 0:
        raise MemoryError("arena full")
    memcpy(endpoint_at(arena, offset), <const char *> record, sizeof(endpoint_t))
    return offset
