"""Memory for keys: see the ``.pxd`` for what it promises and assumes."""

from libc.stdint cimport uint8_t, uint64_t, uintptr_t
from libc.string cimport memcpy
from posix.mman cimport MAP_ANONYMOUS, MAP_FAILED, MAP_PRIVATE, PROT_READ, PROT_WRITE, mlock, mmap, munmap

from _libcrypto cimport OPENSSL_cleanse

cdef extern from "sys/mman.h" nogil:
    enum: MADV_DONTDUMP
    int madvise(void *address, size_t size, int advice)

cdef extern from "pthread.h" nogil:
    ctypedef union pthread_mutex_t:
        int __align
    int pthread_mutex_init(pthread_mutex_t *lock, const void *attributes)
    int pthread_mutex_lock(pthread_mutex_t *lock)
    int pthread_mutex_unlock(pthread_mutex_t *lock)

cdef enum:
    UNIT = 64                 # a cache line; sizes are multiples of it
    KINDS = SECRET_MAX // UNIT
    SLAB = 65536
    STACK = 16384             # X25519 in libcrypto, the deepest that handles keys, needs about 3,000

cdef void *spare[KINDS]        # by size; the first word of a spare object points to the next
cdef uint64_t used_bytes = 0
cdef uint64_t slab_bytes = 0
cdef pthread_mutex_t lock
pthread_mutex_init(&lock, NULL)


cdef bint map_slab(size_t kind) noexcept nogil:
    """Another slab, its objects spare; False without memory."""
    cdef size_t size = (kind + 1) * UNIT, offset = 0
    cdef uint8_t *slab = <uint8_t *> mmap(NULL, SLAB, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0)
    if slab == MAP_FAILED:
        return False
    if madvise(slab, SLAB, MADV_DONTDUMP) != 0:
        munmap(slab, SLAB)
        return False
    mlock(slab, SLAB)         # RLIMIT_MEMLOCK may be small: then it can be swapped out
    while offset + size <= SLAB:
        (<void **> (slab + offset))[0] = spare[kind]
        spare[kind] = slab + offset
        offset += size
    return True


cdef void *take(size_t kind) noexcept nogil:
    """A spare object of ``kind``, zeroed but for its link; NULL without memory. The caller has the lock."""
    global slab_bytes, used_bytes
    cdef void *p
    if spare[kind] == NULL:
        if not map_slab(kind):
            return NULL
        slab_bytes += SLAB
    p = spare[kind]
    spare[kind] = (<void **> p)[0]
    used_bytes += (kind + 1) * UNIT
    return p


cdef void *secret_new(size_t size) noexcept nogil:
    """``size`` zeroed bytes, 1 to SECRET_MAX, at a multiple of 64; NULL where memory ends."""
    cdef size_t kind = (size - 1) // UNIT
    cdef void *p
    if kind >= KINDS:
        return NULL
    pthread_mutex_lock(&lock)
    p = take(kind)
    pthread_mutex_unlock(&lock)
    if p != NULL:
        (<void **> p)[0] = NULL
    return p


cdef void *secret_make(size_t size) except NULL:
    """``secret_new``, but raises ``MemoryError``."""
    cdef void *p = secret_new(size)
    if p == NULL:
        raise MemoryError("memory for keys")
    return p


cdef void secret_free(void *p, size_t size) noexcept nogil:
    """Wipe and give back what ``secret_new(size)`` gave; NULL is allowed."""
    global used_bytes
    cdef size_t kind = (size - 1) // UNIT
    if p == NULL:
        return
    OPENSSL_cleanse(p, (kind + 1) * UNIT)
    pthread_mutex_lock(&lock)
    (<void **> p)[0] = spare[kind]
    spare[kind] = p
    used_bytes -= (kind + 1) * UNIT
    pthread_mutex_unlock(&lock)


cdef void secret_wipe(void *p, size_t size) noexcept nogil:
    """Zeros that the compiler does not leave out."""
    OPENSSL_cleanse(p, size)


cdef void secret_scrub_stack() noexcept nogil:
    """Overwrite the 16 KiB of stack below the caller: what returned functions spilt there of keys is gone.

    Called through a pointer from other modules, so its frame is never part of the caller's.
    """
    cdef uint8_t[STACK] room
    OPENSSL_cleanse(room, STACK)


def usage():
    """Bytes of objects in use and of slabs mapped, in this process."""
    return used_bytes, slab_bytes


cdef class Secret:
    """``size`` zeroed bytes of memory for keys, 1 to 4,096, for tests and tools."""

    cdef uint8_t *at
    cdef size_t size

    def __cinit__(self, size_t size):
        if not 0 < size <= SECRET_MAX:
            raise ValueError(f"a secret has 1 to {SECRET_MAX} bytes, not {size}")
        self.at = <uint8_t *> secret_make(size)
        self.size = size

    def __init__(self, size):
        pass

    def __dealloc__(self):
        secret_free(self.at, self.size)

    @property
    def address(self):
        """Where it lies, a multiple of 64."""
        return <uintptr_t> self.at

    def write(self, bytes content not None):
        """Copy ``content`` to its start. ``ValueError`` where it is longer."""
        if <size_t> len(content) > self.size:
            raise ValueError(f"{len(content)} bytes for a secret of {self.size}")
        memcpy(self.at, <const uint8_t *> content, len(content))

    def read(self):
        """A copy of all its bytes."""
        return self.at[:self.size]

    def wipe(self):
        """Zeros over all of it."""
        secret_wipe(self.at, self.size)
