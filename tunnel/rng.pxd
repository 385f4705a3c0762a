"""A reproducible random generator for impairments: SplitMix64 (Steele, Lea, Flood 2014). Header-only.

Not for anything that an attacker must not guess.
"""

from libc.stdint cimport uint32_t, uint64_t


cdef inline uint64_t rng_next(uint64_t *state) noexcept nogil:
    cdef uint64_t mixed
    state[0] += <uint64_t> 0x9e3779b97f4a7c15
    mixed = (state[0] ^ (state[0] >> 30)) * <uint64_t> 0xbf58476d1ce4e5b9
    mixed = (mixed ^ (mixed >> 27)) * <uint64_t> 0x94d049bb133111eb
    return mixed ^ (mixed >> 31)


cdef inline uint64_t rng_below(uint64_t *state, uint64_t bound) noexcept nogil:
    """0 to ``bound`` - 1; the bias is below ``bound`` / 2^64."""
    return rng_next(state) % bound


cdef inline bint rng_chance(uint64_t *state, uint64_t threshold) noexcept nogil:
    """True in ``threshold`` of 2^64 cases; nothing is drawn for 0."""
    return threshold != 0 and rng_next(state) < threshold
