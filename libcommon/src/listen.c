/* Runs on the thread of whoever starts a listener. Accepts nothing. */

#include "common/listen.h"

#include <errno.h>
#include <netdb.h>
#include <stdio.h>
#include <unistd.h>

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>

#define LISTEN_BACKLOG 1024

/* The listening socket, or -errno. */
static int bind_first(const struct addrinfo *address, bool shared)
{
    int fd = socket(address->ai_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    int on = 1, failure;

    if (fd < 0)
        return -errno;
    setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
    if (shared)
        setsockopt(fd, SOL_SOCKET, SO_REUSEPORT, &on, sizeof(on));
    if (bind(fd, address->ai_addr, address->ai_addrlen) == 0 && listen(fd, LISTEN_BACKLOG) == 0)
        return fd;
    failure = errno;
    close(fd);
    return -failure;
}

static int bound_port(int fd)
{
    struct sockaddr_storage address = {0};
    socklen_t length = sizeof(address);

    if (getsockname(fd, (struct sockaddr *)&address, &length) != 0)
        return 0;
    /* NOLINTNEXTLINE(clang-analyzer-core.*): one storage, seen as three types */
    return ntohs(address.ss_family == AF_INET6 ? ((struct sockaddr_in6 *)&address)->sin6_port
                                               : ((struct sockaddr_in *)&address)->sin_port);
}

enum cc_code cc_listen(const struct cc_listen_at *at, int *out_fd, int *out_port,
                       struct cc_error *err)
{
    const char *host = at->host;
    const struct addrinfo hints = {.ai_socktype = SOCK_STREAM,
                                   .ai_flags = AI_PASSIVE | AI_NUMERICHOST | AI_NUMERICSERV};
    struct addrinfo *addresses = NULL;
    char digits[12];
    int fd;

    snprintf(digits, sizeof(digits), "%d", at->port);
    if (getaddrinfo(host != NULL && *host != '\0' ? host : NULL, digits, &hints, &addresses) != 0)
        return cc_fail(err, CC_INVALID, "host", "'%s' is not a numeric address", host);
    fd = bind_first(addresses, at->shared);
    freeaddrinfo(addresses);
    if (fd < 0)
        return cc_fail_detail(err, CC_UNAVAILABLE, "can't listen on port %s: errno %d", digits,
                              -fd);
    *out_fd = fd;
    *out_port = bound_port(fd);
    return CC_OK;
}
