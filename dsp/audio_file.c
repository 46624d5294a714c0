#include "dsp/audio_file.h"

#include "dsp/resample.h"

#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <sndfile.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum {
    BLOCK = 4096, /* frames */
    RATE_LEAST = 1000,
    RATE_MOST = 768000,
    FLAT_RUN = 3, /* equal samples in a row that make a flat top */
};

/* Flat tops, found as samples go by: runs of equal samples within a tenth of
 * the loudest one so far. A new loudest one begins the count anew. */
typedef struct flat_tops {
    float peak, last;
    int run;
    uint64_t frames;
} flat_tops;

typedef struct reader {
    const char *path;
    int fd;
    SNDFILE *file;
    SF_INFO info;
    float *frames; /* [BLOCK * channels] */
    float mono[BLOCK];
    uint64_t n_read; /* frames */
    uint64_t most;   /* frames */
    flat_tops tops;

    cbx_resampler *resampler;
    cbx_audio *out;
    size_t room;
    cbx_error *err;
} reader;

/* -- opening --------------------------------------------------------------- */

/* Not a FIFO or device, where opening or reading could wait for ever. */
static cbx_status open_fd(reader *r)
{
    struct stat s;
    r->fd = open(r->path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (r->fd < 0 || fstat(r->fd, &s))
        return cbx_fail(r->err, CBX_E_FILE, "%s: %s", r->path, strerror(errno));
    if (!S_ISREG(s.st_mode))
        return cbx_fail(r->err, CBX_E_FILE,
                        "%s is %s, not a recording; give a sound file", r->path,
                        S_ISDIR(s.st_mode) ? "a folder" : "not a plain file");
    if (!s.st_size)
        return cbx_fail(r->err, CBX_E_FORMAT,
                        "%s is empty; give a recording of somebody speaking",
                        r->path);
    return CBX_OK;
}

static cbx_status open_sound(reader *r, double most)
{
    r->file = sf_open_fd(r->fd, SFM_READ, &r->info, SF_FALSE);
    if (!r->file)
        return cbx_fail(r->err, CBX_E_FORMAT,
                        "%s cannot be read as sound: %.120s Give a WAV, FLAC, "
                        "Ogg, MP3 or other file that libsndfile reads",
                        r->path, sf_strerror(NULL));
    if (r->info.samplerate < RATE_LEAST || r->info.samplerate > RATE_MOST ||
        r->info.channels < 1)
        return cbx_fail(r->err, CBX_E_FORMAT,
                        "%s has %d channels at %d Hz; a recording has 1 or "
                        "more at %d to %d Hz",
                        r->path, r->info.channels, r->info.samplerate,
                        RATE_LEAST, RATE_MOST);
    r->most = (uint64_t)(most * r->info.samplerate);
    r->frames = malloc(BLOCK * (size_t)r->info.channels * sizeof *r->frames);
    if (!r->frames)
        return cbx_fail(r->err, CBX_E_NOMEM, "no memory to read %s", r->path);
    return CBX_OK;
}

/* -- reading --------------------------------------------------------------- */

static void watch(flat_tops *t, const float *x, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        const float size = fabsf(x[i]);
        if (size > 1.02f * t->peak) {
            t->frames = 0;
            t->run = 0;
        }
        t->peak = fmaxf(t->peak, size);
        const bool equal = x[i] == t->last && size > 0.9f * t->peak;
        t->run = equal ? t->run + 1 : 1;
        if (t->run == FLAT_RUN)
            t->frames += FLAT_RUN;
        else if (t->run > FLAT_RUN)
            t->frames++;
        t->last = x[i];
    }
}

/* The mean of the channels of n frames, into r->mono. */
static cbx_status mix(reader *r, size_t n)
{
    const size_t channels = (size_t)r->info.channels;
    for (size_t i = 0; i < n; i++) {
        const float *frame = r->frames + i * channels;
        float sum = frame[0];
        for (size_t c = 1; c < channels; c++)
            sum += frame[c];
        r->mono[i] = channels == 1 ? sum : sum / (float)channels;
        if (!isfinite(r->mono[i]))
            return cbx_fail(r->err, CBX_E_FORMAT,
                            "%s is damaged: the sample at %.3f seconds is not "
                            "a number",
                            r->path,
                            (double)(r->n_read + i) / r->info.samplerate);
    }
    return CBX_OK;
}

static cbx_status make_room(reader *r, size_t more)
{
    cbx_audio *a = r->out;
    if (more <= r->room - a->n)
        return CBX_OK;
    const size_t room = 2 * r->room + more + BLOCK;
    float *v = realloc(a->v, room * sizeof *v);
    if (!v)
        return cbx_fail(r->err, CBX_E_NOMEM, "no memory to read %s", r->path);
    a->v = v;
    r->room = room;
    return CBX_OK;
}

static cbx_status resample(reader *r, size_t n)
{
    size_t at = 0, used, got;
    while (at < n) {
        cbx_status st = make_room(r, BLOCK);
        if (!st)
            st = cbx_resampler_push(r->resampler, r->mono + at, n - at, &used,
                                    r->out->v + r->out->n, BLOCK, &got, r->err);
        if (st)
            return st;
        at += used;
        r->out->n += got;
    }
    return CBX_OK;
}

/* What the resampler held back; then n is as librosa.load has it. */
static cbx_status finish(reader *r, uint32_t rate)
{
    const uint64_t in = (uint64_t)r->info.samplerate;
    const size_t length = (size_t)((r->n_read * rate + in - 1) / in);
    bool done = false;
    while (!done) {
        size_t got;
        cbx_status st = make_room(r, BLOCK);
        if (!st)
            st = cbx_resampler_flush(r->resampler, r->out->v + r->out->n, BLOCK,
                                     &got, &done, r->err);
        if (st)
            return st;
        r->out->n += got;
    }
    while (r->out->n < length) {
        const cbx_status st = make_room(r, 1);
        if (st)
            return st;
        r->out->v[r->out->n++] = 0;
    }
    return CBX_OK;
}

static cbx_status read_all(reader *r)
{
    sf_count_t n;
    while ((n = sf_readf_float(r->file, r->frames, BLOCK)) > 0) {
        cbx_status st = mix(r, (size_t)n);
        if (st)
            return st;
        watch(&r->tops, r->mono, (size_t)n);
        r->n_read += (uint64_t)n;
        if (r->n_read > r->most)
            return cbx_fail(r->err, CBX_E_LIMIT,
                            "%s is longer than %.0f minutes; cut out half a "
                            "minute of clear speech",
                            r->path, (double)r->most / 60 / r->info.samplerate);
        if ((st = resample(r, (size_t)n)))
            return st;
    }
    if (sf_error(r->file))
        return cbx_fail(r->err, CBX_E_FORMAT,
                        "%s is damaged after %.2f seconds: %.120s", r->path,
                        (double)r->n_read / r->info.samplerate,
                        sf_strerror(r->file));
    if (!r->n_read)
        return cbx_fail(r->err, CBX_E_FORMAT,
                        "%s holds no sound; give a recording of somebody "
                        "speaking",
                        r->path);
    return CBX_OK;
}

static cbx_status run(reader *r, uint32_t rate, double most)
{
    cbx_status st = open_fd(r);
    if (!st)
        st = open_sound(r, most);
    if (!st && !rate)
        rate = (uint32_t)r->info.samplerate;
    if (!st)
        st = cbx_resampler_open((uint32_t)r->info.samplerate, rate,
                                CBX_RESAMPLE_HQ, &r->resampler, r->err);
    if (!st)
        st = read_all(r);
    return st ? st : finish(r, rate);
}

cbx_status cbx_audio_read(const char *path, uint32_t rate, double most,
                          cbx_audio *out, cbx_error *err)
{
    cbx_audio audio = {0};
    reader *r = calloc(1, sizeof *r);
    if (!r)
        return cbx_fail(err, CBX_E_NOMEM, "no memory to read %s", path);
    r->path = path;
    r->fd = -1;
    r->out = &audio;
    r->err = err;
    const cbx_status st = run(r, rate, most);
    if (!st) {
        audio.seconds = (double)r->n_read / r->info.samplerate;
        audio.file_rate = (uint32_t)r->info.samplerate;
        audio.file_channels = r->info.channels;
        audio.clipped = (double)r->tops.frames / (double)r->n_read;
        *out = audio;
    } else {
        cbx_audio_close(&audio);
    }
    cbx_resampler_close(r->resampler);
    if (r->file)
        sf_close(r->file);
    if (r->fd >= 0)
        close(r->fd);
    free(r->frames);
    free(r);
    return st;
}

void cbx_audio_close(cbx_audio *a)
{
    free(a->v);
    *a = (cbx_audio){0};
}
