#ifndef CBX_TESTS_S3GEN_CAUSAL_H
#define CBX_TESTS_S3GEN_CAUSAL_H

#include "tests/s3gen/fixture.h"

#include "models/s3gen/flow_model.h"

/* What the tests of flow's mode `causal` share. */

enum { MOST = 60, MAX_CELLS = MOST };

typedef struct subject {
    cbx_dev *dev;
    cbx_config config;
    cbx_tensor_file *weights;
    cbx_conds *conds;
    s3gen *model;
    const flow *flow;
    flow_voice *voice;
    int look, mels;
    int codes; /* that can be spoken: more may have an embedding */
    int32_t tokens[MOST];
} subject;

/* One segment's cells, in the order they are asked for. */
typedef struct plan {
    int history, n_tokens, n_cells;
    int ends[MAX_CELLS];
    uint64_t key;
} plan;

int random_below(uint64_t key, uint64_t i, int n);

/* Prints and ends the test. */
void must(cbx_status st, const cbx_error *err);

/* False when there is no model in the folder. open_model and close_model are
 * the part that depends on x->config. */
int subject_open(const char *folder, subject *x);
void subject_close(subject *x);
void open_model(subject *x);
void close_model(subject *x);

float *host_copy(const subject *x, cbx_mat mel); /* for free() */
flow_causal *open_causal(const subject *x, int history, int max, int n);

plan random_plan(uint64_t key);
size_t mel_bytes(const subject *x, const plan *p);

/* Up to `widest` cells in a call; eager: each call as soon as it can be made,
 * else everything is known from the start. Returns the mel on the host. */
float *speak(const subject *x, flow_causal *s, const flow_voice *v,
             const plan *p, int widest, int eager);

/* In a state of its own, cell by cell. */
float *speak_plan(const subject *x, const flow_voice *v, const plan *p);

#endif
