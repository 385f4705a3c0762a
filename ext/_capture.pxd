"""Reading pcap and pcapng files, a packet at a time; private, header-only.

pcap: draft-ietf-opsawg-pcap. pcapng: draft-ietf-opsawg-pcapng; its blocks beyond section, interface
and packets are passed over. Both in either byte order. Timestamps are not looked at.

    capture_begin   the file's first bytes: which format, which byte order
    capture_next    the next packet, where it lies in the window
"""

from libc.errno cimport EINTR, errno
from libc.stdint cimport uint8_t, uint16_t, uint32_t, uint64_t
from libc.string cimport memcpy, memmove

from _linux cimport read

cdef extern from *:
    uint16_t __builtin_bswap16(uint16_t number) noexcept nogil
    uint32_t __builtin_bswap32(uint32_t number) noexcept nogil

cdef enum:
    WINDOW = 1048576          # bytes of the file that are in memory
    LARGEST = 262144          # bytes a packet, libpcap's MAXIMUM_SNAPLEN
    INTERFACES = 256          # a pcapng section

cdef enum block_t:
    SECTION = 0x0A0D0D0A
    INTERFACE = 1
    OBSOLETE = 2
    SIMPLE = 3
    ENHANCED = 6

cdef enum capture_status:
    END = 0
    PACKET = 1
    PASSED = 2                # a block without a packet
    CUT = 3                   # the file ends within a packet
    BAD = 4                   # malformed: capture_t.expected says what was not found

ctypedef struct capture_t:
    int fd
    uint8_t *window
    uint32_t at               # of the window: the first byte not yet read, and the end
    uint32_t end
    uint64_t base             # where in the file the window begins
    bint swapped              # the other byte order
    bint blocks               # pcapng
    uint32_t interfaces
    uint32_t linktype[256]
    uint32_t snaplen[256]     # 0 = no limit
    const char *expected
    const uint8_t *data       # the packet: bytes, how many, and LINKTYPE_
    uint32_t size
    uint32_t link


cdef inline uint32_t capture_32(const capture_t *c, const uint8_t *at) noexcept nogil:
    cdef uint32_t number
    memcpy(&number, at, 4)
    return __builtin_bswap32(number) if c.swapped else number


cdef inline uint16_t capture_16(const capture_t *c, const uint8_t *at) noexcept nogil:
    cdef uint16_t number
    memcpy(&number, at, 2)
    return __builtin_bswap16(number) if c.swapped else number


cdef inline int capture_bad(capture_t *c, const char *expected) noexcept nogil:
    c.expected = expected
    return BAD


cdef inline int capture_ends(const capture_t *c) noexcept nogil:
    """After ``capture_need`` found too little."""
    return END if c.at == c.end else CUT


cdef inline const uint8_t *capture_need(capture_t *c, uint32_t size) noexcept nogil:
    """The next ``size`` (at most WINDOW) bytes, not consumed; NULL where the file has fewer."""
    cdef ssize_t got
    if c.end - c.at >= size:
        return c.window + c.at
    memmove(c.window, c.window + c.at, c.end - c.at)
    c.base += c.at
    c.end -= c.at
    c.at = 0
    while c.end < size:
        got = read(c.fd, c.window + c.end, WINDOW - c.end)
        if got < 0 and errno == EINTR:
            continue
        if got <= 0:
            return NULL
        c.end += <uint32_t> got
    return c.window


cdef inline int capture_skip(capture_t *c, uint32_t size) noexcept nogil:
    """Pass over a block that may be larger than the window."""
    cdef uint32_t step
    while size:
        step = min(size, WINDOW)
        if capture_need(c, step) == NULL:
            return CUT
        c.at += step
        size -= step
    return PASSED


cdef inline int capture_begin(capture_t *c) noexcept nogil:
    """Tell the format by the first bytes; PASSED or BAD. The descriptor is at the file's start."""
    cdef const uint8_t *head = capture_need(c, 4)
    cdef uint32_t magic = 0 if head == NULL else capture_32(c, head)
    if magic == SECTION:
        c.blocks = True
        return PASSED
    c.swapped = magic == 0xd4c3b2a1U or magic == 0x4d3cb2a1U
    if not c.swapped and magic != 0xa1b2c3d4U and magic != 0xa1b23c4dU:
        return capture_bad(c, b"a pcap or pcapng file")
    head = capture_need(c, 24)
    if head == NULL:
        return capture_bad(c, b"a file header of 24 bytes")
    c.linktype[0] = capture_32(c, head + 20) & 0x0fffffff    # above: length of a frame check sequence
    c.interfaces = 1
    c.at += 24
    return PASSED


cdef inline int capture_record(capture_t *c) noexcept nogil:
    """The next packet of a pcap file."""
    cdef const uint8_t *head = capture_need(c, 16)
    if head == NULL:
        return capture_ends(c)
    c.size = capture_32(c, head + 8)
    if c.size > LARGEST:
        return capture_bad(c, b"a record of at most 262,144 bytes")
    head = capture_need(c, 16 + c.size)
    if head == NULL:
        return CUT
    c.data = head + 16
    c.link = c.linktype[0]
    c.at += 16 + c.size
    return PACKET


cdef inline int capture_interface(capture_t *c, const uint8_t *block, uint32_t length) noexcept nogil:
    if length < 20:
        return capture_bad(c, b"an interface block of at least 20 bytes")
    if c.interfaces == INTERFACES:
        return capture_bad(c, b"at most 256 interfaces a section")
    c.linktype[c.interfaces] = capture_16(c, block + 8)
    c.snaplen[c.interfaces] = capture_32(c, block + 12)
    c.interfaces += 1
    return PASSED


cdef inline int capture_packet(capture_t *c, const uint8_t *block, uint32_t kind, uint32_t length) noexcept nogil:
    """A packet block: fixed fields (28 bytes, 12 if simple), data, padding, options, length again."""
    cdef uint32_t fixed = 12 if kind == SIMPLE else 28
    cdef uint32_t interface = 0
    if length < fixed + 4:
        return capture_bad(c, b"a packet block that holds its fields")
    if kind == ENHANCED:
        interface = capture_32(c, block + 8)
    elif kind == OBSOLETE:
        interface = capture_16(c, block + 8)
    if interface >= c.interfaces:
        return capture_bad(c, b"the packet's interface described before it")
    c.size = capture_32(c, block + fixed - 8 if kind != SIMPLE else block + 8)
    if kind == SIMPLE:        # it says the length on the wire; what was captured is bounded by
        c.size = min(c.size, length - 16)
        if c.snaplen[0]:
            c.size = min(c.size, c.snaplen[0])
    if c.size > length - fixed - 4 or c.size > LARGEST:
        return capture_bad(c, b"a packet within its block, of at most 262,144 bytes")
    c.data = block + fixed
    c.link = c.linktype[interface]
    return PACKET


cdef inline int capture_section(capture_t *c, const uint8_t *block) noexcept nogil:
    """A section begins: its byte order holds, its interfaces count anew."""
    cdef uint32_t magic
    memcpy(&magic, block + 8, 4)
    if magic != 0x1A2B3C4D and magic != 0x4D3C2B1A:
        return capture_bad(c, b"the byte-order magic 1a2b3c4d")
    c.swapped = magic != 0x1A2B3C4D
    c.interfaces = 0
    return PASSED


cdef inline int capture_block(capture_t *c) noexcept nogil:
    """The next block of a pcapng file."""
    cdef const uint8_t *block = capture_need(c, 12)
    cdef uint32_t kind, length
    cdef int status = PASSED
    if block == NULL:
        return capture_ends(c)
    kind = capture_32(c, block)
    if kind == SECTION:
        status = capture_section(c, block)
    length = capture_32(c, block + 4)
    if status == BAD or length < 12 or length % 4:
        return status if status == BAD else capture_bad(c, b"a block length of at least 12, a multiple of 4")
    if length > WINDOW:
        return capture_skip(c, length)
    block = capture_need(c, length)
    if block == NULL:
        return CUT
    if capture_32(c, block + length - 4) != length:
        return capture_bad(c, b"the block's length again at its end")
    if kind == INTERFACE:
        status = capture_interface(c, block, length)
    elif kind == ENHANCED or kind == SIMPLE or kind == OBSOLETE:
        status = capture_packet(c, block, kind, length)
    if status != BAD:
        c.at += length
    return status


cdef inline int capture_next(capture_t *c) noexcept nogil:
    """PACKET, END, CUT or BAD."""
    cdef int status = PASSED
    while status == PASSED:
        status = capture_block(c) if c.blocks else capture_record(c)
    return status
