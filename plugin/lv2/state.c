/* A project keeps script, voice, what is missing, the rate of positions, and
 * the finished takes as FLAC files in the host's folder (state:makePath). A
 * host without makePath keeps the text only; the phrases are then rendered
 * again. */
#include "plugin/lv2/shell.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef struct saving {
    shell *s;
    LV2_State_Store_Function store;
    LV2_State_Handle handle;
    int failed;
} saving;

enum {
    PORTABLE = LV2_STATE_IS_POD | LV2_STATE_IS_PORTABLE,
    URI_BYTES = sizeof VOICE_TAKE + 8,
};

static LV2_URID take_urid(shell *s, int number)
{
    char uri[URI_BYTES];
    snprintf(uri, sizeof uri, VOICE_TAKE "%03d", number & 127);
    return s->map->map(s->map->handle, uri);
}

static void free_path(shell *s, char *path)
{
    if (s->free_path)
        s->free_path->free_path(s->free_path->handle, path);
    else
        free(path);
}

static cbx_status store_take(void *arg, int number, const plug_take *t,
                             cbx_error *err)
{
    saving *v = arg;
    shell *s = v->s;
    char name[96];
    /* the key in the name: a changed take is another file */
    snprintf(name, sizeof name, "phrase-%03d-%.8s.flac", number, t->key.hex);
    char *path = s->make_path->path(s->make_path->handle, name);
    if (!path)
        return cbx_fail(err, CBX_E_FILE, "the host gives no path for %s", name);
    cbx_status st = plug_take_save(t, path, err);
    char *abstract = NULL;
    if (!st) {
        abstract = s->map_path->abstract_path(s->map_path->handle, path);
        if (!abstract)
            st = cbx_fail(err, CBX_E_FILE, "the host does not map %s", path);
    }
    if (!st && v->store(v->handle, take_urid(s, number), abstract,
                        strlen(abstract) + 1, s->uris.atom_Path, PORTABLE))
        st = cbx_fail(err, CBX_E_FILE, "the host does not store %s", name);
    if (abstract)
        free_path(s, abstract);
    free_path(s, path);
    if (st) {
        /* The text is kept in any case: this phrase is rendered again. */
        shell_log(s, err->text);
        v->failed++;
    }
    return CBX_OK;
}

static int store_string(shell *s, saving *v, LV2_URID key, char *text)
{
    const int st = text ? (int)v->store(v->handle, key, text, strlen(text) + 1,
                                        s->uris.atom_String, PORTABLE)
                        : LV2_STATE_ERR_UNKNOWN;
    free(text);
    return st;
}

LV2_State_Status shell_save(LV2_Handle h, LV2_State_Store_Function store,
                            LV2_State_Handle handle, uint32_t flags,
                            const LV2_Feature *const *features)
{
    (void)flags;
    shell *s = h;
    saving v = {s, store, handle, 0};
    const int32_t rate = (int32_t)plug_rate(s->plug);
    if (store_string(s, &v, s->uris.text, plug_script_copy(s->plug)) ||
        store_string(s, &v, s->uris.voice, plug_voice_copy(s->plug)) ||
        store_string(s, &v, s->uris.missing, plug_missing_copy(s->plug)) ||
        store(handle, s->uris.rate, &rate, sizeof rate, s->uris.atom_Int,
              PORTABLE)) {
        shell_log(s, "the host did not store the text");
        return LV2_STATE_ERR_UNKNOWN;
    }
    shell_path_features(s, features);
    if (!s->make_path || !s->map_path)
        return LV2_STATE_SUCCESS;
    cbx_error err = {0};
    if (plug_takes(s->plug, store_take, &v, &err))
        shell_log(s, err.text);
    return v.failed ? LV2_STATE_ERR_UNKNOWN : LV2_STATE_SUCCESS;
}

/* A value that ends in NUL inside of its size; NULL: there is none. */
static const char *retrieve_text(LV2_State_Retrieve_Function retrieve,
                                 LV2_State_Handle handle, LV2_URID key,
                                 LV2_URID want)
{
    size_t size = 0;
    uint32_t type = 0, flags = 0;
    const char *text = retrieve(handle, key, &size, &type, &flags);
    return text && type == want && size && memchr(text, '\0', size) ? text
                                                                    : NULL;
}

static void restore_take(shell *s, const char *abstract)
{
    cbx_error err = {0};
    char *path = s->map_path
                     ? s->map_path->absolute_path(s->map_path->handle, abstract)
                     : NULL;
    if (plug_add_take_file(s->plug, path ? path : abstract, &err))
        shell_log(s, err.text); /* it is rendered again */
    if (path)
        free_path(s, path);
}

LV2_State_Status shell_restore(LV2_Handle h,
                               LV2_State_Retrieve_Function retrieve,
                               LV2_State_Handle handle, uint32_t flags,
                               const LV2_Feature *const *features)
{
    (void)flags;
    shell *s = h;
    shell_path_features(s, features);
    const char *text =
        retrieve_text(retrieve, handle, s->uris.text, s->uris.atom_String);
    const char *voice =
        retrieve_text(retrieve, handle, s->uris.voice, s->uris.atom_String);
    if (!text)
        return LV2_STATE_ERR_NO_PROPERTY;
    size_t size = 0;
    uint32_t type = 0, ignored = 0;
    const int32_t *stored =
        retrieve(handle, s->uris.rate, &size, &type, &ignored);
    const bool sane = stored && type == s->uris.atom_Int &&
                      size == sizeof *stored && *stored >= 8000 &&
                      *stored <= 768000;
    cbx_error err = {0};
    if (plug_restore(s->plug, text, strlen(text),
                     sane ? (uint32_t)*stored : s->rate, voice ? voice : "",
                     &err))
        return LV2_STATE_ERR_UNKNOWN; /* the core has said why */
    for (int i = 0; i < PLUG_PHRASES; i++) {
        const char *path =
            retrieve_text(retrieve, handle, take_urid(s, i), s->uris.atom_Path);
        if (path)
            restore_take(s, path);
    }
    return LV2_STATE_SUCCESS;
}
