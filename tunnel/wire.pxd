"""Headers on the wire: offsets named once, inline readers and writers, checksums. Header-only.

Offsets count from the first byte of their header. Readers and writers take and give host order and
need no alignment. A *sum* is the unfolded one's complement sum of 16-bit words as they lie in memory
(RFC 1071: the byte order may be put right at the end); ``csum_fold`` turns it into the number that,
complemented, goes into a checksum field by ``put16``.
"""

from libc.stdint cimport uint8_t, uint16_t, uint32_t, uint64_t
from libc.string cimport memcpy

cdef extern from "arpa/inet.h" nogil:
    uint16_t htons(uint16_t number)
    uint16_t ntohs(uint16_t number)

cdef extern from "endian.h" nogil:
    uint32_t htole32(uint32_t number)
    uint64_t htole64(uint64_t number)

cdef enum:                    # Ethernet II, IEEE 802.3, 802.1Q
    ETH_DESTINATION = 0
    ETH_SOURCE = 6
    ETH_TYPE = 12             # or the length of an 802.3 frame: at most 1500
    ETH_SIZE = 14
    ETH_LENGTH_MAX = 1500
    ETH_TYPE_MIN = 0x600
    MAC_SIZE = 6
    TAG_TCI = 0               # from the byte behind the TPID
    TAG_TYPE = 2
    TAG_SIZE = 4
    LLC_SIZE = 3
    LLC_CONTROL = 2
    SNAP_TYPE = 6             # from the LLC header
    SNAP_SIZE = 8

cdef enum:                    # ethertypes
    TYPE_IPV4 = 0x0800
    TYPE_ARP = 0x0806
    TYPE_VLAN = 0x8100
    TYPE_IPV6 = 0x86dd
    TYPE_QINQ = 0x88a8
    TYPE_QINQ_OLD = 0x9100    # before 802.1ad had its own

cdef enum:                    # ARP, RFC 826, for Ethernet and IPv4
    ARP_HARDWARE = 0
    ARP_PROTOCOL = 2
    ARP_HARDWARE_SIZE = 4
    ARP_PROTOCOL_SIZE = 5
    ARP_OPERATION = 6
    ARP_SENDER_MAC = 8
    ARP_SENDER_IP = 14
    ARP_TARGET_MAC = 18
    ARP_TARGET_IP = 24
    ARP_FIXED = 8
    ARP_SIZE = 28
    ARP_REQUEST = 1
    ARP_REPLY = 2

cdef enum:                    # IPv4, RFC 791
    IP4_VERSION = 0           # and the header's length in words
    IP4_TOS = 1
    IP4_LENGTH = 2
    IP4_ID = 4
    IP4_FRAGMENT = 6
    IP4_TTL = 8
    IP4_PROTO = 9
    IP4_CHECKSUM = 10
    IP4_SOURCE = 12
    IP4_DESTINATION = 16
    IP4_SIZE = 20
    IP4_DONT_FRAGMENT = 0x4000
    IP4_MORE_FRAGMENTS = 0x2000
    IP4_OFFSET_MASK = 0x1fff  # in units of 8 bytes

cdef enum:                    # IPv6, RFC 8200
    IP6_VERSION = 0           # and traffic class, flow label
    IP6_LENGTH = 4            # of what follows the fixed header
    IP6_NEXT = 6
    IP6_HOPS = 7
    IP6_SOURCE = 8
    IP6_DESTINATION = 24
    IP6_SIZE = 40
    IP6_EXTENSION_MIN = 8
    IP6_FRAGMENT = 2          # in the fragment header
    IP6_OFFSET_MASK = 0xfff8  # in bytes
    IP6_MORE_FRAGMENTS = 1

cdef enum:                    # IANA protocol numbers
    PROTO_HOPOPTS = 0
    PROTO_ICMP = 1
    PROTO_IGMP = 2
    PROTO_TCP = 6
    PROTO_UDP = 17
    PROTO_ROUTING = 43
    PROTO_FRAGMENT = 44
    PROTO_GRE = 47
    PROTO_ESP = 50
    PROTO_AH = 51
    PROTO_ICMP6 = 58
    PROTO_NONE = 59
    PROTO_DSTOPTS = 60
    PROTO_SCTP = 132
    PROTO_MOBILITY = 135
    PROTO_UDPLITE = 136
    PROTO_HIP = 139
    PROTO_SHIM6 = 140

cdef enum:                    # ports come first in TCP, UDP and SCTP
    PORT_SOURCE = 0
    PORT_DESTINATION = 2

cdef enum:                    # TCP, RFC 9293
    TCP_SEQUENCE = 4
    TCP_ACK = 8
    TCP_OFFSET = 12           # upper four bits: the header's length in words
    TCP_FLAGS = 13
    TCP_WINDOW = 14
    TCP_CHECKSUM = 16
    TCP_URGENT = 18
    TCP_SIZE = 20
    TCP_FIN = 0x01
    TCP_SYN = 0x02
    TCP_RST = 0x04
    TCP_PSH = 0x08
    TCP_URG = 0x20
    TCP_CWR = 0x80
    TCP_OPTION_END = 0
    TCP_OPTION_NOP = 1
    TCP_OPTION_MSS = 2

cdef enum:                    # UDP, RFC 768
    UDP_LENGTH = 4
    UDP_CHECKSUM = 6
    UDP_SIZE = 8

cdef enum:                    # ICMP, RFC 792; ICMPv6, RFC 4443 and 4861
    ICMP_TYPE = 0
    ICMP_CODE = 1
    ICMP_CHECKSUM = 2
    ICMP_ID = 4
    ICMP_SEQUENCE = 6
    ICMP_REST = 4             # of an error: the word before what it quotes; an MTU (RFC 1191), or 0
    ICMP_SIZE = 8
    ICMP_ECHO_REPLY = 0
    ICMP_UNREACHABLE = 3
    ICMP_HOST_UNREACHABLE = 1      # code of ICMP_UNREACHABLE
    ICMP_ECHO_REQUEST = 8
    ICMP_NEEDS_FRAGMENTATION = 4   # code of ICMP_UNREACHABLE
    ICMP6_UNREACHABLE = 1
    ICMP6_ADDRESS_UNREACHABLE = 3  # code of ICMP6_UNREACHABLE
    ICMP6_TOO_BIG = 2
    ICMP6_ECHO_REQUEST = 128
    ICMP6_ECHO_REPLY = 129
    ICMP6_SOLICITATION = 135
    ICMP6_ADVERTISEMENT = 136
    ICMP6_TARGET = 8
    ICMP6_OPTIONS = 24        # behind the target

cdef enum:
    SCTP_SIZE = 12
    GRE_SIZE = 4
    ESP_SIZE = 8
    IGMP_SIZE = 8


cdef inline uint16_t be16(const uint8_t *at) noexcept nogil:
    return <uint16_t> ((at[0] << 8) | at[1])


cdef inline uint32_t be32(const uint8_t *at) noexcept nogil:
    return (<uint32_t> at[0] << 24) | (<uint32_t> at[1] << 16) | (<uint32_t> at[2] << 8) | at[3]


cdef inline void put16(uint8_t *at, uint16_t number) noexcept nogil:
    at[0] = <uint8_t> (number >> 8)
    at[1] = <uint8_t> number


cdef inline void put32(uint8_t *at, uint32_t number) noexcept nogil:
    at[0] = <uint8_t> (number >> 24)
    at[1] = <uint8_t> (number >> 16)
    at[2] = <uint8_t> (number >> 8)
    at[3] = <uint8_t> number


cdef inline uint32_t le32(const uint8_t *at) noexcept nogil:
    return htole32(load32(at))


cdef inline uint64_t le64(const uint8_t *at) noexcept nogil:
    return htole64(load64(at))


cdef inline void put32le(uint8_t *at, uint32_t number) noexcept nogil:
    number = htole32(number)
    memcpy(at, &number, 4)


cdef inline void put64le(uint8_t *at, uint64_t number) noexcept nogil:
    number = htole64(number)
    memcpy(at, &number, 8)


cdef inline uint32_t load32(const uint8_t *at) noexcept nogil:
    """Four bytes as they lie: for hashes and comparisons."""
    cdef uint32_t word
    memcpy(&word, at, 4)
    return word


cdef inline uint64_t load64(const uint8_t *at) noexcept nogil:
    cdef uint64_t word
    memcpy(&word, at, 8)
    return word


cdef inline uint64_t csum_partial(const uint8_t *at, uint32_t size, uint64_t total) noexcept nogil:
    """``total`` plus the sum of ``size`` bytes, which must start at an even offset of the whole.

    32-bit words in a 64-bit accumulator need no carries and are vectorised by the compiler.
    """
    cdef uint32_t words = size // 4
    cdef uint32_t word
    cdef uint32_t i
    for i in range(words):
        memcpy(&word, at + 4 * <size_t> i, 4)
        total += word
    if size & 3:
        word = 0
        memcpy(&word, at + 4 * <size_t> words, size & 3)
        total += word
    return total


cdef inline uint64_t csum_number(uint16_t number) noexcept nogil:
    """A number in host order as a summand."""
    return htons(number)


cdef inline uint16_t csum_fold(uint64_t total) noexcept nogil:
    """The sum in 16 bits and host order, not complemented."""
    total = <uint32_t> total + (total >> 32)
    total = (total & 0xffff) + (total >> 16 & 0xffff) + (total >> 32)
    total = (total & 0xffff) + (total >> 16)
    total = (total & 0xffff) + (total >> 16)
    return ntohs(<uint16_t> total)


cdef inline uint64_t csum_pseudo4(const uint8_t *ip, uint8_t proto, uint32_t size) noexcept nogil:
    """The sum of the pseudo-header (RFC 9293 section 3.1) for ``size`` bytes of L4."""
    return csum_partial(ip + IP4_SOURCE, 8, csum_number(proto) + csum_number(<uint16_t> size))


cdef inline uint64_t csum_pseudo6(const uint8_t *ip, uint8_t proto, uint32_t size) noexcept nogil:
    """The same for IPv6 (RFC 8200 section 8.1). Behind a routing header with segments left the
    destination is not the last one: the sum then belongs to another packet."""
    cdef uint64_t numbers = csum_number(proto) + csum_number(<uint16_t> size)
    return csum_partial(ip + IP6_SOURCE, 32, numbers + csum_number(<uint16_t> (size >> 16)))


cdef inline uint64_t csum_pseudo(const uint8_t *ip, uint8_t proto, uint32_t size) noexcept nogil:
    """``csum_pseudo4`` or ``csum_pseudo6``, by the header's version."""
    if ip[0] >> 4 == 4:
        return csum_pseudo4(ip, proto, size)
    return csum_pseudo6(ip, proto, size)


cdef inline void csum_ip4(uint8_t *ip) noexcept nogil:
    """Write the header checksum of an IPv4 header."""
    put16(ip + IP4_CHECKSUM, 0)
    put16(ip + IP4_CHECKSUM, ~csum_fold(csum_partial(ip, (ip[0] & 15) * 4, 0)))


cdef inline uint16_t csum_update16(uint16_t checksum, uint16_t old, uint16_t new) noexcept nogil:
    """The checksum after a word at an even offset went from ``old`` to ``new`` (RFC 1624, eqn. 3).

    For UDP: leave a stored 0 alone, and store 0xffff where the result is 0.
    """
    cdef uint32_t total = <uint16_t> ~checksum + <uint32_t> <uint16_t> ~old + new
    total = (total & 0xffff) + (total >> 16)
    return <uint16_t> ~((total & 0xffff) + (total >> 16))


cdef inline uint16_t csum_update32(uint16_t checksum, uint32_t old, uint32_t new) noexcept nogil:
    """The same for four bytes at an even offset."""
    checksum = csum_update16(checksum, <uint16_t> (old >> 16), <uint16_t> (new >> 16))
    return csum_update16(checksum, <uint16_t> old, <uint16_t> new)
