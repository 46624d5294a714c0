#include "client/say_json.h"

#include "rt/status.h"

#include <errno.h>
#include <inttypes.h>
#include <math.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void cbx_say_init(cbx_say *say)
{
    *say = (cbx_say){.priority = CBX_PRIORITY_MESSAGE,
                     .speed = NAN,
                     .pitch = NAN,
                     .gain_db = NAN,
                     .latency = -1,
                     .flow = -1,
                     .temperature = NAN,
                     .top_p = NAN,
                     .min_p = NAN,
                     .repetition_penalty = NAN,
                     .cfg_weight = NAN,
                     .exaggeration = NAN,
                     .top_k = -1};
}

static const char *const priorities[] = {"important",    "message",  "text",
                                         "notification", "progress", NULL};
static const char *const latencies[] = {"lowest", "balanced", "safest", NULL};
static const char *const flows[] = {"auto", "full", "prefix", "causal", NULL};
static const char *const markups[] = {"plain", "ssml", NULL};
static const char *const lives[] = {"speed", "pitch", "gain", NULL};
static const char *const statuses[] = {
    "ok",     "nomem", "arg",   "file",        "format", "shape",
    "device", "text",  "limit", "unsupported", NULL};

typedef enum { TEXT, FLAG, REAL, WHOLE, WORD } kind;

static const struct field {
    const char *name;
    kind kind;
    size_t offset;
    const char *const *words; /* WORD; the index is the value */
} fields[] = {
#define AT(f) offsetof(cbx_say, f)
    {"voice", TEXT, AT(voice), NULL},
    {"model", TEXT, AT(model), NULL},
    {"language", TEXT, AT(language), NULL},
    {"sampling", TEXT, AT(sampling), NULL},
    {"more", FLAG, AT(more), NULL},
    {"wrapped", FLAG, AT(wrapped), NULL},
    {"keep", FLAG, AT(keep), NULL},
    {"quiet", FLAG, AT(quiet), NULL},
    {"markup", WORD, AT(markup), markups},
    {"priority", WORD, AT(priority), priorities},
    {"latency", WORD, AT(latency), latencies},
    {"flow", WORD, AT(flow), flows},
    {"speed", REAL, AT(speed), NULL},
    {"pitch", REAL, AT(pitch), NULL},
    {"gain", REAL, AT(gain_db), NULL},
    {"temperature", REAL, AT(temperature), NULL},
    {"top_p", REAL, AT(top_p), NULL},
    {"min_p", REAL, AT(min_p), NULL},
    {"repetition_penalty", REAL, AT(repetition_penalty), NULL},
    {"cfg_weight", REAL, AT(cfg_weight), NULL},
    {"exaggeration", REAL, AT(exaggeration), NULL},
    {"top_k", WHOLE, AT(top_k), NULL},
#undef AT
};
enum { N_FIELDS = sizeof fields / sizeof *fields };
_Static_assert(sizeof(cbx_markup) == sizeof(int), "read as int");
_Static_assert(sizeof(cbx_priority) == sizeof(int), "read as int");

static int find(const char *const *words, const char *word)
{
    for (int i = 0; word && words[i]; i++)
        if (strcmp(words[i], word) == 0)
            return i;
    return -1;
}

int cbx_priority_named(const char *name)
{
    return find(priorities, name);
}

const char *cbx_priority_name(cbx_priority priority)
{
    return priorities[priority];
}

const char *cbx_live_name(int live)
{
    return lives[live];
}

const char *cbx_status_name(cbx_status status)
{
    return statuses[status];
}

cbx_status cbx_status_named(const char *name)
{
    const int i = find(statuses, name);
    return i < 0 ? CBX_E_UNSUPPORTED : (cbx_status)i;
}

/* -- to JSON --------------------------------------------------------------- */

static json_t *value_of(const struct field *f, const void *at,
                        const void *standard)
{
    const float *x = at;
    const int *i = at;
    switch (f->kind) {
    case TEXT:
        return *(const char *const *)at ? json_string(*(const char *const *)at)
                                        : NULL;
    case FLAG:
        return *(const bool *)at ? json_true() : NULL;
    case REAL:
        return isnan(*x) || *x == *(const float *)standard
                   ? NULL
                   : json_real((double)*x);
    case WHOLE:
        return *i == *(const int *)standard ? NULL : json_integer(*i);
    case WORD:
        return *i == *(const int *)standard ? NULL : json_string(f->words[*i]);
    }
    return NULL;
}

bool cbx_say_to_json(const cbx_say *say, json_t *object)
{
    cbx_say standard;
    char seed[24];
    bool ok = true;
    cbx_say_init(&standard);
    for (int i = 0; i < N_FIELDS; i++) {
        json_t *v = value_of(&fields[i], (const char *)say + fields[i].offset,
                             (const char *)&standard + fields[i].offset);
        if (v)
            ok &= json_object_set_new(object, fields[i].name, v) == 0;
    }
    if (say->has_normalize)
        ok &= json_object_set_new(object, "normalize",
                                  json_boolean(say->normalize)) == 0;
    snprintf(seed, sizeof seed, "%" PRIu64, say->seed);
    if (say->has_seed)
        ok &= json_object_set_new(object, "seed", json_string(seed)) == 0;
    return ok;
}

/* -- from JSON ------------------------------------------------------------- */

static cbx_status take_word(const struct field *f, const json_t *v, int *out,
                            cbx_error *err)
{
    const int i = find(f->words, json_string_value(v));
    if (i < 0)
        return cbx_fail(err, CBX_E_ARG, "%s: there is no '%.40s'", f->name,
                        json_is_string(v) ? json_string_value(v)
                                          : "value of this kind");
    *out = i;
    return CBX_OK;
}

static cbx_status wrong(const char *name, const char *what, cbx_error *err)
{
    return cbx_fail(err, CBX_E_ARG, "%s: it must be %s", name, what);
}

static cbx_status take(const struct field *f, const json_t *v, void *at,
                       cbx_error *err)
{
    double x;
    switch (f->kind) {
    case TEXT:
        if (!json_is_string(v))
            return wrong(f->name, "a string", err);
        *(const char **)at = json_string_value(v);
        return CBX_OK;
    case FLAG:
        if (!json_is_boolean(v))
            return wrong(f->name, "true or false", err);
        *(bool *)at = json_is_true(v);
        return CBX_OK;
    case REAL:
        x = json_number_value(v);
        if (!json_is_number(v) || !isfinite((float)x))
            return wrong(f->name, "a number", err);
        *(float *)at = (float)x;
        return CBX_OK;
    case WHOLE:
        if (!json_is_integer(v) || json_integer_value(v) < 0 ||
            json_integer_value(v) > INT32_MAX)
            return wrong(f->name, "a whole number", err);
        *(int *)at = (int)json_integer_value(v);
        return CBX_OK;
    case WORD:
        return take_word(f, v, at, err);
    }
    return CBX_OK;
}

static cbx_status take_seed(const json_t *v, cbx_say *say, cbx_error *err)
{
    char *end = NULL;
    if (json_is_integer(v) && json_integer_value(v) >= 0) {
        say->seed = (uint64_t)json_integer_value(v);
    } else if (json_is_string(v)) {
        const char *s = json_string_value(v);
        errno = 0;
        say->seed = strtoull(s, &end, 10);
        if (*s < '0' || *s > '9' || *end || errno)
            return wrong("seed", "a whole number below 2^64", err);
    } else {
        return wrong("seed", "a whole number below 2^64", err);
    }
    say->has_seed = true;
    return CBX_OK;
}

cbx_status cbx_say_from_json(const json_t *object, cbx_say *say, cbx_error *err)
{
    cbx_status st = CBX_OK;
    cbx_say_init(say);
    for (int i = 0; i < N_FIELDS && !st; i++) {
        const json_t *v = json_object_get(object, fields[i].name);
        if (v && !json_is_null(v))
            st = take(&fields[i], v, (char *)say + fields[i].offset, err);
    }
    const json_t *normalize = json_object_get(object, "normalize");
    const json_t *seed = json_object_get(object, "seed");
    if (!st && normalize) {
        if (!json_is_boolean(normalize))
            return wrong("normalize", "true or false", err);
        say->has_normalize = true;
        say->normalize = json_is_true(normalize);
    }
    if (!st && seed)
        st = take_seed(seed, say, err);
    return st;
}
