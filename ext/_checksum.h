/* Sums of 16-bit words as they lie in memory (RFC 1071), in loops that the compiler makes vectors of.

   Where the C library can choose among versions when the module is loaded, there is one for AVX-512
   (x86-64-v4) and one for AVX2 beside the portable one, whose code is the same loop.
   ASan runs that choice before it is ready itself, so under it the portable one is alone. */
#include <stdint.h>
#include <string.h>

#if defined(__x86_64__) && defined(__GLIBC__) && __GNUC__ >= 12 && !defined(__SANITIZE_ADDRESS__)
#define VERSIONS __attribute__((target_clones("arch=x86-64-v4", "avx2", "default")))
#else
#define VERSIONS
#endif

/* The last size & 7 bytes, filled up with zeros. */
static inline uint64_t checksum_rest(const uint8_t *at, uint32_t size)
{
    uint64_t word = 0;
    memcpy(&word, at, size & 7);
    return (uint32_t) word + (word >> 32);
}

VERSIONS static uint64_t checksum_loop(const uint8_t *at, uint32_t size)
{
    uint64_t low = 0, high = 0, word;
    size_t words = size / 8;
#pragma GCC unroll 4
    for (size_t i = 0; i < words; i++) {
        memcpy(&word, at + 8 * i, 8);
        low += (uint32_t) word;
        high += word >> 32;
    }
    return low + high + checksum_rest(at + 8 * words, size);
}

/* The same while copying: the bytes are loaded once. */
VERSIONS static uint64_t checksum_copy_loop(uint8_t *restrict to, const uint8_t *restrict at, uint32_t size)
{
    uint64_t low = 0, high = 0, word;
    size_t words = size / 8;
    for (size_t i = 0; i < words; i++) {
        memcpy(&word, at + 8 * i, 8);
        memcpy(to + 8 * i, &word, 8);
        low += (uint32_t) word;
        high += word >> 32;
    }
    memcpy(to + 8 * words, at + 8 * words, size & 7);
    return low + high + checksum_rest(at + 8 * words, size);
}
