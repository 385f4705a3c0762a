"""Which counters of a stream have been seen: the sliding window of RFC 6479. C face.

A ring of 128 words; the word that holds the highest counter may be partly ahead of it, so 127 words lie
safely behind: 8,128 counters. Advancing clears whole words, which is what the RFC's ring is for.
"""

from libc.stdint cimport uint64_t

cdef enum:
    REPLAY_WORDS = 128
    REPLAY_BEHIND = 8128      # how far a counter may lie behind the highest

cdef enum:
    REPLAY_LIMIT = 0xffffffffffffdfff    # 2^64 - 2^13 - 1: the first counter that is never accepted

ctypedef struct replay_t:     # zeroed: an empty window, which takes 0 once
    uint64_t last             # the highest accepted
    uint64_t words[REPLAY_WORDS]    # bit n % 64 of word n / 64: n was accepted


cdef class Replay:
    cdef replay_t c


cdef inline void replay_advance(replay_t *window, uint64_t counter) noexcept nogil:
    """Make ``counter``, which is above the highest, the highest: what it passes was not seen."""
    cdef uint64_t first = window.last // 64 + 1, passed = counter // 64 + 1 - first, word
    for word in range(first, first + min(passed, <uint64_t> REPLAY_WORDS)):
        window.words[word % REPLAY_WORDS] = 0
    window.last = counter


cdef inline bint replay_accept(replay_t *window, uint64_t counter) noexcept nogil:
    """Take a counter that is new and not too old; False where it must be refused.

    Only for what was authenticated: anything else would move the window for a stranger.
    """
    cdef uint64_t *word = &window.words[counter // 64 % REPLAY_WORDS]
    cdef uint64_t bit = <uint64_t> 1 << (counter % 64)
    if counter >= REPLAY_LIMIT:
        return False
    if counter > window.last:
        replay_advance(window, counter)
    elif window.last - counter > REPLAY_BEHIND or word[0] & bit:
        return False
    word[0] |= bit
    return True
