#include "plugin/core/script.h"
#include "plugin/core/take.h"

#include <sndfile.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* A take as a mono FLAC file, 24 bit at 24 kHz. Its comment says what it is:
 *     chatterbox-take KEY FRAME:FROM:TO FRAME:FROM:TO ...
 * (the words' marks). Everything in a file that is read is checked. */

static const char TAG[] = "chatterbox-take ";
enum { STEP = 4096, KEY_CHARS = 32 };

/* A growing piece of memory that libsndfile takes for a file. */
typedef struct memory {
    unsigned char *bytes;
    sf_count_t size, room, at;
    bool borrowed; /* read only */
} memory;

static sf_count_t memory_size(void *user)
{
    return ((memory *)user)->size;
}

static sf_count_t memory_seek(sf_count_t offset, int whence, void *user)
{
    memory *m = user;
    const sf_count_t base = whence == SEEK_SET   ? 0
                            : whence == SEEK_CUR ? m->at
                                                 : m->size;
    if (base + offset < 0 || base + offset > m->size)
        return -1;
    return m->at = base + offset;
}

static sf_count_t memory_read(void *out, sf_count_t n, void *user)
{
    memory *m = user;
    if (n > m->size - m->at)
        n = m->size - m->at;
    memcpy(out, m->bytes + m->at, (size_t)n);
    m->at += n;
    return n;
}

static sf_count_t memory_write(const void *in, sf_count_t n, void *user)
{
    memory *m = user;
    if (m->borrowed)
        return 0;
    if (m->at + n > m->room) {
        const sf_count_t room = (m->at + n) * 2;
        unsigned char *more = realloc(m->bytes, (size_t)room);
        if (!more)
            return 0;
        m->bytes = more;
        m->room = room;
    }
    memcpy(m->bytes + m->at, in, (size_t)n);
    m->at += n;
    if (m->at > m->size)
        m->size = m->at;
    return n;
}

static sf_count_t memory_tell(void *user)
{
    return ((memory *)user)->at;
}

static SF_VIRTUAL_IO memory_io = {memory_size, memory_seek, memory_read,
                                  memory_write, memory_tell};

static char *comment_of(const plug_take *t)
{
    char *text = NULL;
    size_t size = 0;
    FILE *to = open_memstream(&text, &size);
    if (!to)
        return NULL;
    fprintf(to, "%s%s", TAG, t->key.hex);
    for (size_t i = 0; i < t->mark_count; i++)
        fprintf(to, " %llu:%u:%u", (unsigned long long)t->marks[i].frame,
                (unsigned)t->marks[i].from, (unsigned)t->marks[i].to);
    if (fclose(to)) {
        free(text);
        return NULL;
    }
    return text;
}

static cbx_status write_take(const plug_take *t, SNDFILE *f, const char *name,
                             cbx_error *err)
{
    char *comment = comment_of(t);
    if (!comment)
        return cbx_fail(err, CBX_E_NOMEM, "out of memory");
    cbx_status st = CBX_OK;
    if (sf_set_string(f, SF_STR_COMMENT, comment))
        st = cbx_fail(err, CBX_E_FILE, "%s: %s", name, sf_strerror(f));
    free(comment);
    int wide[STEP]; /* libsndfile has the 24 bits at the top */
    for (size_t i = 0; !st && i < t->frames;) {
        const size_t n = t->frames - i < STEP ? t->frames - i : STEP;
        for (size_t k = 0; k < n; k++)
            wide[k] = t->native[i + k] * 256;
        if (sf_writef_int(f, wide, (sf_count_t)n) != (sf_count_t)n)
            st = cbx_fail(err, CBX_E_FILE, "%s: %s", name, sf_strerror(f));
        i += n;
    }
    if (sf_close(f) && !st)
        st = cbx_fail(err, CBX_E_FILE, "%s: cannot be finished", name);
    return st;
}

static SF_INFO flac_info(void)
{
    return (SF_INFO){.samplerate = PLUG_NATIVE_RATE,
                     .channels = 1,
                     .format = SF_FORMAT_FLAC | SF_FORMAT_PCM_24};
}

cbx_status plug_take_save(const plug_take *t, const char *path, cbx_error *err)
{
    SF_INFO info = flac_info();
    SNDFILE *f = sf_open(path, SFM_WRITE, &info);
    if (!f)
        return cbx_fail(err, CBX_E_FILE, "%s: %s", path, sf_strerror(NULL));
    return write_take(t, f, path, err);
}

cbx_status plug_take_pack(const plug_take *t, void **bytes, size_t *n,
                          cbx_error *err)
{
    memory m = {0};
    SF_INFO info = flac_info();
    SNDFILE *f = sf_open_virtual(&memory_io, SFM_WRITE, &info, &m);
    if (!f)
        return cbx_fail(err, CBX_E_FILE, "FLAC: %s", sf_strerror(NULL));
    const cbx_status st = write_take(t, f, "FLAC", err);
    if (st) {
        free(m.bytes);
        return st;
    }
    *bytes = m.bytes;
    *n = (size_t)m.size;
    return CBX_OK;
}

/* Key and marks from the comment. False: it is not ours. */
static bool read_comment(const char *comment, plug_key *key, const char **marks)
{
    if (!comment || strncmp(comment, TAG, sizeof TAG - 1))
        return false;
    comment += sizeof TAG - 1;
    if (strspn(comment, "0123456789abcdef") != KEY_CHARS)
        return false;
    memcpy(key->hex, comment, KEY_CHARS);
    key->hex[KEY_CHARS] = '\0';
    *marks = comment + KEY_CHARS;
    return true;
}

static cbx_status read_marks(plug_take *t, const char *text)
{
    unsigned long long frame;
    unsigned from, to;
    int used;
    while (sscanf(text, " %llu:%u:%u%n", &frame, &from, &to, &used) == 3) {
        const plug_mark m = {frame, from, to};
        if (frame > t->frames || from > to || to > PLUG_SCRIPT_MAX)
            return CBX_E_FORMAT;
        if (plug_take_add_mark(t, &m))
            return CBX_E_NOMEM;
        text += used;
    }
    return *text ? CBX_E_FORMAT : CBX_OK;
}

static cbx_status read_frames(plug_take *t, SNDFILE *f, cbx_error *err)
{
    int wide[STEP];
    for (;;) {
        const sf_count_t n = sf_readf_int(f, wide, STEP);
        if (n <= 0)
            return CBX_OK;
        for (sf_count_t i = 0; i < n; i++)
            wide[i] >>= 8;
        const cbx_status st = plug_take_add_native(t, wide, (size_t)n, err);
        if (st)
            return st;
    }
}

static cbx_status read_take(SNDFILE *f, const SF_INFO *info, const char *name,
                            uint32_t rate, plug_take **out, cbx_error *err)
{
    plug_key key;
    const char *marks;
    if (info->samplerate != PLUG_NATIVE_RATE || info->channels != 1 ||
        (info->format & SF_FORMAT_SUBMASK) != SF_FORMAT_PCM_24 ||
        info->frames < 0 ||
        !read_comment(sf_get_string(f, SF_STR_COMMENT), &key, &marks))
        return cbx_fail(err, CBX_E_FORMAT, "%s: not a take of this plugin",
                        name);
    plug_take *t = plug_take_from(&key, rate);
    if (!t)
        return cbx_fail(err, CBX_E_NOMEM, "out of memory");
    cbx_status st = read_frames(t, f, err);
    if (!st && (sf_count_t)t->frames != info->frames)
        st = cbx_fail(err, CBX_E_FORMAT, "%s: it ends too early", name);
    if (!st && read_marks(t, marks))
        st = cbx_fail(err, CBX_E_FORMAT, "%s: bad marks of words", name);
    if (!st)
        st = plug_take_finish(t, err);
    if (st) {
        plug_take_unref(t);
        return st;
    }
    *out = t;
    return CBX_OK;
}

cbx_status plug_take_load(const char *path, uint32_t rate, plug_take **out,
                          cbx_error *err)
{
    SF_INFO info = {0};
    SNDFILE *f = sf_open(path, SFM_READ, &info);
    if (!f)
        return cbx_fail(err, CBX_E_FILE, "%s: %s", path, sf_strerror(NULL));
    const cbx_status st = read_take(f, &info, path, rate, out, err);
    sf_close(f);
    return st;
}

cbx_status plug_take_unpack(const void *bytes, size_t n, uint32_t rate,
                            plug_take **out, cbx_error *err)
{
    memory m = {(unsigned char *)bytes, (sf_count_t)n, 0, 0, true};
    SF_INFO info = {0};
    SNDFILE *f = sf_open_virtual(&memory_io, SFM_READ, &info, &m);
    if (!f)
        return cbx_fail(err, CBX_E_FORMAT, "FLAC: %s", sf_strerror(NULL));
    const cbx_status st = read_take(f, &info, "FLAC", rate, out, err);
    sf_close(f);
    return st;
}
