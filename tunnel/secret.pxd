"""Memory for keys: zeroed, kept out of core dumps, locked where the limit allows, wiped when given back. C face.

Objects of one size lie in slabs of 64 KiB, so tens of thousands of them are cheap; what was given back is
handed out again, and the slabs stay. Any thread may call these; they share one lock, so nothing may fork
while another thread is inside. A forked worker has copies of all keys, on purpose, but its memory is not
locked: locks are not inherited.
"""

cdef enum:
    SECRET_MAX = 4096         # bytes of the largest object


cdef void *secret_new(size_t size) noexcept nogil
cdef void *secret_make(size_t size) except NULL
cdef void secret_free(void *p, size_t size) noexcept nogil
cdef void secret_wipe(void *p, size_t size) noexcept nogil
cdef void secret_scrub_stack() noexcept nogil
