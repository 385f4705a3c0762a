/* blast: a generator of UDP datagrams by sendmmsg and a receiver by recvmmsg that verifies each.
 *
 *   blast send -a ADDRESS -p PORT [-s SIZES] [-t SECONDS] [-n COUNT] [-r PPS] [-f FLOWS]
 *   blast echo (the same)      also receives what the far side sends back
 *   blast sink -p PORT [-a ADDRESS] [-s LARGEST]      -p 0: one that is free, told on the first line
 *
 * -s 64,1300 alternates payload sizes (at least 24 bytes); -r 0 is flat out; -f sends from that many
 * source ports. send and echo end by time or count, whichever is first; echo and sink then wait for
 * 0.3 s without a datagram. The last line of output is the counts as JSON. One thread sends and
 * receives: on two cores a third runnable thread would take its time from the subject. */
#define _GNU_SOURCE
#include <err.h>
#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "probe.h"

enum { BURST = 64, BUFFER = 8 << 20, QUIET_MS = 300, FIRST_MS = 10000, DROPS = 8, MEMINFO = 9 };

static struct {
	const char *address, *port;
	uint32_t sizes[8], kinds, largest, flows;
	uint64_t count, rate, limit_ns;
} plan = {.sizes = {64}, .kinds = 1, .largest = 64, .flows = 1, .count = UINT64_MAX, .limit_ns = 3000000000};

static struct pollfd sockets[FLOWS];
static uint64_t sequences[FLOWS], sent, refused, began, sent_until, last;
static struct tally tally;
static struct mmsghdr outgoing[BURST], incoming[BURST];

static uint64_t now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec * 1000000000ull + t.tv_nsec;
}

/* --- sockets and buffers --- */

static int open_socket(int passive)
{
	struct addrinfo hints = {.ai_socktype = SOCK_DGRAM, .ai_flags = AI_NUMERICHOST};
	struct addrinfo *found;
	int size = BUFFER, why = getaddrinfo(plan.address, plan.port, &hints, &found);

	if (why)
		errx(1, "%s port %s: %s", plan.address, plan.port, gai_strerror(why));
	int fd = socket(found->ai_family, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &size, sizeof size);
	setsockopt(fd, SOL_SOCKET, SO_SNDBUFFORCE, &size, sizeof size);
	if ((passive ? bind : connect)(fd, found->ai_addr, found->ai_addrlen))
		err(2, "%s port %s", plan.address, plan.port);
	freeaddrinfo(found);
	return fd;
}

static int own_port(void)
{
	struct sockaddr_in6 own;      /* the port lies at the same place in sockaddr_in */
	socklen_t size = sizeof own;

	getsockname(sockets[0].fd, (struct sockaddr *)&own, &size);
	return ntohs(own.sin6_port);
}

static void prepare(int passive)
{
	size_t stride = (plan.largest + 1 + 64) & ~63ul;      /* one more: an overlong one shows */
	uint8_t *room = calloc(BURST, stride);
	static struct probe headers[BURST];
	static struct iovec out[BURST][2], in[BURST];

	pool_fill();
	for (uint32_t i = 0; i < plan.flows; i++)
		sockets[i] = (struct pollfd){open_socket(passive), POLLIN, 0};
	for (int i = 0; i < BURST; i++) {
		out[i][0] = (struct iovec){&headers[i], sizeof headers[i]};
		outgoing[i].msg_hdr = (struct msghdr){.msg_iov = out[i], .msg_iovlen = 2};
		in[i] = (struct iovec){room + i * stride, stride};
		incoming[i].msg_hdr = (struct msghdr){.msg_iov = &in[i], .msg_iovlen = 1};
	}
}

/* --- sending --- */

static void lay(struct mmsghdr *message, uint32_t flow)
{
	struct iovec *parts = message->msg_hdr.msg_iov;
	struct probe *probe = parts[0].iov_base;
	uint64_t sequence = sequences[flow]++;
	uint32_t size = plan.sizes[sequence % plan.kinds];

	probe_fill(probe, flow, sequence, size);
	parts[1] = (struct iovec){(void *)probe_slice(sequence), size - sizeof *probe};
}

static void send_burst(uint32_t flow, int size)
{
	for (int i = 0; i < size; i++)
		lay(&outgoing[i], flow);
	for (int done = 0; done < size;) {
		int n = sendmmsg(sockets[flow].fd, outgoing + done, size - done, 0);
		/* A port that is not open yet answers by ICMP; the error costs no datagram. */
		if (n < 0 && errno != ECONNREFUSED && errno != ENOBUFS)
			err(2, "send to %s", plan.address);
		if (n < 0 && ++refused > 1000)
			errx(2, "send to %s: refused a thousand times", plan.address);
		done += n > 0 ? n : 0;
	}
	sent += size;
}

static int burst_size(void)
{
	uint64_t left = plan.count - sent, most = plan.rate ? plan.rate / 1000 + 1 : BURST;

	most = most < BURST ? most : BURST;
	return left < most ? left : most;
}

/* --- receiving --- */

static void drain(uint32_t flow)
{
	int n;

	while ((n = recvmmsg(sockets[flow].fd, incoming, BURST, MSG_DONTWAIT, NULL)) > 0) {
		for (int i = 0; i < n; i++)
			tally_add(&tally, incoming[i].msg_hdr.msg_iov->iov_base, incoming[i].msg_len);
		last = now();
	}
}

static void drain_until_quiet(int timeout_ms)
{
	while (poll(sockets, plan.flows, timeout_ms) > 0) {
		if (!tally.received)
			began = began ? began : now();
		for (uint32_t i = 0; i < plan.flows; i++)
			drain(i);
		timeout_ms = QUIET_MS;
	}
}

/* Sleep until the next burst is due, so that a rate is kept on average. */
static void pace(void)
{
	uint64_t due = began + (plan.rate ? sent * 1000000000ull / plan.rate : 0), at = now();

	if (due > at)
		nanosleep(&(struct timespec){0, due - at < 1000000 ? due - at : 1000000}, NULL);
}

static void blast(int echo)
{
	uint32_t flow = 0;

	for (began = now(); sent < plan.count && now() < began + plan.limit_ns; flow = (flow + 1) % plan.flows) {
		pace();
		if (!plan.rate || now() >= began + sent * 1000000000ull / plan.rate)
			send_burst(flow, burst_size());
		if (echo)
			for (uint32_t i = 0; i < plan.flows; i++)
				drain(i);
	}
	sent_until = now();
	if (echo)
		drain_until_quiet(QUIET_MS);
}

/* --- counts --- */

static uint64_t overflowed(void)
{
	uint64_t all = 0;

	for (uint32_t i = 0; i < plan.flows; i++) {
		uint32_t info[MEMINFO] = {0};
		socklen_t size = sizeof info;
		getsockopt(sockets[i].fd, SOL_SOCKET, SO_MEMINFO, info, &size);
		all += info[DROPS];
	}
	return all;
}

static double kpps(uint64_t datagrams, uint64_t until)
{
	return until > began ? 1e6 * datagrams / (until - began) : 0;
}

static void report(int sends, int receives)
{
	uint64_t known = sends ? sent : tally_known(&tally), unique = tally.received - tally.duplicated;

	printf("{\"sent\": %lu, \"offered_kpps\": %.2f", sent, kpps(sent, sent_until));
	if (receives)
		printf(", \"received\": %lu, \"bytes\": %lu, \"lost\": %lu, \"reordered\": %lu, \"duplicated\": %lu, "
		       "\"corrupted\": %lu, \"overflowed\": %lu, \"kpps\": %.2f",
		       tally.received, tally.bytes, known - unique, tally.reordered, tally.duplicated,
		       tally.corrupted, overflowed(), kpps(tally.received, last));
	printf("}\n");
}

/* --- command line --- */

static void take_sizes(char *list)
{
	plan.kinds = plan.largest = 0;
	for (char *word = strtok(list, ","); word && plan.kinds < 8; word = strtok(NULL, ",")) {
		uint32_t size = strtoul(word, NULL, 10);
		if (size < sizeof(struct probe) || size > SIZE_MAX_UDP)
			errx(1, "size %s: %zu to %d were expected", word, sizeof(struct probe), SIZE_MAX_UDP);
		plan.sizes[plan.kinds++] = size;
		plan.largest = size > plan.largest ? size : plan.largest;
	}
}

static void take_options(int argc, char **argv)
{
	for (int option; (option = getopt(argc, argv, "a:p:s:t:n:r:f:")) != -1;)
		switch (option) {
		case 'a': plan.address = optarg; break;
		case 'p': plan.port = optarg; break;
		case 's': take_sizes(optarg); break;
		case 't': plan.limit_ns = 1e9 * strtod(optarg, NULL); break;
		case 'n': plan.count = strtoull(optarg, NULL, 10); break;
		case 'r': plan.rate = strtoull(optarg, NULL, 10); break;
		case 'f': plan.flows = strtoul(optarg, NULL, 10); break;
		default: exit(1);
		}
	if (!plan.address || !plan.port || !plan.kinds || !plan.flows || plan.flows > FLOWS)
		errx(1, "an address, a port, a size and 1 to %d flows were expected", FLOWS);
}

int main(int argc, char **argv)
{
	const char *verb = argc > 1 ? argv[1] : "";
	int sink = !strcmp(verb, "sink"), echo = !strcmp(verb, "echo");

	if (!sink && !echo && strcmp(verb, "send"))
		errx(1, "usage: blast send|echo -a ADDRESS -p PORT ... or blast sink -p PORT ...");
	plan.address = sink ? "0.0.0.0" : NULL;
	take_options(argc - 1, argv + 1);
	prepare(sink);
	if (sink) {
		printf("ready on port %d\n", own_port());
		fflush(stdout);
		drain_until_quiet(FIRST_MS);
	} else {
		blast(echo);
	}
	report(!sink, sink || echo);
	return 0;
}
