#include "daemon/fetch/digest.h"

#include <errno.h>
#include <inttypes.h>
#include <nettle/sha1.h>
#include <nettle/sha2.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { BLOCK = 1 << 18 };

static void hex(const uint8_t *bytes, size_t n, char *out)
{
    for (size_t i = 0; i < n; i++)
        snprintf(out + 2 * i, 3, "%02x", bytes[i]);
}

typedef struct hash {
    digest_kind kind;
    struct sha256_ctx sha256;
    struct sha1_ctx sha1;
} hash;

static void begin(hash *h, digest_kind kind, uint64_t size)
{
    char head[40];
    h->kind = kind;
    sha256_init(&h->sha256);
    sha1_init(&h->sha1);
    const int n = snprintf(head, sizeof head, "blob %" PRIu64, size);
    sha1_update(&h->sha1, (size_t)n + 1, (const uint8_t *)head);
}

static void add(hash *h, const uint8_t *x, size_t n)
{
    if (h->kind == DIGEST_SHA256)
        sha256_update(&h->sha256, n, x);
    else
        sha1_update(&h->sha1, n, x);
}

static void end(hash *h, char out[DIGEST_TEXT])
{
    uint8_t bytes[SHA256_DIGEST_SIZE];
    if (h->kind == DIGEST_SHA256)
        sha256_digest(&h->sha256, SHA256_DIGEST_SIZE, bytes);
    else
        sha1_digest(&h->sha1, SHA1_DIGEST_SIZE, bytes);
    hex(bytes, h->kind == DIGEST_SHA256 ? SHA256_DIGEST_SIZE : SHA1_DIGEST_SIZE,
        out);
}

cbx_status digest_file(const char *path, uint64_t size, digest_kind kind,
                       char out[DIGEST_TEXT], cbx_error *err)
{
    hash h;
    size_t n;
    FILE *f = fopen(path, "rb");
    uint8_t *block = malloc(BLOCK);
    cbx_status st = CBX_OK;
    if (!f)
        st = cbx_fail(err, CBX_E_FILE, "%s: %s", path, strerror(errno));
    else if (!block)
        st = cbx_fail(err, CBX_E_NOMEM, "no memory to read %s", path);
    if (!st) {
        begin(&h, kind, size);
        while ((n = fread(block, 1, BLOCK, f)) > 0)
            add(&h, block, n);
        if (ferror(f))
            st = cbx_fail(err, CBX_E_FILE, "%s: it cannot be read", path);
        else
            end(&h, out);
    }
    if (f)
        fclose(f);
    free(block);
    return st;
}
