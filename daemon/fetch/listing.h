#ifndef CBX_DAEMON_FETCH_LISTING_H
#define CBX_DAEMON_FETCH_LISTING_H

#include "daemon/fetch/catalog.h"
#include "daemon/fetch/digest.h"

#include <stdbool.h>

/* What a hub says about the files that we want. */
typedef struct listed_file {
    const char *name; /* the catalogue's */
    uint64_t size;
    digest_kind kind;
    char digest[DIGEST_TEXT];
} listed_file;

typedef struct listing {
    listed_file files[CATALOG_MOST_FILES];
    size_t n;
    uint64_t bytes;
} listing;

/* [any] The hub's answer to /api/models/OWNER/NAME/tree/REVISION: a JSON array
 * of entries with type, path, size and oid, and for large files lfs.oid and
 * lfs.size. Everything that is not in the entry's list is passed over; a file
 * of the list that is missing, twice there, or described in a way that makes no
 * sense is an error that names it. */
CBX_CHECK cbx_status listing_read(const char *json, size_t n, const char *url,
                                  const catalog_entry *entry, listing *out,
                                  cbx_error *err);

/* The note beside fetched files, of the same contents. */
CBX_CHECK cbx_status listing_save(const listing *l, const catalog_entry *entry,
                                  const char *path, cbx_error *err);
/* False where there is none, or not of this repository. */
bool listing_load(const char *path, const catalog_entry *entry, listing *out);

#endif
