from __future__ import annotations

import errno

import pytest

from tunnel.lab.remedies import REMEDIES, refused


@pytest.mark.parametrize("number", REMEDIES)
def test_a_known_number_has_its_remedy(number: int) -> None:
    error = refused("node a, eth0: set up", number, "no")
    assert str(error) == f"node a, eth0: set up: no; {REMEDIES[number]}"
    assert (error.errno, error.exit_code) == (number, 2)


def test_an_unknown_number_stands_alone() -> None:
    assert str(refused("link", errno.EXDEV, "Invalid cross-device link")) == "link: Invalid cross-device link"
