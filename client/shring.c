/* The shared memory itself: making it, and checking what another made. */
#define _GNU_SOURCE /* memfd_create, F_ADD_SEALS */
#include "client/shring.h"

#include <errno.h>
#include <fcntl.h>
#include <stddef.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

static const char magic[8] = {'C', 'B', 'X', 'R', 'I', 'N', 'G', '1'};

_Static_assert(sizeof(cbx_shring_stretch) == 64, "docs/PROTOCOL.md");
_Static_assert(offsetof(cbx_shring_memory, read) == 64, "docs/PROTOCOL.md");
_Static_assert(offsetof(cbx_shring_memory, notify) == 88, "docs/PROTOCOL.md");
_Static_assert(offsetof(cbx_shring_memory, written) == 128, "docs/PROTOCOL.md");
_Static_assert(offsetof(cbx_shring_memory, stretch) == 192, "docs/PROTOCOL.md");
_Static_assert(offsetof(cbx_shring_memory, pcm) == RING_HEADER,
               "docs/PROTOCOL.md");
_Static_assert(ATOMIC_LLONG_LOCK_FREE == 2, "shared between processes");

static size_t bytes_of(uint32_t frames)
{
    return RING_HEADER + (size_t)frames * sizeof(float);
}

static cbx_status map_it(int fd, uint32_t rate, uint32_t frames,
                         cbx_shring_map *out, cbx_error *err)
{
    void *p =
        mmap(NULL, bytes_of(frames), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    if (p == MAP_FAILED)
        return cbx_fail(err, CBX_E_NOMEM, "audio: no memory to share: %s",
                        strerror(errno));
    *out = (cbx_shring_map){
        .memory = p, .bytes = bytes_of(frames), .rate = rate, .frames = frames};
    return CBX_OK;
}

cbx_status cbx_shring_create(uint32_t rate, uint32_t min_frames,
                             cbx_shring_map *out, int *fd, cbx_error *err)
{
    uint32_t frames = RING_MIN_FRAMES;
    if (rate < RING_MIN_RATE || rate > RING_MAX_RATE)
        return cbx_fail(err, CBX_E_ARG,
                        "audio: %u Hz: it must be from %d to %d", rate,
                        RING_MIN_RATE, RING_MAX_RATE);
    if (min_frames < RING_MIN_FRAMES || min_frames > RING_MAX_FRAMES)
        return cbx_fail(err, CBX_E_ARG,
                        "audio: %u frames: it must be from %d to %d",
                        min_frames, RING_MIN_FRAMES, RING_MAX_FRAMES);
    while (frames < min_frames)
        frames *= 2;
    const int f =
        memfd_create("chatterbox-audio", MFD_CLOEXEC | MFD_ALLOW_SEALING);
    if (f < 0 || ftruncate(f, (off_t)bytes_of(frames)) ||
        fcntl(f, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL)) {
        const int why = errno;
        if (f >= 0)
            close(f);
        return cbx_fail(err, CBX_E_NOMEM, "audio: no memory to share: %s",
                        strerror(why));
    }
    const cbx_status st = map_it(f, rate, frames, out, err);
    if (st) {
        close(f);
        return st;
    }
    memcpy(out->memory->magic, magic, sizeof magic);
    out->memory->rate = rate;
    out->memory->frames = frames;
    *fd = f;
    return CBX_OK;
}

/* The size cannot change any more, so no access can fault. */
static cbx_status check_seals(int fd, cbx_error *err)
{
    const int seals = fcntl(fd, F_GET_SEALS);
    if (seals < 0)
        return cbx_fail(err, CBX_E_FORMAT,
                        "audio: the descriptor is no memfd: %s",
                        strerror(errno));
    if (!(seals & F_SEAL_SHRINK) || !(seals & F_SEAL_GROW))
        return cbx_fail(err, CBX_E_FORMAT,
                        "audio: the memory is not sealed: it needs "
                        "F_SEAL_SHRINK and F_SEAL_GROW");
    if (seals & F_SEAL_WRITE)
        return cbx_fail(err, CBX_E_FORMAT,
                        "audio: the memory is sealed against writing");
    return CBX_OK;
}

cbx_status cbx_shring_attach(int fd, cbx_shring_map *out, cbx_error *err)
{
    struct {
        char magic[8];
        uint32_t rate, frames;
    } head;
    struct stat info;
    const cbx_status st = check_seals(fd, err);
    if (st)
        return st;
    if (fstat(fd, &info) || info.st_size < RING_HEADER ||
        pread(fd, &head, sizeof head, 0) != (ssize_t)sizeof head)
        return cbx_fail(err, CBX_E_FORMAT,
                        "audio: the memory has no header of %d bytes",
                        RING_HEADER);
    if (memcmp(head.magic, magic, sizeof magic))
        return cbx_fail(err, CBX_E_FORMAT,
                        "audio: the memory does not begin with CBXRING1");
    if (head.rate < RING_MIN_RATE || head.rate > RING_MAX_RATE)
        return cbx_fail(err, CBX_E_FORMAT, "audio: a rate of %u Hz", head.rate);
    if (head.frames < RING_MIN_FRAMES || head.frames > RING_MAX_FRAMES ||
        (head.frames & (head.frames - 1)))
        return cbx_fail(err, CBX_E_FORMAT, "audio: room for %u frames",
                        head.frames);
    if ((uint64_t)info.st_size != bytes_of(head.frames))
        return cbx_fail(err, CBX_E_FORMAT,
                        "audio: the memory has %lld bytes; %u frames need %zu",
                        (long long)info.st_size, head.frames,
                        bytes_of(head.frames));
    return map_it(fd, head.rate, head.frames, out, err);
}

void cbx_shring_unmap(cbx_shring_map *m)
{
    if (m->memory)
        munmap(m->memory, m->bytes);
    m->memory = NULL;
}
