"""What this machine can do for labs, tried; and a machine that forbids them."""

from __future__ import annotations

import json
import subprocess
import sys

from tunnel.lab import Lab, machine

FORBIDDEN = 'echo 0 >/proc/sys/user/max_net_namespaces; exec "$@"'


def test_what_there_is(lab: Lab) -> None:
    found = {one.what: one for one in machine.tried()}
    assert next(iter(found)) == "labs" and found["labs"].passed and found["labs: links"].passed
    assert found["labs: TAP"].passed
    for name in ("labs: masquerade", "labs: VLAN filtering"):
        one = found[name]
        assert one.passed or (one.seen and one.remedy), one
    assert machine.bridges_filter_vlans() is found["labs: VLAN filtering"].passed


def test_a_setting_that_forbids_them_is_named() -> None:
    command = ["unshare", "--user", "--map-root-user", "sh", "-c", FORBIDDEN, "sh", sys.executable, "-m", "tunnel"]
    done = subprocess.run([*command, "doctor", "-j"], capture_output=True, text=True, check=False, timeout=60)
    found = {one["what"]: one for one in json.loads(done.stdout)}
    assert found["labs"]["verdict"] == "limited"
    assert found["labs"]["seen"].startswith("the lab cannot start: unshare")
    assert found["labs"]["remedy"] == "sysctl -w user.max_net_namespaces=10000"
    assert found["labs: TAP"]["remedy"] == "see the line above"
