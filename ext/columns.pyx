"""Columns: one field of every packet, shown in place with a stride of 64, or gathered in one pass."""

from cpython.buffer cimport PyBUF_STRIDES, PyBUF_WRITABLE
from cpython.bytearray cimport PyByteArray_AS_STRING
from libc.stdint cimport uint8_t, uint16_t, uint32_t
from libc.string cimport memcpy, memset

from _fields cimport packet_has_ports

from tunnel.batch cimport batch_t
from tunnel.packet cimport packet_t
from tunnel.wire cimport IP4_DESTINATION, IP4_SOURCE, IP6_DESTINATION, IP6_SOURCE, be16


cdef class Column:
    """The exporter behind a column: one field of every packet, stride 64."""

    def __getbuffer__(self, Py_buffer *buffer, int flags):
        if self.batch is None:
            raise BufferError("a column is made by a batch")
        if flags & PyBUF_STRIDES != PyBUF_STRIDES:
            raise BufferError("a column is not contiguous")
        if flags & PyBUF_WRITABLE and not self.writable:
            raise BufferError("this column is read only")
        buffer.buf = self.start
        buffer.obj = self
        buffer.len = self.shape * self.itemsize
        buffer.itemsize = self.itemsize
        buffer.readonly = not self.writable
        buffer.ndim = 1
        buffer.format = <char *> self.format
        buffer.shape = &self.shape
        buffer.strides = &self.stride
        buffer.suboffsets = NULL
        buffer.internal = NULL


cdef object column(object batch, uint32_t count, uint8_t *start, int itemsize, bint writable):
    """A memoryview of the field at ``start`` of the first packet, and of the others; ``batch`` keeps them."""
    cdef Column shown = Column.__new__(Column)
    shown.batch = batch
    shown.start = start
    shown.shape = count
    shown.stride = sizeof(packet_t)
    shown.itemsize = itemsize
    shown.format = b"B" if itemsize == 1 else b"H" if itemsize == 2 else b"I"
    shown.writable = writable
    return memoryview(shown)


cdef object column_addresses(const batch_t *batch, bint destination):
    """Bytes of shape (packets, 16)."""
    room = bytearray(batch.count * GATHERED)
    _gather_addresses(batch, <uint8_t *> PyByteArray_AS_STRING(room), destination)
    return memoryview(room).cast("B", (batch.count, GATHERED)) if batch.count else memoryview(room)


cdef object column_ports(const batch_t *batch, bint destination):
    """An array of uint16."""
    room = bytearray(batch.count * sizeof(uint16_t))
    _gather_ports(batch, <uint16_t *> PyByteArray_AS_STRING(room), destination)
    return memoryview(room).cast("H")


cdef void _gather_addresses(const batch_t *batch, uint8_t *room, bint destination) noexcept nogil:
    """16 bytes a packet; zeros without IP."""
    cdef const packet_t *p
    cdef uint32_t i
    memset(room, 0, batch.count * GATHERED)
    for i in range(batch.count):
        p = &batch.packets[i]
        if p.ip_version == 4:
            memcpy(room + i * GATHERED, p.data + p.l3 + (IP4_DESTINATION if destination else IP4_SOURCE), 4)
        elif p.ip_version == 6:
            memcpy(room + i * GATHERED, p.data + p.l3 + (IP6_DESTINATION if destination else IP6_SOURCE), 16)


cdef void _gather_ports(const batch_t *batch, uint16_t *room, bint destination) noexcept nogil:
    """Host order; 0 where the packet has no ports."""
    cdef const packet_t *p
    cdef uint32_t i
    for i in range(batch.count):
        p = &batch.packets[i]
        room[i] = be16(p.data + p.l4 + (2 if destination else 0)) if packet_has_ports(p) else 0
