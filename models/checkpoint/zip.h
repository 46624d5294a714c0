#ifndef CBX_MODELS_CHECKPOINT_ZIP_H
#define CBX_MODELS_CHECKPOINT_ZIP_H

#include "models/checkpoint/map.h"

#include <stdint.h>

/* The zip files that torch.save writes, and no others: one disk, stored
 * entries (no compression, so no bombs), no encryption. The central directory
 * is authoritative; each local header must agree with it, and entries must not
 * overlap. Zip64 records are understood. (PKWARE APPNOTE 6.3, 4.3 and 4.5) */

typedef struct zip_entry {
    const char *name; /* in the mapped file, not terminated */
    size_t name_len;
    const unsigned char *data;
    size_t size;
    uint32_t crc;
    const unsigned char *local; /* its local header */
} zip_entry;

typedef struct zip_dir {
    zip_entry *entries; /* sorted by name */
    size_t n;
} zip_dir;

/* [setup] `path` is for messages. The entries point into the map. */
CBX_CHECK cbx_status zip_dir_open(const file_map *map, const char *path,
                                  zip_dir *out, cbx_error *err);
void zip_dir_close(zip_dir *z);

/* [any] NULL when there is none. */
const zip_entry *zip_find(const zip_dir *z, const char *name, size_t len);

/* [setup] Reads all of the entry; true when its CRC-32 is right. */
int zip_crc_ok(const zip_entry *e);

#endif
