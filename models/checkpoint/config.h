#ifndef CBX_MODELS_CHECKPOINT_CONFIG_H
#define CBX_MODELS_CHECKPOINT_CONFIG_H

#include "rt/status.h"

#include <stdbool.h>

/* What the shapes of a checkpoint's tensors do not tell. Sizes that a tensor
 * shows (widths, layer counts, vocabularies, kernel sizes) are not here: read
 * them off the tensors. Values come from `config.json` in the model's folder,
 * else `oracle_config.json`, else the published numbers of the family. A value
 * that a file leaves out keeps the family's. Every number is range-checked. */

typedef enum cbx_family {
    CBX_FAMILY_ORIGINAL,     /* Llama T3 with CFG, 10 steps */
    CBX_FAMILY_MULTILINGUAL, /* the same with 23 languages */
    CBX_FAMILY_TURBO,        /* GPT-2 T3, meanflow with 2 steps */
    CBX_FAMILY_NANO,         /* turbo with a smaller T3 */
} cbx_family;

enum { CBX_HIFT_MAX_STAGES = 4, CBX_HIFT_MAX_DILATIONS = 4 };

enum { CBX_MAX_ALIGNED = 16 };

typedef struct cbx_config_t3 {
    bool gpt2; /* GPT-2 backbone; Llama otherwise */
    int heads; /* attention heads */
    float norm_eps;
    int prompt_tokens; /* longest speech prompt a new voice gets */
    int start_speech, stop_speech;
    int start_text, stop_text; /* Llama only, -1 otherwise */
    int perceiver_heads;       /* Llama only, 0 otherwise */
    bool emotion_adv;
    float rope_theta; /* Llama only: llama3 scaling, as in rope_* */
    float rope_factor, rope_low_freq, rope_high_freq;
    int rope_original_positions;
    /* Heads whose attention follows the text while it is spoken. */
    int n_aligned;
    struct {
        int layer, head;
    } aligned[CBX_MAX_ALIGNED];
} cbx_config_t3;

typedef struct cbx_config_flow {
    int heads;
    int pre_lookahead;   /* tokens */
    int token_mel_ratio; /* mel frames per token */
    int used_codes;      /* speech codes 0..used_codes-1 can be spoken */
} cbx_config_flow;

typedef struct cbx_config_cfm {
    int heads, head_dim;
    bool meanflow;
    int steps;
    float cfg_rate; /* 0 for meanflow */
    float time_scale;
} cbx_config_cfm;

typedef struct cbx_config_hift {
    int sample_rate;
    int n_stages;
    int upsample_rates[CBX_HIFT_MAX_STAGES];
    int n_fft, hop;
    int n_dilations; /* the same in every residual block */
    int dilations[CBX_HIFT_MAX_DILATIONS];
    int nb_harmonics; /* above the fundamental */
    float lrelu_slope, audio_limit;
    float sine_amp, noise_std, voiced_threshold;
} cbx_config_hift;

typedef struct cbx_config_ve {
    int partial_frames;
    float rate; /* partials per second */
    float min_coverage;
} cbx_config_ve;

typedef struct cbx_config_s3tok {
    int heads;
    float rope_theta;
} cbx_config_s3tok;

typedef struct cbx_config_campplus {
    int dilations[3]; /* one per dense block */
    int segment;      /* frames per segment of the context pooling */
} cbx_config_campplus;

/* Defaults of the reference's generate(). A filter that is off has top_k 0,
 * top_p 1, min_p 0, repetition_penalty 1. */
typedef struct cbx_config_sampling {
    float temperature;
    int top_k;
    float top_p, min_p;
    float repetition_penalty;
    float cfg_weight;   /* Llama only, 0 otherwise */
    float exaggeration; /* Llama only */
} cbx_config_sampling;

typedef struct cbx_config_limits {
    int max_text_chars;    /* per segment handed to T3 */
    int max_speech_tokens; /* per segment */
    int silence_token;     /* a code that sounds like nothing */
    int silence_appended;  /* of them behind each segment's tokens */
} cbx_config_limits;

/* File names in the model's folder, "" when there is none. */
typedef struct cbx_config_files {
    char t3[64];
    char s3gen[64];       /* flow and vocoder */
    char s3tokenizer[64]; /* equals s3gen where it holds the tokenizer too */
    char ve[64];
    char conds[64]; /* the folder's own voice */
} cbx_config_files;

typedef struct cbx_config {
    cbx_family family;
    cbx_config_files files;
    cbx_config_t3 t3;
    cbx_config_flow flow;
    cbx_config_cfm cfm;
    cbx_config_hift hift;
    cbx_config_ve ve;
    cbx_config_s3tok s3tok;
    cbx_config_campplus campplus;
    cbx_config_sampling sampling;
    cbx_config_limits limits;
} cbx_config;

/* [setup] The family follows from the T3 file that is there:
 * t3_cfg, t3_mtl23ls_v3, t3_mtl23ls_v2, t3_turbo_v1, t3_nano_v1, else the only
 * t3_*_v1.safetensors with a GPT-2 backbone, which counts as turbo. */
CBX_CHECK cbx_status cbx_config_open(const char *folder, cbx_config *out,
                                     cbx_error *err);

/* [any] "turbo" */
const char *cbx_family_name(cbx_family family);

/* [any] The published values, with no file names. */
void cbx_config_init(cbx_config *c, cbx_family family);

#endif
