"""``tunnel-wg`` as a program: how it begins, what it may do, what ends it, what it refuses."""

from __future__ import annotations

import base64
import signal
import stat
from pathlib import Path

import pytest

from tests.netns.engines import until
from tests.netns.wg_programs import SOCKET, Host, host

__all__ = ["host"]

NET_BIND_SERVICE, NET_ADMIN = 1 << 10, 1 << 12


def status(pid: int) -> dict[str, str]:
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    return {name: value.strip() for name, _, value in (line.partition(":") for line in lines)}


def test_when_it_returns_interface_and_socket_are_there(host: Host):
    assert host.run("tunnel-wg", "wg0") == ""
    interface = host.node.interface("wg0")
    assert (interface.mtu, interface.up, interface.kind) == (1420, False, "tun")
    modes = host.run("stat", "-c", "%a %F", "/run/wireguard", SOCKET.format("wg0")).splitlines()
    assert modes == ["755 directory", "700 socket"]
    assert host.ask("get=1\n\n") == "errno=0\n\n"
    (pid,) = host.pids()
    assert status(pid)["PPid"] != "0" and Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[3] == str(pid)


def test_what_it_may_do(host: Host):
    host.run("tunnel-wg", "wg0")
    (pid,) = host.pids()
    found = status(pid)
    assert [int(found[name], 16) for name in ("CapInh", "CapBnd", "CapAmb")] == [0, 0, 0]
    assert int(found["CapEff"], 16) == NET_ADMIN
    assert int(found["CapPrm"], 16) == NET_ADMIN | NET_BIND_SERVICE
    assert (found["NoNewPrivs"], found["Threads"]) == ("1", "1")
    limits = Path(f"/proc/{pid}/limits").read_text().splitlines()
    assert [line.split()[4:6] for line in limits if line.startswith("Max core file")] == [["0", "0"]]


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_ends_it(host: Host, number: signal.Signals):
    process = host.foreground()
    (pid,) = host.pids()
    assert pid == process.pid
    process.process.send_signal(number)
    assert process.ended() == (0, "")
    assert host.exists() == (False, False)


@pytest.mark.parametrize("up", [False, True])
def test_the_end_of_the_interface_is_the_end(host: Host, up: bool):
    process = host.foreground()
    if up:
        host.node.up("wg0")
        process.says("link up")
    host.node.delete("wg0")
    assert process.ended() == (0, "")
    assert host.exists() == (False, False)
    assert "WARNING" not in process.log


@pytest.mark.parametrize("command", [("rm",), ("mv", "-t", "/run")])
def test_the_end_of_the_socket_is_the_end(host: Host, command: tuple[str, ...]):
    process = host.foreground()
    host.run(*command, SOCKET.format("wg0"))
    assert process.ended() == (0, "")
    assert host.exists() == (False, False)


def test_another_mode_of_the_socket_is_not_the_end(host: Host):
    process = host.foreground()
    host.run("chmod", "770", SOCKET.format("wg0"))
    assert host.ask("get=1\n\n") == "errno=0\n\n"
    assert process.process.poll() is None


@pytest.mark.parametrize("words", [("wg0",), ("-f", "wg0")])
def test_a_second_one_is_refused_and_the_first_goes_on(host: Host, words: tuple[str, ...]):
    host.run("tunnel-wg", "wg0")
    host.ask("set=1\nfwmark=7\n\n")
    before = host.pids()
    assert host.run("tunnel-wg", *words, check=False).startswith("1: tunnel-wg: interface wg0: ")
    assert host.pids() == before and host.exists() == (True, True)
    assert host.ask("get=1\n\n") == "fwmark=7\nerrno=0\n\n"


def test_one_that_has_the_socket_only_is_in_use_too(host: Host):
    host.foreground("wg1")
    host.run("ln", SOCKET.format("wg1"), SOCKET.format("wg0"))
    assert "wg0.sock: in use" in host.run("tunnel-wg", "wg0", check=False)
    assert host.exists("wg0") == (False, True)


def test_what_a_dead_one_left_is_replaced(host: Host):
    process = host.foreground()
    process.process.kill()
    assert process.ended()[0] == -signal.SIGKILL
    assert host.exists() == (False, True)
    host.run("tunnel-wg", "wg0")
    assert host.ask("get=1\n\n") == "errno=0\n\n"


def test_a_file_that_is_no_socket_stays(host: Host):
    host.run("mkdir", "/run/wireguard")
    host.run("cp", "/proc/self/comm", SOCKET.format("wg0"))
    assert host.run("tunnel-wg", "wg0", check=False).startswith("1: tunnel-wg: /var/run/wireguard/wg0.sock: in use")
    assert host.run("cat", SOCKET.format("wg0")) == "cp\n"
    assert host.exists() == (False, True)


def test_a_folder_that_others_may_write_is_refused(host: Host):
    host.run("mkdir", "-m", "777", "/run/wireguard")
    told = host.run("tunnel-wg", "wg0", check=False)
    assert told.startswith("1: tunnel-wg: /var/run/wireguard: refused")
    assert host.exists() == (False, False)


def test_what_fails_in_the_background_is_told_in_the_foreground(host: Host, tmp_path: Path):
    keys = tmp_path / "keys"
    keys.write_text("")
    told = host.run("tunnel-wg", "wg0", check=False, TUNNEL_WG_KEYLOG=str(keys))
    assert told.startswith(f"1: tunnel-wg: key log {keys}: File exists")
    assert host.exists() == (False, False) and host.pids() == []


def test_the_key_log_is_for_its_user_alone(host: Host, tmp_path: Path):
    keys = tmp_path / "keys"
    process = host.foreground(level="error", TUNNEL_WG_KEYLOG=str(keys))
    assert process.says(str(keys)).startswith("WARNING: (wg0) 20")
    until(lambda: host.exists() == (True, True))
    host.node.up("wg0")
    host.node.up("lo")
    one, other = bytes(range(32)).hex(), f"{9:02x}{0:062x}"
    peer = f"public_key={other}\nendpoint=127.0.0.1:9\npersistent_keepalive_interval=1\n"
    assert host.ask(f"set=1\nprivate_key={one}\n{peer}\n") == "errno=0\n\n"
    until(lambda: keys.read_text().startswith("LOCAL_EPHEMERAL_PRIVATE_KEY = "))
    assert host.ask(f"set=1\nprivate_key={one}\n\n") == "errno=0\n\n"
    assert base64.b64encode(bytes(range(32))).decode() not in keys.read_text()
    assert stat.S_IMODE(keys.stat().st_mode) == 0o600


@pytest.mark.parametrize(("words", "code"), [((), 0), (("-x",), 0), (("-f",), 0), (("a", "b"), 0), (("a/b",), 1)])
def test_wrong_words(host: Host, words: tuple[str, ...], code: int):
    told = host.run("tunnel-wg", *words, check=False)
    assert told.startswith(f"{code}: ") and "Traceback" not in told


def test_a_descriptor_that_is_none(host: Host):
    assert host.run("tunnel-wg", "-f", "wg0", check=False, WG_TUN_FD="77").startswith("1: tunnel-wg: descriptor 77")
    assert host.run("tunnel-wg", "-f", "wg0", check=False, WG_TUN_FD="0").endswith("Inappropriate ioctl for device")
    assert host.run("tunnel-wg", "-f", "wg0", check=False, WG_UAPI_FD="77").startswith("1: tunnel-wg: descriptor 77")
    assert host.run("tunnel-wg", "-f", "wg0", check=False, WG_UAPI_FD="0").startswith("1: tunnel-wg: descriptor 0")
    ready = host.run("tunnel-wg", "-f", "wg0", check=False, TUNNEL_WG_READY_FD="77")
    assert ready == "1: tunnel-wg: TUNNEL_WG_READY_FD: descriptor 77: Bad file descriptor"
    assert host.run("tunnel-wg", "wg0", check=False, WG_TUN_FD="x").startswith("1: tunnel-wg: WG_TUN_FD='x'")
    assert host.exists() == (False, False)
