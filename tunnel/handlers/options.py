"""The options of the built-in handlers; what they mean stands in each handler's manual page."""

from __future__ import annotations

from typing import Annotated, Literal

import msgspec
from msgspec import Meta

from tunnel.impairment import Impairment

Rate = Annotated[int, Meta(ge=0, le=100_000_000, description="answers a second to a source; 0 = no limit")]


class EchoOptions(msgspec.Struct, kw_only=True, frozen=True, forbid_unknown_fields=True):
    """Options of ``Echo``."""

    addresses: Annotated[list[str], Meta(description="addresses or prefixes answered for")] = []
    subnets: Annotated[list[str], Meta(description="prefixes whose broadcast addresses are left alone")] = []
    mac: Annotated[str, Meta(description="MAC answered with and for")] = "02:65:63:68:6f:01"
    reflect_udp: bool = False
    local_port: Annotated[int, Meta(ge=0, le=65535, description="UDP port of a udp device")] = 0
    rate: Rate | None = None


class UdpTunnelOptions(msgspec.Struct, kw_only=True, frozen=True, forbid_unknown_fields=True):
    """Options of ``UdpTunnel``."""

    peer: Annotated[str, Meta(description="ADDR:PORT of the other end")] = ""
    learn: bool = False
    medium: Literal["ip", "ethernet"] = "ip"
    mtu: Annotated[int, Meta(ge=0, le=65507, description="bytes from the IP header on; 0 = no limit")] = 0
    mss_clamp: bool = True
    keepalive_s: Annotated[float, Meta(ge=0, le=86_400, description="seconds; 0 = never")] = 0


class ImpairOptions(Impairment, kw_only=True, frozen=True, forbid_unknown_fields=True):
    """Options of ``Impair``: one direction's, for both unless ``back`` is given."""

    back: Impairment | None = None
    hold_kib: Annotated[int, Meta(ge=128, le=1_048_576, description="KiB")] = 16_384


class WireGuardOptions(msgspec.Struct, kw_only=True, frozen=True, forbid_unknown_fields=True):
    """Options of ``WireGuard``."""

    aead: Literal["ipsec-mb", "libcrypto"] | None = None
    mtu: Annotated[int, Meta(ge=0, le=65535, description="bytes of the overlay's packets; 0 = not known")] = 1420
