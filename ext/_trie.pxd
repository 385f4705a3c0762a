"""The path-compressed trie of ``tunnel.tables.lpm``: where prefixes belong in it; private, header-only.

descend   to the place where a key belongs
graft     a leaf there, above what lies below it, or beside it under a node of what both share
splice    out goes a node that is no prefix any more, unless two paths part there
"""

from libc.stdint cimport uint8_t, uint32_t, uint64_t

from tunnel.tables.lpm cimport LPM_NONE, lpm_node_t, lpm_t

cdef extern from *:
    int clz "__builtin_clzll" (unsigned long long) noexcept nogil


ctypedef struct key_t:
    uint64_t high
    uint64_t low
    uint8_t length
    bint six


cdef inline void key_cut(key_t *key, uint32_t length) noexcept nogil:
    """Keep ``length`` bits."""
    key.length = length
    if length <= 64:
        key.low = 0
    elif length < 128:
        key.low &= ~(<uint64_t> 0xffffffffffffffffULL >> (length - 64))
    if length == 0:
        key.high = 0
    elif length < 64:
        key.high &= ~(<uint64_t> 0xffffffffffffffffULL >> length)


cdef inline uint32_t key_shared(const key_t *key, const lpm_node_t *node) noexcept nogil:
    """How many bits both begin with, at most the shorter's."""
    cdef uint32_t most = min(key.length, node.length)
    if key.high != node.high:
        return min(most, <uint32_t> clz(key.high ^ node.high))
    if key.low != node.low:
        return min(most, 64 + <uint32_t> clz(key.low ^ node.low))
    return most


cdef inline uint32_t trie_bit(uint64_t high, uint64_t low, uint32_t at) noexcept nogil:
    return (high >> (63 - at) if at < 64 else low >> (127 - at)) & 1


cdef inline uint32_t *trie_place(lpm_t *table, uint32_t parent, const key_t *key) noexcept nogil:
    """Where the number of the node on the key's way below ``parent`` stands."""
    cdef lpm_node_t *node = &table.nodes[parent]
    if parent == 0:
        return &table.top[key.six]
    return &node.child[trie_bit(key.high, key.low, node.length)]


cdef inline uint32_t trie_descend(lpm_t *table, const key_t *key, uint32_t *parent) noexcept nogil:
    """The first node on the way that does not lie above the key (0: none), and the last that does."""
    cdef uint32_t at = table.top[key.six]
    cdef lpm_node_t *node
    parent[0] = 0
    while at:
        node = &table.nodes[at]
        if node.length >= key.length or key_shared(key, node) < node.length:
            break
        parent[0] = at
        at = node.child[trie_bit(key.high, key.low, node.length)]
    return at


cdef inline uint32_t trie_held(lpm_t *table, const key_t *key) noexcept nogil:
    """The node of this very prefix, 0 where it is not held."""
    cdef uint32_t parent
    cdef uint32_t at = trie_descend(table, key, &parent)
    cdef lpm_node_t *node = &table.nodes[at]
    if at == 0 or node.length != key.length or node.high != key.high or node.low != key.low:
        return 0
    return at if node.value != LPM_NONE else 0


cdef inline uint32_t trie_node(lpm_t *table, const key_t *key, uint32_t parent) noexcept nogil:
    """A node without children; there is room, the caller saw to it."""
    cdef uint32_t at = table.free
    cdef lpm_node_t *node
    if at:
        table.free = table.nodes[at].child[0]
        table.spare -= 1
    else:
        at = table.used
        table.used += 1
    node = &table.nodes[at]
    node.high, node.low, node.length = key.high, key.low, key.length
    node.child[0] = node.child[1] = 0
    node.six = key.six
    node.value = LPM_NONE
    table.links[at].parent = parent
    return at


cdef inline void trie_adopt(lpm_t *table, uint32_t parent, uint32_t child) noexcept nogil:
    cdef lpm_node_t *node = &table.nodes[child]
    table.nodes[parent].child[trie_bit(node.high, node.low, table.nodes[parent].length)] = child
    table.links[child].parent = parent


cdef inline uint32_t trie_graft(lpm_t *table, const key_t *key) noexcept nogil:
    """The node of the key, made where there is none."""
    cdef uint32_t parent, fork, leaf
    cdef uint32_t below = trie_descend(table, key, &parent)
    cdef uint32_t common = key_shared(key, &table.nodes[below]) if below else key.length
    cdef key_t both = key[0]
    if below and common == key.length == table.nodes[below].length:
        return below
    if common == key.length:
        leaf = trie_node(table, key, parent)
        trie_place(table, parent, key)[0] = leaf
        if below:
            trie_adopt(table, leaf, below)
        return leaf
    key_cut(&both, common)
    fork = trie_node(table, &both, parent)
    leaf = trie_node(table, key, fork)
    trie_place(table, parent, key)[0] = fork
    trie_adopt(table, fork, leaf)
    trie_adopt(table, fork, below)
    return leaf


cdef inline void trie_splice(lpm_t *table, uint32_t at, bint six) noexcept nogil:
    """Take out a node that is no prefix and has at most one child; then its parent, where that is so now."""
    cdef lpm_node_t *node
    cdef uint32_t parent, child
    while at:
        node = &table.nodes[at]
        if node.value != LPM_NONE or (node.child[0] and node.child[1]):
            return
        child = node.child[0] | node.child[1]
        parent = table.links[at].parent
        if parent == 0:
            table.top[six] = child
        else:
            table.nodes[parent].child[table.nodes[parent].child[1] == at] = child
        if child:
            table.links[child].parent = parent
        node.child[0] = table.free
        table.free = at
        table.spare += 1
        at = parent
