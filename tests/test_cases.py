"""The textual cases: graph, packets in, packets out. ``cases/README`` tells how they are written."""

import pytest

from tests.cases import case


@pytest.mark.parametrize("path", case.files(), ids=lambda path: path.stem)
def test_case(path):
    ran = case.run(path.read_text())
    assert ran.graph.links


RIGHT = """
[devices.d]
medium = "ip"
[handlers.e]
type = "echo"
[graph]
links = ["d -- e"]
---
d > IP(src="10.0.0.1", dst="10.0.0.2") / ICMP()
d < IP(src="10.0.0.2", dst="10.0.0.1") / ICMP(type=0)
d > IP(src="10.0.0.1", dst="10.0.0.2") / TCP()
e drops NOT_ANSWERED 1
"""


@pytest.mark.parametrize(("old", "new"), [
    ("type=0", "type=3"),
    ('d < IP(src="10.0.0.2", dst="10.0.0.1") / ICMP(type=0)\n', ""),
    ("\ne drops", "\nd < 00\ne drops"),
    ("NOT_ANSWERED 1", "NOT_ANSWERED 2"),
    ("e drops NOT_ANSWERED 1\n", ""),
    ("e drops", "d drops"),
    ("e drops", "e holds 1\ne drops"),
    ("e drops", "e dropped"),
])
def test_a_case_that_does_not_hold_fails(old, new):
    assert case.run(RIGHT)
    with pytest.raises(AssertionError):
        case.run(RIGHT.replace(old, new))
