from tunnel.batch cimport batch_t
cdef void offload_fit(batch_t *batch, batch_t *out, unsigned int accepts) noexcept nogil:
    pass
