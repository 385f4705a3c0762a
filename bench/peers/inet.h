/* Checksums (RFC 1071, in the byte order of the machine) and lengths of IP packets that carry TCP. */
#include <arpa/inet.h>
#include <stdint.h>
#include <string.h>

#if defined(__x86_64__) && defined(__GLIBC__)
__attribute__((target_clones("arch=x86-64-v4", "avx2", "default")))
#endif
__attribute__((optimize("O3")))
static uint64_t sum(const uint8_t *bytes, size_t size, uint64_t total)
{
	size_t words = size / 4;
	uint32_t word;

	for (size_t i = 0; i < words; i++) {
		memcpy(&word, bytes + 4 * i, 4);
		total += word;
	}
	word = 0;
	memcpy(&word, bytes + 4 * words, size % 4);
	return total + word;
}

static uint16_t fold(uint64_t total)
{
	while (total >> 16)
		total = (total & 0xffff) + (total >> 16);
	return total;
}

static void put16(uint8_t *at, uint16_t value) { memcpy(at, &value, 2); }

static uint32_t get32(const uint8_t *at)
{
	uint32_t value;

	memcpy(&value, at, 4);
	return ntohl(value);
}

static int is6(const uint8_t *ip) { return ip[0] >> 4 == 6; }

/* Over addresses, protocol and length: RFC 793, 8200. */
static uint64_t pseudo(const uint8_t *ip, uint32_t length)
{
	return sum(ip + (is6(ip) ? 8 : 12), is6(ip) ? 32 : 8, (uint64_t)htons(6) + htons(length));
}

/* The lengths in the IP header, and its checksum. */
static void set_length(uint8_t *ip, uint32_t size)
{
	if (is6(ip)) {
		put16(ip + 4, htons(size - 40));
		return;
	}
	put16(ip + 2, htons(size));
	put16(ip + 10, 0);
	put16(ip + 10, ~fold(sum(ip, (ip[0] & 15) * 4, 0)));
}
