#ifndef CBX_TOOLS_PARITY_GOLDEN_H
#define CBX_TOOLS_PARITY_GOLDEN_H

#include "models/checkpoint/tensor.h"

#include <stdbool.h>

/* A golden file: the tensors that the PyTorch reference made
 * (tools/oracle/README.md has the table of keys), and what became of each of
 * them in this run. */

typedef enum golden_fate {
    GOLDEN_UNTOUCHED,
    GOLDEN_INPUT,    /* a stage was run from it */
    GOLDEN_COMPARED, /* compared, whether well or not; may also be an input */
    GOLDEN_NOT_RUN,  /* and that was said */
} golden_fate;

typedef struct golden {
    cbx_tensor_file *file;
    size_t n;           /* keys */
    golden_fate *fates; /* [n] */
    void **owned;       /* what golden_floats and golden_ids gave out */
    size_t n_owned;
} golden;

CBX_CHECK cbx_status golden_open(const char *path, golden *out, cbx_error *err);
void golden_close(golden *g);

/* NULL when there is none. */
const cbx_file_tensor *golden_find(const golden *g, const char *key);
bool golden_has(const golden *g, const char *prefix);
void golden_settle(golden *g, const char *key, golden_fate fate);

/* An input, to be used until the file is closed. dims[i] < 0 takes any size
 * and is replaced by it. A key that is missing or has another shape or type
 * gives a sentence. */
CBX_CHECK cbx_status golden_floats(golden *g, const char *key, int ndim,
                                   int64_t *dims, const float **out,
                                   cbx_error *err);
/* A signal with one channel: [T] or [1, T]. */
CBX_CHECK cbx_status golden_signal(golden *g, const char *key,
                                   const float **out, size_t *n,
                                   cbx_error *err);
CBX_CHECK cbx_status golden_ids(golden *g, const char *key, int *n,
                                const int32_t **out, cbx_error *err);
CBX_CHECK cbx_status golden_number(golden *g, const char *key, float *out,
                                   cbx_error *err);
/* Bytes, not terminated; empty text is allowed. */
CBX_CHECK cbx_status golden_text(golden *g, const char *key, size_t *n,
                                 const char **out, cbx_error *err);

/* All values of a tensor of any type that can be compared; to be freed. */
CBX_CHECK cbx_status golden_values(const cbx_file_tensor *t, double **out,
                                   cbx_error *err);

/* Memory, or the end of the program. Never NULL, also for n = 0. */
void *need(size_t n, size_t size);

/* Path of a file in a folder; out has `cap` bytes. */
CBX_CHECK cbx_status path_in(const char *folder, const char *name, char *out,
                             size_t cap, cbx_error *err);

#endif
