"""The law over ledgers made by hand: what balances, what does not."""

from __future__ import annotations

import pytest

from tunnel.counters import (
    Counts,
    Ledger,
    Tally,
    account,
    drops,
    engine_imbalance,
    imbalance,
    kernel_drops,
    total,
)

VERBS = ("rx", "tx", "emitted", "cloned", "held", "consumed")


def tally(packets: int) -> Tally:
    """Wire packets; the other units are others on purpose."""
    return {"descriptors": packets * 100 + 1, "packets": packets, "bytes": 7}


def counts(dropped: dict[str, int] | None = None, **verbs: int) -> Counts:
    made = {verb: tally(verbs.get(verb, 0)) for verb in VERBS}
    return {**made, "drops": {name: tally(count) for name, count in (dropped or {}).items()}}  # type: ignore[typeddict-item]


def ledger(devices: dict[str, Counts], handlers: dict[str, Counts]) -> Ledger:
    return {"devices": devices, "handlers": handlers, "kernel": {}, "offloads": {}, "namespaces": {}}


def test_nothing_balances():
    assert imbalance(counts()) == 0


def test_all_verbs_balance():
    assert imbalance(counts({"LOST": 2, "LOOP": 1}, rx=10, emitted=3, cloned=1, tx=6, held=4, consumed=1)) == 0


@pytest.mark.parametrize(("verb", "sign"), [*zip(VERBS, (1, -1, 1, 1, -1, -1), strict=True)])
def test_each_verb_weighs(verb: str, sign: int):
    assert imbalance(counts(**{verb: 3})) == 3 * sign


def test_drops_weigh():
    assert imbalance(counts({"LOST": 2, "LOOP": 1})) == -3


def test_an_engine_balances_over_its_devices():
    devices = {"a": counts({"TRUNCATED": 1}, rx=10), "b": counts({"REFUSED": 2}, tx=4, held=2)}
    handlers = {"h": counts({"LOST": 2}, rx=9, emitted=1, cloned=1, tx=8, consumed=1)}
    assert engine_imbalance(ledger(devices, handlers)) == 0
    handlers["h"]["consumed"]["packets"] += 1
    assert engine_imbalance(ledger(devices, handlers)) == -1


def test_what_handlers_pass_on_does_not_weigh_in_an_engine():
    assert engine_imbalance(ledger({}, {"h": counts(rx=5, tx=9)})) == 0


def test_drops_are_summed_by_reason():
    devices = {"a": counts({"LOST": 1, "LOOP": 2})}
    handlers = {"h": counts({"LOST": 4}), "i": counts()}
    assert drops(ledger(devices, handlers)) == {"LOST": 5, "LOOP": 2}


def test_ledgers_of_workers_are_added_up():
    one = ledger({"a": counts({"LOST": 1}, rx=3, tx=2)}, {"h": counts({"LOOP": 2}, rx=2, emitted=1, held=1)})
    two = ledger({"a": counts({"LOOP": 5}, rx=5)}, {"h": counts(consumed=4)})
    one["kernel"], two["kernel"] = {"a": {"rx": 1}}, {"a": {"rx": 2, "tx": 4}}
    one["offloads"] = {"a": {"gso": {"on": True, "used": 3, "refused": 0}}}
    two["offloads"] = {"a": {"gso": {"on": False, "used": 4, "refused": 1}}}
    both = total([one, two])
    assert both["offloads"] == {"a": {"gso": {"on": False, "used": 7, "refused": 1}}}
    assert both["devices"]["a"] == {
        "rx": {"descriptors": 802, "packets": 8, "bytes": 14}, "tx": {"descriptors": 202, "packets": 2, "bytes": 14},
        **{verb: {"descriptors": 2, "packets": 0, "bytes": 14} for verb in VERBS[2:]},
        "drops": {"LOST": tally(1), "LOOP": tally(5)},
    }
    assert {verb: both["handlers"]["h"][verb]["packets"] for verb in VERBS} == {  # type: ignore[literal-required]
        "rx": 2, "tx": 0, "emitted": 1, "cloned": 0, "held": 1, "consumed": 4,
    }
    assert both["kernel"] == {"a": {"rx": 3, "tx": 4}}
    assert engine_imbalance(both) == engine_imbalance(one) + engine_imbalance(two)
    assert total([one]) == one


def test_an_account_has_every_term_over_the_engine():
    devices = {"a": counts({"TRUNCATED": 1}, rx=10), "b": counts({"REFUSED": 2}, tx=4, held=2)}
    handlers = {"h": counts({"LOST": 2}, rx=9, emitted=1, cloned=3, tx=8, held=1, consumed=1)}
    assert account(ledger(devices, handlers)) == {
        "rx": 10, "emitted": 1, "cloned": 3, "tx": 4, "held": 3, "consumed": 1, "drops": 5, "open": 1,
    }  # fmt: skip


def test_the_kernels_drops_are_summed_as_far_as_they_are_known():
    whole = ledger({}, {})
    whole["kernel"] = {"a": {"rx": 3}, "b": {"tx": None}, "c": {"tx": 4}}
    assert kernel_drops(whole) == 7
