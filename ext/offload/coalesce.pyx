"""Joining packets of one batch into super-packets (as net/ipv4/tcp_offload.c and udp_offload.c do).

    coalesce_batch      windows of 1,024 packets; nothing waits for another batch
        _link           each packet: into the open group of its flow, or the group is closed
            alike_candidate   may it be in a group at all
            alike_headers     do its headers differ from the group's in what may differ only
            _place            does it follow the group's last byte, or come before its first
            _good             are its checksums right: what is corrupt is never joined, or it would be mended
        _gather         each group of two or more: one header, the payloads behind one another

A flow has at most one open group, and a packet of it that cannot join closes that group: no packet
is overtaken by one that came later. Open groups stand in a table of 64 sets of four, newest first;
the fifth of a set closes the oldest.
"""

from libc.stdint cimport uint8_t, uint16_t, uint32_t
from libc.string cimport memcpy, memset

from _alike cimport alike_candidate, alike_feature, alike_flow, alike_headers
from tunnel.arena cimport HEADROOM, arena_t, arena_take
from tunnel.batch cimport Batch, batch_settle
from tunnel.offload.checksum cimport checksum_verify
from tunnel.packet cimport (
    F_CSUM, FRAGMENT, GSO_TCPV4, GSO_TCPV6, GSO_UDP_L4, NEEDS_CSUM, SHARED, packet_t,
)

cimport tunnel.wire as wire

cdef enum:
    WINDOW = 1024             # 60 KiB of stack, touched as far as it is used
    SETS = 64
    WAYS = 4
    NOBODY = 0xffff
    IP_MAX = 65535            # bytes of an IP packet
    UDP_MAX = 64              # segments: UDP_MAX_SEGMENTS before Linux 6.9

cdef enum fate_t:
    JOINED
    APART                     # it begins another group
    CORRUPT                   # it is in none

ctypedef struct group_t:      # packets of a flow without a gap; numbered as the first of them to come
    uint32_t flow
    uint32_t sequence         # TCP: of its first byte
    uint32_t bytes            # of payload
    uint32_t most             # bytes of payload that it may have
    uint16_t size             # payload bytes a segment
    uint16_t count
    uint16_t head             # first packet, in the order of bytes
    uint16_t tail
    uint16_t id               # IPv4 identification of the head
    bint constant             # all have that one; otherwise it rises by 1
    bint pushed               # the tail has PSH

ctypedef struct window_t:
    packet_t *packets
    uint32_t join
    uint16_t ways[SETS][WAYS]
    uint16_t next[WINDOW]     # packet behind it in its group
    bint joined[WINDOW]       # it is in the group of an earlier one
    group_t groups[WINDOW]


cdef inline int _place(const group_t *group, const packet_t *p) noexcept nogil:
    """1: it is the group's next segment; -1: it comes before the first; 0: neither."""
    cdef uint32_t size = p.len - p.payload
    cdef uint32_t sequence
    cdef bint full = group.bytes == <uint32_t> group.count * group.size
    if group.bytes + size > group.most:
        return 0
    if p.proto == wire.PROTO_UDP:
        return full and size <= group.size and group.count < UDP_MAX
    sequence = wire.be32(p.data + p.l4 + wire.TCP_SEQUENCE)
    if sequence == group.sequence + group.bytes:
        return full and size <= group.size and not group.pushed
    if sequence + size != group.sequence or p.data[p.l4 + wire.TCP_FLAGS] & wire.TCP_PSH:
        return 0
    return -(size == group.size or (group.count == 1 and size > group.size))


cdef inline bint _numbered(group_t *group, const packet_t *p, int place) noexcept nogil:
    """IPv4: identifications rise by 1 along the group or, with DF, are all the same (RFC 6864)."""
    cdef const uint8_t *ip = p.data + p.l3
    cdef uint16_t id = wire.be16(ip + wire.IP4_ID)
    cdef uint16_t wanted = <uint16_t> (group.id + (group.count if place > 0 else -1))
    if group.count == 1:
        group.constant = id != wanted
    if not group.constant:
        return id == wanted
    return id == group.id and wire.be16(ip + wire.IP4_FRAGMENT) & wire.IP4_DONT_FRAGMENT != 0


cdef bint _good(const packet_t *p) noexcept nogil:
    """The checksums that the super-packet will have anew are right."""
    cdef const uint8_t *ip = p.data + p.l3
    if p.ip_version == 4 and wire.csum_fold(wire.csum_partial(ip, wire.IP4_SIZE, 0)) != 0xffff:
        return False
    return checksum_verify(p)


cdef fate_t _join(window_t *window, group_t *group, uint32_t i) noexcept nogil:
    """Put packet ``i``, a candidate of the group's flow, into it if it fits."""
    cdef const packet_t *p = &window.packets[i]
    cdef const packet_t *head = &window.packets[group.head]
    cdef uint32_t size = p.len - p.payload
    cdef int place = _place(group, p)
    if not place or not alike_headers(p, head) or (p.ip_version == 4 and not _numbered(group, p, place)):
        return APART
    if group.count == 1 and not _good(head):
        return APART
    if not _good(p):
        return CORRUPT
    if place > 0:
        window.next[group.tail] = <uint16_t> i
        group.tail = <uint16_t> i
        group.pushed = p.proto == wire.PROTO_TCP and p.data[p.l4 + wire.TCP_FLAGS] & wire.TCP_PSH != 0
    else:
        window.next[i] = group.head
        group.head = <uint16_t> i
        group.sequence -= size
        group.size = <uint16_t> size
        group.id -= not group.constant
    group.bytes += size
    group.count += 1
    window.joined[i] = True
    return JOINED


cdef inline void _begin(window_t *window, uint16_t *ways, uint32_t i) noexcept nogil:
    """Packet ``i`` is a group of one, the newest of its set."""
    cdef const packet_t *p = &window.packets[i]
    cdef group_t *group = &window.groups[i]
    cdef const uint8_t *l4 = p.data + p.l4
    cdef bint tcp = p.proto == wire.PROTO_TCP
    cdef uint32_t k
    group.flow = p.flow
    group.sequence = wire.be32(l4 + wire.TCP_SEQUENCE) if tcp else 0
    group.bytes = p.len - p.payload
    group.most = IP_MAX - (p.payload - p.l3)
    group.size = <uint16_t> group.bytes
    group.count = 1
    group.head = group.tail = <uint16_t> i
    group.id = wire.be16(p.data + p.l3 + wire.IP4_ID)
    group.constant = False
    group.pushed = tcp and l4[wire.TCP_FLAGS] & wire.TCP_PSH != 0
    for k in range(WAYS - 1, 0, -1):
        ways[k] = ways[k - 1]
    ways[0] = <uint16_t> i


cdef inline uint32_t _find(const window_t *window, const uint16_t *ways, const packet_t *p) noexcept nogil:
    """Which way of its set holds the open group of the packet's flow; WAYS = none."""
    cdef uint32_t k
    for k in range(WAYS):
        if ways[k] == NOBODY:
            return WAYS
        if window.groups[ways[k]].flow == p.flow and alike_flow(p, &window.packets[ways[k]]):
            return k
    return WAYS


cdef void _link(window_t *window, uint32_t i) noexcept nogil:
    """What packet ``i`` does to the groups."""
    cdef const packet_t *p = &window.packets[i]
    cdef uint16_t *ways = window.ways[p.flow % SETS]
    cdef uint32_t k
    cdef fate_t fate = APART
    window.joined[i] = False
    window.groups[i].count = 0
    if p.reason or not p.ip_version or not alike_feature(p) & window.join:
        return
    if p.flags & FRAGMENT:
        memset(window.ways, 0xff, sizeof(window.ways))  # those behind the first name no ports: any flow's
        return
    k = _find(window, ways, p)
    if not alike_candidate(p):
        fate = CORRUPT
    elif k < WAYS:
        fate = _join(window, &window.groups[ways[k]], i)
    if fate == JOINED:
        return
    while k < WAYS:
        ways[k] = ways[k + 1] if k + 1 < WAYS else <uint16_t> NOBODY
        k += 1
    if fate == APART:
        _begin(window, ways, i)


cdef void _finish(packet_t *whole, const group_t *group, uint8_t push) noexcept nogil:
    """Lengths, checksums and the virtio header of a super-packet whose bytes are in place."""
    cdef uint8_t *ip = whole.data + whole.l3
    cdef uint8_t *l4 = whole.data + whole.l4
    cdef uint32_t size = whole.len - whole.l4
    cdef uint16_t field = wire.TCP_CHECKSUM
    if whole.ip_version == 4:
        wire.put16(ip + wire.IP4_LENGTH, <uint16_t> (whole.len - whole.l3))
        wire.csum_ip4(ip)
    else:
        wire.put16(ip + wire.IP6_LENGTH, <uint16_t> (whole.len - whole.l3 - wire.IP6_SIZE))
    if whole.proto == wire.PROTO_TCP:
        l4[<int> wire.TCP_FLAGS] |= push
        whole.gso_type = GSO_TCPV4 if whole.ip_version == 4 else GSO_TCPV6
    else:
        field = wire.UDP_CHECKSUM
        wire.put16(l4 + wire.UDP_LENGTH, <uint16_t> size)
        whole.gso_type = GSO_UDP_L4
    wire.put16(l4 + field, wire.csum_fold(wire.csum_pseudo(ip, whole.proto, size)))
    whole.gso_size = group.size
    whole.vnet_flags = NEEDS_CSUM
    whole.csum_start = whole.l4
    whole.csum_offset = field


cdef bint _gather(window_t *window, const group_t *group, arena_t *arena, packet_t *whole) noexcept nogil:
    """The super-packet of a group, in bytes of its own; False where there is no room for them."""
    cdef const packet_t *p = &window.packets[group.head]
    cdef uint8_t *room = arena_take(arena, HEADROOM + p.payload + group.bytes)
    cdef uint8_t *at
    cdef uint32_t i = group.head, _
    if room == NULL:
        return False
    whole[0] = p[0]
    whole.data = room + HEADROOM
    whole.headroom = HEADROOM
    whole.tailroom = 0
    whole.len = p.payload + group.bytes
    whole.flags &= ~SHARED
    memcpy(whole.data, p.data, p.payload)
    at = whole.data + p.payload
    for _ in range(group.count):
        p = &window.packets[i]
        memcpy(at, p.data + p.payload, p.len - p.payload)
        at += p.len - p.payload
        i = window.next[i]
    _finish(whole, group, wire.TCP_PSH if group.pushed else 0)
    return True


cdef void _release(window_t *window, const group_t *group) noexcept nogil:
    """The packets of a group stay as they are."""
    cdef uint32_t i = group.head, _
    for _ in range(group.count):
        window.joined[i] = False
        i = window.next[i]


cdef uint32_t _window(window_t *window, uint32_t count, arena_t *arena, packet_t *out) noexcept nogil:
    """Join what can be among ``count`` packets and put all to ``out``, which may be where they are."""
    cdef packet_t whole
    cdef uint32_t i, kept = 0
    memset(window.ways, 0xff, sizeof(window.ways))
    for i in range(count):
        _link(window, i)
    for i in range(count):
        if window.joined[i]:
            continue
        if window.groups[i].count > 1:
            if _gather(window, &window.groups[i], arena, &whole):
                out[kept] = whole
                kept += 1
                continue
            _release(window, &window.groups[i])
        if &out[kept] != &window.packets[i]:
            out[kept] = window.packets[i]
        kept += 1
    return kept


cdef void coalesce_batch(batch_t *batch, uint32_t join) noexcept nogil:
    """In place: see the C face."""
    cdef window_t window
    cdef uint32_t at = 0, kept = 0, count
    if batch.count < 2 or not join & F_CSUM:
        return
    window.join = join
    while at < batch.count:
        count = min(batch.count - at, <uint32_t> WINDOW)
        window.packets = &batch.packets[at]
        kept += _window(&window, count, batch.arena, &batch.packets[kept])
        at += count
    batch.count = kept


def coalesce(Batch batch not None, *, uint32_t accepts) -> None:
    """Join, in place, what a device that accepts these features can be given as super-packets."""
    batch_settle(&batch.c)
    coalesce_batch(&batch.c, accepts)
