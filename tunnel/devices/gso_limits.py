"""How large the kernel may make super-packets on an interface whose packets leave through a tunnel."""

from __future__ import annotations

SEGMENTS_MAX = 64  # of one UDP_SEGMENT send before Linux 6.9
KEPT = 321  # bytes of gso_max_size that TCP keeps for headers: MAX_TCP_HEADER + 1, sk_setup_caps in net/core/sock.c
LARGEST = 65536  # GSO_LEGACY_MAX_SIZE: above it only IPv6 with jumbograms
HEADERS6, HEADERS4 = 60, 40  # IP and TCP without options


def gso_limits(mtu: int, overhead: int, send_max: int) -> tuple[int, int] | None:
    """gso_max_size and gso_ipv4_max_size, bytes, with which a super-packet of TCP fits one send.

    A send takes ``send_max`` bytes; on the way each packet grows by ``overhead``. None where not even
    one packet fits. IPv4 has a limit of its own, for one that gives IPv4 its last segment would let
    IPv6 with timestamps have one too many. A kernel that knows one limit only (before 6.3) goes by
    the first: at most one segment less than would fit.
    """
    segments = min(send_max // (mtu + overhead), SEGMENTS_MAX)
    if segments < 1:
        return None
    six, four = (min(segments * (mtu - headers) + KEPT, LARGEST) for headers in (HEADERS6, HEADERS4))
    return six, four
