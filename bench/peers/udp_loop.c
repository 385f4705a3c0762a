/* udp_loop NAME HERE THERE PORT: carries the packets of the TUN NAME in UDP datagrams over IPv4,
 * one in each, in the clear, by bare system calls with every offload: TSO at the TUN, UDP_SEGMENT and
 * UDP_GRO at the socket. The least that a process can do: what the engine is compared with. It trusts
 * its TUN, and takes datagrams from anybody. Ends at SIGTERM; its TUN goes with it.
 *
 *   out  read a super-packet, cut it into headers of its own and slices of its payload, one sendmsg
 *   in   recvmsg, verify, join what one TCP flow sent in a row, one writev */
#define _GNU_SOURCE
#include <err.h>
#include <fcntl.h>
#include <linux/if.h>
#include <linux/if_tun.h>
#include <linux/virtio_net.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/uio.h>
#include <unistd.h>

#include "inet.h"

enum {
	VNET = 10, TURN = 64,
	OFFLOADS = 7,                                 /* CSUM TSO4 TSO6 */
	SEGMENTS = 64, PAYLOAD = 65507,               /* of one send: the limits of kernels before 6.9 */
	HEADERS = 128,                                /* 40 of IPv6 and 60 of TCP, rounded */
	SEGMENT = 103, GRO = 104,                     /* linux/udp.h */
	FIN = 1, PSH = 8, ACK = 16,
	BUFFER = 8 << 20,
};

static int tun, sock;
static struct sockaddr_in peer = {.sin_family = AF_INET};
static uint8_t from_tun[VNET + 65536], from_sock[65536], heads[SEGMENTS][HEADERS];

/* What waits to be sent as one: two pieces for each segment. */
static struct {
	struct iovec pieces[2 * SEGMENTS];
	uint32_t count, step, bytes;
} sending;

/* What waits to be written as one: the vnet header, the first packet, the payloads of the others. */
static struct {
	struct iovec pieces[2 + SEGMENTS];
	uint32_t count, step, bytes, headers, next;
} joining;

/* --- from the TUN to the socket --- */

static void flush_out(void)
{
	char control[CMSG_SPACE(2)] = {0};
	struct msghdr message = {.msg_name = &peer, .msg_namelen = sizeof peer, .msg_iov = sending.pieces,
				 .msg_iovlen = 2 * sending.count};
	struct cmsghdr *step = (struct cmsghdr *)control;

	if (sending.count > 1) {
		*step = (struct cmsghdr){.cmsg_len = CMSG_LEN(2), .cmsg_level = IPPROTO_UDP, .cmsg_type = SEGMENT};
		put16(CMSG_DATA(step), sending.step);
		message.msg_control = control;
		message.msg_controllen = sizeof control;
	}
	if (sending.count)
		(void)!sendmsg(sock, &message, MSG_DONTWAIT);      /* what is refused is lost */
	sending.count = sending.bytes = 0;
}

static void add_out(uint8_t *head, uint32_t headers, uint8_t *payload, uint32_t size)
{
	struct iovec *pieces = &sending.pieces[2 * sending.count++];

	pieces[0] = (struct iovec){head, headers};
	pieces[1] = (struct iovec){payload, size};
	if (sending.count == 1)
		sending.step = headers + size;
	sending.bytes += headers + size;
}

static void cut(uint8_t *ip, uint32_t size, uint32_t l4, uint32_t step)
{
	uint32_t headers = l4 + (ip[l4 + 12] >> 4) * 4, sequence = get32(ip + l4 + 4), at = headers;

	for (uint32_t i = 0; at < size; i++, at += step) {
		uint32_t length = size - at < step ? size - at : step, field = htonl(sequence + i * step);
		if (sending.count == SEGMENTS || sending.bytes + headers + length > PAYLOAD)
			flush_out();
		uint8_t *head = memcpy(heads[sending.count], ip, headers), *tcp = head + l4;
		if (!is6(ip))
			put16(head + 4, htons((ip[4] << 8 | ip[5]) + i));
		set_length(head, headers + length);
		memcpy(tcp + 4, &field, 4);
		if (at + step < size)
			tcp[13] &= ~(FIN | PSH);
		put16(tcp + 16, 0);
		uint64_t total = sum(tcp, headers - l4, pseudo(head, headers - l4 + length));
		put16(tcp + 16, ~fold(sum(ip + at, length, total)));
		add_out(head, headers, ip + at, length);
	}
}

/* A sum of 0 means for UDP that there is none: RFC 768. */
static void complete(uint8_t *ip, uint32_t size, uint32_t start, uint32_t offset)
{
	uint16_t value = ~fold(sum(ip + start, size - start, 0));

	put16(ip + start + offset, value || offset != 6 ? value : 0xffff);
}

static int outward(void)
{
	struct virtio_net_hdr vnet;
	ssize_t size = read(tun, from_tun, sizeof from_tun) - VNET;
	uint8_t *ip = from_tun + VNET;

	if (size <= 0)
		return 0;
	memcpy(&vnet, from_tun, VNET);
	if (vnet.gso_type != VIRTIO_NET_HDR_GSO_NONE) {
		cut(ip, size, vnet.csum_start, vnet.gso_size);
	} else {
		if (vnet.flags & VIRTIO_NET_HDR_F_NEEDS_CSUM)
			complete(ip, size, vnet.csum_start, vnet.csum_offset);
		add_out(ip, size, ip, 0);
	}
	flush_out();
	return 1;
}

/* --- from the socket to the TUN --- */

/* A checksum that the kernel is told to finish must have been verified: see mergeable. */
static void flush_in(void)
{
	struct virtio_net_hdr vnet = {0};
	uint8_t *ip = joining.pieces[1].iov_base;

	if (!joining.count)
		return;
	if (joining.count > 1) {
		uint32_t l4 = is6(ip) ? 40 : 20;
		set_length(ip, joining.bytes);
		put16(ip + l4 + 16, fold(pseudo(ip, joining.bytes - l4)));
		vnet.flags = VIRTIO_NET_HDR_F_NEEDS_CSUM;
		vnet.gso_type = is6(ip) ? VIRTIO_NET_HDR_GSO_TCPV6 : VIRTIO_NET_HDR_GSO_TCPV4;
		vnet.hdr_len = joining.headers;
		vnet.gso_size = joining.step;
		vnet.csum_start = l4;
		vnet.csum_offset = 16;
	}
	joining.pieces[0] = (struct iovec){&vnet, VNET};
	(void)!writev(tun, joining.pieces, 1 + joining.count);
	joining.count = 0;
}

/* The headers' length of a TCP segment that carries bytes and nothing special, intact; 0 for all others. */
static uint32_t mergeable(const uint8_t *ip, uint32_t size)
{
	uint32_t l4 = is6(ip) ? 40 : 20, told = is6(ip) ? 40 + (ip[4] << 8 | ip[5]) : ip[2] << 8 | ip[3], headers;

	if (size < l4 + 20 || told != size || (is6(ip) ? ip[6] : ip[9]) != 6)
		return 0;
	if (!is6(ip) && (ip[0] != 0x45 || ip[6] & 0x3f || ip[7] || fold(sum(ip, 20, 0)) != 0xffff))
		return 0;
	headers = l4 + (ip[l4 + 12] >> 4) * 4;
	if (headers < l4 + 20 || headers >= size || (ip[l4 + 13] & ~PSH) != ACK)
		return 0;
	return fold(sum(ip + l4, size - l4, pseudo(ip, size - l4))) == 0xffff ? headers : 0;
}

static int same(const uint8_t *a, const uint8_t *b, uint32_t from, uint32_t to)
{
	return !memcmp(a + from, b + from, to - from);
}

/* Whether it goes on where the waiting ones end: the rules of the kernel's tcp_gro_receive. */
static int continues(const uint8_t *ip, uint32_t size, uint32_t headers)
{
	const uint8_t *first = joining.pieces[1].iov_base;
	uint32_t l4 = is6(ip) ? 40 : 20;

	return joining.count && joining.count <= SEGMENTS && headers == joining.headers &&
	       size - headers <= joining.step && joining.bytes + size - headers <= 65535 &&
	       get32(ip + l4 + 4) == joining.next &&
	       same(ip, first, 0, is6(ip) ? 4 : 2) && same(ip, first, 6, is6(ip) ? l4 : 10) && same(ip, first, 12, l4 + 4) &&
	       same(ip, first, l4 + 8, l4 + 13) && same(ip, first, l4 + 14, l4 + 16) &&
	       same(ip, first, l4 + 18, headers);
}

static void join(uint8_t *ip, uint32_t size)
{
	uint32_t headers = mergeable(ip, size), l4 = is6(ip) ? 40 : 20;

	if (headers && continues(ip, size, headers)) {
		joining.pieces[++joining.count] = (struct iovec){ip + headers, size - headers};
		joining.bytes += size - headers;
		((uint8_t *)joining.pieces[1].iov_base)[l4 + 13] |= ip[l4 + 13] & PSH;
	} else {
		flush_in();
		joining.pieces[1] = (struct iovec){ip, size};
		joining.count = 1;
		joining.headers = headers;
		joining.step = size - headers;
		joining.bytes = size;
	}
	if (!headers || size - headers < joining.step || ip[l4 + 13] & PSH)
		flush_in();
	else
		joining.next = get32(ip + l4 + 4) + size - headers;
}

static int inward(void)
{
	char control[CMSG_SPACE(sizeof(int))];
	struct iovec room = {from_sock, sizeof from_sock};
	struct msghdr message = {.msg_iov = &room, .msg_iovlen = 1, .msg_control = control,
				 .msg_controllen = sizeof control};
	ssize_t size = recvmsg(sock, &message, MSG_DONTWAIT);
	struct cmsghdr *told = size > 0 ? CMSG_FIRSTHDR(&message) : NULL;
	int step = size;

	if (told && told->cmsg_level == IPPROTO_UDP && told->cmsg_type == GRO)
		memcpy(&step, CMSG_DATA(told), sizeof step);
	for (ssize_t at = 0; at < size; at += step)
		join(from_sock + at, size - at < step ? size - at : step);
	flush_in();
	return size > 0;
}

/* --- opening --- */

static int open_tun(const char *name)
{
	struct ifreq request = {.ifr_flags = IFF_TUN | IFF_NO_PI | IFF_VNET_HDR};
	int fd = open("/dev/net/tun", O_RDWR | O_NONBLOCK | O_CLOEXEC), header = VNET;

	snprintf(request.ifr_name, sizeof request.ifr_name, "%s", name);
	if (fd < 0 || ioctl(fd, TUNSETIFF, &request) || ioctl(fd, TUNSETVNETHDRSZ, &header) ||
	    ioctl(fd, TUNSETOFFLOAD, OFFLOADS))
		err(2, "TUN %s", name);
	return fd;
}

static int open_socket(const char *here, int port)
{
	struct sockaddr_in own = {.sin_family = AF_INET, .sin_port = htons(port)};
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0), on = 1, dont_fragment = IP_PMTUDISC_DO, size = BUFFER;

	inet_pton(AF_INET, here, &own.sin_addr);
	setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &size, sizeof size);
	setsockopt(fd, SOL_SOCKET, SO_SNDBUFFORCE, &size, sizeof size);
	if (bind(fd, (struct sockaddr *)&own, sizeof own) || setsockopt(fd, IPPROTO_UDP, GRO, &on, sizeof on) ||
	    setsockopt(fd, IPPROTO_IP, IP_MTU_DISCOVER, &dont_fragment, sizeof dont_fragment))
		err(2, "%s port %d", here, port);
	return fd;
}

int main(int argc, char **argv)
{
	if (argc != 5 || inet_pton(AF_INET, argv[3], &peer.sin_addr) != 1)
		errx(1, "usage: udp_loop NAME HERE THERE PORT");
	peer.sin_port = htons(atoi(argv[4]));
	sock = open_socket(argv[2], atoi(argv[4]));
	tun = open_tun(argv[1]);
	struct pollfd ends[2] = {{tun, POLLIN, 0}, {sock, POLLIN, 0}};
	while (poll(ends, 2, -1) > 0 && !(ends[0].revents & POLLERR)) {
		for (int i = 0; i < TURN && ends[0].revents && outward(); i++)
			;
		for (int i = 0; i < TURN && ends[1].revents && inward(); i++)
			;
	}
	errx(2, "TUN %s is gone", argv[1]);
}
