#ifndef CBX_DAEMON_FETCH_FETCH_H
#define CBX_DAEMON_FETCH_FETCH_H

#include "daemon/fetch/catalog.h"
#include "rt/status.h"

#include <stdbool.h>
#include <stdint.h>

/* Models from a hub into the user's data folder:
 *
 *   DATA/models/NAME/         a model: all of its files, or nothing
 *   DATA/models/.NAME.part/   one that is being fetched: finished files under
 *                             their names, the current one as FILE.part
 *
 * Every file has the size and the digest of the hub's list before it gets its
 * name; the folder gets its own with one rename. What another fetched model has
 * already, by digest, is linked and not fetched. */

enum { FETCH_PATH = 1024 };

typedef struct fetch_options {
    const char *endpoint; /* of the hub: https://... */
    const char *token;    /* or NULL */
    const char *revision; /* NULL: the catalogue's */
    const char *data;     /* DATA */
    int timeout;          /* seconds */
    bool offline;         /* ask nobody */
    bool dry_run;         /* say what would be done */
    /* [setup] One sentence or line of a list. */
    void (*say)(void *user, const char *line);
    /* [setup] Bytes of a file that are there; true: stop. */
    bool (*progress)(void *user, const char *file, uint64_t at, uint64_t size);
    void *user;
} fetch_options;

/* [setup] CBX_OK also when all of it was there. */
CBX_CHECK cbx_status fetch_model(const catalog_entry *entry,
                                 const fetch_options *options, cbx_error *err);

/* [setup] The user's data folder, made if need be. */
CBX_CHECK cbx_status fetch_data_folder(bool make, char out[FETCH_PATH],
                                       cbx_error *err);

/* [setup] Deletes DATA/models/NAME, or what was fetched of it so far. Only the
 * files in it; a folder with folders in it is left alone. */
CBX_CHECK cbx_status fetch_remove(const char *data, const char *name,
                                  cbx_error *err);

/* [setup] resemble-perth's wheel, by its registry's list, into
 * `path`. endpoint: https://pypi.org */
CBX_CHECK cbx_status fetch_wheel(const char *endpoint, const char *path,
                                 const fetch_options *options, cbx_error *err);

/* [setup] The weights of the watermark out of the wheel, to `path`. */
CBX_CHECK cbx_status wheel_extract(const char *wheel, const char *path,
                                   cbx_error *err);

#endif
