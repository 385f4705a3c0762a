"""``tunnel demo``: the main job, once, on this machine, with everything measured."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, cast

import click

from tunnel.cli.progress import Steps
from tunnel.cli.table import json_option, show_json, show_table
from tunnel.counters import Ledger, drops, engine_imbalance
from tunnel.errors import LabError
from tunnel.lab.lab import Lab
from tunnel.lab.node import Node
from tunnel.lab.probe import Echoes, Transfer, ping, transfer
from tunnel.lab.readiness import await_line

UNDERLAY = {"west": "192.0.2.1", "east": "192.0.2.2"}
OVERLAY = {"west": "10.8.0.1", "east": "10.8.0.2"}
PORT = 9000
MTU, OVERLAY_MTU = 1500, 1472
PINGS, PING_INTERVAL_S = 100, 0.01
TRANSFER_S = 2.0
PATIENCE_S = 5.0


@click.command()
@json_option
def command(as_json: bool) -> None:
    """Build two hosts and a tunnel between them, use it, and account for every packet.

    Two network namespaces joined by a veth pair; in each an engine that carries the packets of a TUN
    device over UDP. Nothing stays behind. Works without root where user namespaces are allowed.
    """
    with Steps(quiet=as_json) as steps, Lab() as lab:
        west, east = steps.run("two namespaces, one veth pair", lambda _: build(lab))
        engines = steps.run("an engine in each", lambda _: [start(west, east), start(east, west)])
        echoes = steps.run(f"{PINGS} pings", lambda progress: probe(west, progress))
        moved = steps.run(f"TCP for {TRANSFER_S:.0f} s", lambda progress: pour(west, east, progress))
        books = steps.run("the books", lambda _: close(lab, engines))
    report = {"ping": vars(echoes), "tcp": vars(moved), "books": books}
    if as_json:
        show_json(report)
    else:
        tell(echoes, moved, books)
    if not all(line["closed"] for line in books["lines"]) or not moved.intact:
        raise LabError("the books do not close: see the table above")


def build(lab: Lab) -> tuple[Node, Node]:
    """Both hosts, without IPv6 and with neighbours set by hand: the veth carries datagrams and nothing else."""
    west, east = lab.node("west"), lab.node("east")
    lab.link((west, "eth0"), (east, "eth0"), mtu=MTU)
    for node in (west, east):
        node.sysctl("net.ipv6.conf.default.disable_ipv6", 1)
        node.sysctl("net.ipv6.conf.all.disable_ipv6", 1)
        node.address("eth0", f"{UNDERLAY[node.name]}/24")
        node.up("eth0")
    for node, peer in ((west, east), (east, west)):
        mac = peer.interface("eth0").mac
        assert mac is not None, "a veth has a MAC"
        node.neighbour("eth0", UNDERLAY[peer.name], mac)
    return west, east


def start(node: Node, peer: Node) -> subprocess.Popen[str]:
    """``tunnel udp`` in a node; returns once packets flow."""
    here, there = UNDERLAY[node.name], UNDERLAY[peer.name]
    words = [
        sys.executable, "-m", "tunnel", "udp", "tun0", "--json", "--mtu", str(OVERLAY_MTU),
        "--address", f"{OVERLAY[node.name]}/24", "--listen", f"{here}:{PORT}", "--peer", f"{there}:{PORT}",
    ]  # fmt: skip
    engine = node.popen(words, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    await_line(engine, "running")
    return engine


def probe(west: Node, progress: Callable[[float], None]) -> Echoes:
    """Pings through the tunnel."""
    return ping(west, OVERLAY["east"], count=PINGS, interval_s=PING_INTERVAL_S, progress=progress)


def pour(west: Node, east: Node, progress: Callable[[float], None]) -> Transfer:
    """A TCP transfer through the tunnel."""
    return transfer(west, east, OVERLAY["east"], seconds=TRANSFER_S, progress=progress)


def close(lab: Lab, engines: list[subprocess.Popen[str]]) -> dict[str, Any]:
    """Let the tunnel fall silent, read the kernel's counters, end the engines, read theirs."""
    nodes = list(lab.nodes.values())
    for node in nodes:
        node.down("tun0")
    kernel = settle(lambda: {n.name: {i: n.statistics(i) for i in ("tun0", "eth0")} for n in nodes}, engines)
    ledgers = {node.name: end(engine) for node, engine in zip(nodes, engines, strict=True)}
    return {"kernel": kernel, "ledgers": ledgers, "lines": lines(kernel, ledgers)}


def settle(read: Callable[[], dict[str, Any]], engines: list[subprocess.Popen[str]]) -> dict[str, Any]:
    """What ``read`` returns once two readings in a row agree, and no engine has anything left to do."""
    until, last = time.monotonic() + PATIENCE_S, read()
    while True:
        silent, now = all(asleep(engine.pid) for engine in engines), read()
        if silent and now == last:
            return now
        if time.monotonic() > until:
            raise LabError(f"the tunnel does not fall silent in {PATIENCE_S:.0f} s")
        last = now


def asleep(pid: int) -> bool:
    """A process waits for something to happen; one with packets to read does not, however long its turn is away."""
    return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "S"


def end(engine: subprocess.Popen[str]) -> Ledger:
    """Stop an engine; its ledger."""
    engine.terminate()
    out, errors = engine.communicate(timeout=PATIENCE_S)
    if engine.returncode:
        raise LabError(f"an engine ended with {engine.returncode}: {errors.strip()}")
    return cast(Ledger, json.loads(out))


def lines(kernel: dict[str, Any], ledgers: dict[str, Ledger]) -> list[dict[str, Any]]:
    """Each line of the account: what one side counted, what the other did, and whether they agree."""
    found = []
    for name, ledger in ledgers.items():
        overlay, underlay = ledger["devices"]["overlay"], ledger["devices"]["underlay"]
        tun, veth = kernel[name]["tun0"], kernel[name]["eth0"]
        lost = ledger["kernel"]["underlay"]["rx"] or 0
        found += [
            line(f"{name} tun0: kernel sent, engine received", tun["tx_packets"], overlay["rx"]["descriptors"]),
            line(f"{name} tun0: engine sent, kernel received", overlay["tx"]["descriptors"], tun["rx_packets"]),
            line(f"{name} eth0: engine sent, kernel sent", underlay["tx"]["descriptors"], veth["tx_packets"]),
            line(f"{name} eth0: kernel received, engine received or lost in its socket",
                 veth["rx_packets"], underlay["rx"]["descriptors"] + lost),
            line(f"{name} engine: received + made = sent + held + consumed + dropped", 0, engine_imbalance(ledger)),
        ]  # fmt: skip
    return found


def line(text: str, left: int, right: int) -> dict[str, Any]:
    """One line of the account."""
    return {"text": text, "left": left, "right": right, "closed": left == right}


def tell(echoes: Echoes, moved: Transfer, books: dict[str, Any]) -> None:
    """The report for a person."""
    click.echo()
    show_table(
        ("host", "underlay eth0", "overlay tun0"),
        [(name, f"{UNDERLAY[name]}, MTU {MTU}", f"{OVERLAY[name]}, MTU {OVERLAY_MTU}") for name in UNDERLAY],
    )
    rtts = [1e3 * rtt for rtt in echoes.rtts_s]
    click.echo(f"\nRTT         {min(rtts):.3f} / {1e3 * echoes.median_s:.3f} / {max(rtts):.3f} ms"
               f" (min / median / max), {len(rtts)} of {echoes.sent} answered")  # fmt: skip
    click.echo(f"throughput  {moved.bits_s / 1e6:.0f} Mbit/s: {moved.size / 1e6:.0f} MB in {moved.seconds:.2f} s, "
               f"contents {'intact' if moved.intact else 'DAMAGED'}\n")  # fmt: skip
    show_table(("engine", "device", "received", "sent", "dropped"), device_rows(books["ledgers"]))
    click.echo()
    show_table(
        ("account, in packets as the kernel counts them", "one side", "other", ""),
        [(row["text"], str(row["left"]), str(row["right"]), "ok" if row["closed"] else "OPEN")
         for row in books["lines"]],
    )  # fmt: skip


def device_rows(ledgers: dict[str, Ledger]) -> list[tuple[str, ...]]:
    """Packets on the wire by device; drops by reason below them."""
    rows: list[tuple[str, ...]] = []
    for name, ledger in ledgers.items():
        for device, counts in ledger["devices"].items():
            dropped = sum(tally["packets"] for tally in counts["drops"].values())
            rows.append((name, device, str(counts["rx"]["packets"]), str(counts["tx"]["packets"]), str(dropped)))
        rows += [(name, reason, "", "", str(count)) for reason, count in sorted(drops(ledger).items())]
    return rows
