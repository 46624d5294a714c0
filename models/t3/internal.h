#ifndef CBX_MODELS_T3_INTERNAL_H
#define CBX_MODELS_T3_INTERNAL_H

#include "kernels/memory.h"
#include "models/t3/t3.h"

/* How the files of this folder fit together:
 *
 *   model.c     opens a model: picks the backbone, holds the scratch rows
 *   load.c      checkpoint tensors to device weights
 *   gpt2*.c     one backbone: its tensors, its embeddings, its layers
 *   llama*.c    the other; rope.c and perceiver.c are parts of it
 *   voice.c     the prefix                   } written against t3_backbone,
 *   segment.c   what a segment puts behind it } whatever the family
 *   state.c     one stream                   }
 *   watch.c     where it looks in the text   }
 *   trace.c     all stages, shown            }
 *
 * The positions of a segment, in order: the voice's prefix, the lead (rows that
 * belong to the segment and not to the voice: the emotion), the text, the start
 * tokens, the speech tokens. With guidance (classifier-free, CFG) there are two
 * such sequences, which differ in their text alone: the second one's is blank.
 */

/* Rows that go through the layers at once: a batch, or a piece of text. */
enum { T3_ROWS = T3_MAX_ROWS * T3_MAX_BATCH };

/* A row whose attention to the text is wanted. */
typedef struct t3_watch {
    int row; /* of the batch */
    const cbx_kv *kv;
    int from;    /* position of the first text id */
    cbx_mat out; /* [1][ids] */
} t3_watch;

/* Scratch for `rows` positions. */
typedef struct t3_work {
    cbx_dmem mem;
    int rows;
    int32_t *ids;    /* [rows] */
    cbx_mat speaker; /* [1][speaker_dim] */
    cbx_mat embeds;  /* [rows][width] what goes in; free once x is filled */
    cbx_mat x;       /* [rows][width] what comes out of the last layer */
    cbx_mat qkv;     /* [rows][3 width] */
    cbx_mat context; /* [rows][width] */
    cbx_mat inner;   /* [rows][inner width] */
    cbx_mat last;    /* [T3_ROWS][width] the rows whose logits are wanted */
    cbx_mat logits;  /* [T3_ROWS][speech_vocab] */
    /* Of the pass that is run: in a copy of the struct. */
    const t3_watch *watches;
    int n_watches;
} t3_work;

/* What a family brings. open, close and embed_prefix are [setup], the others
 * [decode]. */
typedef struct t3_backbone {
    /* Only the first token is penalised for the start token (t3.py:
     * inference_turbo passes the start token alone, then what it drew). */
    bool forgets_start;
    /* Start tokens behind the text. */
    int starts;
    /* Has a second, unconditional row, where cfg_weight asks for it. */
    bool guided;

    /* Fills info, the limits, inner and weights; close also takes what a failed
     * open left. */
    cbx_status (*open)(t3 *m, const cbx_tensor_file *f, cbx_format format,
                       cbx_error *err);
    void (*close)(t3 *m);

    /* Rows of the prefix; CBX_E_SHAPE, CBX_E_ARG: the voice does not fit. */
    cbx_status (*prefix_rows)(const t3 *m, const cbx_conds *c, int *out,
                              cbx_error *err);
    /* Writes them to the first rows of w->embeds. */
    cbx_status (*embed_prefix)(const t3 *m, const t3_work *w,
                               const cbx_conds *c, const cbx_probe *probe,
                               cbx_error *err);
    /* The lead, m->lead rows. */
    void (*embed_lead)(const t3 *m, const t3_work *w, float exaggeration,
                       cbx_mat out);
    /* Text ids [at, at + out.rows) of a segment; ids on the device. */
    void (*embed_text)(const t3 *m, const int32_t *ids, int at, cbx_mat out);
    /* The same rows of the unconditional sequence. */
    void (*embed_blank)(const t3 *m, int at, cbx_mat out);
    /* Speech token number `at`, every start token being 0. */
    void (*embed_speech)(const t3 *m, const int32_t *id, int at, cbx_mat out);

    /* All layers: w->embeds to w->x, the sequences' rows side by side. */
    void (*layers)(const t3 *m, const t3_work *w, const cbx_seq *seqs,
                   int n_seqs, const cbx_probe *probe);
    /* Final norm. */
    void (*hidden)(const t3 *m, cbx_mat x, cbx_mat out);
    /* Final norm and speech head. */
    void (*head)(const t3 *m, cbx_mat x, cbx_mat logits);
    /* Tables that no layer shows, for `rows` positions; may be NULL. */
    cbx_status (*show_tables)(const t3 *m, int rows, const cbx_probe *probe,
                              cbx_error *err);
} t3_backbone;

extern const t3_backbone t3_gpt2, t3_llama;

struct t3 {
    cbx_dev *dev;
    const t3_backbone *backbone;
    void *weights; /* the backbone's */
    cbx_config_t3 config;
    cbx_format format; /* of the layers and the head */
    t3_info info;
    int lead;          /* rows between prefix and text */
    int max_text;      /* ids that a segment's text can have */
    int max_speech;    /* tokens that can be drawn behind it */
    int inner;         /* width between the two linears of a layer */
    uint64_t *aligned; /* [layers] heads that follow the text, or NULL */
    int n_aligned;     /* of all layers */
    t3_work work;
};

struct t3_voice {
    const t3 *model;
    int positions;
    float exaggeration;
    cbx_kv *kv;
};

/* [setup] Room for `rows` positions that see up to `keys`. */
CBX_CHECK cbx_status t3_work_open(const t3 *m, int rows, int keys, t3_work *out,
                                  cbx_error *err);
void t3_work_close(const t3 *m, t3_work *w);

/* [setup] An empty cache of the model's shape. */
CBX_CHECK cbx_status t3_kv_open(const t3 *m, int positions, cbx_kv **out,
                                cbx_error *err);

/* watch.c: [setup] */
CBX_CHECK cbx_status t3_watch_open(t3 *m, cbx_error *err);
/* [decode] For a backbone, behind the attention of a layer: the watches of the
 * pass, by those of its heads that follow the text. */
void t3_watch_layer(const t3 *m, const t3_work *w, int layer);

/* [decode] The layers, then moves the caches' lengths on. */
void t3_run(const t3 *m, const t3_work *w, const cbx_seq *seqs, int n_seqs,
            const cbx_probe *probe);

/* segment.c: the rows between the prefix and the speech: lead, text, start
 * tokens, counted from 0. */
typedef enum t3_row_kind { T3_COND, T3_UNCOND } t3_row_kind;

/* [any] How many they are. */
int t3_segment_rows(const t3 *m, const t3_segment *segment);

/* [any] Sequences of a segment: 2 with guidance, else 1. */
int t3_segment_seqs(const t3 *m, const t3_segment *segment);

/* [decode] Rows [at, at + n) of them to rows [row, row + n) of w->embeds. */
void t3_embed_segment(const t3 *m, const t3_work *w, const t3_segment *segment,
                      t3_row_kind kind, float exaggeration, int at, int n,
                      int row);

/* [any] CBX_E_ARG when a text id is not in the vocabulary or the exaggeration
 * is not a number; CBX_E_LIMIT when the text is too long, or the segment's rows
 * behind a prefix need more than `positions`. */
CBX_CHECK cbx_status t3_check_segment(const t3 *m, const t3_segment *segment,
                                      int prefix, int positions,
                                      cbx_error *err);

/* load.c: where tensors come from and in which format they end up. */
typedef struct t3_source {
    t3 *m; /* weight_bytes is counted here */
    const cbx_tensor_file *file;
    cbx_format format;
} t3_source;

typedef enum t3_layout {
    T3_OUT_IN, /* torch: Linear */
    T3_IN_OUT, /* transformers: Conv1D */
} t3_layout;

/* [setup] `name`.weight and, if the file has it or `bias` demands it,
 * `name`.bias. */
CBX_CHECK cbx_status t3_load_weight(const t3_source *s, const char *name,
                                    t3_layout layout, int in, int out,
                                    bool bias, cbx_weight **w, cbx_error *err);
/* [setup] Weights of the same input side by side: outputs of names[0], then of
 * names[1], ... each [out][in] in the file. All have a bias, or none has. */
CBX_CHECK cbx_status t3_load_joined(const t3_source *s,
                                    const char *const *names, int n_names,
                                    int in, int out, bool bias, cbx_weight **w,
                                    cbx_error *err);
/* [setup] `name` as n floats on the device; in the file it has the sides
 * dims[0..ndim), whose product is n. */
CBX_CHECK cbx_status t3_load_floats(const t3_source *s, const char *name,
                                    int ndim, const int64_t *dims,
                                    const float **out, cbx_error *err);
/* [setup] The same for a vector of n. */
CBX_CHECK cbx_status t3_load_vec(const t3_source *s, const char *name, int n,
                                 const float **out, cbx_error *err);
/* [setup] `name` [rows][cols]; points into the file. */
CBX_CHECK cbx_status t3_load_table(const t3_source *s, const char *name,
                                   int rows, int cols, cbx_table **out,
                                   cbx_error *err);
/* [setup] The two sizes of the matrix `name`; cols < 0 accepts any. */
CBX_CHECK cbx_status t3_load_shape(const t3_source *s, const char *name,
                                   int64_t cols, int *rows, int *got_cols,
                                   cbx_error *err);
/* [setup] 1 + the largest i of tensors named `prefix`i.*: a gap then shows as
 * a missing tensor instead of a shorter model. */
int t3_load_layers(const t3_source *s, const char *prefix);
/* [setup] 0, 1, ... n - 1 on the device. */
CBX_CHECK cbx_status t3_load_counting(const t3_source *s, int n, int32_t **out,
                                      cbx_error *err);
/* [setup] Accept NULL, and what a failed open left. */
void t3_free_weight(cbx_dev *d, cbx_weight *w);
void t3_free_table(cbx_dev *d, cbx_table *t);
void t3_free_norm(cbx_dev *d, cbx_norm *n);

#endif
