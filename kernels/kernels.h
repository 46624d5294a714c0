#ifndef CBX_KERNELS_KERNELS_H
#define CBX_KERNELS_KERNELS_H

#include "rt/status.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* The one table of tensor operations that models are written against.
 *
 * `ref/` is plain C and defines every operation; `cpu/` (one file for each
 * instruction set) and `cuda/` are faster twins, compared with it on odd
 * shapes. A model holds views of device memory and never looks inside: every
 * element is touched by an operation of this table, so the same model code
 * runs on every device.
 *
 * Rules that every implementation keeps:
 * - activations are f32, one row for each time step, channels last;
 * - the order in which one output element is summed depends on the operation
 *   and the sizes of its inner dimensions only: never on the number of rows,
 *   the batch, the number of threads or the place of the row in its matrix.
 *   Work that is done in pieces therefore gives the bits of work done at once;
 * - nothing is allocated in the [decode] operations once the largest shapes
 *   have been reserved (`reserve`);
 * - operations on one device are called by one thread at a time; they may
 *   return before the device is done (`download` and `sync` wait). */

typedef struct cbx_dev cbx_dev;         /* an opened device */
typedef struct cbx_weight cbx_weight;   /* a packed matrix or convolution */
typedef struct cbx_table cbx_table;     /* an embedding table */
typedef struct cbx_kv cbx_kv;           /* keys and values of one sequence */
typedef struct cbx_sampler cbx_sampler; /* which ids one sequence has used */

/* A view of device memory: `rows` rows of `cols` floats, `ld` floats from the
 * start of one row to the next. ld < cols means overlapping rows (frames of a
 * signal). p == NULL: absent. */
typedef struct cbx_mat {
    float *p;
    int rows, cols, ld;
} cbx_mat;

static inline cbx_mat cbx_rows(cbx_mat m, int from, int n)
{
    return (cbx_mat){m.p + (ptrdiff_t)from * m.ld, n, m.cols, m.ld};
}

static inline cbx_mat cbx_cols(cbx_mat m, int from, int n)
{
    return (cbx_mat){m.p + from, m.rows, n, m.ld};
}

/* How weights lie in device memory, and with that the arithmetic of `linear`
 * (ref/linear.c, formats.h). Inputs and sums are f32 unless said otherwise.
 *   F32   as they are
 *   BF16  rounded to bf16
 *   I8    for each output, tap and group of 64 inputs a scale and whole
 *         numbers: acc += scale * sum_c q[c] x[c], group after group
 *   I4    the same in 4 bits
 *   BF16A BF16, and the inputs rounded to bf16 as well
 *   I8A   I8, and each row's group of inputs rounded to 8 bits with a scale of
 *         its own: acc = fma(exact whole sum, scale * input scale, acc); the
 *         same bits in every variant */
typedef enum cbx_format {
    CBX_FMT_F32,
    CBX_FMT_BF16,
    CBX_FMT_I8,
    CBX_FMT_I4,
    CBX_FMT_BF16A,
    CBX_FMT_I8A,
} cbx_format;
enum { CBX_FORMATS = CBX_FMT_I8A + 1 };

/* [any] "f32", "bf16", "int8", "int4", "bf16a", "int8a". */
const char *cbx_format_name(cbx_format f);

/* How numbers lie in a checkpoint. */
typedef enum cbx_dtype { CBX_DT_F32, CBX_DT_F16, CBX_DT_BF16 } cbx_dtype;

typedef enum cbx_act_kind {
    CBX_ACT_NONE,
    CBX_ACT_GELU_ERF,  /* x/2 (1 + erf(x/sqrt 2)) */
    CBX_ACT_GELU_TANH, /* gelu_new of GPT-2 */
    CBX_ACT_SILU,      /* x sigmoid(x) */
    CBX_ACT_MISH,      /* x tanh(log(1 + e^x)) */
    CBX_ACT_LEAKY,     /* x < 0 ? slope * x : x */
    CBX_ACT_RELU,
    CBX_ACT_ELU, /* x < 0 ? e^x - 1 : x */
    CBX_ACT_ABS,
    CBX_ACT_TANH,
    CBX_ACT_SIGMOID,
    CBX_ACT_SNAKE, /* x + sin^2(a x) / (a + 1e-9), a = alpha[channel] */
} cbx_act_kind;

typedef struct cbx_act {
    cbx_act_kind kind;
    float slope;        /* LEAKY */
    const float *alpha; /* SNAKE: device, one for each channel */
} cbx_act;

typedef enum cbx_norm_kind {
    CBX_NORM_NONE,
    CBX_NORM_LAYER, /* (x - mean) / sqrt(var + eps) * gamma + beta */
    CBX_NORM_RMS,   /* x / sqrt(mean(x^2) + eps) * gamma */
} cbx_norm_kind;

typedef struct cbx_norm {
    cbx_norm_kind kind;
    const float *gamma, *beta; /* device, one for each channel; beta or NULL */
    float eps;
} cbx_norm;

/* What `weight_new` packs: W[t][c][n] = w[t*tap_stride + c*in_stride +
 * n*out_stride], host memory, so any checkpoint layout fits. */
typedef struct cbx_weight_spec {
    int taps, in, out;
    const float *w;
    ptrdiff_t tap_stride, in_stride, out_stride;
    const float *bias; /* host, [out], or NULL */
    cbx_format format;
} cbx_weight_spec;

/* The tap GEMM: linear, 1-D, dilated and transposed convolution in one.
 *
 *   acc[m][n] = sum_t sum_c X[m + t*dilation][c] * W[t][c][n] + bias[n]
 *   v         = scale * (acc + add + add2)
 *   out       = v            (where out.p)
 *   acted     = act(v)       (where acted.p)
 *
 * for m in [0, M), M = rows of out or acted. X has at least
 * M + (taps-1)*dilation rows: the history of a streaming convolution is simply
 * the rows in front of the new ones. A stride s is x.ld = s * channels with the
 * taps folded into the input width. A transposed convolution with stride s has
 * s*C outputs and ceil(k/s) taps; its output rows, taken as s times as many
 * rows of C, are the result. With `norm`, each row of X is normalised first
 * (taps == 1 only). add, add2 may alias out; X may not. */
typedef struct cbx_linear {
    cbx_mat x;
    int dilation; /* 0 is taken as 1 */
    const cbx_weight *w;
    cbx_norm norm;
    cbx_mat add, add2;
    float scale; /* 0 is taken as 1 */
    cbx_act act;
    cbx_mat out, acted;
} cbx_linear;

/* out = act(scale * norm(x)) + add_row + add; out may be x. */
typedef struct cbx_normalize {
    cbx_mat x;
    cbx_norm norm;
    float scale; /* 0 is taken as 1 */
    cbx_act act;
    const float *add_row; /* device, [cols], or NULL */
    cbx_mat add;
    cbx_mat out;
} cbx_normalize;

/* Softmax attention over given keys and values, heads side by side in a row:
 *
 *   s[i][j] = scale * ((q_i + u) . k_j + (q_i + v_bias) . pos[zero - (q0+i-j)])
 *   out_i   = sum_j softmax_j(s[i][j]) v_j
 *
 * The second term and u are there only with a relative position table (rel).
 * Row i sees keys visible[2i] <= j < visible[2i+1], or all; and every row sees
 * all keys of `front`, which come before them in every sum. */
typedef struct cbx_attention {
    cbx_mat q, k, v; /* [Tq][H*D], [Tk][H*D], [Tk][H*D] */
    int heads;
    float scale;
    const int32_t *visible; /* device, [Tq][2], or NULL */
    struct {
        cbx_mat pos;             /* [distances][H*D]; p == NULL: none */
        int zero;                /* row of pos that holds distance 0 */
        int q0;                  /* index of query row 0 among the keys */
        const float *u, *v_bias; /* device, [H*D] */
    } rel;
    struct {
        cbx_mat k, v; /* [Tf][H*D]; k.p == NULL or no rows: none */
        int q0;       /* index of query row 0 among these keys, for rel */
    } front;
    cbx_mat out; /* [Tq][H*D] */
} cbx_attention;

/* Rows of one sequence in a batch: rows [row, row + rows) of the matrix. */
typedef struct cbx_seq {
    cbx_kv *kv;
    int row, rows;
} cbx_seq;

/* Causal attention of a decoder layer with its cache. Row r of a sequence sits
 * at position kv_len + r; its key and value are stored there (layer `layer`),
 * and it sees positions 0..kv_len + r. Keys and queries are turned by `rope`
 * first, where given. The length is moved on by kv_set_len after the last
 * layer. */
typedef struct cbx_attention_kv {
    cbx_mat qkv; /* [M][3*H*D]: q, k, v side by side */
    int layer, heads;
    float scale;
    const float *rope; /* device, [positions][D]: D/2 cosines, D/2 sines */
    const cbx_seq *seqs;
    int n_seqs;
    cbx_mat out; /* [M][H*D] */
} cbx_attention_kv;

/* Where one row of attention_kv looks among some of its keys, as it was run:
 *
 *   out[j] (+)= sum over heads h in `which` of
 *               softmax_j(scale * q_h . k_(from + j),h),  j = 0 ... out.cols -
 * 1
 *
 * The softmax is over these keys alone. */
typedef struct cbx_look {
    cbx_mat q;        /* [1][H*D] as attention_kv left it in its qkv */
    const cbx_kv *kv; /* holds all of these keys */
    int layer, heads;
    uint64_t which; /* bit h: head h */
    float scale;
    int from;
    bool add;    /* to what out holds */
    cbx_mat out; /* [1][keys] */
} cbx_look;

/* The reference's order of logits processors (see kernels/sampling.h). */
typedef enum cbx_sample_order {
    CBX_SAMPLE_TURBO, /* temperature, top_k, top_p, repetition penalty */
    CBX_SAMPLE_LLAMA, /* CFG, repetition penalty, temperature, min_p, top_p */
} cbx_sample_order;

typedef struct cbx_sampling {
    cbx_sample_order order;
    float temperature, top_p, min_p, repetition_penalty, cfg_weight;
    int top_k; /* 0: all */
} cbx_sampling;

/* One token: processors, softmax, then the first id whose cumulative
 * probability (fp64, ascending ids) exceeds u * total. */
typedef struct cbx_sample {
    cbx_mat logits; /* [1][V], or [2][V]: conditional, unconditional */
    cbx_sampling params;
    cbx_sampler *seen;
    bool forget;  /* clear the seen set before remembering the drawn id */
    uint64_t key; /* rt/random.h: u = uniform number `index` of this key */
    uint64_t index;
    const double *u; /* host, or NULL: take this number instead (parity) */
    int32_t *token;  /* device */
} cbx_sample;

/* Harmonic source of the vocoder (hifigan.py: SineGen, SourceModuleHnNSF).
 * Sample n of frame i, harmonic h = 1..H (column h-1):
 *   phase[h] = (phase[h] + (f0 * h / rate mod 1)) mod 1     (fp64, carried;
 *              an f0 that is not finite counts as 0)
 *   s = voiced ? amp * sin(2 pi phase[h] + phase0[h]) : 0,  voiced = f0 > gate
 *   s += noise[n][h] * (voiced ? noise_std : amp / 3)
 *   out[n] = tanh(bias + sum_h w[h] * s) */
typedef struct cbx_sine_source {
    cbx_mat f0; /* [T][1] Hz */
    int hop;    /* samples for each frame */
    float rate, amp, noise_std, gate;
    int harmonics;       /* H, fundamental included */
    double *phase;       /* device, [H] cycles in [0, 1), state */
    const float *phase0; /* device, [H] radians */
    cbx_mat noise;       /* [T*hop][H] standard normal */
    const float *w;      /* device, [H] */
    const float *bias;   /* device, [1] */
    cbx_mat out;         /* [T*hop][1] */
} cbx_sine_source;

/* iSTFT head (hifigan.py: HiFTGenerator._istft): x[f] holds n/2+1 log
 * magnitudes, then n/2+1 values whose sine is the phase. Frames are given in
 * pieces; `tail` carries the partial sums of the n - hop samples that later
 * frames still reach. Sample s (before the n/2 trimmed at the front) is
 * finished when no later frame reaches it, or at `last`. Samples written:
 * hop * F, less n/2 in the piece that holds frame 0, plus n/2 - hop with
 * `last`. Divided by the sum of squared windows that really cover the sample.
 */
typedef struct cbx_istft {
    cbx_mat x; /* [F][n + 2] */
    int n, hop;
    float mag_limit, limit; /* 100, 0.99 */
    int64_t frame0;         /* index of the first frame of x */
    bool last;
    float *tail; /* device, [n - hop], state */
    cbx_mat out; /* [samples][1] */
} cbx_istft;

/* dst row i = src row i / repeat, or counted from the end (reverse). */
typedef struct cbx_copy {
    cbx_mat src, dst;
    int repeat; /* 0 is taken as 1 */
    bool reverse;
} cbx_copy;

/* out = act(act_a(a) * b + c), number by number; b absent: a + c; c absent: a *
 * b.
 * A
 * view with ld == 0 gives its one row to every row. out may be any of them that
 * has rows of its own. */
typedef struct cbx_muladd {
    cbx_mat a, b, c;
    cbx_act act;
    cbx_mat out;
    cbx_act act_a;
} cbx_muladd;

/* Each column over time: x in segments of `segment` rows (0: one segment of all
 * rows), the last one as long as what is left. Row s of `mean` and of `std`
 * (where it is there) belongs to segment s; std = sqrt(sum (x - mean)^2 /
 * (n - 1)), and 0 for n = 1. */
typedef struct cbx_time_stats {
    cbx_mat x;
    int segment;
    cbx_mat mean, std;
} cbx_time_stats;

typedef struct cbx_kernels {
    const char *name; /* "ref", "avx2", ... */

    /* -- [setup] memory and packing ---------------------------------------- */
    void (*close)(cbx_dev *d);
    /* Zeroed device memory, 64-byte aligned, or NULL. */
    void *(*mem_new)(cbx_dev *d, size_t bytes);
    void (*mem_free)(cbx_dev *d, void *p);
    /* Scratch for `linear` with a norm and for attention, so that [decode]
     * allocates nothing: the largest rows x cols and keys to come. */
    cbx_status (*reserve)(cbx_dev *d, int rows, int cols, int keys,
                          cbx_error *e);
    cbx_status (*weight_new)(cbx_dev *d, const cbx_weight_spec *s,
                             cbx_weight **out, cbx_error *e);
    void (*weight_free)(cbx_dev *d, cbx_weight *w);
    size_t (*weight_bytes)(const cbx_weight *w);
    /* `host` is a mapped tensor [rows][cols]; on the CPU the table keeps
     * pointing at it, so it must stay for as long as the table. */
    cbx_status (*table_new)(cbx_dev *d, int rows, int cols, cbx_dtype type,
                            const void *host, cbx_table **out, cbx_error *e);
    void (*table_free)(cbx_dev *d, cbx_table *t);
    /* width = heads * head size. Length 0 at first. F32 or BF16: keys and
     * values are rounded when they are stored. */
    cbx_status (*kv_new)(cbx_dev *d, int layers, int width, int capacity,
                         cbx_format format, cbx_kv **out, cbx_error *e);
    void (*kv_free)(cbx_dev *d, cbx_kv *kv);
    cbx_status (*sampler_new)(cbx_dev *d, int vocab, cbx_sampler **out,
                              cbx_error *e);
    void (*sampler_free)(cbx_dev *d, cbx_sampler *s);

    /* -- [decode] moving data ---------------------------------------------- */
    void (*upload)(cbx_dev *d, void *dst, const void *host, size_t bytes);
    /* Waits for all work before it. */
    void (*download)(cbx_dev *d, void *host, const void *src, size_t bytes);
    void (*sync)(cbx_dev *d);
    void (*zero)(cbx_dev *d, cbx_mat m);
    void (*copy)(cbx_dev *d, const cbx_copy *op);

    /* -- [decode] operations ----------------------------------------------- */
    void (*linear)(cbx_dev *d, const cbx_linear *op);
    void (*normalize)(cbx_dev *d, const cbx_normalize *op);
    /* out = act(x); out may be x. */
    void (*activate)(cbx_dev *d, cbx_mat x, cbx_act act, cbx_mat out);
    void (*attention)(cbx_dev *d, const cbx_attention *op);
    void (*attention_kv)(cbx_dev *d, const cbx_attention_kv *op);
    void (*look)(cbx_dev *d, const cbx_look *op);
    int (*kv_len)(const cbx_kv *kv);
    /* len <= capacity. Shorter forgets, longer accepts what was stored. */
    void (*kv_set_len)(cbx_dev *d, cbx_kv *kv, int len);
    /* First n positions of every layer; dst's length becomes n. Both have one
     * format. */
    void (*kv_copy)(cbx_dev *d, cbx_kv *dst, const cbx_kv *src, int n);
    /* out[i] = table[ids[i]] + add[i]; ids on the device, add or absent. */
    void (*gather)(cbx_dev *d, const cbx_table *t, const int32_t *ids, int n,
                   cbx_mat add, cbx_mat out);
    /* x += dt * ((1 + cfg) * v - cfg * v0); v0 absent: x += dt * v. */
    void (*euler)(cbx_dev *d, cbx_mat x, cbx_mat v, cbx_mat v0, float dt,
                  float cfg);
    /* out[r][c] = normal number (row0 + r) * cols + c of `key`. */
    void (*normal)(cbx_dev *d, cbx_mat out, uint64_t key, uint64_t row0);
    void (*sine_source)(cbx_dev *d, const cbx_sine_source *op);
    void (*istft)(cbx_dev *d, const cbx_istft *op);
    void (*sampler_reset)(cbx_dev *d, cbx_sampler *s);
    void (*sampler_mark)(cbx_dev *d, cbx_sampler *s, int32_t id);
    void (*sample)(cbx_dev *d, const cbx_sample *op);
    void (*muladd)(cbx_dev *d, const cbx_muladd *op);
    void (*time_stats)(cbx_dev *d, const cbx_time_stats *op);
} cbx_kernels;

/* Every backend's device starts with this. */
struct cbx_dev {
    const cbx_kernels *k;
    int threads;
};

/* [any] Sizes and format name of a packed weight of the CPU, for reports. */
const char *cbx_weight_shape(const cbx_weight *w, int *taps, int *in, int *out);

/* [setup] Opens the CPU. variant: NULL or "auto" takes the best one for this
 * processor's feature bits (the environment variable CBX_KERNELS overrides
 * it), or a name that cbx_cpu_variants() lists. threads: 0 = one for each core.
 * A variant that this processor lacks is CBX_E_DEVICE. */
CBX_CHECK cbx_status cbx_cpu_open(int threads, const char *variant,
                                  cbx_dev **out, cbx_error *e);

/* [any] NULL-terminated names of the variants this processor can run, the best
 * first, "ref" last. */
const char *const *cbx_cpu_variants(void);

/* [setup] Accepts NULL. */
void cbx_dev_close(cbx_dev *d);

/* [setup] A float vector (norm, bias, alpha) in device memory, or NULL. */
float *cbx_vec_new(cbx_dev *d, const float *host, size_t n);

#endif
