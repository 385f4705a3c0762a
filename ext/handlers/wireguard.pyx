"""A VPN that speaks the WireGuard protocol.

Overlay to underlay:                              Underlay to overlay:
1. the longest prefix of the destination          1. the receiver index gives the session
   gives the peer                                 2. opened in place, 64 at a time
2. no session: staged, a handshake begins         3. replay window, roaming, timers
3. padded and sealed in place, 64 at a time       4. the source must be the peer's by longest prefix

Handshakes wait in a queue that ``tick`` serves in Python; native code has turned away the rest.
"""

import os
import time

from libc.stdint cimport uint32_t, uint64_t
from _boottime cimport boottime_ahead_ns

from tunnel.batch cimport Batch, batch_t
from tunnel.packet cimport DATAGRAM, IP
from tunnel.protocols.wireguard.opening cimport opening_batch
from tunnel.protocols.wireguard.sealing cimport sealing_batch
from tunnel.protocols.wireguard.state cimport InterfaceState
from tunnel.tables.deadlines cimport deadlines_first

from tunnel import arguments
from tunnel.handlers.options import WireGuardOptions
from tunnel.protocols.wireguard.constants import Limits
from tunnel.protocols.wireguard.interface import Interface, World

cdef enum:
    OVERHEAD = 32             # header and tag; padding stays below the MTU


cdef class WireGuard(Handler):
    """A VPN that speaks the WireGuard protocol (Donenfeld, NDSS 2017); what ``tunnel-wg`` runs.

    WireGuard is a registered trademark of Jason A. Donenfeld.

    Synopsis
        ``WireGuard()``, configured at run time by ``tunnel-wg``'s socket, or by what this object has:
        ``private_key``, ``add_peer``, ``peers``; links: ``"tun -- wg.overlay"``, ``"wg.underlay -- udp"``

    Ports
        ``overlay``     IP packets, both ways; ICMP unreachable leaves here
        ``underlay``    messages, in datagrams

    Options
        ``aead``  the library that seals, ``"ipsec-mb"`` or ``"libcrypto"``; default: ``TUNNEL_AEAD``, or the
                  faster one that is there
        ``mtu``   bytes of the overlay's packets: padding does not go beyond; 0 = not known. Default 1420

    Drop reasons
        to the underlay
            NO_ALLOWED_IP   no peer is allowed the destination; the source gets ICMP unreachable
            NO_ENDPOINT     where the peer is, is not known yet; likewise
            STAGED_FULL     the oldest of 128 packets that wait for a session with the peer
            HELD_FULL       32 MiB wait for sessions
            NO_SESSION      the peer did not answer for 90 s, was removed, or the link went down
        to the overlay
            BAD_MESSAGE     not one of the four messages, or of the wrong length
            BAD_MAC         a handshake message by somebody who does not know our public key
            NO_SESSION, EXPIRED, BAD_TAG, REPLAYED      a transport message that is not taken
            UNDER_LOAD      a handshake message without a valid cookie, while 128 wait (or did a second ago)
            RATE            with one, but above 20 a second of its source
            HANDSHAKES_FULL 1,024 wait already
            WRONG_SOURCE    authentic, but the peer is not allowed its source address
            BAD_LENGTH      authentic, but no IP packet; so are the parser's reasons
        both ways
            LINK_DOWN       the interface is down
            NO_ROOM         the batch's memory is full
            WRONG_MEDIUM    no IP packet, or no datagram

    Notes
        Handshakes, keepalives and handshake messages that are used are CONSUMED; a handshake that is
        dropped later, in Python, too. Nothing is ever sent in answer to a message that is not authentic;
        a cookie reply (2,000 a second at most, 20 to a source) needs a right mac1.

        ``up`` and ``down`` follow the link: what is down drops all and has wiped its keys. Keys age by
        CLOCK_BOOTTIME, so they expire while the machine sleeps. DSCP is 0 outside, AF41 on handshakes;
        ECN follows RFC 6040. ICMP unreachable goes to at most 100 packets a second of one source.

        Not for several workers: counters and windows of a session are one.

    See also
        ``tunnel-wg``, docs/wireguard.md, ``devices.tun``, ``devices.udp``, ``handlers.udp_tunnel``
    """

    ports = ("overlay", "underlay")
    media = {"overlay": IP, "underlay": DATAGRAM}
    accepts = 0
    overhead = OVERHEAD
    Options = WireGuardOptions

    def __init__(
        self, *, limits=Limits(), wall_ns=time.time_ns, clock_ns=time.monotonic_ns, entropy=os.urandom, **options
    ):
        chosen = arguments.read("wireguard", WireGuardOptions, options)
        self.interface = Interface(self, World(wall_ns, clock_ns, entropy), limits, aead=chosen.aead)
        self.c = &(<InterfaceState> self.interface).c
        self.c.mtu = chosen.mtu

    @property
    def private_key(self):
        """32 bytes, clamped; None without. Setting it ends what was agreed under another."""
        return self.interface.private_key

    @private_key.setter
    def private_key(self, key):
        self.interface.private_key = key
        self._ask()

    @property
    def public_key(self):
        """What belongs to the private key, 32 bytes; None without."""
        identity = self.interface.identity
        return None if identity is None else identity.public

    @property
    def peers(self):
        """``Peer`` by public key, in order of creation."""
        return self.interface.peers

    def add_peer(self, bytes public_key not None):
        """A new peer; raises ``OverflowError`` where there are 65,536."""
        return self.interface.add_peer(public_key)

    def remove_peer(self, bytes public_key not None):
        """Forget a peer and wipe its keys; one that is not there is no error."""
        self.interface.remove_peer(public_key)

    def remove_all_peers(self):
        """Forget all peers."""
        self.interface.remove_all_peers()

    def configured(self, peer):
        """What can be set of ``peer`` has been."""
        self.interface.configured(peer)
        self._ask()

    @property
    def mtu(self):
        """Bytes of the overlay's packets."""
        return self.c.mtu

    @mtu.setter
    def mtu(self, uint32_t mtu):
        self.c.mtu = mtu

    @property
    def key_log(self):
        """Called with each line of a key log, without its end; None: there is none."""
        return self.interface.key_log

    @key_log.setter
    def key_log(self, write):
        self.interface.key_log = write

    def forget_sources(self):
        """Routing chooses our address again, for every peer."""
        self.interface.forget_sources()

    def up(self, uint64_t now_ns):
        """The link is up: peers start as soon as the engine looks."""
        if not self.c.up:
            self.interface.start()
            self._ask()

    def down(self):
        """The link is down."""
        if self.c.up:
            self.interface.stop()

    def opened(self, uint64_t now_ns):
        """See ``Handler``."""
        self._ask()

    def closed(self):
        """Wipes all keys."""
        self.interface.stop()

    def tick(self, uint64_t now_ns, Batch batch not None):
        """Handshakes and timers."""
        self.slept_ns = boottime_ahead_ns()
        return engine_ns(self, self.interface.tick(now_ns + self.slept_ns, batch))

    def _ask(self):
        """Call ``tick`` as soon as the engine looks."""
        self.deadline_ns = 1

    cdef int c_process(self, batch_t *batch) except -1 nogil:
        cdef uint32_t count = batch.count
        cdef uint64_t next_ns
        self.slept_ns = boottime_ahead_ns()
        opening_batch(self.c, batch, count, batch.now_ns + self.slept_ns)
        sealing_batch(self.c, batch, 0, count, NULL, batch.now_ns + self.slept_ns)
        next_ns = 1 if self.c.wanted or self.c.waiting else engine_ns(self, deadlines_first(self.c.deadlines))
        if next_ns and (self.deadline_ns == 0 or next_ns < self.deadline_ns):
            self.deadline_ns = next_ns
        return 0


cdef inline uint64_t engine_ns(WireGuard self, uint64_t ns) noexcept nogil:
    """A time of the protocol by the engine's clock; 0 stays 0, and only that."""
    if ns == 0:
        return 0
    return ns - self.slept_ns if ns > self.slept_ns else 1
