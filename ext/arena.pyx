"""Chunks, arenas and the views that pin them: see the ``.pxd`` for the picture."""

import weakref

cimport cython

from cpython.buffer cimport PyBuffer_FillInfo

cdef extern from "sys/mman.h" nogil:
    enum: PROT_READ
    enum: PROT_WRITE
    enum: MAP_PRIVATE
    enum: MAP_ANONYMOUS
    enum: MAP_NORESERVE
    void *MAP_FAILED
    void *mmap(void *, size_t, int, int, int, long)
    int munmap(void *, size_t)

ASIDE_MAX = 16


cdef class Chunk:
    """``ARENA_SIZE`` bytes of anonymous memory, given back when nobody shows them any more."""

    def __cinit__(self, size_t size):
        cdef void *start = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0)
        if start == MAP_FAILED:
            raise MemoryError(f"no {size} bytes of memory for packets")
        self.start = <uint8_t *> start
        self.size = size

    def __dealloc__(self):
        if self.start != NULL:
            munmap(self.start, self.size)


cdef class View:
    """The exporter behind ``Packet.view``: bytes of a chunk that stay while the view lives."""

    def __getbuffer__(self, Py_buffer *buffer, int flags):
        if self.chunk is None:
            raise BufferError("a view is made by Packet.view")
        PyBuffer_FillInfo(buffer, self, self.start, self.size, False, flags)
        self.chunk.views += 1

    def __releasebuffer__(self, Py_buffer *buffer):
        self.chunk.views -= 1


@cython.no_gc_clear  # faces copy from the chunk when their batch is freed
cdef class Arena:
    """A cursor into a chunk, and the chunks set aside because a view still shows them."""

    def __cinit__(self):
        self.aside = []
        self.c.face = <void *> self
        self._adopt(Chunk(ARENA_SIZE))

    def _adopt(self, Chunk chunk not None):
        self.chunk = chunk
        self.c.start = chunk.start
        self.c.size = chunk.size
        self.c.cursor = ARENA_FIRST
        self.c.views = &chunk.views

    def _set_aside(self):
        """Views keep the chunk in use; the arena keeps count of it and takes another."""
        fresh = Chunk(ARENA_SIZE)
        self.aside = [ref for ref in self.aside if ref() is not None]
        self.aside.append(weakref.ref(self.chunk))
        self._adopt(fresh)

    @property
    def used(self) -> int:
        """Bytes up to the cursor."""
        return self.c.cursor

    def rewind(self) -> None:
        """Forget the packets; what a view shows is left to the view."""
        arena_rewind(&self.c)


cdef object arena_view(arena_t *arena, uint8_t *start, Py_ssize_t size):
    """A writable memoryview of ``size`` bytes in the chunk in use.

    Where ``ASIDE_MAX`` chunks are set aside already, it shows a private copy, which is read-only: what
    is written there would reach no packet.
    """
    cdef Arena face = <Arena> arena.face
    cdef View view
    if len(face.aside) >= ASIDE_MAX and sum([ref() is not None for ref in face.aside]) >= ASIDE_MAX:
        return memoryview(<bytes> (<char *> start)[:size])
    view = View.__new__(View)
    view.chunk = face.chunk
    view.start = start
    view.size = size
    return memoryview(view)


cdef int arena_replace(arena_t *arena) except -1 nogil:
    """Give the arena a fresh chunk: a view still shows the one in use."""
    with gil:
        (<Arena> arena.face)._set_aside()
    return 0


cdef int tunnel_abi_1() noexcept nogil:
    """The number of the C interface, in its name."""
    return 1
