"""Externs of the socket devices; private, on the include path only."""

from libc.stdint cimport uint16_t, uint32_t

cdef extern from "sys/socket.h" nogil:
    ctypedef unsigned int socklen_t
    enum: MSG_DONTWAIT
    enum: MSG_NOSIGNAL

    struct iovec:
        void *iov_base
        size_t iov_len

    struct msghdr:
        void *msg_name
        socklen_t msg_namelen
        iovec *msg_iov
        size_t msg_iovlen
        void *msg_control
        size_t msg_controllen
        int msg_flags

    struct mmsghdr:
        msghdr msg_hdr
        unsigned int msg_len

    struct cmsghdr:
        size_t cmsg_len
        int cmsg_level
        int cmsg_type

    cmsghdr *CMSG_FIRSTHDR(msghdr *message)
    cmsghdr *CMSG_NXTHDR(msghdr *message, cmsghdr *cmsg)
    unsigned char *CMSG_DATA(cmsghdr *cmsg)
    size_t CMSG_SPACE(size_t size)
    size_t CMSG_LEN(size_t size)
    int recvmmsg(int fd, mmsghdr *messages, unsigned int count, int flags, void *timeout)
    int sendmmsg(int fd, mmsghdr *messages, unsigned int count, int flags)
    ssize_t recvmsg(int fd, msghdr *message, int flags)

cdef extern from "netinet/in.h" nogil:
    enum: IPPROTO_IP
    enum: IPPROTO_IPV6
    enum: IPPROTO_UDP
    enum: IP_PKTINFO
    enum: IP_TOS
    enum: IPV6_PKTINFO
    enum: IPV6_TCLASS

    struct in_addr:
        uint32_t s_addr

    struct in6_addr:
        unsigned char s6_addr[16]

    struct in_pktinfo:
        int ipi_ifindex
        in_addr ipi_spec_dst
        in_addr ipi_addr

    struct in6_pktinfo:
        in6_addr ipi6_addr
        unsigned int ipi6_ifindex

cdef extern from *:
    """
    #include <netinet/udp.h>
    #ifndef UDP_SEGMENT       /* linux/udp.h, which some C libraries do not repeat */
    #define UDP_SEGMENT 103
    #define UDP_GRO 104
    #endif
    """
    enum: UDP_SEGMENT
    enum: UDP_GRO

cdef extern from "sys/uio.h" nogil:
    ssize_t writev(int fd, const iovec *pieces, int count)

cdef extern from "linux/if_packet.h" nogil:
    enum: SOL_PACKET
    enum: PACKET_AUXDATA
    enum: TP_STATUS_VLAN_VALID
    enum: TP_STATUS_VLAN_TPID_VALID

    struct tpacket_auxdata:
        uint32_t tp_status
        uint16_t tp_vlan_tci
        uint16_t tp_vlan_tpid
