/* Where presets and models are found. */
#define _GNU_SOURCE /* dladdr */
#include "engine/presets.h"

#include <dlfcn.h>
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#ifndef CBX_DATADIR
#define CBX_DATADIR "/usr/local/share/chatterbox"
#endif

static bool is_folder(const char *path)
{
    struct stat s;
    return stat(path, &s) == 0 && S_ISDIR(s.st_mode);
}

static bool is_file(const char *path)
{
    struct stat s;
    return stat(path, &s) == 0 && S_ISREG(s.st_mode);
}

static void add_folder(char *out, size_t size, const char *folder)
{
    const size_t used = strlen(out);
    if (is_folder(folder) && used + strlen(folder) + 2 < size)
        snprintf(out + used, size - used, "%s%s", used ? ":" : "", folder);
}

/* The first of `places` that is a folder, seen from the one that `file` lies
 * in. */
static void add_beside(char *out, size_t size, const char *file,
                       const char *const *places)
{
    char real[PATH_MAX], path[PATH_MAX + 32];
    if (!realpath(file, real))
        return;
    *strrchr(real, '/') = 0;
    for (; *places; places++) {
        char folder[PATH_MAX];
        snprintf(path, sizeof path, "%s/%s", real, *places);
        if (is_folder(path) && realpath(path, folder)) {
            add_folder(out, size, folder);
            return;
        }
    }
}

/* Beside the running program, and beside the shared library where this is part
 * of one (another program, such as Python, has loaded it then). */
static void add_program_folders(char *out, size_t size)
{
    /* prefix/bin; build/bin */
    static const char *const program[] = {"../share/chatterbox",
                                          "../../presets", NULL};
    /* prefix/lib; prefix/lib/x86_64-linux-gnu; build/lib */
    static const char *const library[] = {
        "../share/chatterbox", "../../share/chatterbox", "../../presets", NULL};
    static const char here;
    Dl_info info;
    add_beside(out, size, "/proc/self/exe", program);
    if (dladdr(&here, &info) && info.dli_fname &&
        strstr(info.dli_fname, "libchatterbox.so"))
        add_beside(out, size, info.dli_fname, library);
}

void cbx_data_folders(char *out, size_t size)
{
    if (!size)
        return;
    out[0] = 0;
    const char *given = getenv("CHATTERBOX_DATA");
    if (given) {
        char *copy = strdup(given), *rest = copy;
        for (char *f; copy && (f = strsep(&rest, ":"));)
            if (*f)
                add_folder(out, size, f);
        free(copy);
    }
    char path[CBX_PATH_MAX];
    const char *data = getenv("XDG_DATA_HOME"), *home = getenv("HOME");
    if (data && *data)
        snprintf(path, sizeof path, "%s/chatterbox", data);
    else
        snprintf(path, sizeof path, "%s/.local/share/chatterbox",
                 home ? home : "");
    add_folder(out, size, path);
    add_program_folders(out, size);
    add_folder(out, size, CBX_DATADIR);
}

/* Tries FOLDER/kind/NAME<suffix> in every data folder. */
static bool search(const char *kind, const char *name, const char *suffix,
                   bool (*good)(const char *), char path[CBX_PATH_MAX])
{
    char folders[8192];
    cbx_data_folders(folders, sizeof folders);
    char *rest = folders;
    for (char *f; (f = strsep(&rest, ":"));) {
        const int n =
            snprintf(path, CBX_PATH_MAX, "%s/%s/%s%s", f, kind, name, suffix);
        if (n < CBX_PATH_MAX && good(path))
            return true;
    }
    return false;
}

bool cbx_watermark_find(char path[CBX_PATH_MAX])
{
    return search("watermark", "perth", ".safetensors", is_file, path);
}

static bool ends_with(const char *s, const char *tail)
{
    const size_t n = strlen(s), k = strlen(tail);
    return n >= k && strcmp(s + n - k, tail) == 0;
}

static cbx_status take_path(const char *given, char path[CBX_PATH_MAX],
                            cbx_error *err)
{
    if (snprintf(path, CBX_PATH_MAX, "%s", given) >= CBX_PATH_MAX)
        return cbx_fail(err, CBX_E_ARG,
                        "the path '%.60s...' is longer than %d bytes", given,
                        CBX_PATH_MAX - 1);
    return CBX_OK;
}

cbx_status cbx_preset_find(const char *kind, const char *name_or_file,
                           char path[CBX_PATH_MAX], cbx_error *err)
{
    if (strchr(name_or_file, '/') || ends_with(name_or_file, ".ini") ||
        ends_with(name_or_file, ".pt") ||
        ends_with(name_or_file, ".safetensors")) {
        if (!is_file(name_or_file))
            return cbx_fail(err, CBX_E_FILE, "%s: %s", name_or_file,
                            is_folder(name_or_file) ? "is a folder, not a file"
                                                    : strerror(ENOENT));
        return take_path(name_or_file, path, err);
    }
    if (*name_or_file && search(kind, name_or_file, ".ini", is_file, path))
        return CBX_OK;
    char folders[8192];
    cbx_data_folders(folders, sizeof folders);
    const bool voice = strcmp(kind, "voices") == 0;
    return cbx_fail(err, CBX_E_ARG,
                    "unknown %s '%.64s' (searched %s/ in %.200s)%s",
                    voice ? "voice" : "preset", name_or_file, kind,
                    *folders ? folders : "no folder",
                    voice ? "; 'chatterbox voices' lists what is there" : "");
}

cbx_status cbx_model_find(const char *name_or_folder, char path[CBX_PATH_MAX],
                          cbx_error *err)
{
    if (strchr(name_or_folder, '/') || strcmp(name_or_folder, ".") == 0 ||
        strcmp(name_or_folder, "..") == 0) {
        if (!is_folder(name_or_folder))
            return cbx_fail(err, CBX_E_FILE,
                            "%s: no such folder; a model is a folder with the "
                            "published files, or a name",
                            name_or_folder);
        return take_path(name_or_folder, path, err);
    }
    if (*name_or_folder &&
        search("models", name_or_folder, "", is_folder, path))
        return CBX_OK;
    if (*name_or_folder && is_folder(name_or_folder))
        return take_path(name_or_folder, path, err);
    char folders[8192];
    cbx_data_folders(folders, sizeof folders);
    return cbx_fail(err, CBX_E_ARG,
                    "unknown model '%.64s' (searched models/ in %.200s); give "
                    "a folder, or a name from there",
                    name_or_folder, *folders ? folders : "no folder");
}
