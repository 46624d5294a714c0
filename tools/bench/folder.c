/* Finding a model's folder, and making one like it that speaks less. */
#include "chatterbox/chatterbox.h"
#include "tools/bench/bench.h"

#include <dirent.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static bool is_folder(const char *path)
{
    struct stat s;
    return stat(path, &s) == 0 && S_ISDIR(s.st_mode);
}

cbx_status bench_folder(const bench *b, char *out, size_t size, cbx_error *err)
{
    char data[8192], *save;
    snprintf(out, size, "%s", b->model);
    if (strchr(b->model, '/') && is_folder(out))
        return CBX_OK;
    cbx_data_folders(data, sizeof data);
    for (char *f = strtok_r(data, ":", &save); f;
         f = strtok_r(NULL, ":", &save)) {
        snprintf(out, size, "%s/models/%s", f, b->model);
        if (is_folder(out))
            return CBX_OK;
    }
    return cbx_fail(err, CBX_E_FILE, "%s: neither a folder nor a model's name",
                    b->model);
}

/* config.json as the model reads it, with the limit in it. */
static cbx_status write_config(const char *from, const char *to, int n,
                               cbx_error *err)
{
    char path[2 * PATH_MAX];
    snprintf(path, sizeof path, "%s/config.json", from);
    if (access(path, R_OK))
        snprintf(path, sizeof path, "%s/oracle_config.json", from);
    json_t *config = json_load_file(path, 0, NULL);
    if (!config)
        config = json_object();
    json_object_set_new(config, "max_speech_tokens", json_integer(n));
    snprintf(path, sizeof path, "%s/config.json", to);
    const int bad = json_dump_file(config, path, JSON_INDENT(1));
    json_decref(config);
    return bad ? cbx_fail(err, CBX_E_FILE, "%s: cannot be written", path)
               : CBX_OK;
}

cbx_status bench_capped(const char *folder, int n, char *out, size_t size,
                        cbx_error *err)
{
    const char *tmp = getenv("TMPDIR");
    char real[PATH_MAX], from[2 * PATH_MAX], to[2 * PATH_MAX];
    snprintf(out, size, "%s/bench-XXXXXX", tmp && *tmp ? tmp : P_tmpdir);
    DIR *d = realpath(folder, real) ? opendir(real) : NULL;
    if (!d)
        return cbx_fail(err, CBX_E_FILE, "%s: not a folder", folder);
    cbx_status st = CBX_OK;
    if (!mkdtemp(out))
        st = cbx_fail(err, CBX_E_FILE, "%s: cannot be made", out);
    for (const struct dirent *e; !st && (e = readdir(d));) {
        if (e->d_name[0] == '.' || !strcmp(e->d_name, "config.json"))
            continue;
        snprintf(from, sizeof from, "%s/%s", real, e->d_name);
        snprintf(to, sizeof to, "%s/%s", out, e->d_name);
        if (symlink(from, to))
            st = cbx_fail(err, CBX_E_FILE, "%.400s: cannot be made", to);
    }
    closedir(d);
    return st ? st : write_config(real, out, n, err);
}

void bench_capped_remove(const char *folder)
{
    char path[2 * PATH_MAX];
    DIR *d = opendir(folder);
    for (const struct dirent *e; d && (e = readdir(d));) {
        if (!strcmp(e->d_name, ".") || !strcmp(e->d_name, ".."))
            continue;
        snprintf(path, sizeof path, "%s/%s", folder, e->d_name);
        unlink(path);
    }
    if (d)
        closedir(d);
    rmdir(folder);
}
