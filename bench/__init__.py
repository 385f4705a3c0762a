"""Benchmarks: ratios of subjects measured side by side in one run.

Three nouns. A *subject* is what is measured: it builds what stands between two hosts (or behind
one) and tears it down. A *load* is what is put on it: iperf3, ping, the generator ``blast``. A
*measure* is what is read: a name, a unit, and whether more is better. A *scenario*, one file in
``bench/scenarios``, lists its subjects and measures and says which loads make a turn.

Run ``python -m bench list``, ``python -m bench NAME --rounds 5 --seconds 3``.
"""
