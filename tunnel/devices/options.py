"""The options of devices: what a graph file may say in ``[devices.NAME]`` beside ``type``."""

from __future__ import annotations

from typing import Annotated

from msgspec import Meta, Struct


class TunOptions(Struct, kw_only=True, frozen=True, forbid_unknown_fields=True):
    """Options of ``tun`` and ``tap`` devices."""

    fd: Annotated[
        int,
        Meta(
            ge=0,
            le=0x7FFF_FFFF,
            description="descriptor that the program was started with; whoever opened it has set the interface up, so"
            " there are no other options then, and workers = 1",
        ),
    ] | None = None  # fmt: skip
    interface: Annotated[str | None, Meta(description="interface name; the device's name unless told")] = None
    address: Annotated[list[str], Meta(description="addresses with prefix length")] = []
    mtu: Annotated[int, Meta(ge=68, le=65535, description="bytes; the kernel's 1500 unless told")] | None = None
    up: Annotated[bool, Meta(description="set the link up")] = True
    txqueuelen: Annotated[int, Meta(ge=1, le=100_000, description="packets the kernel queues for us")] = 1000
    offload: Annotated[bool, Meta(description="super-packets, partial checksums (IFF_VNET_HDR)")] = True
    gso_max_size: Annotated[
        int,
        Meta(
            ge=1000,
            le=65536,
            description="bytes of the kernel's largest super-packet. Unless told: for a TUN whose packets leave through"
            " a udp device what fits one send, but where the namespace forwards when it opens, for a larger one that"
            " is forwarded to the interface is cut by the kernel first; else the kernel's 65536",
        ),
    ] | None = None  # fmt: skip
    multi_queue: Annotated[bool, Meta(description="attach one queue of several (IFF_MULTI_QUEUE)")] = False
    attach: Annotated[bool, Meta(description="use an existing persistent device, not a new one")] = False
    persist: Annotated[bool, Meta(description="keep the device after close")] = False
    owner: Annotated[int, Meta(ge=0, description="uid that may attach")] | None = None
    group: Annotated[int, Meta(ge=0, description="gid that may attach")] | None = None
    sndbuf: Annotated[int, Meta(ge=1, description="bytes in flight before a write would block")] | None = None
    carrier: Annotated[bool, Meta(description="carrier on")] = True
    netns: Annotated[str | None, Meta(description="namespace to make it in: a name or a path")] = None
