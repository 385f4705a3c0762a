"""An endpoint_t to and from the name and control messages of a msghdr; private, header-only.

read    name -> remote address; pktinfo, ToS -> our address, interface, ToS; UDP_GRO -> segment size
write   the other way, in the order UDP_SEGMENT, ToS, pktinfo
"""

from libc.errno cimport EINVAL, ENETUNREACH, ENODEV
from libc.stdint cimport int32_t, uint8_t, uint16_t, uint32_t
from libc.string cimport memcmp, memcpy, memset

from _socket cimport (
    CMSG_DATA, CMSG_FIRSTHDR, CMSG_LEN, CMSG_NXTHDR, CMSG_SPACE, IP_PKTINFO, IP_TOS, IPPROTO_IP,
    IPPROTO_IPV6, IPPROTO_UDP, IPV6_PKTINFO, IPV6_TCLASS, UDP_GRO, UDP_SEGMENT, cmsghdr, in6_pktinfo,
    in_pktinfo, msghdr,
)
from tunnel.endpoint cimport AF_INET, AF_INET6, endpoint_t

cdef enum:
    NAME = 28                 # sizeof(struct sockaddr_in6)
    CONTROL = 192             # both pktinfo (32, 40), ToS, traffic class, UDP_GRO (24 each), and reserve


cdef extern from *:
    """static const unsigned char message_nowhere[16] = {0};  /* in6addr_any */"""
    const uint8_t *NOWHERE "message_nowhere"


cdef inline bint name_is_mapped(const uint8_t *name) noexcept nogil:
    """A sockaddr_in6 with an address of ::ffff:0:0/96."""
    return memcmp(&name[8], NOWHERE, 10) == 0 and name[18] == 0xff and name[19] == 0xff


cdef inline void name_unmap(endpoint_t *endpoint, uint32_t size) noexcept nogil:
    """A v4-mapped sockaddr_in6 becomes a sockaddr_in; the port lies at 2 in both."""
    endpoint.size = size
    if size == NAME and name_is_mapped(endpoint.name):
        (<uint16_t *> endpoint.name)[0] = AF_INET
        memcpy(&endpoint.name[4], &endpoint.name[20], 4)
        memset(&endpoint.name[8], 0, NAME - 8)
        endpoint.size = 16


cdef inline uint32_t control_read(msghdr *message, endpoint_t *endpoint) noexcept nogil:
    """Local address, interface and ToS; returns the segment size, 0 where none was told.

    IPv4 on an IPv6 socket brings both kinds: the IPv4 one has the address to answer from
    (ipi_spec_dst: our own even where the datagram was broadcast), the other is left.
    """
    cdef cmsghdr *cmsg = CMSG_FIRSTHDR(message)
    cdef in_pktinfo *four
    cdef in6_pktinfo *six
    cdef int32_t segment = 0
    while cmsg != NULL:
        if cmsg.cmsg_level == IPPROTO_IP and cmsg.cmsg_type == IP_PKTINFO:
            four = <in_pktinfo *> CMSG_DATA(cmsg)
            memcpy(endpoint.local, &four.ipi_spec_dst, 4)
            endpoint.ifindex = four.ipi_ifindex
        elif cmsg.cmsg_level == IPPROTO_IP and cmsg.cmsg_type == IP_TOS:
            endpoint.tos = CMSG_DATA(cmsg)[0]
        elif cmsg.cmsg_level == IPPROTO_UDP and cmsg.cmsg_type == UDP_GRO:
            memcpy(&segment, CMSG_DATA(cmsg), sizeof(segment))
        elif cmsg.cmsg_level == IPPROTO_IPV6 and endpoint.size == NAME:
            if cmsg.cmsg_type == IPV6_PKTINFO:
                six = <in6_pktinfo *> CMSG_DATA(cmsg)
                endpoint.ifindex = six.ipi6_ifindex
                if six.ipi6_addr.s6_addr[0] != 0xff:    # nothing may be sent from a group
                    memcpy(endpoint.local, &six.ipi6_addr, 16)
            elif cmsg.cmsg_type == IPV6_TCLASS:
                endpoint.tos = <uint8_t> (<int32_t *> CMSG_DATA(cmsg))[0]
        cmsg = CMSG_NXTHDR(message, cmsg)
    return <uint32_t> max(segment, 0)


cdef inline uint32_t message_read(msghdr *message, endpoint_t *endpoint) noexcept nogil:
    """Complete the endpoint whose name the message was received into; returns its segment size or 0."""
    memset(endpoint.local, 0, sizeof(endpoint_t) - 32)
    name_unmap(endpoint, message.msg_namelen)
    return control_read(message, endpoint)


cdef inline void control_add(msghdr *message, int level, int kind, const void *value, size_t size) noexcept nogil:
    """Append one control message; msg_control has room for three."""
    cdef cmsghdr *cmsg = <cmsghdr *> (<uint8_t *> message.msg_control + message.msg_controllen)
    cmsg.cmsg_level = level
    cmsg.cmsg_type = kind
    cmsg.cmsg_len = CMSG_LEN(size)
    memcpy(CMSG_DATA(cmsg), value, size)
    message.msg_controllen += CMSG_SPACE(size)


cdef inline void control_write(msghdr *message, const endpoint_t *endpoint) noexcept nogil:
    """ToS first, so that ``message_unstick`` can cut the source off behind it."""
    cdef in_pktinfo four
    cdef in6_pktinfo six
    cdef int32_t tos = endpoint.tos
    cdef bint v4 = endpoint.size == 16
    if tos and v4:
        control_add(message, IPPROTO_IP, IP_TOS, &tos, sizeof(tos))
    elif tos:
        control_add(message, IPPROTO_IPV6, IPV6_TCLASS, &tos, sizeof(tos))
    if not endpoint.ifindex and not memcmp(endpoint.local, NOWHERE, 4 if v4 else 16):
        return
    if v4:
        memset(&four, 0, sizeof(four))
        four.ipi_ifindex = endpoint.ifindex
        memcpy(&four.ipi_spec_dst, endpoint.local, 4)
        control_add(message, IPPROTO_IP, IP_PKTINFO, &four, sizeof(four))
    else:
        six.ipi6_ifindex = endpoint.ifindex
        memcpy(&six.ipi6_addr, endpoint.local, 16)
        control_add(message, IPPROTO_IPV6, IPV6_PKTINFO, &six, sizeof(six))


cdef inline void name_map(uint8_t *name, const endpoint_t *endpoint) noexcept nogil:
    """The v4-mapped sockaddr_in6 of an IPv4 endpoint: what an IPv6 socket sends to."""
    memset(name, 0, NAME)
    (<uint16_t *> name)[0] = AF_INET6
    memcpy(&name[2], &endpoint.name[2], 2)
    memset(&name[18], 0xff, 2)
    memcpy(&name[20], &endpoint.name[4], 4)


cdef inline void message_write(msghdr *message, endpoint_t *endpoint, uint8_t *mapped) noexcept nogil:
    """Send to the endpoint; ``mapped``, of an IPv6 socket, has room for a name (else NULL).

    Its pieces are laid already. Several are datagrams, each as long as the first: a segment size in
    front of one datagram made some kernels send partial checksums (mended by d96016a764f6).
    """
    cdef uint16_t segment
    message.msg_name = endpoint.name
    message.msg_namelen = endpoint.size
    if mapped != NULL and endpoint.size == 16:
        name_map(mapped, endpoint)
        message.msg_name = mapped
        message.msg_namelen = NAME
    message.msg_controllen = 0
    if message.msg_iovlen > 1:
        segment = <uint16_t> message.msg_iov.iov_len
        control_add(message, IPPROTO_UDP, UDP_SEGMENT, &segment, sizeof(segment))
    control_write(message, endpoint)


cdef inline bint message_unstick(msghdr *message, const endpoint_t *endpoint, int error) noexcept nogil:
    """After an error that may mean that our address or interface has gone: let routing choose the source.

    False where it already did, or where the error is another one.
    """
    cdef size_t kept = CMSG_SPACE(sizeof(int32_t)) if endpoint.tos else 0
    if message.msg_iovlen > 1:
        kept += CMSG_SPACE(sizeof(uint16_t))
    if message.msg_controllen == kept or (error != EINVAL and error != ENODEV and error != ENETUNREACH):
        return False
    message.msg_controllen = kept
    return True
