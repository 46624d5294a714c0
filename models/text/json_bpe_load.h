#ifndef CBX_MODELS_TEXT_JSON_BPE_LOAD_H
#define CBX_MODELS_TEXT_JSON_BPE_LOAD_H

#include "models/text/json_bpe.h"

#include <stdbool.h>

/* What is behind json_bpe. */

/* A hash table from a pair of numbers to two others; open addressing. */
typedef struct pair_slot {
    int32_t left, right;
    int32_t rank; /* -1: free */
    int32_t id;
} pair_slot;

typedef struct pair_table {
    pair_slot *slots;
    size_t n; /* a power of two, at least twice what is in it */
} pair_table;

/* [any] NULL when it is not there. */
const pair_slot *pair_find(const pair_table *t, int32_t left, int32_t right);

typedef struct json_added {
    char *text;
    size_t len;
    int32_t id;
    bool normalized; /* looked for after the others */
} json_added;

/* One piece of a word while it is merged. */
typedef struct json_symbol {
    int32_t id;
    int32_t rank;   /* of the merge with the next symbol; INT32_MAX: none */
    int32_t merged; /* its id */
} json_symbol;

struct json_bpe {
    char *path;
    pair_table chars;  /* (code point, 0) to id */
    pair_table merges; /* (left, right) to rank and id */
    json_added *added; /* longest first */
    size_t n_added;
    int32_t unknown; /* -1: unknown characters vanish */
    bool fuse;       /* a run of them is one token */
    bool words;      /* cut into words; else only at added tokens */
    int size;
    json_symbol *word; /* [JSON_BPE_MAX_WORD] */
};

#endif
