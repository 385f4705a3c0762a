"""Longest-prefix match: see the ``.pxd`` for the picture.

insert    1 graft      a node where the prefix belongs (``_trie.pxd``)
          2 list       at the end of its value's
          3 refresh    the slots that the prefix covers
remove    1 unlist, 2 splice, 3 refresh
"""

from cpython.bytes cimport PyBytes_FromStringAndSize
from libc.stdint cimport int64_t, uint8_t, uint32_t, uint64_t
from libc.stdlib cimport calloc, free

from _grown cimport grown_free, grown_holds
from _trie cimport key_cut, key_t, trie_bit, trie_graft, trie_held, trie_splice

from tunnel.wire cimport be32, put32

VALUE_MAX = (1 << 20) - 1   # a list has 12 bytes, so what a stray number costs is bounded
LIMIT_MAX = 1 << 24


cdef int prefix_read(key_t *prefix, bytes address, int length) except -1:
    """Host bits cleared. ``ValueError`` for a wrong size or length."""
    cdef const uint8_t *at = address
    cdef Py_ssize_t size = len(address)
    if size != 4 and size != 16:
        raise ValueError(f"an address has 4 or 16 bytes, not {size}")
    if not 0 <= length <= 8 * size:
        raise ValueError(f"a prefix of {size} bytes has 0 to {8 * size} bits, not {length}")
    prefix.six, prefix.length = size == 16, length
    prefix.high = lpm_word(at) if prefix.six else <uint64_t> be32(at) << 32
    prefix.low = lpm_word(at + 8) if prefix.six else 0
    key_cut(prefix, length)
    return 0


cdef void list_append(lpm_t *table, uint32_t at, uint32_t value) noexcept nogil:
    cdef lpm_list_t *row = &table.lists[value]
    table.nodes[at].value = value
    table.links[at].older, table.links[at].newer = row.newest, 0
    if row.newest:
        table.links[row.newest].newer = at
    else:
        row.oldest = at
    row.newest = at
    row.count += 1
    table.count += 1


cdef void list_remove(lpm_t *table, uint32_t at) noexcept nogil:
    cdef lpm_list_t *row = &table.lists[table.nodes[at].value]
    cdef lpm_link_t *link = &table.links[at]
    if link.older:
        table.links[link.older].newer = link.newer
    else:
        row.oldest = link.newer
    if link.newer:
        table.links[link.newer].older = link.older
    else:
        row.newest = link.older
    table.nodes[at].value = LPM_NONE
    row.count -= 1
    table.count -= 1


cdef void refresh_slot(lpm_t *table, uint32_t number, bint six) noexcept nogil:
    """Make the slot anew, from the top of the trie."""
    cdef lpm_slot_t *slot = &table.slots[number + (LPM_SLOTS if six else 0)]
    cdef uint64_t high = <uint64_t> number << (64 - LPM_FRONT)
    cdef uint32_t at = table.top[six]
    cdef lpm_node_t *node
    slot.node, slot.value = 0, LPM_NONE
    while at:
        node = &table.nodes[at]
        if node.length >= LPM_FRONT:
            if node.high >> (64 - LPM_FRONT) == number:
                slot.node = at
            return
        if node.length and (node.high ^ high) >> (64 - node.length):
            return
        if node.value != LPM_NONE:
            slot.value = node.value
        at = node.child[trie_bit(high, 0, node.length)]


cdef void refresh(lpm_t *table, const key_t *prefix) noexcept nogil:
    """The slots whose addresses the prefix holds: one, or for less than 12 bits up to all 4,096 (some 50 us)."""
    cdef uint32_t first = <uint32_t> (prefix.high >> (64 - LPM_FRONT))
    cdef uint32_t count = 1 if prefix.length >= LPM_FRONT else 1 << (LPM_FRONT - prefix.length)
    cdef uint32_t i
    for i in range(first, first + count):
        refresh_slot(table, i, prefix.six)


cdef bint make_room(lpm_t *table, uint32_t value) noexcept nogil:
    """For two nodes and the list of ``value``."""
    cdef uint64_t nodes = table.used + 2
    return (
        grown_holds(<void **> &table.nodes, &table.nodes_room, nodes * sizeof(lpm_node_t))
        and grown_holds(<void **> &table.links, &table.links_room, nodes * sizeof(lpm_link_t))
        and grown_holds(<void **> &table.lists, &table.lists_room, (<uint64_t> value + 1) * sizeof(lpm_list_t))
    )


cdef void forget(lpm_t *table, uint32_t at) noexcept nogil:
    """Remove the prefix of a node."""
    cdef lpm_node_t *node = &table.nodes[at]
    cdef key_t prefix
    prefix.high, prefix.low, prefix.length = node.high, node.low, node.length
    prefix.six = node.six
    list_remove(table, at)
    trie_splice(table, at, prefix.six)
    refresh(table, &prefix)


cdef inline bint has_list(const lpm_t *table, uint32_t value) noexcept nogil:
    return (<uint64_t> value + 1) * sizeof(lpm_list_t) <= table.lists_room


cdef tuple prefix_tuple(const lpm_node_t *node):
    cdef uint8_t[16] address
    put32(address, <uint32_t> (node.high >> 32))
    put32(&address[4], <uint32_t> node.high)
    put32(&address[8], <uint32_t> (node.low >> 32))
    put32(&address[12], <uint32_t> node.low)
    return PyBytes_FromStringAndSize(<char *> address, 16 if node.six else 4), node.length


cdef uint32_t value_read(int64_t value) except LPM_NONE:
    if not 0 <= value <= VALUE_MAX:
        raise ValueError(f"a value is 0 to {VALUE_MAX}, not {value}")
    return <uint32_t> value


cdef class Lpm:
    """At most ``limit`` prefixes, each with a number from 0 to ``VALUE_MAX`` (which has a list of its own).

    An address is 4 or 16 bytes, a prefix an address and a length in bits; what lies behind it is ignored.
    ``ValueError`` for any other size, length or number.
    """

    def __cinit__(self, int64_t limit=1 << 20):
        if not 1 <= limit <= LIMIT_MAX:
            raise ValueError(f"a table has 1 to {LIMIT_MAX} prefixes, not {limit}")
        self.c.slots = <lpm_slot_t *> calloc(2 * LPM_SLOTS, sizeof(lpm_slot_t))
        self.c.used = 1
        self.c.limit = <uint32_t> limit
        if self.c.slots == NULL or not make_room(&self.c, 0):
            raise MemoryError("a table of prefixes")
        for number in range(2 * LPM_SLOTS):
            self.c.slots[number].value = LPM_NONE

    def __init__(self, limit=1 << 20):
        pass

    def __dealloc__(self):
        free(self.c.slots)
        grown_free(self.c.nodes, self.c.nodes_room)
        grown_free(self.c.links, self.c.links_room)
        grown_free(self.c.lists, self.c.lists_room)

    def insert(self, bytes address not None, int length, int64_t value):
        """Give a prefix this number, whichever it had, and the last place in the number's list.

        ``OverflowError`` at the limit, ``MemoryError`` without memory; nothing has changed then.
        """
        cdef lpm_t *table = &self.c
        cdef uint32_t number = value_read(value), at
        cdef key_t prefix
        prefix_read(&prefix, address, length)
        if not make_room(table, number):
            raise MemoryError(f"a table of {table.count} prefixes finds no room for more")
        at = trie_held(table, &prefix)
        if at:
            list_remove(table, at)
        elif table.count == table.limit:
            raise OverflowError(f"the table is full: {table.limit} prefixes")
        else:
            at = trie_graft(table, &prefix)
        list_append(table, at, number)
        refresh(table, &prefix)

    def remove(self, bytes address not None, int length, int64_t value):
        """Forget a prefix if it has this number; nothing happens if not."""
        cdef uint32_t number = value_read(value), at
        cdef key_t prefix
        prefix_read(&prefix, address, length)
        at = trie_held(&self.c, &prefix)
        if at and self.c.nodes[at].value == number:
            forget(&self.c, at)

    def remove_value(self, int64_t value):
        """Forget all prefixes of a number; how many they were."""
        cdef uint32_t number = value_read(value), gone = 0
        while has_list(&self.c, number) and self.c.lists[number].oldest:
            forget(&self.c, self.c.lists[number].oldest)
            gone += 1
        return gone

    def find(self, bytes address not None):
        """The number of the longest prefix that holds ``address``."""
        cdef uint32_t value
        if len(address) != 4 and len(address) != 16:
            raise ValueError(f"an address has 4 or 16 bytes, not {len(address)}")
        value = lpm_find(&self.c, address, 4 if len(address) == 4 else 6)
        return None if value == LPM_NONE else value

    def prefixes(self, int64_t value):
        """Address and length of each prefix of a number, in order of insertion."""
        cdef uint32_t number = value_read(value)
        cdef uint32_t at = self.c.lists[number].oldest if has_list(&self.c, number) else 0
        cdef list found = []
        while at:
            found.append(prefix_tuple(&self.c.nodes[at]))
            at = self.c.links[at].newer
        return found

    def count(self, int64_t value):
        """How many prefixes have this number."""
        cdef uint32_t number = value_read(value)
        return self.c.lists[number].count if has_list(&self.c, number) else 0

    @property
    def nodes(self):
        """Nodes in use, of 48 bytes each: fewer than two a prefix."""
        return self.c.used - 1 - self.c.spare

    def __len__(self):
        return self.c.count
