"""C face of ``Tee``."""

from tunnel.handler cimport Handler


cdef class Tee(Handler):
    pass
