/* flood: sends datagrams of a file, over and over, at a rate; they are never answered to it, or it does not listen.
 *
 *   flood -a ADDRESS -p PORT -s SIZE -r PPS -t SECONDS      the datagrams, SIZE bytes each, on standard input
 *
 * It says "ready" before it begins. The last line of output is the counts as JSON: what was sent, and
 * how many thousands a second that was. Bounded by time; a burst is what a millisecond asks for, at
 * most 1,024, and what was missed is not made up for. */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <err.h>
#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum { BURST = 1024, ROOM = 16 << 20, MS = 1000000 };

static struct sockaddr_in to = {.sin_family = AF_INET};
static uint64_t rate = 1000, limit_ns = 1000000000, sent;
static size_t size = 148, kinds;
static uint8_t room[ROOM];
static struct mmsghdr messages[BURST];
static struct iovec parts[BURST];

static uint64_t now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec * 1000000000ull + t.tv_nsec;
}

static void read_datagrams(void)
{
	size_t got = fread(room, 1, sizeof room, stdin);

	kinds = got / size;
	if (!kinds || got % size)
		errx(1, "standard input: datagrams of %zu bytes were expected, %zu bytes came", size, got);
}

/* An ICMP error of a closed port shows up in a later send and costs that one. */
static void send_burst(int fd, unsigned count)
{
	for (unsigned i = 0; i < count; i++) {
		parts[i] = (struct iovec){room + (sent + i) % kinds * size, size};
		messages[i].msg_hdr = (struct msghdr){.msg_iov = &parts[i], .msg_iovlen = 1,
						      .msg_name = &to, .msg_namelen = sizeof to};
	}
	for (unsigned done = 0; done < count;) {
		int n = sendmmsg(fd, messages + done, count - done, 0);
		if (n < 0 && errno != ECONNREFUSED && errno != ENOBUFS)
			err(2, "send");
		done += n > 0 ? n : 1;
		sent += n > 0 ? n : 0;
	}
}

static uint64_t flood(int fd)
{
	uint64_t began = now(), each = rate / 1000 ? rate / 1000 : 1, step = each * 1000000000ull / rate;

	for (uint64_t due = began, at; (at = now()) < began + limit_ns; due += step) {
		if (at > due + 5 * MS)
			due = at;
		if (due > at)
			nanosleep(&(struct timespec){0, due - at}, NULL);
		send_burst(fd, each < BURST ? each : BURST);
	}
	return now() - began;
}

static void take_options(int argc, char **argv)
{
	for (int option; (option = getopt(argc, argv, "a:p:s:r:t:")) != -1;)
		switch (option) {
		case 'a': inet_pton(AF_INET, optarg, &to.sin_addr); break;
		case 'p': to.sin_port = htons(strtoul(optarg, NULL, 10)); break;
		case 's': size = strtoul(optarg, NULL, 10); break;
		case 'r': rate = strtoull(optarg, NULL, 10); break;
		case 't': limit_ns = 1e9 * strtod(optarg, NULL); break;
		default: exit(1);
		}
	if (!to.sin_addr.s_addr || !to.sin_port || !size || size > 65507 || !rate || limit_ns > 600000000000)
		errx(1, "an IPv4 address, a port, a size, a rate and at most 600 seconds were expected");
}

int main(int argc, char **argv)
{
	take_options(argc, argv);
	read_datagrams();
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	printf("ready\n");
	fflush(stdout);
	uint64_t took = flood(fd);
	printf("{\"sent\": %lu, \"kpps\": %.2f}\n", sent, 1e6 * sent / took);
	return 0;
}
