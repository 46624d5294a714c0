/* The state stream: a line, then sections of four letters, a size (32 bit,
 * little endian) and that many bytes:
 *     PARM  values of the parameters, floats
 *     RATE  of the positions in the script
 *     VOIC  TEXT
 *     MISS  numbers of phrases that are missing, for whoever looks
 *     TAKE  one for each finished take, FLAC
 *     DONE  the end
 * Sections that are not known are skipped. Nothing in it is trusted. */
#include "plugin/clap/shell.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char MAGIC[] = "chatterbox voice 1\n";
enum {
    MAGIC_BYTES = sizeof MAGIC - 1,
    MOST_BYTES = 1 << 28, /* of a section */
    STEP = 1 << 16,
};

/* -- writing --------------------------------------------------------------- */

static bool put(const clap_ostream_t *to, const void *data, size_t n)
{
    const char *p = data;
    while (n) { /* hosts may take less than they are given */
        const int64_t did = to->write(to, p, n);
        if (did <= 0 || (uint64_t)did > n)
            return false;
        p += did;
        n -= (size_t)did;
    }
    return true;
}

static bool put_section(const clap_ostream_t *to, const char *tag,
                        const void *data, size_t n)
{
    const uint8_t head[8] = {(uint8_t)tag[0],    (uint8_t)tag[1],
                             (uint8_t)tag[2],    (uint8_t)tag[3],
                             (uint8_t)n,         (uint8_t)(n >> 8),
                             (uint8_t)(n >> 16), (uint8_t)(n >> 24)};
    return n <= MOST_BYTES && put(to, head, sizeof head) && put(to, data, n);
}

static bool put_text(const clap_ostream_t *to, const char *tag, char *text)
{
    const bool ok = text && put_section(to, tag, text, strlen(text));
    free(text);
    return ok;
}

static cbx_status put_take(void *arg, int number, const plug_take *t,
                           cbx_error *err)
{
    (void)number;
    void *bytes;
    size_t n;
    cbx_status st = plug_take_pack(t, &bytes, &n, err);
    if (st)
        return st;
    if (!put_section(arg, "TAKE", bytes, n))
        st = CBX_E_FILE;
    free(bytes);
    return st;
}

static bool save(const clap_plugin_t *plugin, const clap_ostream_t *to)
{
    plug *p = shell_of(plugin)->plug;
    float values[PLUG_PARAMS];
    for (int i = 0; i < PLUG_PARAMS; i++)
        values[i] = plug_get(p, (plug_param)i);
    const uint32_t rate = plug_rate(p);
    return put(to, MAGIC, MAGIC_BYTES) &&
           put_section(to, "PARM", values, sizeof values) &&
           put_section(to, "RATE", &rate, sizeof rate) &&
           put_text(to, "VOIC", plug_voice_copy(p)) &&
           put_text(to, "TEXT", plug_script_copy(p)) &&
           put_text(to, "MISS", plug_missing_copy(p)) &&
           plug_takes(p, put_take, (void *)to, NULL) == CBX_OK &&
           put_section(to, "DONE", "", 0);
}

/* -- reading --------------------------------------------------------------- */

static bool get(const clap_istream_t *from, void *data, size_t n)
{
    char *p = data;
    while (n) {
        const int64_t did = from->read(from, p, n);
        if (did <= 0 || (uint64_t)did > n)
            return false;
        p += did;
        n -= (size_t)did;
    }
    return true;
}

/* All of a section, with a NUL behind it. Memory is taken as bytes come, not as
 * a size promises. NULL: it ends too early. */
static char *get_bytes(const clap_istream_t *from, size_t n)
{
    char *all = malloc(1);
    size_t have = 0;
    while (all && have < n) {
        const size_t step = n - have < STEP ? n - have : STEP;
        const size_t room = have + step > 2 * have ? have + step : 2 * have;
        char *more = realloc(all, room + 1);
        if (!more || !get(from, more + have, step)) {
            free(more ? more : all);
            return NULL;
        }
        all = more;
        have += step;
    }
    if (all)
        all[n] = '\0';
    return all;
}

typedef struct loaded {
    float values[PLUG_PARAMS];
    int count; /* of values */
    uint32_t rate;
    char *voice, *text;
    struct {
        char *bytes;
        size_t n;
    } takes[PLUG_PHRASES];
    int take_count;
    bool done;
} loaded;

static void loaded_clear(loaded *l)
{
    free(l->voice);
    free(l->text);
    for (int i = 0; i < l->take_count; i++)
        free(l->takes[i].bytes);
}

static void keep_section(loaded *l, const char *tag, char *bytes, size_t n)
{
    if (memcmp(tag, "PARM", 4) == 0) {
        l->count = (int)(n / sizeof(float));
        l->count = l->count < PLUG_PARAMS ? l->count : PLUG_PARAMS;
        memcpy(l->values, bytes, (size_t)l->count * sizeof(float));
    } else if (memcmp(tag, "RATE", 4) == 0 && n == sizeof l->rate) {
        memcpy(&l->rate, bytes, n);
    } else if (memcmp(tag, "VOIC", 4) == 0 && !l->voice) {
        l->voice = bytes;
        return;
    } else if (memcmp(tag, "TEXT", 4) == 0 && !l->text) {
        l->text = bytes;
        return;
    } else if (memcmp(tag, "TAKE", 4) == 0 && l->take_count < PLUG_PHRASES) {
        l->takes[l->take_count].bytes = bytes;
        l->takes[l->take_count++].n = n;
        return;
    } else if (memcmp(tag, "DONE", 4) == 0) {
        l->done = true;
    }
    free(bytes);
}

static bool read_all(const clap_istream_t *from, loaded *l)
{
    char magic[MAGIC_BYTES];
    if (!get(from, magic, MAGIC_BYTES) || memcmp(magic, MAGIC, MAGIC_BYTES))
        return false;
    while (!l->done) {
        uint8_t head[8];
        if (!get(from, head, sizeof head))
            return false;
        const size_t n = head[4] | (size_t)head[5] << 8 |
                         (size_t)head[6] << 16 | (size_t)head[7] << 24;
        char *bytes = n <= MOST_BYTES ? get_bytes(from, n) : NULL;
        if (!bytes)
            return false;
        keep_section(l, (const char *)head, bytes, n);
    }
    return l->text;
}

static bool load(const clap_plugin_t *plugin, const clap_istream_t *from)
{
    shell *s = shell_of(plugin);
    loaded l = {.rate = 0};
    cbx_error err = {0};
    bool ok = read_all(from, &l);
    if (ok && !(l.rate >= 8000 && l.rate <= 768000))
        l.rate = plug_rate(s->plug);
    if (ok) /* the core logs why not */
        ok = plug_restore(s->plug, l.text, strlen(l.text), l.rate,
                          l.voice ? l.voice : "", &err) == CBX_OK;
    for (int i = 0; ok && i < l.count; i++)
        plug_set(s->plug, (plug_param)i, l.values[i]);
    for (int i = 0; ok && i < l.take_count; i++)
        if (plug_add_take_bytes(s->plug, l.takes[i].bytes, l.takes[i].n, &err))
            fprintf(stderr,
                    "Chatterbox Voice: a take of the project: %s; it "
                    "is rendered again\n",
                    err.text);
    plug_serve(s->plug);
    if (ok && s->host_params)
        s->host_params->rescan(s->host, CLAP_PARAM_RESCAN_VALUES);
    loaded_clear(&l);
    return ok;
}

const clap_plugin_state_t shell_state = {save, load};
