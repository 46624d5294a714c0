#include "models/checkpoint/put_file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* These return 0, or errno. */

static int write_parts(FILE *f, const cbx_file_part *parts, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (parts[i].size &&
            fwrite(parts[i].data, 1, parts[i].size, f) != parts[i].size)
            return errno;
    return fflush(f) || fsync(fileno(f)) ? errno : 0;
}

static int put(const char *path, const char *part, const cbx_file_part *parts,
               size_t n)
{
    const int fd = open(part, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
    FILE *f = fd < 0 ? NULL : fdopen(fd, "wb");
    int why = f ? 0 : errno;
    if (!f) {
        if (fd >= 0)
            close(fd);
        return why;
    }
    why = write_parts(f, parts, n);
    if (fclose(f) && !why)
        why = errno;
    if (!why && rename(part, path))
        why = errno;
    if (why)
        unlink(part);
    return why;
}

cbx_status cbx_file_put(const char *path, const cbx_file_part *parts, size_t n,
                        cbx_error *err)
{
    const size_t room = strlen(path) + 32;
    char *part = malloc(room);
    if (!part)
        return cbx_fail(err, CBX_E_NOMEM, "no memory to write %s", path);
    snprintf(part, room, "%s.part-%ld", path, (long)getpid());
    const int why = put(path, part, parts, n);
    free(part);
    if (why)
        return cbx_fail(err, CBX_E_FILE, "cannot write %s: %s", path,
                        strerror(why));
    return CBX_OK;
}
