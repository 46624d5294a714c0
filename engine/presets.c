#include "engine/presets.h"

#include <dirent.h>
#include <errno.h>
#include <ini.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* -- parameters ------------------------------------------------------------ */

typedef struct {
    const char *key;
    size_t offset;
    bool whole; /* int; float otherwise */
    double low, high;
    const char *range;
} sampling_key;

#define KEY(name, whole, low, high, range)                         \
    {                                                              \
#name, offsetof(cbx_params, name), whole, low, high, range \
    }

static const sampling_key sampling_keys[] = {
    KEY(temperature, false, 0.01, 10, "from 0.01 to 10"),
    KEY(top_k, true, 0, 1e6, "a whole number, 0 for all"),
    KEY(top_p, false, 1e-6, 1, "above 0, at most 1"),
    KEY(min_p, false, 0, 0.999, "from 0, below 1"),
    KEY(repetition_penalty, false, 1, 10, "from 1 to 10"),
    KEY(cfg_weight, false, 0, 10, "from 0 to 10"),
    KEY(exaggeration, false, 0, 10, "from 0 to 10"),
    KEY(speed, false, 0.5, 6, "from 0.5 to 6"),
    KEY(pitch, false, -12, 12, "from -12 to 12 semitones"),
    KEY(gain_db, false, -60, 24, "from -60 to 24 dB"),
};
enum { N_KEYS = sizeof sampling_keys / sizeof *sampling_keys };

static double get_param(const cbx_params *p, const sampling_key *k)
{
    const char *at = (const char *)p + k->offset;
    if (k->whole) {
        int i;
        memcpy(&i, at, sizeof i);
        return i;
    }
    float f;
    memcpy(&f, at, sizeof f);
    return f;
}

static void set_param(cbx_params *p, const sampling_key *k, double v)
{
    char *at = (char *)p + k->offset;
    const int i = (int)v;
    const float f = (float)v;
    if (k->whole)
        memcpy(at, &i, sizeof i);
    else
        memcpy(at, &f, sizeof f);
}

static bool in_range(const sampling_key *k, double v)
{
    const double slack = k->whole ? 0 : 1e-7;
    return v >= k->low - slack && v <= k->high + slack &&
           (!k->whole || v == floor(v));
}

cbx_status cbx_params_check(const cbx_params *params, cbx_error *err)
{
    for (int i = 0; i < N_KEYS; i++) {
        const sampling_key *k = &sampling_keys[i];
        const double v = get_param(params, k);
        if (!in_range(k, v))
            return cbx_fail(err, CBX_E_ARG, "%s is %g: it must be %s", k->key,
                            v, k->range);
    }
    if (params->sample_rate < 4000 || params->sample_rate > 768000)
        return cbx_fail(err, CBX_E_ARG,
                        "a sample rate of %u Hz: it must be 4000 to 768000",
                        params->sample_rate);
    if ((int)params->flow < CBX_FLOW_AUTO ||
        (int)params->flow > CBX_FLOW_CAUSAL)
        return cbx_fail(err, CBX_E_ARG,
                        "flow mode %d is none of the known ones",
                        (int)params->flow);
    if (params->markup != CBX_MARKUP_PLAIN && params->markup != CBX_MARKUP_SSML)
        return cbx_fail(err, CBX_E_ARG, "markup %d is none of the known ones",
                        (int)params->markup);
    if (params->flow_history < 0 || params->flow_history > 2000)
        return cbx_fail(err, CBX_E_ARG,
                        "a flow history of %d mel frames: it must be 0 (all) "
                        "to 2000",
                        params->flow_history);
    if (params->look_ahead < -1 || params->look_ahead > 20)
        return cbx_fail(err, CBX_E_ARG,
                        "a look-ahead of %d mel frames: it must be 0 to 20, or "
                        "-1 for what the latency says",
                        params->look_ahead);
    if (params->watermark_ahead < 0 || params->watermark_ahead > 150 ||
        params->watermark_ahead % 10)
        return cbx_fail(err, CBX_E_ARG,
                        "a watermark that looks %d ms ahead: it must be 0 to "
                        "150 ms in steps of 10",
                        params->watermark_ahead);
    if (!memchr(params->dictionary, 0, sizeof params->dictionary))
        return cbx_fail(err, CBX_E_ARG, "the dictionary's path is no text");
    if (!memchr(params->language, 0, sizeof params->language))
        return cbx_fail(err, CBX_E_ARG, "the language is no text");
    if ((int)params->latency < CBX_LATENCY_LOWEST ||
        (int)params->latency > CBX_LATENCY_SAFEST)
        return cbx_fail(err, CBX_E_ARG, "latency %d is none of the known ones",
                        (int)params->latency);
    return CBX_OK;
}

/* -- files ----------------------------------------------------------------- */

typedef struct {
    cbx_preset_file *out;
    char folder[CBX_PATH_MAX];
    char fault[256];
} reading;

static bool copy_text(reading *r, char *to, size_t size, const char *key,
                      const char *value)
{
    if (snprintf(to, size, "%s", value) < (int)size)
        return true;
    snprintf(r->fault, sizeof r->fault, "'%s' is longer than %zu bytes", key,
             size - 1);
    return false;
}

static bool copy_path(reading *r, char to[CBX_PATH_MAX], const char *key,
                      const char *value)
{
    char joined[2 * CBX_PATH_MAX + 2];
    snprintf(joined, sizeof joined, "%s/%.*s", r->folder, CBX_PATH_MAX, value);
    return copy_text(r, to, CBX_PATH_MAX, key,
                     value[0] == '/' ? value : joined);
}

static bool take_voice_key(reading *r, const char *key, const char *value)
{
    cbx_preset_file *o = r->out;
    if (strcmp(key, "description") == 0)
        return copy_text(r, o->description, sizeof o->description, key, value);
    if (strcmp(key, "language") == 0)
        return copy_text(r, o->language, sizeof o->language, key, value);
    if (strcmp(key, "model") == 0)
        return strchr(value, '/')
                   ? copy_path(r, o->model, key, value)
                   : copy_text(r, o->model, sizeof o->model, key, value);
    if (strcmp(key, "dictionary") == 0)
        return copy_path(r, o->dictionary, key, value);
    if (strcmp(key, "conds") == 0)
        return copy_path(r, o->conds, key, value);
    snprintf(r->fault, sizeof r->fault, "unknown key '%.40s' in [voice]", key);
    return false;
}

static bool take_sampling_key(reading *r, const char *key, const char *value)
{
    for (int i = 0; i < N_KEYS; i++) {
        const sampling_key *k = &sampling_keys[i];
        if (strcmp(key, k->key) != 0)
            continue;
        char *end;
        const double v = strtod(value, &end);
        if (end == value || *end || !in_range(k, v)) {
            snprintf(r->fault, sizeof r->fault, "%s = '%.40s': it must be %s",
                     key, value, k->range);
            return false;
        }
        set_param(&r->out->params, k, v);
        r->out->has |= 1u << i;
        return true;
    }
    snprintf(r->fault, sizeof r->fault, "unknown key '%.40s' in [sampling]",
             key);
    return false;
}

static int take_line(void *user, const char *section, const char *key,
                     const char *value)
{
    reading *r = user;
    if (r->fault[0])
        return 0; /* the first fault is the one reported */
    if (strcmp(section, "voice") == 0)
        return take_voice_key(r, key, value);
    if (strcmp(section, "sampling") == 0)
        return take_sampling_key(r, key, value);
    snprintf(r->fault, sizeof r->fault,
             "unknown section [%.40s]; [voice] and [sampling] are known",
             section);
    return 0;
}

/* NAME of .../NAME.ini */
static void name_from_path(const char *path, char *name, size_t size)
{
    const char *slash = strrchr(path, '/');
    snprintf(name, size, "%s", slash ? slash + 1 : path);
    char *dot = strrchr(name, '.');
    if (dot && dot != name)
        *dot = 0;
}

cbx_status cbx_preset_read(const char *path, cbx_preset_file *out,
                           cbx_error *err)
{
    cbx_preset_file file = {0};
    reading r = {.out = &file};
    const char *slash = strrchr(path, '/');
    if (snprintf(file.path, sizeof file.path, "%s", path) >= CBX_PATH_MAX)
        return cbx_fail(err, CBX_E_ARG, "%.60s...: the path is too long", path);
    snprintf(r.folder, sizeof r.folder, "%.*s", slash ? (int)(slash - path) : 1,
             slash ? path : ".");
    name_from_path(path, file.name, sizeof file.name);

    const int line = ini_parse(path, take_line, &r);
    if (line < 0)
        return cbx_fail(err, CBX_E_FILE, "%s: %s", path,
                        line == -1 ? strerror(errno) : strerror(ENOMEM));
    if (line > 0)
        return cbx_fail(err, CBX_E_FORMAT, "%s:%d: %s", path, line,
                        r.fault[0] ? r.fault : "not a line of an INI file");
    *out = file;
    return CBX_OK;
}

void cbx_preset_apply(const cbx_preset_file *p, cbx_params *params)
{
    for (int i = 0; i < N_KEYS; i++)
        if (p->has >> i & 1)
            set_param(params, &sampling_keys[i],
                      get_param(&p->params, &sampling_keys[i]));
}

cbx_status cbx_params_preset(cbx_params *params, const char *name_or_file,
                             cbx_error *err)
{
    char path[CBX_PATH_MAX];
    cbx_preset_file file;
    cbx_status st = cbx_preset_find("sampling", name_or_file, path, err);
    if (!st)
        st = cbx_preset_read(path, &file, err);
    if (!st)
        cbx_preset_apply(&file, params);
    return st;
}

/* -- listing --------------------------------------------------------------- */

typedef struct {
    char (*names)[64];
    int n, cap;
} seen_names;

static bool first_time(seen_names *s, const char *name)
{
    for (int i = 0; i < s->n; i++)
        if (strcmp(s->names[i], name) == 0)
            return false;
    if (s->n == s->cap) {
        const int cap = s->cap ? 2 * s->cap : 16;
        void *more = realloc(s->names, (size_t)cap * sizeof *s->names);
        if (!more)
            return false;
        s->names = more;
        s->cap = cap;
    }
    snprintf(s->names[s->n++], sizeof *s->names, "%s", name);
    return true;
}

static int is_ini(const struct dirent *e)
{
    const size_t n = strlen(e->d_name);
    return n > 4 && n < 68 && strcmp(e->d_name + n - 4, ".ini") == 0;
}

int cbx_voices(void (*see)(void *user, const cbx_preset *preset),
               void (*bad)(void *user, const char *sentence), void *user)
{
    char folders[8192];
    cbx_data_folders(folders, sizeof folders);
    char *rest = folders;
    seen_names seen = {0};
    int count = 0;
    for (char *f; (f = strsep(&rest, ":"));) {
        char folder[CBX_PATH_MAX];
        struct dirent **list;
        snprintf(folder, sizeof folder, "%s/voices", f);
        const int n = scandir(folder, &list, is_ini, alphasort);
        for (int i = 0; i < n; i++) {
            char path[CBX_PATH_MAX + 256];
            cbx_preset_file file;
            cbx_error err;
            snprintf(path, sizeof path, "%s/%s", folder, list[i]->d_name);
            if (cbx_preset_read(path, &file, &err)) {
                if (bad)
                    bad(user, err.text);
            } else if (first_time(&seen, file.name)) {
                see(user, &(cbx_preset){file.name, file.description,
                                        file.language, file.model, file.path});
                count++;
            }
            free(list[i]);
        }
        if (n >= 0)
            free(list);
    }
    free(seen.names);
    return count;
}
