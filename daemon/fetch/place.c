/* Folders: where fetched models lie, and how they go. */
#include "daemon/fetch/fetch.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static cbx_status make_folders(char *path, cbx_error *err)
{
    for (char *p = path + 1;; p++) {
        if (*p && *p != '/')
            continue;
        const char saved = *p;
        *p = 0;
        const int failed = mkdir(path, 0777) && errno != EEXIST;
        if (failed)
            return cbx_fail(err, CBX_E_FILE, "%s: %s", path, strerror(errno));
        *p = saved;
        if (!saved)
            return CBX_OK;
    }
}

cbx_status fetch_data_folder(bool make, char out[FETCH_PATH], cbx_error *err)
{
    const char *data = getenv("XDG_DATA_HOME"), *home = getenv("HOME");
    int n;
    if (data && *data == '/')
        n = snprintf(out, FETCH_PATH, "%s/chatterbox", data);
    else if (home && *home == '/')
        n = snprintf(out, FETCH_PATH, "%s/.local/share/chatterbox", home);
    else
        return cbx_fail(err, CBX_E_FILE,
                        "no data folder: neither XDG_DATA_HOME nor HOME is "
                        "set");
    if (n >= FETCH_PATH - 200)
        return cbx_fail(err, CBX_E_FILE, "the data folder's path is too long");
    return make ? make_folders(out, err) : CBX_OK;
}

/* -- removing -------------------------------------------------------------- */

static bool is_dots(const char *name)
{
    return !strcmp(name, ".") || !strcmp(name, "..");
}

/* Calls unlinkat for each file; with `only_look` it says whether there is
 * something else in the folder. */
static cbx_status each_file(const char *folder, bool only_look, cbx_error *err)
{
    cbx_status st = CBX_OK;
    DIR *d = opendir(folder);
    if (!d)
        return cbx_fail(err, CBX_E_FILE, "%s: %s", folder, strerror(errno));
    for (struct dirent *e; (e = readdir(d)) && !st;) {
        struct stat s;
        if (is_dots(e->d_name))
            continue;
        if (fstatat(dirfd(d), e->d_name, &s, AT_SYMLINK_NOFOLLOW))
            st = cbx_fail(err, CBX_E_FILE, "%s/%s: %s", folder, e->d_name,
                          strerror(errno));
        else if (only_look && S_ISDIR(s.st_mode))
            st = cbx_fail(err, CBX_E_FILE,
                          "%s holds a folder, %s: that did not come from here, "
                          "and nothing was removed",
                          folder, e->d_name);
        else if (!only_look && unlinkat(dirfd(d), e->d_name, 0))
            st = cbx_fail(err, CBX_E_FILE, "%s/%s: %s", folder, e->d_name,
                          strerror(errno));
    }
    closedir(d);
    return st;
}

static cbx_status remove_folder(const char *folder, cbx_error *err)
{
    struct stat s;
    if (lstat(folder, &s) == 0 && S_ISLNK(s.st_mode)) {
        if (unlink(folder))
            return cbx_fail(err, CBX_E_FILE, "%s: %s", folder, strerror(errno));
        return CBX_OK;
    }
    cbx_status st = each_file(folder, true, err);
    if (!st)
        st = each_file(folder, false, err);
    if (!st && rmdir(folder))
        st = cbx_fail(err, CBX_E_FILE, "%s: %s", folder, strerror(errno));
    return st;
}

cbx_status fetch_remove(const char *data, const char *name, cbx_error *err)
{
    char folder[FETCH_PATH + 128], part[FETCH_PATH + 128];
    struct stat s;
    if (!*name || *name == '.' || strchr(name, '/') || strlen(name) > 64)
        return cbx_fail(err, CBX_E_ARG,
                        "'%.64s' is no model's name; 'chatterbox models' lists "
                        "them",
                        name);
    if (!strcmp(name, "perth")) {
        snprintf(folder, sizeof folder, "%s/watermark/perth.safetensors", data);
        if (unlink(folder))
            return cbx_fail(err, CBX_E_FILE, "%s: %s", folder, strerror(errno));
        return CBX_OK;
    }
    snprintf(folder, sizeof folder, "%s/models/%s", data, name);
    snprintf(part, sizeof part, "%s/models/.%s.part", data, name);
    const bool whole = lstat(folder, &s) == 0, begun = lstat(part, &s) == 0;
    if (!whole && !begun)
        return cbx_fail(
            err, CBX_E_ARG,
            "no model '%.64s' in %s/models: what is not of your own "
            "cannot be removed",
            name, data);
    cbx_status st = begun ? remove_folder(part, err) : CBX_OK;
    if (!st && whole)
        st = remove_folder(folder, err);
    return st;
}
