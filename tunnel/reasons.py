"""Why a packet is dropped: one table, one line a reason.

A line gives the name, the number (the index of the counters) and the text that ``tunnel`` prints.
Native modules take the number at import: ``cdef uint16_t STRANGER = reasons.STRANGER``. A plugin
declares reasons of its own by ``reasons.declare``.
"""

from __future__ import annotations

MAX = 256

_names: list[str] = []
_texts: list[str] = []


def declare(name: str, text: str) -> int:
    """The number of the reason ``name``; the same for a name that is already declared.

    Raises ``ValueError`` for a name that is no upper-case identifier, ``OverflowError`` behind
    the 256th.
    """
    if name in _names:
        return _names.index(name)
    if not (name.isidentifier() and name.isupper()):
        raise ValueError(f"reason {name!r}: an upper-case identifier was expected")
    if len(_names) == MAX:
        raise OverflowError(f"reason {name!r}: the table holds {MAX}")
    _names.append(name)
    _texts.append(text)
    return len(_names) - 1


def name(number: int) -> str:
    """The name of a reason, ``"UNCLAIMED"`` for 0; ``"REASON_200"`` for one that nobody declared."""
    return _names[number] if number < len(_names) else f"REASON_{number}"


def text(number: int) -> str:
    """What the reason means, in a few words for a person."""
    return _texts[number] if number < len(_texts) else "a number that nobody declared"


def known() -> list[str]:
    """The names declared so far, by number."""
    return list(_names)


UNCLAIMED = declare("UNCLAIMED", "the handler gave it no way out")
UNLINKED = declare("UNLINKED", "it left by a port that no link joins")
LOOP = declare("LOOP", "more than 16 handlers have seen it")
NO_ROOM = declare("NO_ROOM", "arena or batch full")
HELD_FULL = declare("HELD_FULL", "the store of held packets is full")
RAISED = declare("RAISED", "the handler raised an exception")
QUARANTINED = declare("QUARANTINED", "the handler raised too often and is passed over")
CLOSED = declare("CLOSED", "the device is closed")

TRUNCATED = declare("TRUNCATED", "shorter than its headers say")
BAD_VERSION = declare("BAD_VERSION", "the IP version is neither 4 nor 6, or not what the frame says")
BAD_HEADER = declare("BAD_HEADER", "a header length is out of range")
BAD_LENGTH = declare("BAD_LENGTH", "a length field and the packet disagree")
BAD_CHECKSUM = declare("BAD_CHECKSUM", "a checksum is wrong")
TOO_DEEP = declare("TOO_DEEP", "too many tags or extension headers")
BAD_GSO = declare("BAD_GSO", "a super-packet whose fields disagree with its headers")

REFUSED = declare("REFUSED", "the kernel refused to send it")
LINK_DOWN = declare("LINK_DOWN", "the interface is down")
TOO_BIG = declare("TOO_BIG", "larger than the path's MTU")
NO_ROUTE = declare("NO_ROUTE", "no route to its destination")
NO_ENDPOINT = declare("NO_ENDPOINT", "a datagram without a destination")
READ_ONLY = declare("READ_ONLY", "the device only brings packets")

WRONG_MEDIUM = declare("WRONG_MEDIUM", "not what this port carries")
STRANGER = declare("STRANGER", "from an address that is not the peer's")
NO_PEER = declare("NO_PEER", "no peer is known yet")
NOT_ANSWERED = declare("NOT_ANSWERED", "not a packet that is answered")
NOT_OURS = declare("NOT_OURS", "for an address that is not answered for")
MARTIAN = declare("MARTIAN", "an address that no answer may go to")
RATE = declare("RATE", "above the rate limit")
LOST = declare("LOST", "lost on purpose")
QUEUE_FULL = declare("QUEUE_FULL", "the emulated link's queue is full")

NO_SESSION = declare("NO_SESSION", "no session with the peer")
NO_ALLOWED_IP = declare("NO_ALLOWED_IP", "no peer is allowed its destination")
STAGED_FULL = declare("STAGED_FULL", "the oldest of 128 that waited for a session")
BAD_MESSAGE = declare("BAD_MESSAGE", "no message of the protocol")
BAD_MAC = declare("BAD_MAC", "a handshake message that is not for us")
BAD_TAG = declare("BAD_TAG", "it does not authenticate")
REPLAYED = declare("REPLAYED", "it came before, or is too old")
EXPIRED = declare("EXPIRED", "its session is too old")
WRONG_SOURCE = declare("WRONG_SOURCE", "the peer is not allowed its source")
UNDER_LOAD = declare("UNDER_LOAD", "a handshake without a cookie, under load")
HANDSHAKES_FULL = declare("HANDSHAKES_FULL", "too many handshakes wait already")
