"""Two ends, one of them ours: each pair once with ours first, and once with theirs first."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.interop.ends import THEIRS, ours, require, substituted
from tests.interop.pairs import Pair, a_pair
from tests.netns.conftest import a_lab, all_on, holder, lab, nothing_is_left_behind

__all__ = ["all_on", "holder", "lab", "nothing_is_left_behind"]
HERE = Path(__file__).parent
WAYS = ("ours first", "theirs first")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """All tests of this folder talk to another implementation; those of ours alone need ours."""
    here = [item for item in items if item.path.is_relative_to(HERE)]
    for item in here:
        item.add_marker("netns")
        item.add_marker("interop")
    if substituted():
        alone = [item for item in here if "only_ours" in getattr(item, "fixturenames", ())]
        items[:] = [item for item in items if item not in alone]
        config.hook.pytest_deselected(items=alone)


@pytest.fixture
def only_ours() -> None:
    """For what wireguard-go does not do: left out where another program stands in the place of ours."""
    require(ours())


@pytest.fixture(scope="module", params=WAYS)
def programs(request: pytest.FixtureRequest) -> tuple[str, str]:
    """The programs of the first and the second end; the first one speaks first."""
    return (ours(), THEIRS) if request.param == WAYS[0] else (THEIRS, ours())


@pytest.fixture(scope="module")
def pair(programs: tuple[str, str]) -> Iterator[Pair]:
    """Two hosts on a cable and a tunnel between them, for all tests of a module."""
    with a_lab() as made, a_pair(made, programs) as joined:
        yield joined


@pytest.fixture
def fresh(programs: tuple[str, str]) -> Iterator[Pair]:
    """The same, for one test."""
    with a_lab() as made, a_pair(made, programs) as joined:
        yield joined
