#ifndef CBX_MODELS_CHECKPOINT_PICKLE_H
#define CBX_MODELS_CHECKPOINT_PICKLE_H

#include "rt/status.h"

#include <stddef.h>
#include <stdint.h>

/* Reads the pickle of torch.save (protocol 2) as data. It knows the opcodes
 * and the names that tensors, dictionaries and lists need; anything else is
 * refused by its name, and nothing is ever looked up or called. What would be
 * a call (rebuild this tensor) becomes a node that holds the arguments.
 * Nodes, memory and nesting are bounded. (Python: Lib/pickletools.py;
 * torch/_weights_only_unpickler.py has the same idea.) */

typedef enum pickle_kind {
    PICKLE_NONE,
    PICKLE_BOOL,
    PICKLE_INT,
    PICKLE_FLOAT,
    PICKLE_STR,
    PICKLE_TUPLE,
    PICKLE_LIST,
    PICKLE_DICT,    /* items: key, value, key, value, ... */
    PICKLE_GLOBAL,  /* a name from the list in pickle.c: integer is its index */
    PICKLE_STORAGE, /* items: what was the persistent id */
    PICKLE_TENSOR,  /* items: arguments of _rebuild_tensor_v2 */
    PICKLE_DEVICE,  /* torch.device(...), items: its arguments */
} pickle_kind;

typedef struct pickle_node {
    pickle_kind kind;
    union {
        int64_t integer; /* PICKLE_BOOL, _INT, _GLOBAL */
        double real;
    } value;
    const char *text; /* PICKLE_STR and _GLOBAL: in the pickle */
    size_t text_len;
    uint32_t *items; /* node numbers */
    uint32_t n, room;
} pickle_node;

typedef struct pickle_tree {
    pickle_node *nodes;
    uint32_t n, room;
    uint32_t root;
} pickle_tree;

/* Containers can be shared or hold themselves: whoever walks the tree bounds
 * its depth and its steps. */
enum { PICKLE_MAX_DEPTH = 32, PICKLE_MAX_NODES = 1 << 21 };

/* [setup] `path` is for messages; strings point into data. */
CBX_CHECK cbx_status pickle_parse(const unsigned char *data, size_t size,
                                  const char *path, pickle_tree *out,
                                  cbx_error *err);
void pickle_free(pickle_tree *t);

#endif
