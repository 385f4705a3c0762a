/* echo [-o] NAME: answers ICMP echo requests and reflects UDP on a TUN by bare read and write,
 * IPv4. -o: with virtio headers, so that the kernel leaves checksums to be finished by whoever
 * needs them. Ends at SIGTERM; the TUN goes with it. */
#include <err.h>
#include <fcntl.h>
#include <linux/if.h>
#include <linux/if_tun.h>
#include <poll.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

enum { VNET = 10, CSUM = 1 };
static uint8_t packet[VNET + 65536];

static int tun(const char *name, int offload)
{
	struct ifreq request = {.ifr_flags = IFF_TUN | IFF_NO_PI | (offload ? IFF_VNET_HDR : 0)};
	int fd = open("/dev/net/tun", O_RDWR | O_NONBLOCK | O_CLOEXEC), header = VNET;

	snprintf(request.ifr_name, sizeof request.ifr_name, "%s", name);
	if (fd < 0 || ioctl(fd, TUNSETIFF, &request) ||
	    (offload && (ioctl(fd, TUNSETVNETHDRSZ, &header) || ioctl(fd, TUNSETOFFLOAD, CSUM))))
		err(2, "TUN %s", name);
	return fd;
}

static void swap(uint8_t *a, uint8_t *b, size_t size)
{
	uint8_t kept[4];

	memcpy(kept, a, size);
	memcpy(a, b, size);
	memcpy(b, kept, size);
}

/* Type 8 becomes 0, and the one's complement sum is corrected by the difference (RFC 1624). */
static void answer_ping(uint8_t *icmp)
{
	uint32_t sum = (icmp[2] << 8 | icmp[3]) + 0x0800;

	sum = (sum & 0xffff) + (sum >> 16);
	icmp[0] = 0;
	icmp[2] = sum >> 8;
	icmp[3] = sum;
}

/* Exchanged addresses and ports leave every checksum as it was. */
static int answer(uint8_t *ip, size_t size)
{
	uint8_t *l4 = ip + (ip[0] & 15) * 4;

	if (size < 28 || ip[0] >> 4 != 4 || l4 + 8 > ip + size)
		return 0;
	if (ip[9] == 17)
		swap(l4, l4 + 2, 2);
	else if (ip[9] == 1 && l4[0] == 8)
		answer_ping(l4);
	else
		return 0;
	swap(ip + 12, ip + 16, 4);
	return 1;
}

int main(int argc, char **argv)
{
	int offload = argc == 3 && !strcmp(argv[1], "-o"), header = offload ? VNET : 0;
	ssize_t size;

	if (argc != 2 + offload)
		errx(1, "usage: echo [-o] NAME");
	struct pollfd end = {tun(argv[1 + offload], offload), POLLIN, 0};
	while (poll(&end, 1, -1) > 0 && !(end.revents & POLLERR))
		while ((size = read(end.fd, packet, sizeof packet)) > 0)
			if (answer(packet + header, size - header))
				(void)!write(end.fd, packet, size);
	return 2;
}
