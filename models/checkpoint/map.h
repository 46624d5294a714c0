#ifndef CBX_MODELS_CHECKPOINT_MAP_H
#define CBX_MODELS_CHECKPOINT_MAP_H

#include "rt/status.h"

#include <stddef.h>

/* A whole file, mapped read-only. */
typedef struct file_map {
    const unsigned char *data;
    size_t size;
} file_map;

/* [setup] Refuses what is not a regular file, and empty files. */
CBX_CHECK cbx_status file_map_open(const char *path, file_map *out,
                                   cbx_error *err);
void file_map_close(file_map *m);

#endif
