#ifndef CBX_TOOLS_BENCH_PARTS_H
#define CBX_TOOLS_BENCH_PARTS_H

#include "models/s3gen/s3gen.h"
#include "models/t3/t3.h"
#include "tools/bench/bench.h"

/* A checkpoint's files, opened for measuring one stage alone. */
typedef struct parts {
    cbx_dev *dev;
    cbx_config config;
    cbx_conds *conds; /* the folder's own voice */
    cbx_tensor_file *file;
} parts;

/* which: the offset of the file's name in config.files is picked by this. */
typedef enum parts_file { PARTS_T3, PARTS_S3GEN } parts_file;

/* Closed by parts_close, also after a failure. */
cbx_status parts_open(const bench *b, parts_file which, parts *out,
                      cbx_error *err);
void parts_close(parts *p);

#endif
