"""The answer to a ``get`` of the configuration protocol, a slice at a time."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterator
from itertools import islice

from tunnel.protocols.wireguard.uapi_device import Device, Peer

PREFIXES = 32  # a slice


def answer(device: Device) -> Iterator[str]:
    """Everything but the line with the error. Meanwhile nobody may configure the device."""
    yield "".join(_device_lines(device))
    for peer in device.tunnel.peers.values():
        yield _peer_lines(peer)
        prefixes = iter(peer.allowed_ips)
        while some := [*islice(prefixes, PREFIXES)]:
            yield "".join([f"allowed_ip={_address(address)}/{length}\n" for address, length in some])


def _device_lines(device: Device) -> Iterator[str]:
    if key := device.tunnel.private_key:
        yield f"private_key={key.hex()}\n"
    if device.listen_port:
        yield f"listen_port={device.listen_port}\n"
    if device.fwmark:
        yield f"fwmark={device.fwmark}\n"


def _peer_lines(peer: Peer) -> str:
    endpoint = peer.endpoint
    seconds, nanoseconds = peer.last_handshake
    return (
        f"public_key={peer.public_key.hex()}\n"
        f"preshared_key={peer.preshared_key.hex()}\n"
        "protocol_version=1\n"
        + (f"endpoint={endpoint}\n" if endpoint else "")
        + f"last_handshake_time_sec={seconds}\n"
        f"last_handshake_time_nsec={nanoseconds}\n"
        f"tx_bytes={peer.tx_bytes}\n"
        f"rx_bytes={peer.rx_bytes}\n"
        f"persistent_keepalive_interval={peer.keepalive_s}\n"
    )


def _address(packed: bytes) -> str:
    return "{}.{}.{}.{}".format(*packed) if len(packed) == 4 else str(ipaddress.IPv6Address(packed))
