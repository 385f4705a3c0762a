"""Keys and other fields from Python have one length each; private, header-only."""


cdef inline int sized(bytes content, Py_ssize_t size, str what) except -1:
    if len(content) != size:
        raise ValueError(f"{what} has {size} bytes, not {len(content)}")
    return 0
