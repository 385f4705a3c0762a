/* A kernel that refuses runs, or lies about them: preloaded, with what it says in the environment.
 *
 * RUN_ERRNO  what a send of a message with UDP_SEGMENT fails with
 * GRO_SAYS   the segment size in place of each that comes with UDP_GRO
 */
#define _GNU_SOURCE
#include <errno.h>
#include <netinet/in.h>
#include <netinet/udp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

static struct cmsghdr *find(struct msghdr *message, int kind)
{
    struct cmsghdr *c = CMSG_FIRSTHDR(message);

    while (c && (c->cmsg_level != IPPROTO_UDP || c->cmsg_type != kind))
        c = CMSG_NXTHDR(message, c);
    return c;
}

int sendmmsg(int fd, struct mmsghdr *messages, unsigned int count, int flags)
{
    const char *refusal = getenv("RUN_ERRNO");
    unsigned int i = 0;

    while (i < count && !(refusal && find(&messages[i].msg_hdr, UDP_SEGMENT)))
        i++;
    if (i == 0 && count) {
        errno = atoi(refusal);
        return -1;
    }
    return syscall(SYS_sendmmsg, fd, messages, i, flags);
}

int recvmmsg(int fd, struct mmsghdr *messages, unsigned int count, int flags, struct timespec *timeout)
{
    const char *lie = getenv("GRO_SAYS");
    int got = syscall(SYS_recvmmsg, fd, messages, count, flags, timeout), i, size;

    for (i = 0; lie && i < got; i++) {
        struct cmsghdr *c = find(&messages[i].msg_hdr, UDP_GRO);
        size = atoi(lie);
        if (c)
            memcpy(CMSG_DATA(c), &size, sizeof(size));
    }
    return got;
}
