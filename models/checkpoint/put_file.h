#ifndef CBX_MODELS_CHECKPOINT_PUT_FILE_H
#define CBX_MODELS_CHECKPOINT_PUT_FILE_H

#include "rt/status.h"

#include <stddef.h>

/* A file is written whole or not at all. */

typedef struct cbx_file_part {
    const void *data; /* may be NULL when size is 0 */
    size_t size;
} cbx_file_part;

/* [setup] Writes the parts one behind the other beside `path`, and renames the
 * result into place, so that a reader never sees half of it. */
CBX_CHECK cbx_status cbx_file_put(const char *path, const cbx_file_part *parts,
                                  size_t n, cbx_error *err);

#endif
