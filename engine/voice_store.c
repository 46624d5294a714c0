#include "engine/voice_store.h"

#include "models/checkpoint/put_file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

enum { NAME_MOST = 60 };

/* -- the folder ------------------------------------------------------------ */

static cbx_status find_folder(char path[CBX_PATH_MAX], cbx_error *err)
{
    const char *data = getenv("XDG_DATA_HOME"), *home = getenv("HOME");
    int n;
    if (data && *data == '/')
        n = snprintf(path, CBX_PATH_MAX, "%s/chatterbox/voices", data);
    else if (home && *home == '/')
        n = snprintf(path, CBX_PATH_MAX, "%s/.local/share/chatterbox/voices",
                     home);
    else
        return cbx_fail(err, CBX_E_FILE,
                        "no folder for voices: neither XDG_DATA_HOME nor HOME "
                        "is an absolute path");
    if (n >= CBX_PATH_MAX)
        return cbx_fail(err, CBX_E_FILE,
                        "the path of the folder for voices is longer than %d "
                        "bytes",
                        CBX_PATH_MAX - 1);
    return CBX_OK;
}

/* As the XDG specification has it: for the user alone. */
static cbx_status make_folders(const char *path, cbx_error *err)
{
    char part[CBX_PATH_MAX];
    snprintf(part, sizeof part, "%s", path);
    for (char *at = part; at; *at = '/') {
        at = strchr(at + 1, '/');
        if (at)
            *at = 0;
        if (mkdir(part, 0700) && errno != EEXIST)
            return cbx_fail(err, CBX_E_FILE, "cannot make the folder %s: %s",
                            part, strerror(errno));
        if (!at)
            break;
    }
    return CBX_OK;
}

cbx_status voice_store_open(voice_store *s, cbx_error *err)
{
    voice_store store = {.lock = -1};
    cbx_status st = find_folder(store.folder, err);
    if (!st)
        st = make_folders(store.folder, err);
    if (st)
        return st;
    store.lock = open(store.folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (store.lock < 0 || flock(store.lock, LOCK_EX)) {
        st = cbx_fail(err, CBX_E_FILE, "%s: %s", store.folder, strerror(errno));
        voice_store_close(&store);
        return st;
    }
    *s = store;
    return CBX_OK;
}

void voice_store_close(voice_store *s)
{
    if (s->lock >= 0)
        close(s->lock);
    s->lock = -1;
}

cbx_status voice_store_path(const voice_store *s, const char *name,
                            const char *ending, char path[CBX_PATH_MAX],
                            cbx_error *err)
{
    if (snprintf(path, CBX_PATH_MAX, "%s/%s%s", s->folder, name, ending) >=
        CBX_PATH_MAX)
        return cbx_fail(err, CBX_E_FILE,
                        "%s: the path of the voice '%.64s' is too long",
                        s->folder, name);
    return CBX_OK;
}

/* -- names ----------------------------------------------------------------- */

static bool ends_with(const char *s, const char *tail)
{
    const size_t n = strlen(s), k = strlen(tail);
    return n >= k && strcmp(s + n - k, tail) == 0;
}

/* Letters of other scripts are bytes from 128 on. */
static bool is_letter(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
           (c >= '0' && c <= '9') || (unsigned char)c >= 128;
}

cbx_status voice_check_name(const char *name, cbx_error *err)
{
    const size_t n = strlen(name);
    bool good = n > 0 && n <= NAME_MOST && is_letter(name[0]) &&
                name[n - 1] != ' ' && name[n - 1] != '.';
    for (size_t i = 0; i < n; i++)
        good = good && (is_letter(name[i]) || strchr("-_.+ ", name[i]));
    if (!good)
        return cbx_fail(err, CBX_E_ARG,
                        "a voice cannot be called '%.64s': a name is 1 to %d "
                        "bytes of letters, digits and -_.+ or spaces, and "
                        "begins with a letter or digit",
                        name, NAME_MOST);
    if (ends_with(name, ".ini") || ends_with(name, ".pt") ||
        ends_with(name, ".safetensors"))
        return cbx_fail(err, CBX_E_ARG,
                        "a voice cannot be called '%s': that is the name of a "
                        "file; leave the ending out",
                        name);
    return CBX_OK;
}

cbx_status voice_store_is_free(const voice_store *s, const char *name,
                               bool replace, cbx_error *err)
{
    char path[CBX_PATH_MAX];
    cbx_status st = voice_check_name(name, err);
    if (!st)
        st = voice_store_path(s, name, ".ini", path, err);
    if (st)
        return st;
    if (access(path, F_OK) == 0)
        return replace ? CBX_OK
                       : cbx_fail(err, CBX_E_ARG,
                                  "there is a voice '%s' already; choose "
                                  "another name, or --replace it",
                                  name);
    if (!cbx_preset_find("voices", name, path, NULL))
        return cbx_fail(err, CBX_E_ARG,
                        "there is a voice '%s' already (%s), and it is not one "
                        "of your own; choose another name",
                        name, path);
    return CBX_OK;
}

/* -- writing --------------------------------------------------------------- */

/* The preset is read back before it counts: an INI file cannot hold every
 * path. */
static cbx_status check_preset(const char *path, const voice_entry *e,
                               const char *conds, cbx_error *err)
{
    cbx_preset_file file;
    const cbx_status st = cbx_preset_read(path, &file, NULL);
    if (!st && !strcmp(file.model, e->model) && !strcmp(file.conds, conds) &&
        !strcmp(file.description, e->description))
        return CBX_OK;
    return cbx_fail(err, CBX_E_ARG,
                    "a preset cannot hold the model '%.200s' with the "
                    "description '%.80s': too long, or with characters of its "
                    "own meaning",
                    e->model, e->description);
}

static cbx_status write_preset(const char *path, const voice_entry *e,
                               cbx_error *err)
{
    const char *parts[] = {"; One of your own voices. Keys: docs/PRESETS.md\n"
                           "[voice]\ndescription = ",
                           e->description,
                           "\nmodel = ",
                           e->model,
                           "\nconds = ",
                           e->name,
                           ".safetensors\n"};
    enum { N = sizeof parts / sizeof *parts };
    cbx_file_part bytes[N];
    for (int i = 0; i < N; i++)
        bytes[i] = (cbx_file_part){parts[i], strlen(parts[i])};
    return cbx_file_put(path, bytes, N, err);
}

cbx_status voice_store_put(const voice_store *s, const voice_entry *e,
                           cbx_error *err)
{
    char preset[CBX_PATH_MAX], fresh[CBX_PATH_MAX], conds[CBX_PATH_MAX];
    cbx_status st = voice_store_is_free(s, e->name, e->replace, err);
    if (!st)
        st = voice_store_path(s, e->name, ".ini", preset, err);
    if (!st)
        st = voice_store_path(s, e->name, ".ini.new", fresh, err);
    if (!st)
        st = voice_store_path(s, e->name, ".safetensors", conds, err);
    if (st || (st = write_preset(fresh, e, err)))
        return st;
    st = check_preset(fresh, e, conds, err);
    if (!st)
        st = cbx_conds_write_noted(e->conds, conds, e->notes, e->n_notes, err);
    if (!st && rename(fresh, preset))
        st = cbx_fail(err, CBX_E_FILE, "cannot write %s: %s", preset,
                      strerror(errno));
    if (st)
        unlink(fresh);
    return st;
}

/* -- reading --------------------------------------------------------------- */

cbx_status voice_store_get(const voice_store *s, const char *name,
                           const char *verb, cbx_preset_file *out,
                           cbx_error *err)
{
    char path[CBX_PATH_MAX];
    cbx_status st = voice_check_name(name, err);
    if (!st)
        st = voice_store_path(s, name, ".ini", path, err);
    if (st)
        return st;
    if (access(path, F_OK) == 0)
        return cbx_preset_read(path, out, err);
    if ((st = cbx_preset_find("voices", name, path, err)))
        return st;
    return cbx_fail(err, CBX_E_ARG,
                    "the voice '%s' (%s) is not one of your own and cannot be "
                    "%s",
                    name, path, verb);
}
