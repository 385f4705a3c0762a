"""Columns: windows on one field of every packet."""

from __future__ import annotations

import gc
import hashlib

import numpy as np
import pytest

from tests.unit.packets import frame, numbered
from tunnel.batch import Batch
from tunnel.packet import DROP

FRAMES = [frame(port) for port in range(1, 6)]
COLUMNS = {"egress": 2, "reason": 2, "ingress": 2, "length": 4, "flow": 4, "ethertype": 2, "proto": 1, "ip_version": 1}


WRITABLE = {"egress", "reason"}


def test_growth_leaves_an_older_column_readable():
    batch = Batch.of(numbered(60))
    old = batch.egress
    old[5] = 9
    for data in numbered(10_000):
        batch.emit(data)
    assert old.tolist() == [DROP] * 5 + [9] + [DROP] * 54
    assert batch.egress[5] == 9
    assert len(batch.egress) == 10_060


@pytest.mark.parametrize(("name", "size"), COLUMNS.items())
def test_a_column_is_a_window(name: str, size: int):
    batch = Batch.of(FRAMES)
    column = getattr(batch, name)
    array = np.asarray(column)
    values = {"length": [len(p) for p in batch]}.get(name) or [getattr(p, name) for p in batch]
    assert array.tolist() == column.tolist() == values
    assert (array.itemsize, array.strides, array.shape) == (size, (64,), (5,))
    assert array.base is not None
    assert column.readonly == (not array.flags.writeable) == (name not in WRITABLE)


@pytest.mark.parametrize("name", COLUMNS)
def test_a_column_of_nothing_is_empty(name: str):
    assert np.asarray(getattr(Batch(), name)).tolist() == []


@pytest.mark.parametrize("name", sorted(WRITABLE))
def test_writing_a_column_writes_the_packets(name: str):
    batch = Batch.of(FRAMES)
    np.asarray(getattr(batch, name))[1::2] = 7
    assert [getattr(p, name) for p in batch] == [[DROP, 0][name == "reason"], 7] * 2 + [[DROP, 0][name == "reason"]]


def test_a_column_decides_by_another():
    batch = Batch.of([*FRAMES, b"\xff" * 60])
    np.asarray(batch.egress)[np.asarray(batch.proto) == 17] = 1
    assert batch.egress.tolist() == [1] * 5 + [DROP]


def test_a_column_that_is_read_only_cannot_be_written():
    with pytest.raises(TypeError, match="read-only"):
        Batch.of(FRAMES).length[0] = 1


def test_a_column_is_not_mistaken_for_contiguous_memory():
    column = Batch.of(FRAMES).egress
    with pytest.raises(BufferError, match="not contiguous"):
        hashlib.sha256(column.obj)


def test_a_column_keeps_its_batch():
    column = Batch.of(FRAMES).length
    gc.collect()
    Batch.of([b""] * 100)
    assert column.tolist() == [len(data) for data in FRAMES]
