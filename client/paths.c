#include "chatterbox/client.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

bool cbx_client_socket_path(char *out, size_t size)
{
    static const char name[] = "chatterbox/control.sock";
    const char *set = getenv("CHATTERBOX_SOCKET");
    const char *xdg = getenv("XDG_RUNTIME_DIR");
    const unsigned uid = (unsigned)getuid();
    char run[64];
    struct stat info;
    int n;
    snprintf(run, sizeof run, "/run/user/%u", uid);
    if (set && *set)
        n = snprintf(out, size, "%s", set);
    else if (xdg && *xdg == '/')
        n = snprintf(out, size, "%s/%s", xdg, name);
    else if (stat(run, &info) == 0 && S_ISDIR(info.st_mode) &&
             info.st_uid == uid)
        n = snprintf(out, size, "%s/%s", run, name);
    else
        n = snprintf(out, size, "/tmp/chatterbox-%u/control.sock", uid);
    return n > 0 && (size_t)n < size;
}
