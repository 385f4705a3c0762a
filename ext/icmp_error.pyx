"""ICMP errors about packets that cannot go on, made for whoever sent them (RFC 792, 1812, 4443)."""

from libc.stdint cimport uint8_t, uint32_t
from libc.string cimport memcpy, memset

from tunnel.address cimport address_is_host
from tunnel.batch cimport Batch, batch_emit, batch_t
from tunnel.packet cimport ABSENT, ETHERNET, FRAGMENT, MORE, packet_t
from tunnel.parse cimport parse_packet
from tunnel.wire cimport (
    ETH_DESTINATION, ETH_SOURCE, ICMP6_ADDRESS_UNREACHABLE, ICMP6_ECHO_REQUEST, ICMP6_UNREACHABLE, ICMP_CHECKSUM,
    ICMP_CODE, ICMP_ECHO_REPLY, ICMP_ECHO_REQUEST, ICMP_HOST_UNREACHABLE, ICMP_REST, ICMP_SIZE, ICMP_TYPE,
    ICMP_UNREACHABLE, IP4_DESTINATION, IP4_LENGTH, IP4_PROTO, IP4_SIZE, IP4_SOURCE, IP4_TOS, IP4_TTL,
    IP6_DESTINATION, IP6_HOPS, IP6_LENGTH, IP6_NEXT, IP6_SIZE, IP6_SOURCE, MAC_SIZE, PROTO_ICMP, PROTO_ICMP6,
    csum_fold, csum_ip4, csum_partial, csum_pseudo6, put16, put32,
)

cdef enum:
    ERROR_MAX4 = 576          # of the whole error: RFC 1812, 4.3.2.3
    ERROR_MAX6 = 1280         # RFC 4443, 2.4 (c)
    INTERNET_CONTROL = 0xc0   # precedence of an ICMP error: RFC 1812, 4.3.2.5
    ERROR_HOPS = 64


cdef bint icmp_error_tellable(const packet_t *p) noexcept nogil:
    """Its source may be sent an ICMP error: RFC 1122, 3.2.2 and RFC 4443, 2.4 (e)."""
    cdef const uint8_t *ip = p.data + p.l3
    cdef bint is_v4 = p.ip_version == 4
    cdef const uint8_t *destination = ip + (IP4_DESTINATION if is_v4 else IP6_DESTINATION)
    cdef uint8_t icmp
    if p.ip_version == 0:
        return False
    if p.flags & (FRAGMENT | MORE) == FRAGMENT or (p.medium == ETHERNET and p.data[ETH_DESTINATION] & 1):
        return False
    if not address_is_host(ip + (IP4_SOURCE if is_v4 else IP6_SOURCE), p.ip_version):
        return False
    if not address_is_host(destination, p.ip_version):
        return False
    if p.proto != PROTO_ICMP and p.proto != PROTO_ICMP6:
        return True
    icmp = ICMP_UNREACHABLE if p.l4 == ABSENT else p.data[p.l4]
    if p.proto == PROTO_ICMP6:
        return icmp >= ICMP6_ECHO_REQUEST     # below lie the errors, RFC 4443, 2.1
    return icmp == ICMP_ECHO_REQUEST or icmp == ICMP_ECHO_REPLY


cdef packet_t *icmp_error_tell(
    batch_t *batch, uint32_t index, uint8_t type4, uint8_t code4, uint8_t type6, uint8_t code6, uint32_t rest
) noexcept nogil:
    """Emit the error about packet ``index`` to its source; NULL where there is no room.

    ``rest`` is the word behind the checksum. It comes from the packet's destination: that lies where the
    packet was going, so a host that filters by reverse path (rp_filter = 1) takes it from the interface by
    which it sent; an address of ours it might expect elsewhere. Whether the source may be told is
    ``icmp_error_tellable``, how often is the caller's to limit. Pointers into the batch are void
    afterwards. The caller sets egress.
    """
    cdef packet_t *p = &batch.packets[index]
    cdef bint is_v4 = p.ip_version == 4
    cdef uint32_t front = (IP4_SIZE if is_v4 else IP6_SIZE) + ICMP_SIZE
    cdef uint32_t quoted = min(p.len - p.l3, (ERROR_MAX4 if is_v4 else ERROR_MAX6) - front)
    cdef packet_t *error = batch_emit(batch, p.l3 + front + quoted)
    cdef uint8_t *icmp
    if error == NULL:
        return NULL
    p = &batch.packets[index]
    memcpy(error.data, p.data, p.l3)
    if p.medium == ETHERNET:
        memcpy(error.data + ETH_DESTINATION, p.data + ETH_SOURCE, MAC_SIZE)
        memcpy(error.data + ETH_SOURCE, p.data + ETH_DESTINATION, MAC_SIZE)
    memcpy(error.data + p.l3 + front, p.data + p.l3, quoted)
    icmp = error.data + p.l3 + front - ICMP_SIZE
    icmp[ICMP_TYPE] = type4 if is_v4 else type6
    icmp[ICMP_CODE] = code4 if is_v4 else code6
    put16(icmp + ICMP_CHECKSUM, 0)
    put32(icmp + ICMP_REST, rest)
    if is_v4:
        finish4(error.data + p.l3, p.data + p.l3, ICMP_SIZE + quoted)
    else:
        finish6(error.data + p.l3, p.data + p.l3, ICMP_SIZE + quoted)
    error.medium = p.medium
    parse_packet(error)
    return error


cdef void finish4(uint8_t *ip, const uint8_t *about, uint32_t size) noexcept nogil:
    """The IPv4 header before an ICMP message of ``size`` bytes, and both checksums."""
    cdef uint8_t *icmp = ip + IP4_SIZE
    memset(ip, 0, IP4_SIZE)
    ip[0] = 0x45
    ip[IP4_TOS] = INTERNET_CONTROL
    put16(ip + IP4_LENGTH, IP4_SIZE + size)
    ip[IP4_TTL] = ERROR_HOPS
    ip[IP4_PROTO] = PROTO_ICMP
    memcpy(ip + IP4_SOURCE, about + IP4_DESTINATION, 4)
    memcpy(ip + IP4_DESTINATION, about + IP4_SOURCE, 4)
    csum_ip4(ip)
    put16(icmp + ICMP_CHECKSUM, ~csum_fold(csum_partial(icmp, size, 0)))


cdef void finish6(uint8_t *ip, const uint8_t *about, uint32_t size) noexcept nogil:
    """The same for IPv6, whose ICMP checksum covers the pseudo-header."""
    cdef uint8_t *icmp = ip + IP6_SIZE
    memset(ip, 0, IP6_SIZE)
    ip[0] = 0x60
    put16(ip + IP6_LENGTH, size)
    ip[IP6_NEXT] = PROTO_ICMP6
    ip[IP6_HOPS] = ERROR_HOPS
    memcpy(ip + IP6_SOURCE, about + IP6_DESTINATION, 16)
    memcpy(ip + IP6_DESTINATION, about + IP6_SOURCE, 16)
    put16(icmp + ICMP_CHECKSUM, ~csum_fold(csum_partial(icmp, size, csum_pseudo6(ip, PROTO_ICMP6, size))))


cdef packet_t *icmp_error_unreachable(batch_t *batch, uint32_t index) noexcept nogil:
    """Nobody is known who would take it: host unreachable (RFC 792), address unreachable (RFC 4443, 3.1)."""
    return icmp_error_tell(
        batch, index, ICMP_UNREACHABLE, ICMP_HOST_UNREACHABLE, ICMP6_UNREACHABLE, ICMP6_ADDRESS_UNREACHABLE, 0
    )


def unreachable(Batch batch not None, uint32_t index):
    """Append to ``batch`` what tells the source of packet ``index`` that its destination is unreachable.

    False where the source may not be told, or there is no room. ``IndexError`` where there is no such packet.
    """
    if index >= batch.c.count:
        raise IndexError(index)
    return icmp_error_tellable(&batch.c.packets[index]) and icmp_error_unreachable(&batch.c, index) != NULL
