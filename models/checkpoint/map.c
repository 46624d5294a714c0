#include "models/checkpoint/map.h"

#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

static cbx_status map_fd(int fd, const char *path, file_map *out,
                         cbx_error *err)
{
    struct stat st;
    if (fstat(fd, &st))
        return cbx_fail(err, CBX_E_FILE, "cannot read %s: %s", path,
                        strerror(errno));
    if (!S_ISREG(st.st_mode))
        return cbx_fail(err, CBX_E_FILE,
                        "cannot read %s: it is not a regular file", path);
    if (st.st_size == 0)
        return cbx_fail(err, CBX_E_FORMAT, "%s is empty", path);
    if ((uintmax_t)st.st_size > SIZE_MAX / 2)
        return cbx_fail(err, CBX_E_LIMIT, "%s is too large to map", path);

    void *p = mmap(NULL, (size_t)st.st_size, PROT_READ, MAP_PRIVATE, fd, 0);
    if (p == MAP_FAILED)
        return cbx_fail(err, CBX_E_FILE, "cannot map %s: %s", path,
                        strerror(errno));
    out->data = p;
    out->size = (size_t)st.st_size;
    return CBX_OK;
}

cbx_status file_map_open(const char *path, file_map *out, cbx_error *err)
{
    /* O_NONBLOCK: a FIFO in the place of a file must not hang us */
    const int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (fd < 0)
        return cbx_fail(err, CBX_E_FILE, "cannot open %s: %s", path,
                        strerror(errno));
    const cbx_status st = map_fd(fd, path, out, err);
    close(fd);
    return st;
}

void file_map_close(file_map *m)
{
    if (m->data)
        munmap((void *)m->data, m->size);
    m->data = NULL;
    m->size = 0;
}
