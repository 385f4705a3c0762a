"""``tunnel doctor``: verdicts and exit codes of machines that differ."""

from __future__ import annotations

import json

import pytest

from tests.unit.cli.calls import call
from tunnel.cli import doctor

SOUND = {
    "user namespaces": (True, "user and network namespace"), "namespace": (True, "network namespace"),
    "tun": (True, "offload mask 0x67"), "tso": (True, "compared"), "uso": (True, "compared"),
    "gso": (True, "compared"),
}
NO_TUN = (False, "opening /dev/net/tun: No such file or directory; load the tun driver")


def machine(monkeypatch: pytest.MonkeyPatch, *, admin: bool = True, **checks: tuple[bool, str]) -> None:
    """A machine on which these checks end so."""
    seen = SOUND | {name.replace("_", " "): outcome for name, outcome in checks.items()}
    monkeypatch.setattr(doctor, "_selftest", lambda *_which: seen)
    monkeypatch.setattr(doctor, "_has_net_admin", lambda: admin)


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
    assert found["TCP super-packets into a TUN"][0] == "limited"


def test_an_offload_that_corrupts_is_no_obstacle(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    machine(monkeypatch, uso=(False, "3000 bytes came back, not the 3584 that were sent"))
    status, found = verdicts(capsys)
    assert status == 0
    assert found["UDP super-packets into and out of a TUN"] == (
        "limited", "offload = false in the device's table avoids it",
    )


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
