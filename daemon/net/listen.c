#include "daemon/net/listen.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netdb.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

bool net_is_loopback(const char *address)
{
    return strncmp(address, "127.", 4) == 0 || strcmp(address, "::1") == 0;
}

static int port_of(int fd)
{
    union {
        struct sockaddr any;
        struct sockaddr_in v4;
        struct sockaddr_in6 v6;
    } a;
    socklen_t n = sizeof a;
    if (getsockname(fd, &a.any, &n))
        return 0;
    return ntohs(a.any.sa_family == AF_INET6 ? a.v6.sin6_port : a.v4.sin_port);
}

cbx_status net_listen(const char *who, const char *address, int port, int *out,
                      int *bound, cbx_error *err)
{
    char service[16];
    struct addrinfo *found,
        hint = {.ai_flags = AI_NUMERICHOST | AI_NUMERICSERV | AI_PASSIVE,
                .ai_socktype = SOCK_STREAM};
    const int yes = 1;
    snprintf(service, sizeof service, "%d", port);
    if (getaddrinfo(address, service, &hint, &found))
        return cbx_fail(err, CBX_E_ARG,
                        "%s: '%.40s' is no numeric address, such as 127.0.0.1",
                        who, address);
    const int fd = socket(found->ai_family, SOCK_STREAM | SOCK_CLOEXEC,
                          found->ai_protocol);
    if (fd >= 0)
        setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes);
    const bool bad = fd < 0 || bind(fd, found->ai_addr, found->ai_addrlen) ||
                     listen(fd, 128);
    const int why = errno;
    freeaddrinfo(found);
    if (bad) {
        if (fd >= 0)
            close(fd);
        return cbx_fail(err, CBX_E_DEVICE, "%s: cannot listen on %s:%d: %s",
                        who, address, port, strerror(why));
    }
    *out = fd;
    *bound = port_of(fd);
    return CBX_OK;
}
