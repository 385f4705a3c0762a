"""Wire: the smallest native handler, and the one to start from."""

from tunnel.batch cimport batch_t
from tunnel.handler cimport Handler
from tunnel.packet cimport F_ALL


cdef class Wire(Handler):
    """Joins two ports: what enters by one leaves by the other.

    Ports: ``a``, ``b``, of any medium. Options: none. Super-packets and partial checksums pass
    whole. Drops: none. See also: ``tee``, ``impair``.
    """

    ports = ("a", "b")
    accepts = F_ALL
    parallel = True

    cdef int c_process(self, batch_t *batch) except -1 nogil:
        cdef unsigned int i
        for i in range(batch.count):
            batch.packets[i].egress = 1 - batch.packets[i].ingress
        return 0
