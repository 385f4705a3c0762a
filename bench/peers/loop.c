/* loop A B: joins two TAPs by bare read and write, super-packets whole. The least that a
 * process can do: what the engine is compared with. Ends at SIGTERM; its TAPs go with it. */
#include <err.h>
#include <fcntl.h>
#include <linux/if.h>
#include <linux/if_tun.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <unistd.h>

enum { TURN = 64, OFFLOADS = 0x67 };      /* CSUM TSO4 TSO6 USO4 USO6; Debian's header lacks USO */
static char frame[10 + 65536 + 64];

static int tap(const char *name)
{
	struct ifreq request = {.ifr_flags = IFF_TAP | IFF_NO_PI | IFF_VNET_HDR};
	int fd = open("/dev/net/tun", O_RDWR | O_NONBLOCK | O_CLOEXEC), header = 10;

	snprintf(request.ifr_name, sizeof request.ifr_name, "%s", name);
	if (fd < 0 || ioctl(fd, TUNSETIFF, &request) || ioctl(fd, TUNSETVNETHDRSZ, &header) ||
	    ioctl(fd, TUNSETOFFLOAD, OFFLOADS))
		err(2, "TAP %s", name);
	return fd;
}

static void pass(int from, int to)
{
	for (int i = 0; i < TURN; i++) {
		ssize_t size = read(from, frame, sizeof frame);
		if (size <= 0)
			return;
		(void)!write(to, frame, size);        /* a link that is down loses its frames */
	}
}

int main(int argc, char **argv)
{
	if (argc != 3)
		errx(1, "usage: loop A B");
	struct pollfd ends[2] = {{tap(argv[1]), POLLIN, 0}, {tap(argv[2]), POLLIN, 0}};
	while (poll(ends, 2, -1) > 0)
		for (int i = 0; i < 2; i++)
			if (ends[i].revents & POLLIN)
				pass(ends[i].fd, ends[1 - i].fd);
			else if (ends[i].revents & POLLERR)
				errx(2, "TAP %s is gone", argv[1 + i]);
	return 0;
}
