from tunnel.handler cimport Handler


cdef class Wire(Handler):
    pass
