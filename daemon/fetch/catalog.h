#ifndef CBX_DAEMON_FETCH_CATALOG_H
#define CBX_DAEMON_FETCH_CATALOG_H

#include <stddef.h>

/* What can be fetched: names, and the files of a published repository that the
 * engine reads; no others are ever asked for. */

enum { CATALOG_MOST_FILES = 12 };

typedef struct catalog_entry {
    const char *name; /* of the model here */
    const char *about;
    const char *repository;                    /* owner/name on the hub */
    const char *revision;                      /* the one that was tried */
    const char *files[CATALOG_MOST_FILES + 1]; /* NULL behind the last */
} catalog_entry;

extern const catalog_entry catalog[];
extern const size_t catalog_length;

/* NULL when there is none. */
const catalog_entry *catalog_find(const char *name);

#endif
