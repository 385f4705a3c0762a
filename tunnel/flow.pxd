"""The symmetric flow hash: the same number for both directions of a flow. Header-only.

Each end of the flow is a 64-bit key of address and port. The keys are mixed apart and then added, so
that swapping ports alone gives another flow but swapping the ends does not.
"""

from libc.stdint cimport uint8_t, uint32_t, uint64_t

from tunnel.wire cimport be16, load32, load64


cdef inline uint64_t flow_mix(uint64_t key) noexcept nogil:
    """The odd multiplier of splitmix64; the shift brings the upper half down."""
    key *= <uint64_t> 0x9e3779b97f4a7c15ULL
    return key ^ (key >> 32)


cdef inline uint32_t flow_hash(uint64_t here, uint64_t there, uint64_t proto) noexcept nogil:
    return <uint32_t> (((flow_mix(here) + flow_mix(there) + proto) * <uint64_t> 0xbf58476d1ce4e5b9ULL) >> 32)


cdef inline uint64_t flow_key6(const uint8_t *address) noexcept nogil:
    """The key of an IPv6 address; that of an IPv4 address is its four bytes."""
    return load64(address) * <uint64_t> 0x94d049bb133111ebULL + load64(address + 8)


cdef inline uint64_t flow_port(uint32_t port) noexcept nogil:
    """What a port adds to the key of its address: above the bits of an IPv4 address."""
    return <uint64_t> port << 40


cdef inline uint64_t flow_mac(const uint8_t *address) noexcept nogil:
    return load32(address) | <uint64_t> be16(address + 4) << 32
