"""Which case runs, so that the sanitizer's last words can name it; each extension has its own."""

from libc.stdint cimport uint32_t, uint64_t

cdef extern from "sanitizer/common_interface_defs.h" nogil:
    void __sanitizer_set_death_callback(void (*callback)() noexcept nogil)

cdef extern from "stdio.h" nogil:
    int dprintf(int fd, const char *form, ...)

cdef extern from *:
    """
    static const char *rounds_of;
    static unsigned long long rounds_seed, rounds_first;
    """
    const char *rounds_of         # what is mutated, as ``run.py --of`` takes it
    uint64_t rounds_seed, rounds_first

cdef enum:
    ROUND = 64


cdef inline void rounds_last_words() noexcept nogil:
    dprintf(2, "again with: --of %s --seed %llu --first %llu --count 64\n", rounds_of, rounds_seed, rounds_first)


cdef inline void rounds_begin(const char *of, uint64_t seed) noexcept nogil:
    """``of`` lives as long as the program."""
    global rounds_of, rounds_seed
    rounds_of, rounds_seed = of, seed
    __sanitizer_set_death_callback(rounds_last_words)


cdef inline uint32_t rounds_next(uint64_t first, uint64_t end) noexcept nogil:
    """How many cases the round from ``first`` on has."""
    global rounds_first
    rounds_first = first
    return <uint32_t> (ROUND if end - first > ROUND else end - first)


cdef inline dict rounds_counted(list names, const uint64_t *counts):
    """Those that are not zero."""
    return {name: counts[i] for i, name in enumerate(names) if counts[i]}
