/* pcm and wav by hand, since their sizes are not known; flac, opus and mp3 by
 * libsndfile, into a file that only grows. */
#include "daemon/http/encoder.h"

#include <math.h>
#include <sndfile.h>
#include <stdlib.h>
#include <string.h>

typedef enum { BY_HAND_RAW, BY_HAND_WAV, BY_LIBRARY } way;

static const uint32_t mp3_rates[] = {8000,  11025, 12000, 16000, 22050,
                                     24000, 32000, 44100, 48000, 0};
static const uint32_t opus_rates[] = {8000, 12000, 16000, 24000, 48000, 0};

static const struct {
    encoder_format format;
    way way;
    int sf;
} formats[] = {
    {{"mp3", "audio/mpeg", mp3_rates},
     BY_LIBRARY,
     SF_FORMAT_MPEG | SF_FORMAT_MPEG_LAYER_III},
    {{"opus", "audio/ogg", opus_rates},
     BY_LIBRARY,
     SF_FORMAT_OGG | SF_FORMAT_OPUS},
    {{"flac", "audio/flac", NULL},
     BY_LIBRARY,
     SF_FORMAT_FLAC | SF_FORMAT_PCM_16},
    {{"wav", "audio/wav", NULL}, BY_HAND_WAV, 0},
    {{"pcm", "audio/pcm", NULL}, BY_HAND_RAW, 0},
};
enum { N_FORMATS = sizeof formats / sizeof *formats };

const encoder_format *encoder_find(const char *name)
{
    for (int i = 0; i < N_FORMATS; i++)
        if (strcmp(formats[i].format.name, name) == 0)
            return &formats[i].format;
    return NULL;
}

bool encoder_takes(const encoder_format *format, uint32_t rate)
{
    const uint32_t *r = format->rates;
    while (r && *r && *r != rate)
        r++;
    return !r || *r;
}

const char *encoder_names(void)
{
    return "mp3, opus, flac, wav, pcm";
}

struct encoder {
    way way;
    encoder_write write;
    void *user;
    bool unwanted;

    SNDFILE *file;
    sf_count_t at, end; /* of the file so far */
};

static bool pass_on(encoder *e, const void *bytes, size_t n)
{
    if (!e->unwanted && n > 0)
        e->unwanted = !e->write(e->user, bytes, n);
    return !e->unwanted;
}

/* -- a file that only grows ------------------------------------------------ */

static sf_count_t vio_length(void *user)
{
    return ((encoder *)user)->end;
}

static sf_count_t vio_seek(sf_count_t offset, int whence, void *user)
{
    encoder *e = user;
    e->at = whence == SEEK_SET   ? offset
            : whence == SEEK_CUR ? e->at + offset
                                 : e->end + offset;
    return e->at;
}

/* libsndfile goes back to put sizes into the head: those bytes are gone. What
 * lies behind the end is sent. */
static sf_count_t vio_write(const void *bytes, sf_count_t n, void *user)
{
    encoder *e = user;
    const sf_count_t old = e->at < e->end ? e->end - e->at : 0;
    if (old < n) {
        pass_on(e, (const char *)bytes + old, (size_t)(n - old));
        e->end = e->at + n;
    }
    e->at += n;
    return n;
}

static sf_count_t vio_read(void *bytes, sf_count_t n, void *user)
{
    (void)bytes, (void)n, (void)user;
    return 0;
}

static sf_count_t vio_tell(void *user)
{
    return ((encoder *)user)->at;
}

static cbx_status open_file(encoder *e, int sf, uint32_t rate, cbx_error *err)
{
    SF_VIRTUAL_IO io = {vio_length, vio_seek, vio_read, vio_write, vio_tell};
    SF_INFO info = {.samplerate = (int)rate, .channels = 1, .format = sf};
    double page = 20;
    e->file = sf_open_virtual(&io, SFM_WRITE, &info, e);
    if (!e->file)
        return cbx_fail(err, CBX_E_UNSUPPORTED, "%s", sf_strerror(NULL));
    /* Pages of one packet each, so that nothing waits for the next. */
    sf_command(e->file, SFC_SET_OGG_PAGE_LATENCY_MS, &page, sizeof page);
    /* A constant rate, so that players know the length without the head. */
    int constant = SF_BITRATE_MODE_CONSTANT;
    double level = 0.6; /* MP3 of 64 kbit/s at 24 kHz */
    if (sf == (SF_FORMAT_MPEG | SF_FORMAT_MPEG_LAYER_III))
        sf_command(e->file, SFC_SET_COMPRESSION_LEVEL, &level, sizeof level);
    sf_command(e->file, SFC_SET_BITRATE_MODE, &constant, sizeof constant);
    sf_command(e->file, SFC_SET_CLIPPING, NULL, SF_TRUE);
    return CBX_OK;
}

/* -- by hand --------------------------------------------------------------- */

static void put16(uint8_t *at, uint32_t v)
{
    at[0] = (uint8_t)v;
    at[1] = (uint8_t)(v >> 8);
}

static void put32(uint8_t *at, uint32_t v)
{
    put16(at, v & 0xffff);
    put16(at + 2, v >> 16);
}

/* Mono, 16 bits; the sizes say "as much as there is". */
static void write_wav_head(encoder *e, uint32_t rate)
{
    uint8_t h[44] = "RIFF\xff\xff\xff\xffWAVEfmt ";
    put32(h + 16, 16);
    put16(h + 20, 1);
    put16(h + 22, 1);
    put32(h + 24, rate);
    put32(h + 28, 2 * rate);
    put16(h + 32, 2);
    put16(h + 34, 16);
    memcpy(h + 36, "data\xff\xff\xff\xff", 8);
    pass_on(e, h, sizeof h);
}

static bool put_s16(encoder *e, const float *frames, uint32_t n)
{
    enum { BLOCK = 1024 };
    uint8_t bytes[2 * BLOCK];
    while (n > 0) {
        const uint32_t part = n < BLOCK ? n : BLOCK;
        for (uint32_t i = 0; i < part; i++) {
            const float v = fminf(fmaxf(frames[i], -1), 32767 / 32768.0f);
            put16(bytes + 2 * i, (uint32_t)lrintf(v * 32768));
        }
        if (!pass_on(e, bytes, 2 * (size_t)part))
            return false;
        frames += part;
        n -= part;
    }
    return true;
}

/* -- the interface --------------------------------------------------------- */

cbx_status encoder_open(const encoder_format *format, uint32_t rate,
                        encoder_write write, void *user, encoder **out,
                        cbx_error *err)
{
    int i = 0;
    while (&formats[i].format != format)
        i++;
    encoder *e = calloc(1, sizeof *e);
    if (!e)
        return cbx_fail(err, CBX_E_NOMEM, "no memory for an encoder");
    *e = (encoder){.way = formats[i].way, .write = write, .user = user};
    cbx_status st = CBX_OK;
    if (e->way == BY_HAND_WAV)
        write_wav_head(e, rate);
    else if (e->way == BY_LIBRARY)
        st = open_file(e, formats[i].sf, rate, err);
    if (st) {
        free(e);
        return st;
    }
    *out = e;
    return CBX_OK;
}

bool encoder_put(encoder *e, const float *frames, uint32_t n)
{
    if (e->way != BY_LIBRARY)
        return put_s16(e, frames, n);
    sf_writef_float(e->file, frames, n);
    return !e->unwanted;
}

void encoder_close(encoder *e, bool complete)
{
    if (!e)
        return;
    e->unwanted |= !complete;
    if (e->file)
        sf_close(e->file);
    free(e);
}
