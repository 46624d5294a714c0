#include "daemon/fetch/fetch.h"

#include "daemon/fetch/http.h"
#include "daemon/fetch/listing.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

enum { LIST_MOST = 8 << 20, PATH = FETCH_PATH + 256 };
#define NOTE ".fetched.json"

typedef struct job {
    const catalog_entry *entry;
    const fetch_options *o;
    listing list;
    char folder[PATH], part[PATH];
    http *http;
    const char *file; /* the one that is being fetched */
    uint64_t size;
    int lock;
} job;

CBX_PRINTF(2, 3)
static void say(const job *j, const char *fmt, ...)
{
    char line[2048];
    va_list args;
    va_start(args, fmt);
    vsnprintf(line, sizeof line, fmt, args);
    va_end(args);
    if (j->o->say)
        j->o->say(j->o->user, line);
}

static bool on_bytes(void *user, uint64_t at)
{
    const job *j = user;
    return j->o->progress && j->file &&
           j->o->progress(j->o->user, j->file, at, j->size);
}

static bool has_size(const char *path, uint64_t size)
{
    struct stat s;
    return stat(path, &s) == 0 && S_ISREG(s.st_mode) &&
           (uint64_t)s.st_size == size;
}

static bool same_list(const listing *a, const listing *b)
{
    bool same = a->n == b->n;
    for (size_t i = 0; i < a->n && same; i++) {
        bool found = false;
        for (size_t k = 0; k < b->n; k++)
            found = found || (!strcmp(a->files[i].name, b->files[k].name) &&
                              a->files[i].size == b->files[k].size &&
                              !strcmp(a->files[i].digest, b->files[k].digest));
        same = found;
    }
    return same;
}

/* -- what is there --------------------------------------------------------- */

static bool is_there(const job *j)
{
    struct stat s;
    return stat(j->folder, &s) == 0;
}

/* The model's folder: fetched, and its files still of their sizes. */
static bool is_whole(const job *j, listing *had)
{
    char path[PATH + 64];
    snprintf(path, sizeof path, "%s/" NOTE, j->folder);
    if (!listing_load(path, j->entry, had))
        return false;
    for (size_t i = 0; i < had->n; i++) {
        snprintf(path, sizeof path, "%s/%s", j->folder, had->files[i].name);
        if (!has_size(path, had->files[i].size))
            return false;
    }
    return true;
}

/* Links a file of another fetched model with this digest. */
static bool link_other(const job *j, const listed_file *f, const char *to)
{
    char note[PATH + 64], from[PATH + 64];
    for (size_t i = 0; i < catalog_length; i++) {
        listing other;
        snprintf(note, sizeof note, "%s/models/%s/" NOTE, j->o->data,
                 catalog[i].name);
        if (!listing_load(note, &catalog[i], &other))
            continue;
        for (size_t k = 0; k < other.n; k++) {
            snprintf(from, sizeof from, "%s/models/%s/%s", j->o->data,
                     catalog[i].name, other.files[k].name);
            if (other.files[k].size == f->size &&
                !strcmp(other.files[k].digest, f->digest) &&
                has_size(from, f->size) && link(from, to) == 0)
                return true;
        }
    }
    return false;
}

/* -- the list -------------------------------------------------------------- */

static const char *revision(const job *j)
{
    return j->o->revision ? j->o->revision : j->entry->revision;
}

static cbx_status ask(job *j, cbx_error *err)
{
    char url[1024], *json;
    size_t n;
    const int len =
        snprintf(url, sizeof url, "%s/api/models/%s/tree/%s?recursive=true",
                 j->o->endpoint, j->entry->repository, revision(j));
    if (len >= (int)sizeof url)
        return cbx_fail(err, CBX_E_ARG, "HF_ENDPOINT is too long");
    cbx_status st = http_get(j->http, url, LIST_MOST, &json, &n, err);
    if (st)
        return st;
    st = listing_read(json, n, url, j->entry, &j->list, err);
    free(json);
    return st;
}

/* -- files ----------------------------------------------------------------- */

static cbx_status verify(const listed_file *f, const char *path, bool *right,
                         cbx_error *err)
{
    char digest[DIGEST_TEXT];
    const cbx_status st = digest_file(path, f->size, f->kind, digest, err);
    *right = !st && !strcmp(digest, f->digest);
    return st;
}

static cbx_status fetch_file(job *j, const listed_file *f, cbx_error *err)
{
    char url[1280], path[PATH + 64], part[PATH + 80];
    bool right;
    snprintf(path, sizeof path, "%s/%s", j->part, f->name);
    snprintf(part, sizeof part, "%s.part", path);
    if (snprintf(url, sizeof url, "%s/%s/resolve/%s/%s", j->o->endpoint,
                 j->entry->repository, revision(j), f->name) >= (int)sizeof url)
        return cbx_fail(err, CBX_E_ARG, "HF_ENDPOINT is too long");
    if (has_size(path, f->size)) /* by an earlier run, which checked it */
        return CBX_OK;
    if (link_other(j, f, path)) {
        say(j, "%s: another model has it already", f->name);
        return CBX_OK;
    }
    j->file = f->name;
    j->size = f->size;
    cbx_status st = http_download(j->http, url, f->size, part, err);
    j->file = NULL;
    if (!st)
        st = verify(f, part, &right, err);
    if (st)
        return st;
    if (!right) {
        unlink(part);
        return cbx_fail(err, CBX_E_FORMAT,
                        "%.300s: what came is damaged: its digest is not the "
                        "one of the list; it was thrown away, try again",
                        url);
    }
    if (rename(part, path))
        return cbx_fail(err, CBX_E_FILE, "%s: %s", path, strerror(errno));
    say(j, "%s: %.1f MB, as the list says", f->name, (double)f->size * 1e-6);
    return CBX_OK;
}

static cbx_status sync_folder(const char *folder, cbx_error *err)
{
    const int fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0 || fsync(fd)) {
        const int why = errno;
        if (fd >= 0)
            close(fd);
        return cbx_fail(err, CBX_E_FILE, "%s: %s", folder, strerror(why));
    }
    close(fd);
    return CBX_OK;
}

static uint64_t missing_bytes(const job *j)
{
    uint64_t bytes = 0;
    for (size_t i = 0; i < j->list.n; i++) {
        char path[PATH + 80];
        struct stat s;
        snprintf(path, sizeof path, "%s/%s", j->part, j->list.files[i].name);
        if (has_size(path, j->list.files[i].size))
            continue;
        bytes += j->list.files[i].size;
        snprintf(path, sizeof path, "%s/%s.part", j->part,
                 j->list.files[i].name);
        if (stat(path, &s) == 0 && (uint64_t)s.st_size < bytes)
            bytes -= (uint64_t)s.st_size;
    }
    return bytes;
}

static cbx_status check_room(const job *j, cbx_error *err)
{
    struct statvfs v;
    const uint64_t need = missing_bytes(j);
    if (statvfs(j->part, &v))
        return CBX_OK;
    const uint64_t room = (uint64_t)v.f_bavail * v.f_frsize;
    if (room >= need)
        return CBX_OK;
    return cbx_fail(err, CBX_E_FILE,
                    "%s: %.2f GB are needed, and %.2f GB are free", j->part,
                    (double)need * 1e-9, (double)room * 1e-9);
}

/* The folder for what comes, and nobody else in it. */
static cbx_status open_part(job *j, cbx_error *err)
{
    char path[PATH + 32];
    snprintf(path, sizeof path, "%s/models", j->o->data);
    if ((mkdir(path, 0777) && errno != EEXIST) ||
        (mkdir(j->part, 0777) && errno != EEXIST))
        return cbx_fail(err, CBX_E_FILE, "%s: %s", j->part, strerror(errno));
    snprintf(path, sizeof path, "%s/.lock", j->part);
    j->lock = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0666);
    if (j->lock < 0)
        return cbx_fail(err, CBX_E_FILE, "%s: %s", path, strerror(errno));
    if (flock(j->lock, LOCK_EX | LOCK_NB))
        return cbx_fail(err, CBX_E_FILE,
                        "%s is being fetched by another process",
                        j->entry->name);
    return CBX_OK;
}

static cbx_status fetch_all(job *j, cbx_error *err)
{
    char path[PATH + 32];
    cbx_status st = open_part(j, err);
    if (!st)
        st = check_room(j, err);
    for (size_t i = 0; i < j->list.n && !st; i++)
        st = fetch_file(j, &j->list.files[i], err);
    if (st)
        return st;
    snprintf(path, sizeof path, "%s/" NOTE, j->part);
    if ((st = listing_save(&j->list, j->entry, path, err)) ||
        (st = sync_folder(j->part, err)))
        return st;
    snprintf(path, sizeof path, "%s/.lock", j->part);
    unlink(path);
    if (rename(j->part, j->folder))
        return cbx_fail(err, CBX_E_FILE, "%s: %s", j->folder, strerror(errno));
    say(j, "%s is in %s", j->entry->name, j->folder);
    return CBX_OK;
}

static void list_files(const job *j)
{
    say(j, "%s at %s of %s:", j->entry->repository, revision(j),
        j->o->endpoint);
    for (size_t i = 0; i < j->list.n; i++)
        say(j, "  %-40s %12" PRIu64 " bytes", j->list.files[i].name,
            j->list.files[i].size);
    say(j, "to %s: %.2f GB, of which %.2f GB are missing", j->folder,
        (double)j->list.bytes * 1e-9, (double)missing_bytes(j) * 1e-9);
}

static cbx_status run(job *j, cbx_error *err)
{
    listing had;
    const bool there = is_there(j), whole = there && is_whole(j, &had);
    if (j->o->offline) {
        if (!there)
            return cbx_fail(err, CBX_E_FILE,
                            "%s is not here, and nobody may be asked (offline)",
                            j->entry->name);
        say(j, "%s is in %s", j->entry->name, j->folder);
        return CBX_OK;
    }
    const http_options options = {.token = j->o->token,
                                  .timeout = j->o->timeout,
                                  .progress = on_bytes,
                                  .user = j};
    cbx_status st = http_open(&options, &j->http, err);
    if (!st)
        st = ask(j, err);
    if (st)
        return st;
    if (whole && same_list(&had, &j->list)) {
        say(j, "%s is in %s already", j->entry->name, j->folder);
        return CBX_OK;
    }
    if (j->o->dry_run) {
        list_files(j);
        return CBX_OK;
    }
    if (there)
        return cbx_fail(err, CBX_E_FILE,
                        "%s holds another state of the model, or was changed; "
                        "'chatterbox remove %s' makes room",
                        j->folder, j->entry->name);
    return fetch_all(j, err);
}

cbx_status fetch_model(const catalog_entry *entry, const fetch_options *o,
                       cbx_error *err)
{
    job j = {.entry = entry, .o = o, .lock = -1};
    snprintf(j.folder, sizeof j.folder, "%s/models/%s", o->data, entry->name);
    snprintf(j.part, sizeof j.part, "%s/models/.%s.part", o->data, entry->name);
    const cbx_status st = run(&j, err);
    http_close(j.http);
    if (j.lock >= 0)
        close(j.lock);
    return st;
}
