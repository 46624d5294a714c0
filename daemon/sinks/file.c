#define _GNU_SOURCE
#include "daemon/sinks/internal.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <sndfile.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>
#include <unistd.h>

enum { BLOCK_FRAMES = 256 };

/* The frames go to a file beside `target`, which takes its place once it is
 * complete: whoever reads `target` never sees half of it. */
typedef struct {
    cbx_sink sink;
    sink_writer writer;
    char *target; /* symbolic links resolved */
    char *part;   /* NULL: target is no regular file and is written itself */
    int fd;
    int io_errno; /* the first write that failed; 0: none */
    SNDFILE *snd;
    uint32_t channels;
    uint64_t frames_left; /* what the container can still hold */
} file_sink;

typedef struct {
    const char *name;
    int major;
    int minor;     /* 0: what `subtype` says */
    int preferred; /* subtype unless told otherwise */
} container;

static const container containers[] = {
    {"wav", SF_FORMAT_WAV, 0, SF_FORMAT_FLOAT},
    {"rf64", SF_FORMAT_RF64, 0, SF_FORMAT_FLOAT},
    {"flac", SF_FORMAT_FLAC, 0, SF_FORMAT_PCM_24},
    {"ogg", SF_FORMAT_OGG, SF_FORMAT_VORBIS, 0},
    {"opus", SF_FORMAT_OGG, SF_FORMAT_OPUS, 0},
    {"mp3", SF_FORMAT_MPEG, SF_FORMAT_MPEG_LAYER_III, 0},
};

static const struct {
    const char *name;
    int minor;
    uint32_t bytes;
} subtypes[] = {
    {"float", SF_FORMAT_FLOAT, 4},
    {"16", SF_FORMAT_PCM_16, 2},
    {"24", SF_FORMAT_PCM_24, 3},
    {"32", SF_FORMAT_PCM_32, 4},
};

static const container *find_container(const char *name)
{
    for (size_t i = 0; i < sizeof containers / sizeof *containers; i++)
        if (!strcasecmp(name, containers[i].name))
            return &containers[i];
    return NULL;
}

static cbx_status choose_container(const cbx_sink_options *o,
                                   const container **out, cbx_error *err)
{
    const char *slash = strrchr(o->path, '/');
    const char *base = slash ? slash + 1 : o->path;
    const char *dot = strrchr(base, '.');
    const char *name = o->format ? o->format : dot ? dot + 1 : "";
    *out = find_container(name);
    if (*out)
        return CBX_OK;
    return cbx_fail(err, CBX_E_ARG,
                    "%s: file format '%s' is unknown: use wav, rf64, flac, "
                    "ogg, opus or mp3",
                    o->path, name);
}

static cbx_status choose_subtype(const cbx_sink_options *o, const container *c,
                                 int *minor, cbx_error *err)
{
    *minor = c->minor ? c->minor : c->preferred;
    if (!o->subtype)
        return CBX_OK;
    for (size_t i = 0; i < sizeof subtypes / sizeof *subtypes && !c->minor; i++)
        if (!strcmp(o->subtype, subtypes[i].name)) {
            *minor = subtypes[i].minor;
            return CBX_OK;
        }
    return cbx_fail(err, CBX_E_ARG, "%s: a %s file has no subtype '%s'",
                    o->path, c->name, o->subtype);
}

/* A WAV file's sizes are 32-bit numbers. */
static uint64_t frame_limit(int format, uint32_t channels)
{
    if ((format & SF_FORMAT_TYPEMASK) != SF_FORMAT_WAV)
        return UINT64_MAX;
    uint32_t bytes = 4;
    for (size_t i = 0; i < sizeof subtypes / sizeof *subtypes; i++)
        if ((format & SF_FORMAT_SUBMASK) == subtypes[i].minor)
            bytes = subtypes[i].bytes;
    return (UINT32_MAX - 4096u) / (bytes * channels);
}

static cbx_status cannot_write(const file_sink *f, const char *why,
                               cbx_error *err)
{
    return cbx_fail(err, CBX_E_FILE, "%s: cannot be written: %s",
                    f->sink.options.path, why);
}

/* Opens f->fd: a new file beside the target, or the target itself where that
 * is a device or a pipe. */
static cbx_status open_output(file_sink *f, cbx_error *err)
{
    const char *path = f->sink.options.path;
    static _Atomic unsigned serial;
    struct stat st;
    const bool exists = !stat(path, &st);
    f->target = exists ? realpath(path, NULL) : strdup(path);
    if (!f->target)
        return cbx_fail(err, CBX_E_FILE, "%s: %s", path, strerror(errno));
    int flags = O_WRONLY | O_CLOEXEC;
    if (exists && S_ISDIR(st.st_mode))
        return cbx_fail(err, CBX_E_FILE,
                        "%s: is a folder; name a file to write", path);
    if (!exists || S_ISREG(st.st_mode)) {
        if (exists && access(f->target, W_OK))
            return cannot_write(f, strerror(errno), err);
        if (asprintf(&f->part, "%s.part-%ld-%u", f->target, (long)getpid(),
                     atomic_fetch_add(&serial, 1)) < 0) {
            f->part = NULL;
            return cbx_fail(err, CBX_E_NOMEM, "%s: out of memory", path);
        }
        flags |= O_CREAT | O_EXCL;
    }
    f->fd = open(f->part ? f->part : f->target, flags, 0666);
    if (f->fd < 0) {
        const int why = errno;
        free(f->part); /* nothing to remove */
        f->part = NULL;
        return cannot_write(f, strerror(why), err);
    }
    if (exists && f->part && fchmod(f->fd, st.st_mode & 07777))
        return cannot_write(f, strerror(errno), err);
    return CBX_OK;
}

/* Lets go of everything; the unfinished file is removed. */
static void release(file_sink *f)
{
    if (f->snd)
        sf_close(f->snd);
    f->snd = NULL;
    if (f->fd >= 0)
        close(f->fd);
    f->fd = -1;
    if (f->part)
        unlink(f->part);
    free(f->part);
    free(f->target);
    f->part = f->target = NULL;
}

/* libsndfile's own writing loses errors on the way (all of them with MP3), so
 * a full disk would end in a short file that nobody complains about. */
static sf_count_t io_length(void *file)
{
    struct stat st;
    return fstat(((file_sink *)file)->fd, &st) ? -1 : st.st_size;
}

static sf_count_t io_seek(sf_count_t offset, int whence, void *file)
{
    return lseek(((file_sink *)file)->fd, offset, whence);
}

static sf_count_t io_tell(void *file)
{
    return lseek(((file_sink *)file)->fd, 0, SEEK_CUR);
}

static sf_count_t io_read(void *to, sf_count_t n, void *file)
{
    return read(((file_sink *)file)->fd, to, (size_t)n);
}

static sf_count_t io_write(const void *from, sf_count_t n, void *file)
{
    file_sink *f = file;
    sf_count_t done = 0;
    while (done < n) {
        const ssize_t k =
            write(f->fd, (const char *)from + done, (size_t)(n - done));
        if (k < 0 && errno == EINTR)
            continue;
        if (k <= 0) {
            if (!f->io_errno)
                f->io_errno = k < 0 ? errno : ENOSPC;
            break;
        }
        done += k;
    }
    return done;
}

static SNDFILE *open_sndfile(file_sink *f, SF_INFO *info)
{
    static SF_VIRTUAL_IO io = {io_length, io_seek, io_read, io_write, io_tell};
    /* a pipe cannot seek, which libsndfile only knows of files of its own */
    return f->part ? sf_open_virtual(&io, SFM_WRITE, info, f)
                   : sf_open_fd(f->fd, SFM_WRITE, info, SF_FALSE);
}

static cbx_status open_encoder(file_sink *f, const container *c, int minor,
                               cbx_error *err)
{
    const cbx_sink_options *o = &f->sink.options;
    SF_INFO info = {
        .samplerate = (int)(o->rate ? o->rate : SINK_DEFAULT_RATE),
        .channels = (int)f->channels,
        .format = c->major | minor,
    };
    if (!sf_format_check(&info))
        return cbx_fail(err, CBX_E_UNSUPPORTED,
                        "%s: a %s file cannot have %d Hz, %d channels and "
                        "this subtype",
                        o->path, c->name, info.samplerate, info.channels);
    f->snd = open_sndfile(f, &info);
    if (!f->snd)
        return cbx_fail(err, CBX_E_UNSUPPORTED, "%s: %s", o->path,
                        sf_strerror(NULL));
    /* without it a sample above full scale wraps round in integer files */
    sf_command(f->snd, SFC_SET_CLIPPING, NULL, SF_TRUE);
    f->frames_left = frame_limit(info.format, f->channels);
    atomic_store(&f->sink.rate, (uint32_t)info.samplerate);
    return CBX_OK;
}

static cbx_status file_connect(cbx_sink *s, cbx_error *err)
{
    file_sink *f = (file_sink *)s;
    const container *c;
    int minor;
    f->fd = -1;
    f->channels = s->options.channels ? s->options.channels : 1;
    if (!s->options.path || !*s->options.path)
        return cbx_fail(err, CBX_E_ARG, "file output: no file is named");
    cbx_status st = choose_container(&s->options, &c, err);
    if (!st)
        st = choose_subtype(&s->options, c, &minor, err);
    if (!st)
        st = open_output(f, err);
    if (!st)
        st = open_encoder(f, c, minor, err);
    if (st)
        release(f);
    return st;
}

static cbx_status file_write(cbx_sink *s, const float *frames, uint32_t n,
                             cbx_error *err)
{
    file_sink *f = (file_sink *)s;
    float block[BLOCK_FRAMES * SINK_MAX_CHANNELS];
    if (n > f->frames_left)
        return cbx_fail(err, CBX_E_LIMIT,
                        "%s: a WAV file holds 4 GB at most: use rf64 or flac",
                        s->options.path);
    f->frames_left -= n;
    for (uint32_t i = 0; i < n;) {
        sf_count_t k = 0;
        for (; k < BLOCK_FRAMES && i < n; k++, i++)
            for (uint32_t c = 0; c < f->channels; c++)
                block[(size_t)k * f->channels + c] = frames[i];
        const bool short_write = sf_writef_float(f->snd, block, k) != k;
        if (f->io_errno)
            return cannot_write(f, strerror(f->io_errno), err);
        if (short_write)
            return cannot_write(f, sf_strerror(f->snd), err);
    }
    return CBX_OK;
}

static cbx_status file_finish(cbx_sink *s, cbx_error *err)
{
    file_sink *f = (file_sink *)s;
    const int why = sf_close(f->snd);
    f->snd = NULL;
    if (f->io_errno)
        return cannot_write(f, strerror(f->io_errno), err);
    if (why)
        return cannot_write(f, sf_error_number(why), err);
    if (!f->part)
        return CBX_OK;
    if (fsync(f->fd) || rename(f->part, f->target))
        return cannot_write(f, strerror(errno), err);
    free(f->part);
    f->part = NULL;
    return CBX_OK;
}

static cbx_status file_activate(cbx_sink *s, cbx_error *err)
{
    file_sink *f = (file_sink *)s;
    f->writer =
        (sink_writer){.write = file_write, .finish = file_finish, .sink = s};
    return sink_writer_start(&f->writer, err);
}

static void file_disconnect(cbx_sink *s)
{
    file_sink *f = (file_sink *)s;
    sink_writer_join(&f->writer);
    release(f);
}

const sink_ops sink_file_ops = {
    .size = sizeof(file_sink),
    .connect = file_connect,
    .activate = file_activate,
    .disconnect = file_disconnect,
};
