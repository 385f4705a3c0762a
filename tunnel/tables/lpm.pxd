"""Longest-prefix match: address prefixes of both families, each with a number. C face.

A path-compressed binary trie per family in one pool of nodes, and in front of each trie a slot for
every value of an address's first 12 bits:

    slot         the number of the longest prefix above, and the first node of 12 bits or more below
    node         a prefix, with a number or (where two paths part) without, and two children

So a look-up reads one slot and then only nodes that lie below it: one or two where there are few
prefixes, about six of 100,000 random ones. An IPv4 address is taken as the first 32 bits of 128.
"""

from libc.stdint cimport uint8_t, uint32_t, uint64_t

from tunnel.wire cimport be32

cdef enum:
    LPM_NONE = 0xffffffff
    LPM_FRONT = 12            # bits that choose a slot
    LPM_SLOTS = 4096

ctypedef struct lpm_node_t:   # 32 bytes of its own: a look-up touches one cache line a node
    uint64_t high             # the prefix in host order, the bits behind it zero
    uint64_t low
    uint32_t child[2]         # by the first bit behind the prefix; 0 = none
    uint32_t value            # LPM_NONE: two paths part here, nothing more
    uint8_t length            # in bits
    uint8_t six               # of IPv6

ctypedef struct lpm_link_t:   # what only changes read of a node
    uint32_t parent           # 0 at the top
    uint32_t older            # neighbours in the list of its value; 0 at the ends
    uint32_t newer

ctypedef struct lpm_list_t:   # the prefixes of one value, in order of insertion
    uint32_t oldest
    uint32_t newest
    uint32_t count

ctypedef struct lpm_slot_t:
    uint32_t node             # the first of LPM_FRONT bits or more below; 0 = none
    uint32_t value            # of the longest shorter prefix

ctypedef struct lpm_t:
    lpm_node_t *nodes         # [0] is no node
    lpm_link_t *links
    lpm_list_t *lists         # by value
    lpm_slot_t *slots         # LPM_SLOTS for IPv4, then as many for IPv6
    size_t nodes_room         # bytes mapped, each
    size_t links_room
    size_t lists_room
    uint32_t top[2]           # node, for IPv4 and for IPv6; 0 = none
    uint32_t used             # nodes ever in use, [0] among them
    uint32_t free             # node, the next in child[0]; 0 = none
    uint32_t spare            # how many are free
    uint32_t count            # prefixes
    uint32_t limit


cdef class Lpm:
    cdef lpm_t c


cdef inline uint64_t lpm_word(const uint8_t *at) noexcept nogil:
    """Eight bytes in host order."""
    return <uint64_t> be32(at) << 32 | be32(at + 4)


cdef inline uint32_t lpm_find(const lpm_t *table, const uint8_t *address, uint8_t version) noexcept nogil:
    """The number of the longest prefix that holds ``address`` (4 or 16 bytes, as in the header), or LPM_NONE.

    ``version`` is 4 or 6.
    """
    cdef bint six = version == 6
    cdef uint64_t high = lpm_word(address) if six else <uint64_t> be32(address) << 32
    cdef uint64_t low = lpm_word(address + 8) if six else 0
    cdef const lpm_slot_t *slot = &table.slots[(high >> (64 - LPM_FRONT)) + (LPM_SLOTS if six else 0)]
    cdef const lpm_node_t *node
    cdef uint32_t best = slot.value, at = slot.node
    while at:
        node = &table.nodes[at]
        if node.length <= 64:                    # and at least LPM_FRONT
            if (high ^ node.high) >> (64 - node.length):
                break
        elif high != node.high or (low ^ node.low) >> (128 - node.length):
            break
        if node.value != LPM_NONE:
            best = node.value
        # a whole address has no children, whichever bit is taken
        at = node.child[(high >> (63 - node.length) if node.length < 64 else low >> (127 - node.length & 63)) & 1]
    return best
