#include "daemon/fetch/listing.h"

#include <errno.h>
#include <inttypes.h>
#include <jansson.h>
#include <string.h>

static const uint64_t most_bytes = UINT64_C(1) << 36; /* of a file: 64 GB */

static const char *wanted(const catalog_entry *entry, const char *path)
{
    for (int i = 0; entry->files[i]; i++)
        if (!strcmp(entry->files[i], path))
            return entry->files[i];
    return NULL;
}

static bool is_hex(const char *s, size_t n)
{
    return strlen(s) == n && strspn(s, "0123456789abcdef") == n;
}

static listed_file *find(listing *l, const char *name)
{
    for (size_t i = 0; i < l->n; i++)
        if (!strcmp(l->files[i].name, name))
            return &l->files[i];
    return NULL;
}

/* One file of the list. */
static cbx_status take(const json_t *item, const char *name, const char *url,
                       listing *l, cbx_error *err)
{
    const json_t *lfs = json_object_get(item, "lfs");
    const json_t *from = json_is_object(lfs) ? lfs : item;
    const json_t *size = json_object_get(from, "size");
    const char *oid = json_string_value(json_object_get(from, "oid"));
    listed_file f = {.name = name,
                     .kind = from == lfs ? DIGEST_SHA256 : DIGEST_GIT};
    if (oid && !strncmp(oid, "sha256:", 7))
        oid += 7;
    if (!json_is_integer(size) || json_integer_value(size) < 0 ||
        (uint64_t)json_integer_value(size) > most_bytes || !oid ||
        !is_hex(oid, f.kind == DIGEST_SHA256 ? 64 : 40))
        return cbx_fail(err, CBX_E_FORMAT,
                        "%.300s: the list gives no usable size and digest of "
                        "%s",
                        url, name);
    if (find(l, name) || l->n == CATALOG_MOST_FILES)
        return cbx_fail(err, CBX_E_FORMAT, "%.300s: the list has %s twice", url,
                        name);
    f.size = (uint64_t)json_integer_value(size);
    memcpy(f.digest, oid, strlen(oid) + 1);
    l->files[l->n++] = f;
    l->bytes += f.size;
    return CBX_OK;
}

static cbx_status take_all(const json_t *root, const char *url,
                           const catalog_entry *entry, listing *l,
                           cbx_error *err)
{
    size_t i;
    json_t *item;
    if (!json_is_array(root))
        return cbx_fail(err, CBX_E_FORMAT, "%.300s: that is no list of files",
                        url);
    json_array_foreach(root, i, item)
    {
        const char *type = json_string_value(json_object_get(item, "type"));
        const char *path = json_string_value(json_object_get(item, "path"));
        const char *name = path ? wanted(entry, path) : NULL;
        if (!name || (type && strcmp(type, "file") != 0))
            continue;
        const cbx_status st = take(item, name, url, l, err);
        if (st)
            return st;
    }
    for (int k = 0; entry->files[k]; k++)
        if (!find(l, entry->files[k]))
            return cbx_fail(err, CBX_E_FORMAT,
                            "%.300s: %s is not in the list; was the model "
                            "published anew? --revision names another state",
                            url, entry->files[k]);
    return CBX_OK;
}

cbx_status listing_read(const char *json, size_t n, const char *url,
                        const catalog_entry *entry, listing *out,
                        cbx_error *err)
{
    json_error_t why;
    listing l = {.n = 0};
    json_t *root = json_loadb(json, n, JSON_REJECT_DUPLICATES, &why);
    if (!root)
        return cbx_fail(err, CBX_E_FORMAT, "%.300s: no JSON: %.80s", url,
                        why.text);
    const cbx_status st = take_all(root, url, entry, &l, err);
    json_decref(root);
    if (!st)
        *out = l;
    return st;
}

/* -- the note -------------------------------------------------------------- */

cbx_status listing_save(const listing *l, const catalog_entry *entry,
                        const char *path, cbx_error *err)
{
    json_t *files = json_array();
    for (size_t i = 0; i < l->n; i++) {
        const listed_file *f = &l->files[i];
        json_t *item = json_pack("{s:s, s:s}", "type", "file", "path", f->name);
        json_t *of = item;
        if (f->kind == DIGEST_SHA256) {
            of = json_object();
            json_object_set_new(item, "lfs", of);
        }
        json_object_set_new(of, "oid", json_string(f->digest));
        json_object_set_new(of, "size", json_integer((json_int_t)f->size));
        json_array_append_new(files, item);
    }
    json_t *root = json_pack("{s:s, s:s, s:o}", "repository", entry->repository,
                             "revision", entry->revision, "files", files);
    const bool ok = root && !json_dump_file(root, path, JSON_INDENT(1));
    json_decref(root);
    return ok ? CBX_OK
              : cbx_fail(err, CBX_E_FILE, "%s: %s", path, strerror(errno));
}

bool listing_load(const char *path, const catalog_entry *entry, listing *out)
{
    cbx_error ignored;
    listing l = {.n = 0};
    json_t *root = json_load_file(path, JSON_REJECT_DUPLICATES, NULL);
    const char *repository =
        json_string_value(json_object_get(root, "repository"));
    const bool ok =
        repository && !strcmp(repository, entry->repository) &&
        !take_all(json_object_get(root, "files"), path, entry, &l, &ignored);
    json_decref(root);
    if (ok)
        *out = l;
    return ok;
}
