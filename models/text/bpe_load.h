#ifndef CBX_MODELS_TEXT_BPE_LOAD_H
#define CBX_MODELS_TEXT_BPE_LOAD_H

#include "models/text/bpe.h"

/* What is behind cbx_bpe. */

typedef struct bpe_merge {
    int32_t left, right, id; /* id is that of left and right joined */
    int32_t rank;            /* -1: a free slot */
} bpe_merge;

typedef struct bpe_added {
    char *text;
    size_t len;
    int32_t id;
} bpe_added;

struct cbx_bpe {
    int32_t byte_id[256];
    bpe_merge *merges; /* open addressing by (left, right) */
    size_t n_slots;    /* a power of two */
    bpe_added *added;  /* longest first */
    size_t n_added;
    int size;
};

/* [any] NULL when the two do not merge. */
const bpe_merge *bpe_find_merge(const cbx_bpe *b, int32_t left, int32_t right);

#endif
