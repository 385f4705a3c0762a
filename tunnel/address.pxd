"""Which addresses a packet may be answered from and to. Header-only."""

from libc.stdint cimport uint8_t, uint32_t
from libc.string cimport memcpy, memset

from tunnel.wire cimport be32, load64


cdef inline bint address_is_host4(const uint8_t *address) noexcept nogil:
    """One that a single host may own: not 0/8, 127/8, multicast, 240/4 or 255.255.255.255."""
    return 0 < address[0] < 224 and address[0] != 127


cdef inline bint address_is_host6(const uint8_t *address) noexcept nogil:
    """The same for IPv6: not ff00::/8, ``::``, ``::1`` nor an IPv4-mapped address (RFC 4942, 2.2)."""
    cdef uint32_t third
    if address[0] == 0xff:
        return False
    if load64(address) != 0:
        return True
    third = be32(address + 8)
    return third != 0xffff and (third != 0 or be32(address + 12) > 1)


cdef inline bint address_is_host(const uint8_t *address, uint8_t version) noexcept nogil:
    return address_is_host4(address) if version == 4 else address_is_host6(address)


cdef inline void address_map(uint8_t *mapped, const uint8_t *address, uint8_t version) noexcept nogil:
    """Either kind in 16 bytes; IPv4 as ``::ffff:a.b.c.d``, which is on no wire."""
    if version == 6:
        memcpy(mapped, address, 16)
        return
    memset(mapped, 0, 10)
    mapped[10] = mapped[11] = 0xff
    memcpy(mapped + 12, address, 4)
