"""The Python face of a packet: a window on a descriptor that costs nothing until it is read."""

from cpython.bytearray cimport PyByteArray_AS_STRING
from cpython.bytes cimport PyBytes_FromStringAndSize
from libc.string cimport memset

from _fields cimport packet_address, packet_has_macs, packet_make_own, packet_port

from tunnel.arena cimport arena_view
from tunnel.endpoint cimport endpoint_at
from tunnel.verbs cimport packet_echo, packet_reply, packet_set_address, packet_set_port

from tunnel import endpoints, reasons

assert sizeof(packet_t) == 64, "packet_t is not 64 bytes"
assert sizeof(endpoint_t) == 64, "endpoint_t is not 64 bytes"

cdef uint32_t REASONS_MAX = reasons.MAX

globals().update(
    ETHERNET=ETHERNET, IP=IP, DATAGRAM=DATAGRAM,
    CONSUMED=CONSUMED, HELD=HELD, PUNT=PUNT, DROP=DROP,
    F_CSUM=F_CSUM, F_TSO4=F_TSO4, F_TSO6=F_TSO6, F_USO4=F_USO4, F_USO6=F_USO6, F_ALL=F_ALL,
)


cdef class Packet:
    """One packet of a batch, as Python sees it.

    It is *borrowed*: while its batch is being processed it shows the batch's bytes. One that is kept
    longer becomes private then (its descriptor and bytes are copied), stays valid for ever, and
    changes to it go nowhere. Offsets are from the first byte; ``None`` where the header is absent.
    """

    def __cinit__(self):
        self.p = &self.kept

    @property
    def data(self) -> bytes:
        """All its bytes, copied."""
        return PyBytes_FromStringAndSize(<char *> self.p.data, self.p.len)

    @property
    def view(self) -> memoryview:
        """Its bytes (*shared* ones made own first), writable; *pins* the memory while it lives.

        While views of 16 earlier breaths are kept, a further one is a read-only copy.
        """
        if self.arena == NULL:
            return memoryview(self.bytes)
        packet_make_own(self.arena, self.p)
        return arena_view(self.arena, self.p.data, self.p.len)

    @property
    def payload(self) -> bytes:
        """What follows the innermost header known, copied."""
        if self.p.payload >= self.p.len:
            return b""
        return PyBytes_FromStringAndSize(<char *> self.p.data + self.p.payload, self.p.len - self.p.payload)

    def __len__(self) -> int:
        return self.p.len

    @property
    def src(self):
        """Source address, 4 or 16 bytes; None without IP. Setting it mends the checksums."""
        return packet_address(self.p, False)

    @src.setter
    def src(self, bytes address not None):
        self._set_address(address, False)

    @property
    def dst(self):
        """Destination address, 4 or 16 bytes; None without IP. Setting it mends the checksums."""
        return packet_address(self.p, True)

    @dst.setter
    def dst(self, bytes address not None):
        self._set_address(address, True)

    @property
    def src_ip(self):
        """``src`` as an ``ipaddress`` object, made when asked for."""
        return _ip(packet_address(self.p, False))

    @property
    def dst_ip(self):
        """``dst`` as an ``ipaddress`` object, made when asked for."""
        return _ip(packet_address(self.p, True))

    @property
    def sport(self):
        """Source port of TCP, UDP, SCTP; else None. Setting it (not SCTP's) mends the checksum."""
        return packet_port(self.p, 0)

    @sport.setter
    def sport(self, uint16_t port):
        self._set_port(port, False)

    @property
    def dport(self):
        """Destination port of TCP, UDP, SCTP; else None. Setting it (not SCTP's) mends the checksum."""
        return packet_port(self.p, 2)

    @dport.setter
    def dport(self, uint16_t port):
        self._set_port(port, True)

    @property
    def five_tuple(self):
        """``(src, dst, proto, sport, dport)`` in one call."""
        src, dst = packet_address(self.p, False), packet_address(self.p, True)
        return src, dst, self.p.proto, packet_port(self.p, 0), packet_port(self.p, 2)

    @property
    def proto(self) -> int:
        """IP protocol number behind every extension header; 0 without IP."""
        return self.p.proto

    @property
    def ip_version(self) -> int:
        """4, 6, or 0."""
        return self.p.ip_version

    @property
    def ethertype(self) -> int:
        """EtherType of the network header, behind tags and SNAP; 0 for a bare 802.3 length."""
        return self.p.ethertype

    @property
    def dst_mac(self):
        """Destination MAC, 6 bytes; None where there is no Ethernet header."""
        return PyBytes_FromStringAndSize(<char *> self.p.data, 6) if packet_has_macs(self.p) else None

    @property
    def src_mac(self):
        """Source MAC, 6 bytes; None where there is no Ethernet header."""
        return PyBytes_FromStringAndSize(<char *> self.p.data + 6, 6) if packet_has_macs(self.p) else None

    @property
    def vlan(self):
        """VLAN ID of the outer tag, 0 to 4095; None for an untagged frame."""
        return self.p.vlan_tci & 0xfff if self.p.vlan_tpid else None

    @property
    def vlan_inner(self):
        """VLAN ID of the second tag; None where there is none."""
        return self.p.vlan_inner & 0xfff if self.p.vlan_inner else None

    @property
    def medium(self) -> int:
        """``ETHERNET``, ``IP`` or ``DATAGRAM``: what its first byte is."""
        return self.p.medium

    @property
    def l3(self):
        """Offset of the network header."""
        return None if self.p.l3 == ABSENT else self.p.l3

    @property
    def l4(self):
        """Offset of the transport header; None behind the first fragment."""
        return None if self.p.l4 == ABSENT else self.p.l4

    @property
    def payload_offset(self) -> int:
        """Where ``payload`` begins; ``len(p)`` where there is none."""
        return self.p.payload

    @property
    def fragment(self) -> bool:
        """It is a part of a fragmented datagram."""
        return (self.p.flags & FRAGMENT) != 0

    @property
    def flow(self) -> int:
        """32-bit hash of the 5-tuple (of the MACs without IP), the same in both directions."""
        return self.p.flow

    @property
    def ingress(self) -> int:
        """Number of the port by which it entered this handler."""
        return self.p.ingress

    @property
    def egress(self) -> int:
        """Number of the port by which it will leave, or CONSUMED, HELD, PUNT, DROP."""
        return self.p.egress

    @egress.setter
    def egress(self, uint16_t port):
        self.p.egress = port

    @property
    def reason(self) -> int:
        """Why it is dropped: a number of ``tunnel.reasons``."""
        return self.p.reason

    @property
    def mark(self) -> int:
        """32 bits for the user; a new packet has 0."""
        return self.p.mark

    @mark.setter
    def mark(self, uint32_t value):
        self.p.mark = value

    @property
    def segments(self) -> int:
        """How many packets it is on the wire; more than 1 for a super-packet."""
        return packet_segments(self.p)

    @property
    def gso_size(self) -> int:
        """Payload bytes a segment; 0 for a plain packet."""
        return self.p.gso_size if self.p.gso_type else 0

    @property
    def needs_csum(self) -> bool:
        """Its L4 checksum is unfinished (a handler sees that only if it ``accepts`` it)."""
        return (self.p.vnet_flags & NEEDS_CSUM) != 0

    @property
    def endpoint(self):
        """``(address, port)`` it came from or goes to, for a DATAGRAM; a zone is a number, ``fe80::1%2``."""
        if self.arena == NULL:
            return _endpoint(&self.endpoint)
        return _endpoint(endpoint_at(self.arena, self.p.endpoint)) if self.p.endpoint else None

    def drop(self, uint16_t reason=0):
        """Drop it for a reason of ``tunnel.reasons``. Raises ``ValueError`` for a number out of the table."""
        if reason >= REASONS_MAX:
            raise ValueError(f"reason {reason}: a number of tunnel.reasons was expected")
        packet_drop(self.p, reason)

    def own(self) -> None:
        """Make *shared* bytes its own. Raises ``MemoryError`` where the arena is full."""
        packet_make_own(self.arena, self.p)

    def echo(self) -> bool:
        """Turn an ICMP or ICMPv6 echo request into its reply, checksums mended; False if it is none."""
        packet_make_own(self.arena, self.p)
        return packet_echo(self.p)

    def reply(self) -> bool:
        """Swap MACs, addresses and ports, so that it goes back; False if it has no IP header."""
        packet_make_own(self.arena, self.p)
        return packet_reply(self.p)

    def _set_address(self, bytes address, bint destination):
        cdef const uint8_t *given = <const uint8_t *> <char *> address
        packet_make_own(self.arena, self.p)
        if len(address) != (4 if self.p.ip_version == 4 else 16) or not packet_set_address(self.p, given, destination):
            raise ValueError(f"an address of {len(address)} bytes does not fit IP version {self.p.ip_version}")

    def _set_port(self, uint16_t port, bint destination):
        packet_make_own(self.arena, self.p)
        if not packet_set_port(self.p, port, destination):
            raise ValueError(f"protocol {self.p.proto} has no ports that can be set here")

    def __repr__(self) -> str:
        return f"<Packet {self.p.len} bytes proto {self.p.proto} {self.src_ip} -> {self.dst_ip}>"


def _ip(address):
    import ipaddress
    return None if address is None else ipaddress.ip_address(address)


cdef object _endpoint(const endpoint_t *record):
    return endpoints.unpack(PyBytes_FromStringAndSize(<const char *> record, sizeof(endpoint_t)))


cdef Packet packet_face(packet_t *p, arena_t *arena):
    """A new face of a descriptor in a batch."""
    cdef Packet packet = Packet.__new__(Packet)
    packet.p = p
    packet.arena = arena
    return packet


cdef int packet_detach(Packet packet) except -1:
    """Copy descriptor, endpoint and bytes into the face itself: it outlives its batch."""
    cdef packet_t *p = packet.p
    if packet.arena == NULL:
        return 0
    packet.bytes = bytearray((<char *> p.data)[:p.len])
    memset(&packet.endpoint, 0, sizeof(endpoint_t))
    if p.endpoint:
        packet.endpoint = endpoint_at(packet.arena, p.endpoint)[0]
    packet.kept = p[0]
    packet.kept.data = <uint8_t *> PyByteArray_AS_STRING(packet.bytes)
    packet.kept.headroom = packet.kept.tailroom = 0
    packet.kept.flags &= ~SHARED
    packet.p = &packet.kept
    packet.arena = NULL
    return 0
