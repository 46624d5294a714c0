/* Voices of one's own: renamed, deleted, exported, imported. */
#include "chatterbox/chatterbox.h"

#include "engine/voice_store.h"
#include "models/checkpoint/config.h"
#include "models/checkpoint/put_file.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static bool ends_with(const char *s, const char *tail)
{
    const size_t n = strlen(s), k = strlen(tail);
    return n >= k && strcmp(s + n - k, tail) == 0;
}

/* Whether the voice's tensors lie where `clone` put them; a preset that was
 * written by hand may name any other file. */
static cbx_status owns_conds(const voice_store *s, const cbx_preset_file *p,
                             char conds[CBX_PATH_MAX], bool *owned,
                             cbx_error *err)
{
    const cbx_status st =
        voice_store_path(s, p->name, ".safetensors", conds, err);
    *owned = !st && strcmp(conds, p->conds) == 0;
    return st;
}

static cbx_status remove_file(const char *path, cbx_error *err)
{
    if (unlink(path) && errno != ENOENT)
        return cbx_fail(err, CBX_E_FILE, "cannot delete %s: %s", path,
                        strerror(errno));
    return CBX_OK;
}

/* -- delete ---------------------------------------------------------------- */

static cbx_status delete_from(const voice_store *s, const char *name,
                              cbx_error *err)
{
    cbx_preset_file p;
    char conds[CBX_PATH_MAX];
    bool owned = false;
    cbx_status st = voice_store_get(s, name, "deleted", &p, err);
    if (!st)
        st = owns_conds(s, &p, conds, &owned, err);
    if (!st)
        st = remove_file(p.path, err);
    if (!st && owned)
        st = remove_file(conds, err);
    return st;
}

cbx_status cbx_voice_delete(const char *name, cbx_error *err)
{
    voice_store s;
    cbx_status st = voice_store_open(&s, err);
    if (st)
        return st;
    st = delete_from(&s, name, err);
    voice_store_close(&s);
    return st;
}

/* -- rename ---------------------------------------------------------------- */

/* Copies a preset; its line `conds = ...` becomes that of the new name. */
static cbx_status copy_preset(const char *from, const char *to,
                              const char *new_name, cbx_error *err)
{
    FILE *f = fopen(from, "r");
    char *text = NULL, *line = NULL;
    size_t size = 0, room = 0;
    FILE *out = f ? open_memstream(&text, &size) : NULL;
    cbx_status st = CBX_OK;
    while (out && getline(&line, &room, f) >= 0) {
        const char *key = line + strspn(line, " \t");
        const char *sign = key + 5;
        if (strncmp(key, "conds", 5) == 0 &&
            strchr("=:", *(sign += strspn(sign, " \t"))) && *sign)
            fprintf(out, "conds = %s.safetensors\n", new_name);
        else
            fputs(line, out);
    }
    if (!out || ferror(f) || fclose(out))
        st = cbx_fail(err, CBX_E_FILE, "%s: %s", from, strerror(errno));
    if (!st)
        st = cbx_file_put(to, &(cbx_file_part){text, size}, 1, err);
    if (f)
        fclose(f);
    free(line);
    free(text);
    return st;
}

/* The new voice is there before the old one goes. */
static cbx_status rename_owned(const cbx_preset_file *p, const char *conds,
                               const char *new_preset, const char *new_conds,
                               const char *new_name, cbx_error *err)
{
    if (unlink(new_conds) && errno != ENOENT)
        return cbx_fail(err, CBX_E_FILE, "%s: %s", new_conds, strerror(errno));
    if (link(conds, new_conds))
        return cbx_fail(err, CBX_E_FILE, "cannot write %s: %s", new_conds,
                        strerror(errno));
    cbx_status st = copy_preset(p->path, new_preset, new_name, err);
    if (st) {
        unlink(new_conds);
        return st;
    }
    st = remove_file(p->path, err);
    return st ? st : remove_file(conds, err);
}

static cbx_status rename_in(const voice_store *s, const char *name,
                            const char *new_name, cbx_error *err)
{
    cbx_preset_file p;
    char conds[CBX_PATH_MAX], new_conds[CBX_PATH_MAX], preset[CBX_PATH_MAX];
    bool owned = false;
    cbx_status st = voice_store_get(s, name, "renamed", &p, err);
    if (!st)
        st = voice_store_is_free(s, new_name, false, err);
    if (!st)
        st = owns_conds(s, &p, conds, &owned, err);
    if (!st)
        st = voice_store_path(s, new_name, ".ini", preset, err);
    if (!st)
        st = voice_store_path(s, new_name, ".safetensors", new_conds, err);
    if (st)
        return st;
    if (owned)
        return rename_owned(&p, conds, preset, new_conds, new_name, err);
    if (rename(p.path, preset))
        return cbx_fail(err, CBX_E_FILE, "cannot rename %s: %s", p.path,
                        strerror(errno));
    return CBX_OK;
}

cbx_status cbx_voice_rename(const char *name, const char *new_name,
                            cbx_error *err)
{
    voice_store s;
    cbx_status st = voice_store_open(&s, err);
    if (st)
        return st;
    st = rename_in(&s, name, new_name, err);
    voice_store_close(&s);
    return st;
}

/* -- files of voices ------------------------------------------------------- */

typedef struct voice_file {
    cbx_tensor_file *file; /* the notes point into it */
    cbx_conds *conds;
    cbx_safetensors_note notes[VOICE_NOTES_MOST];
    size_t n_notes;
} voice_file;

static void close_file(voice_file *v)
{
    cbx_conds_close(v->conds);
    cbx_tensor_file_close(v->file);
}

static cbx_status open_file(const char *path, voice_file *v, cbx_error *err)
{
    *v = (voice_file){.file = NULL};
    cbx_status st = cbx_tensor_file_open(path, &v->file, err);
    if (!st)
        st = cbx_conds_open(path, &v->conds, err);
    if (st) {
        close_file(v);
        return st;
    }
    const char *key, *value;
    for (size_t i = 0; i < VOICE_NOTES_MOST &&
                       cbx_tensor_file_metadata_at(v->file, i, &key, &value);
         i++)
        v->notes[v->n_notes++] = (cbx_safetensors_note){key, value};
    return CBX_OK;
}

/* -- export ---------------------------------------------------------------- */

/* A preset without conds speaks with its model's own voice. */
static cbx_status conds_of(const char *name, char path[CBX_PATH_MAX],
                           cbx_error *err)
{
    cbx_preset_file p;
    char folder[CBX_PATH_MAX];
    cbx_config config;
    cbx_status st = cbx_preset_find("voices", name, path, err);
    if (st || !ends_with(path, ".ini"))
        return st;
    if ((st = cbx_preset_read(path, &p, err)))
        return st;
    snprintf(path, CBX_PATH_MAX, "%s", p.conds);
    if (p.conds[0])
        return CBX_OK;
    st = cbx_model_find(p.model[0] ? p.model : "builtin", folder, err);
    if (!st)
        st = cbx_config_open(folder, &config, err);
    if (st)
        return st;
    if (!config.files.conds[0] || snprintf(path, CBX_PATH_MAX, "%s/%s", folder,
                                           config.files.conds) >= CBX_PATH_MAX)
        return cbx_fail(err, CBX_E_FILE,
                        "the voice '%s' has no file to export: its model %s "
                        "comes without one",
                        name, folder);
    return CBX_OK;
}

cbx_status cbx_voice_export(const char *name, const char *file, bool replace,
                            cbx_error *err)
{
    char path[CBX_PATH_MAX];
    voice_file v;
    const bool pt = ends_with(file, ".pt");
    if (!pt && !ends_with(file, ".safetensors"))
        return cbx_fail(err, CBX_E_ARG,
                        "%s: a voice is exported as NAME.safetensors, or as "
                        "NAME.pt for Python",
                        file);
    if (!replace && access(file, F_OK) == 0)
        return cbx_fail(err, CBX_E_FILE,
                        "%s is there already; choose another name, or "
                        "--replace it",
                        file);
    cbx_status st = conds_of(name, path, err);
    if (st || (st = open_file(path, &v, err)))
        return st;
    st = pt ? cbx_conds_write_pt(v.conds, file, err)
            : cbx_conds_write_noted(v.conds, file, v.notes, v.n_notes, err);
    close_file(&v);
    return st;
}

/* -- import ---------------------------------------------------------------- */

/* A folder becomes absolute, a name stays one. What the file says must be a
 * name: a folder would be one of another machine. */
static cbx_status pick_model(const voice_file *v, const char *file,
                             const char *given, char out[CBX_PATH_MAX],
                             cbx_error *err)
{
    char found[CBX_PATH_MAX], real[4096];
    const char *model =
        given ? given : cbx_tensor_file_metadata(v->file, NOTE_MODEL);
    if (!given && model && voice_check_name(model, NULL))
        model = NULL;
    if (!model)
        return cbx_fail(err, CBX_E_ARG,
                        "%s does not say for which model it was made; add "
                        "--model NAME or FOLDER",
                        file);
    if (!given || !strchr(given, '/')) {
        snprintf(out, CBX_PATH_MAX, "%s", model);
        return given ? cbx_model_find(given, found, err) : CBX_OK;
    }
    const cbx_status st = cbx_model_find(given, found, err);
    if (st)
        return st;
    if (!realpath(found, real) || strlen(real) >= CBX_PATH_MAX)
        return cbx_fail(err, CBX_E_FILE, "%s: the path is too long", found);
    snprintf(out, CBX_PATH_MAX, "%s", real);
    return CBX_OK;
}

static cbx_status store_file(const voice_file *v, const char *name,
                             const char *model, bool replace, cbx_error *err)
{
    voice_store s;
    const voice_entry entry = {.name = name,
                               .description = "Imported",
                               .model = model,
                               .conds = v->conds,
                               .notes = v->notes,
                               .n_notes = v->n_notes,
                               .replace = replace};
    cbx_status st = voice_store_open(&s, err);
    if (st)
        return st;
    st = voice_store_put(&s, &entry, err);
    voice_store_close(&s);
    return st;
}

cbx_status cbx_voice_import(const char *file, const char *name,
                            const char *model, bool replace, cbx_error *err)
{
    char chosen[CBX_PATH_MAX];
    voice_file v;
    cbx_status st = voice_check_name(name, err);
    if (st || (st = open_file(file, &v, err)))
        return st;
    st = pick_model(&v, file, model, chosen, err);
    if (!st)
        st = store_file(&v, name, chosen, replace, err);
    close_file(&v);
    return st;
}
