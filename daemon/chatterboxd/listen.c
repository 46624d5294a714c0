#define _GNU_SOURCE /* SOCK_CLOEXEC */
#include "daemon/chatterboxd/listen.h"

#include "chatterbox/client.h"
#include "rt/status.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <systemd/sd-daemon.h>
#include <unistd.h>

enum { BACKLOG = 128 };

static cbx_status from_systemd(listening *out, cbx_error *err)
{
    const int fd = SD_LISTEN_FDS_START;
    if (sd_is_socket_unix(fd, SOCK_STREAM, 1, NULL, 0) <= 0)
        return cbx_fail(err, CBX_E_FILE,
                        "the socket that systemd passed is no listening Unix "
                        "stream socket");
    const int flags = fcntl(fd, F_GETFL);
    fcntl(fd, F_SETFL, flags | O_NONBLOCK);
    *out = (listening){.fd = fd, .lock = -1};
    return CBX_OK;
}

/* The folder must be ours alone: whoever can write there could take our
 * clients' text. One that is made gets the right mode. */
static cbx_status make_folder(const char *path, cbx_error *err)
{
    char folder[sizeof((struct sockaddr_un *)0)->sun_path];
    struct stat info;
    snprintf(folder, sizeof folder, "%s", path);
    char *slash = strrchr(folder, '/');
    if (!slash || slash == folder)
        return cbx_fail(err, CBX_E_ARG,
                        "%s: the socket needs a folder of its own", path);
    *slash = 0;
    if (mkdir(folder, 0700) && errno != EEXIST)
        return cbx_fail(err, CBX_E_FILE, "%s: %s", folder, strerror(errno));
    if (lstat(folder, &info))
        return cbx_fail(err, CBX_E_FILE, "%s: %s", folder, strerror(errno));
    if (!S_ISDIR(info.st_mode) || info.st_uid != getuid() ||
        (info.st_mode & 077))
        return cbx_fail(err, CBX_E_FILE,
                        "%s: it must be a folder of this user with mode 0700",
                        folder);
    return CBX_OK;
}

/* Held as long as we live, and let go of by the kernel however we end. */
static cbx_status take_lock(const char *path, int *out, cbx_error *err)
{
    char name[128];
    snprintf(name, sizeof name, "%s.lock", path);
    const int fd = open(name, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (fd < 0)
        return cbx_fail(err, CBX_E_FILE, "%s: %s", name, strerror(errno));
    if (flock(fd, LOCK_EX | LOCK_NB)) {
        close(fd);
        return cbx_fail(err, CBX_E_DEVICE, "%s: another chatterboxd runs there",
                        path);
    }
    *out = fd;
    return CBX_OK;
}

static cbx_status bind_there(const char *path, int *out, cbx_error *err)
{
    struct sockaddr_un a = {.sun_family = AF_UNIX};
    memcpy(a.sun_path, path, strlen(path) + 1);
    const int fd =
        socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fd < 0)
        return cbx_fail(err, CBX_E_FILE, "a socket: %s", strerror(errno));
    unlink(path); /* left by one that was killed: we have the lock */
    const mode_t mask = umask(0177);
    const int rc = bind(fd, (const struct sockaddr *)&a, sizeof a);
    const int why = errno;
    umask(mask);
    if (rc || listen(fd, BACKLOG)) {
        close(fd);
        return cbx_fail(err, CBX_E_FILE, "%s: %s", path,
                        strerror(rc ? why : errno));
    }
    *out = fd;
    return CBX_OK;
}

cbx_status listen_open(const char *path, listening *out, cbx_error *err)
{
    char own[512];
    const int passed = sd_listen_fds(1);
    if (passed > 1)
        return cbx_fail(err, CBX_E_ARG,
                        "systemd passed %d sockets; one is wanted", passed);
    if (passed == 1)
        return from_systemd(out, err);
    if (!path && !cbx_client_socket_path(own, sizeof own))
        return cbx_fail(err, CBX_E_ARG, "the socket's path is too long");
    path = path ? path : own;
    if (strlen(path) >= sizeof out->path)
        return cbx_fail(err, CBX_E_ARG,
                        "%.60s...: a socket's path has at most %zu bytes", path,
                        sizeof out->path - 1);
    *out = (listening){.fd = -1, .lock = -1};
    snprintf(out->path, sizeof out->path, "%s", path);
    cbx_status st = make_folder(path, err);
    if (!st)
        st = take_lock(path, &out->lock, err);
    if (!st && (st = bind_there(path, &out->fd, err)))
        close(out->lock);
    return st;
}

/* The lock's file stays: removing it could take it from under the next one. */
void listen_close(listening *l)
{
    if (l->path[0])
        unlink(l->path);
    if (l->lock >= 0)
        close(l->lock);
}
