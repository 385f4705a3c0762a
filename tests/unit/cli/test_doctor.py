"""``tunnel doctor``: verdicts and exit codes of machines that differ."""

from __future__ import annotations

import json
import platform
from pathlib import Path

import pytest

from tests.unit.cli.calls import call
from tunnel import offloads
from tunnel.cli import doctor
from tunnel.crypto import aead
from tunnel.errors import ConfigError
from tunnel.lab import machine as lab_machine
from tunnel.lab.machine import Trial

SOUND = {
    "user namespaces": (True, "user and network namespace"), "namespace": (True, "network namespace"),
    "tun": (True, "offload mask 0x67"), "tso": (True, "compared"), "uso": (True, "compared"),
    "gso": (True, "compared"), "vnet": (True, "compared"), "gro": (True, "compared"), "mmsg": (True, "compared"),
}
LABS = [Trial("labs", True, "namespaces"), Trial("labs: masquerade", True, "nftables with masq")]
NO_TUN = (False, "opening /dev/net/tun: No such file or directory; load the tun driver")


@pytest.fixture(autouse=True)
def all_on(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(offloads.VARIABLE, "")
    monkeypatch.setenv(aead.VARIABLE, "")


class Cipher:
    """Of a machine with ipsec-mb, or, if ``missing`` says why, without."""

    missing = ""

    def __init__(self, library: str | None = None) -> None:
        self.library = library or aead.chosen() or ("libcrypto" if self.missing else "ipsec-mb")
        if self.missing and self.library == "ipsec-mb":
            raise ConfigError(self.missing)


def machine(monkeypatch: pytest.MonkeyPatch, *, admin: bool = True, **checks: tuple[bool, str]) -> None:
    """A machine on which these checks end so."""
    seen = SOUND | {name.replace("_", " "): outcome for name, outcome in checks.items()}
    monkeypatch.setattr(doctor, "_selftest", lambda *_which: seen)
    monkeypatch.setattr(doctor, "_has_net_admin", lambda: admin)
    monkeypatch.setattr(aead, "Aead", Cipher)
    monkeypatch.setattr(lab_machine, "tried", lambda: LABS)


def verdicts(capsys: pytest.CaptureFixture[str]) -> tuple[int | str | None, dict[str, tuple[str, str]]]:
    """The exit code, and verdict and remedy of everything."""
    ended = call(capsys, "doctor", "-j")
    found = {one["what"]: (one["verdict"], one["remedy"]) for one in json.loads(ended.out)}
    return ended.status, found


def test_a_sound_machine(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    machine(monkeypatch)
    status, found = verdicts(capsys)
    assert status == 0
    assert {verdict for what, (verdict, _) in found.items() if what not in doctor.LIBRARIES} == {"ok"}


def test_no_tun(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    machine(monkeypatch, tun=NO_TUN)
    status, found = verdicts(capsys)
    assert status == 2
    assert found["TUN device"] == ("missing", "load the tun driver")
    assert {name: found[f"offload {name}"][0] for name in offloads.NAMES} == {
        **dict.fromkeys(("vnet", "tso", "uso"), "limited"), **dict.fromkeys(("gso", "gro", "mmsg"), "ok"),
    }


def test_labs_are_no_obstacle(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    machine(monkeypatch)
    refused = [Trial("labs", False, "the lab cannot start: unshare: No space left", "sysctl -w user.max=1")]
    monkeypatch.setattr(lab_machine, "tried", lambda: refused)
    status, found = verdicts(capsys)
    assert status == 0
    assert found["labs"] == ("limited", "sysctl -w user.max=1")


@pytest.mark.parametrize("is_root", [False, True])
def test_the_settings_that_forbid_namespaces(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, is_root: bool) -> None:
    monkeypatch.setattr(lab_machine, "SYSCTLS", tmp_path)
    for name, value in (
        ("kernel/unprivileged_userns_clone", "0"),
        ("kernel/apparmor_restrict_unprivileged_userns", "1"),
        ("user/max_user_namespaces", "63000"), ("user/max_net_namespaces", "0"),
    ):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(f"{value}\n")
    theirs = [] if is_root else [
        "sysctl -w kernel.unprivileged_userns_clone=1",
        "sysctl -w kernel.apparmor_restrict_unprivileged_userns=0",
    ]  # fmt: skip
    expected = ["sysctl -w user.max_net_namespaces=10000", *theirs]
    assert lab_machine.forbidding(rootless=not is_root).split("; ") == expected


def test_an_offload_that_corrupts_is_no_obstacle(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    machine(monkeypatch, uso=(False, "3000 bytes came back, not the 3584 that were sent"))
    status, found = verdicts(capsys)
    assert status == 0
    verdict, remedy = found["offload uso"]
    assert verdict == "limited"
    assert remedy.endswith("TUNNEL_NO_OFFLOAD=uso, or --no-offload uso")


def test_an_offload_that_is_switched_off(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    machine(monkeypatch)
    monkeypatch.setenv(offloads.VARIABLE, "vnet,gro")
    status, found = verdicts(capsys)
    assert status == 0
    limited = {name: found[f"offload {name}"][1] for name in offloads.NAMES if found[f"offload {name}"][0] != "ok"}
    assert limited == dict.fromkeys(("vnet", "tso", "uso", "gro"), "unset TUNNEL_NO_OFFLOAD (vnet,gro)")


def test_a_wrong_switch_is_one_line(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    machine(monkeypatch)
    monkeypatch.setenv(offloads.VARIABLE, "gzo")
    ended = call(capsys, "doctor")
    assert (ended.status, ended.err.count("\n")) == (1, 1)
    assert ended.err.startswith("tunnel: TUNNEL_NO_OFFLOAD: gzo: one of vnet")


@pytest.mark.parametrize(
    ("missing", "chosen", "architecture", "expected"),
    [
        ("", "", "x86_64", ("ok", "")),
        ("not built in: install it", "", "x86_64", ("limited", "not built in: install it")),
        ("not built in: install it", "", "aarch64", ("ok", "not built in: install it")),
        ("", "libcrypto", "x86_64", ("limited", "unset TUNNEL_AEAD (libcrypto): ipsec-mb takes half the time")),
    ],
)
def test_the_slower_cipher(
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    missing: str,
    chosen: str,
    architecture: str,
    expected: tuple[str, str],
) -> None:
    machine(monkeypatch)
    monkeypatch.setattr(Cipher, "missing", missing)
    monkeypatch.setenv(aead.VARIABLE, chosen)
    monkeypatch.setattr(platform, "machine", lambda: architecture)
    status, found = verdicts(capsys)
    assert status == 0
    assert found["ChaCha20-Poly1305"] == expected


def test_a_cipher_library_that_was_asked_for_and_is_not_there(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    machine(monkeypatch)
    monkeypatch.setattr(Cipher, "missing", "not built in: install it")
    monkeypatch.setenv(aead.VARIABLE, "ipsec-mb")
    ended = call(capsys, "doctor")
    assert (ended.status, ended.err) == (1, "tunnel: not built in: install it\n")


@pytest.mark.parametrize(("admin", "namespaces", "status"), [(True, False, 0), (False, True, 0), (False, False, 2)])
def test_rights_here_or_in_a_namespace_of_ones_own(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, admin: bool, namespaces: bool, status: int
) -> None:
    machine(monkeypatch, admin=admin, user_namespaces=(namespaces, "seen"))
    assert verdicts(capsys)[0] == status


def test_a_missing_library(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    machine(monkeypatch)
    monkeypatch.setattr(doctor, "LIBRARIES", {"no-such-one": (True, "nothing"), "nor-this": (False, "nothing")})
    status, found = verdicts(capsys)
    assert status == 2
    assert found["no-such-one"] == ("missing", "pip install no-such-one")
    assert found["nor-this"] == ("limited", "pip install nor-this")


def test_the_table_shows_a_remedy_only_where_one_is_needed(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    machine(monkeypatch, tun=NO_TUN)
    lines = call(capsys, "doctor").out.splitlines()
    assert lines[0].split() == ["WHAT", "VERDICT", "SEEN", "WHAT", "TO", "DO"]
    assert any(line.startswith("TUN device") and line.endswith("load the tun driver") for line in lines)
    assert any(line.startswith("CAP_NET_ADMIN") and line.endswith("held") for line in lines)


def test_the_self_test_is_a_process_that_answers() -> None:
    checks = doctor._selftest()
    assert checks.keys() == SOUND.keys() - {"user namespaces"}
    assert all(isinstance(passed, bool) and seen for passed, seen in checks.values())
