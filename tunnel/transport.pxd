"""What the parser knows of each IP protocol: one row a protocol number. C face.

A table in place of branches, since mispredicted branches are the cost of parsing mixed traffic.
Offsets count from the L4 header. Where a protocol has no such field they point at bytes of the IP
header, which are always there, and the mask beside makes what is read come to nothing.
"""

from libc.stdint cimport int8_t, uint8_t, uint16_t, uint32_t

cdef enum extension_t:        # IPv6 extension headers, by how their length is written
    NO_EXTENSION = 0
    PLAIN = 1                 # (second byte + 1) * 8, RFC 8200
    AUTHENTICATION = 2        # (second byte + 2) * 4, RFC 4302
    FRAGMENTATION = 3         # 8

ctypedef struct transport_t:
    uint32_t ports_mask       # all ones: it has ports
    int8_t   ports
    int8_t   words            # the byte whose upper four bits are the header's length in words
    uint8_t  words_mask
    uint8_t  fixed            # bytes of the header that no length in words counts
    uint8_t  size             # least size of the header
    int8_t   length           # a length of header and payload
    uint8_t  length_mask
    uint8_t  extension        # extension_t
    uint16_t absent           # or-ed to l4: 0xffff where nothing follows at all


cdef const transport_t *transport_table() noexcept nogil
