"""A stage raises: what becomes of its packets, who is told, and when it is passed over."""

from __future__ import annotations

import pytest

from tests.unit.packets import frame, numbered
from tests.unit.parts import Fails, failing
from tests.unit.rig import Rig
from tunnel.batch import Batch
from tunnel.errors import DeviceClosed
from tunnel.handler import Handler
from tunnel.hold import Hold
from tunnel.packet import HELD, PUNT, Packet


def test_a_batch_is_dropped_and_counted_and_the_others_pass():
    rig = failing(Fails({1}))
    rig.through("a", numbered(5))
    rig.through("c", numbered(5))
    rig.through("a", numbered(3))
    assert rig.drops() == {"RAISED": 5}
    assert rig.out("d") == numbered(5)
    assert rig.out("b") == numbered(3)


def test_in_one_breath_what_comes_after_passes_too():
    rig = failing(Fails({1}))
    rig.through("a", numbered(64 * 3))
    assert rig.drops() == {"RAISED": 64}
    assert rig.out("b") == numbered(128, 64)


def test_the_first_traceback_is_logged_and_no_other(caplog: pytest.LogCaptureFixture):
    rig = failing(Fails({1, 3, 5, 7}))
    for _ in range(8):
        rig.through("a", numbered(1))
    assert [record.getMessage() for record in caplog.records] == ["handler f raised; its packets are dropped"]
    assert caplog.records[0].exc_info is not None


def test_quarantine_after_so_many_in_a_row(caplog: pytest.LogCaptureFixture):
    handler = Fails()
    rig = failing(handler, quarantine_after=3)
    for _ in range(6):
        rig.through("a", numbered(2))
    assert handler.calls == 3
    assert rig.drops() == {"RAISED": 6, "QUARANTINED": 6}
    assert "raised 3 times in a row" in caplog.text
    rig.through("c", numbered(2))
    assert rig.out("d") == numbered(2)


def test_a_success_between_starts_the_count_anew(caplog: pytest.LogCaptureFixture):
    handler = Fails({1, 2, 4, 5, 7, 8})
    rig = failing(handler, quarantine_after=3)
    for _ in range(9):
        rig.through("a", numbered(1))
    assert handler.calls == 9
    assert "in a row" not in caplog.text


def test_emitted_and_cloned_packets_are_dropped_with_the_rest():
    handler = Fails()

    def before(batch: Batch) -> None:
        batch.emit(frame(), egress=0)
        batch.clone(batch[0]).egress = 0

    handler.before = before
    rig = failing(handler)
    rig.through("a", numbered(2))
    assert rig.drops() == {"RAISED": 4}
    assert (rig.counts("f")["emitted"]["packets"], rig.counts("f")["cloned"]["packets"]) == (1, 1)


def test_what_was_put_into_a_store_before_is_held():
    store = Hold(1 << 20)

    class Holder(Fails):
        def tick(self, now_ns: int, batch: Batch) -> int:
            while store.release(batch):
                batch[len(batch) - 1].egress = 0
            return 0

    def before(batch: Batch) -> None:
        assert store.put(batch, 0)
        batch[0].egress = HELD

    handler = Holder()
    handler.before = before
    rig = failing(handler)
    rig.through("a", numbered(3))
    assert rig.counts("f")["held"]["packets"] == 1
    handler.deadline_ns = 1
    rig.plan.tick(2)
    assert rig.counts("f")["held"]["packets"] == 0
    assert rig.out("b") == numbered(1)
    assert rig.drops() == {"RAISED": 2}
    rig.law()


def test_faces_kept_by_what_raised_are_private():
    kept: list[Packet] = []
    handler = Fails()
    handler.before = kept.extend
    rig = failing(handler)
    rig.through("a", numbered(5))
    rig.through("c", numbered(60, 100))
    assert [p.data for p in kept] == numbered(5)


def test_strict_raises_and_the_plan_goes_on():
    rig = failing(Fails({1}), strict=True)
    with pytest.raises(ZeroDivisionError):
        rig.through("a", numbered(5))
    assert rig.plan.waiting()
    rig.through("a", numbered(5, 5))
    assert rig.out("b") == numbered(5, 5)
    assert rig.drops() == {"RAISED": 5}


@pytest.mark.parametrize("error", [KeyboardInterrupt, SystemExit])
def test_what_is_no_exception_is_never_kept_back(error: type[BaseException]):
    rig = failing(Fails({1}, error))
    with pytest.raises(error):
        rig.through("a", numbered(5))
    rig.through("a", numbered(5, 5))
    assert rig.out("b") == numbered(5, 5)
    assert rig.drops() == {"RAISED": 5}


def test_a_handler_that_raises_device_closed_is_a_handler_that_raised():
    rig = failing(Fails({1}, DeviceClosed))
    rig.through("a", numbered(5))
    assert rig.drops() == {"RAISED": 5}


def test_punted_that_raises_drops_its_packets():
    class Bad(Fails):
        def process(self, batch: Batch) -> None:
            for p in batch:
                p.egress = PUNT

        def punted(self, batch: Batch) -> None:
            super().process(batch)

    handler = Bad({1})
    rig = failing(handler)
    rig.through("a", numbered(5))
    rig.through("a", numbered(5, 5))
    assert rig.out("b") == numbered(5, 5)
    assert rig.drops() == {"RAISED": 5}


def test_with_strict_the_punts_of_others_are_served_later():
    class Punts(Handler):
        bad = False

        def process(self, batch: Batch) -> None:
            for p in batch:
                p.egress = PUNT

        def punted(self, batch: Batch) -> None:
            if self.bad:
                raise ZeroDivisionError
            for p in batch:
                p.egress = 0

    class Both(Handler):
        ports = ("in", "left", "right")

        def process(self, batch: Batch) -> None:
            for number, p in enumerate(batch):
                p.egress = 1 + number % 2

    bad, good = Punts(), Punts()
    bad.bad = True
    links = ("a -> both.in", "both.left -> bad.port", "both.right -> good.port", "good.port -> b")
    rig = Rig(*links, both=Both(), bad=bad, good=good, strict=True)
    with pytest.raises(ZeroDivisionError):
        rig.through("a", numbered(4))
    rig.plan.exhale(0)
    assert rig.out("b") == numbered(4)[1::2]
    assert rig.drops() == {"RAISED": 2}
    rig.law()
