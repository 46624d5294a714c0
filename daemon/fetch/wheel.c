/* The weights of the watermark: they come in a Python package. */
#include "daemon/fetch/fetch.h"

#include "daemon/fetch/digest.h"
#include "daemon/fetch/http.h"

#include <errno.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <zip.h>

#define PACKAGE "resemble-perth"
#define VERSION "1.0.1"
#define WEIGHTS "perth/perth_net/pretrained/implicit/perth_net_250000.pth.tar"

enum { ANSWER_MOST = 4 << 20, WHEEL_MOST = 256 << 20, BLOCK = 1 << 16 };

typedef struct wheel {
    char url[1024], sha256[DIGEST_TEXT];
    uint64_t size;
} wheel;

/* The registry's answer: urls[] with packagetype, url, size, digests.sha256. */
static cbx_status read_answer(const char *json, size_t n, const char *asked,
                              wheel *out, cbx_error *err)
{
    size_t i;
    json_t *item, *root = json_loadb(json, n, 0, NULL);
    cbx_status st =
        cbx_fail(err, CBX_E_FORMAT,
                 "%.300s names no wheel of " PACKAGE " " VERSION, asked);
    json_array_foreach(json_object_get(root, "urls"), i, item)
    {
        const char *type =
            json_string_value(json_object_get(item, "packagetype"));
        const char *url = json_string_value(json_object_get(item, "url"));
        const char *sha256 = json_string_value(
            json_object_get(json_object_get(item, "digests"), "sha256"));
        const json_int_t size =
            json_integer_value(json_object_get(item, "size"));
        if (!type || strcmp(type, "bdist_wheel") != 0 || !url || !sha256 ||
            strlen(sha256) != DIGEST_TEXT - 1 || size < 1 ||
            size > WHEEL_MOST || strlen(url) >= sizeof out->url)
            continue;
        snprintf(out->url, sizeof out->url, "%s", url);
        snprintf(out->sha256, sizeof out->sha256, "%s", sha256);
        out->size = (uint64_t)size;
        st = CBX_OK;
        break;
    }
    json_decref(root);
    return st;
}

static bool on_bytes(void *user, uint64_t at)
{
    const fetch_options *o = user;
    return o->progress && o->progress(o->user, PACKAGE, at, 0);
}

static cbx_status get(http *h, const char *endpoint, const char *path,
                      const fetch_options *o, cbx_error *err)
{
    char asked[512], line[1200], digest[DIGEST_TEXT], *json;
    size_t n;
    wheel w;
    snprintf(asked, sizeof asked, "%.400s/pypi/" PACKAGE "/" VERSION "/json",
             endpoint);
    cbx_status st = http_get(h, asked, ANSWER_MOST, &json, &n, err);
    if (st)
        return st;
    st = read_answer(json, n, asked, &w, err);
    free(json);
    if (st)
        return st;
    snprintf(line, sizeof line, "%s, %.1f MB", w.url, (double)w.size * 1e-6);
    if (o->say)
        o->say(o->user, line);
    if (o->dry_run)
        return CBX_OK;
    if ((st = http_download(h, w.url, w.size, path, err)) ||
        (st = digest_file(path, w.size, DIGEST_SHA256, digest, err)))
        return st;
    if (strcmp(digest, w.sha256) != 0) {
        unlink(path);
        return cbx_fail(err, CBX_E_FORMAT,
                        "%.300s: what came is damaged: its digest is not the "
                        "one of the list; it was thrown away, try again",
                        w.url);
    }
    return CBX_OK;
}

cbx_status fetch_wheel(const char *endpoint, const char *path,
                       const fetch_options *o, cbx_error *err)
{
    const http_options options = {
        .timeout = o->timeout, .progress = on_bytes, .user = (void *)o};
    http *h;
    cbx_status st = http_open(&options, &h, err);
    if (st)
        return st;
    st = get(h, endpoint, path, o, err);
    http_close(h);
    return st;
}

/* -- unpacking ------------------------------------------------------------- */

static cbx_status copy_out(zip_file_t *from, uint64_t size, const char *path,
                           cbx_error *err)
{
    char *block = malloc(BLOCK);
    FILE *to = fopen(path, "wb");
    uint64_t all = 0;
    zip_int64_t n = -1;
    bool written = to && block;
    while (written && (n = zip_fread(from, block, BLOCK)) > 0) {
        all += (uint64_t)n;
        written = all <= size && fwrite(block, 1, (size_t)n, to) == (size_t)n;
    }
    const int why = errno;
    if (to && fclose(to))
        written = false;
    free(block);
    if (!written)
        return cbx_fail(err, CBX_E_FILE, "%s: %s", path, strerror(why));
    if (n < 0 || all != size)
        return cbx_fail(err, CBX_E_FORMAT,
                        "the package is damaged: " WEIGHTS " cannot be "
                        "unpacked");
    return CBX_OK;
}

cbx_status wheel_extract(const char *path, const char *to, cbx_error *err)
{
    int why = 0;
    zip_stat_t s;
    zip_t *z = zip_open(path, ZIP_RDONLY, &why);
    if (!z)
        return cbx_fail(err, CBX_E_FORMAT, "%s is no Python wheel", path);
    zip_file_t *f = zip_fopen(z, WEIGHTS, 0);
    cbx_status st;
    if (!f || zip_stat(z, WEIGHTS, 0, &s) || !(s.valid & ZIP_STAT_SIZE) ||
        s.size > WHEEL_MOST)
        st = cbx_fail(err, CBX_E_FORMAT,
                      "%s does not hold " WEIGHTS "; it must be " PACKAGE
                      " " VERSION,
                      path);
    else
        st = copy_out(f, s.size, to, err);
    if (f)
        zip_fclose(f);
    zip_discard(z);
    return st;
}
