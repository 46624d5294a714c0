#ifndef CBX_TOOLS_PARITY_PARITY_H
#define CBX_TOOLS_PARITY_PARITY_H

#include "models/checkpoint/config.h"
#include "models/s3gen/s3gen.h"
#include "models/t3/t3.h"
#include "tools/parity/report.h"

/* One run: a checkpoint, a golden file, and what is said about them. Every
 * stage is fed with the inputs that the reference had, taken from the golden
 * file; nothing is known about them beforehand. */
typedef struct parity {
    const char *folder; /* of the checkpoint */
    const char *perth;  /* file of the watermark's weights, or NULL */
    cbx_config config;
    cbx_dev *dev;
    golden golden;
    report report;

    /* Opened by the first who needs them. */
    cbx_tensor_file *t3_file, *s3gen_file;
    t3 *t3;
    s3gen *s3gen;
} parity;

/* A subject's stages. Each says what it cannot run; what it leaves out
 * silently counts as not run. */
void parity_text(parity *p);     /* text.* */
void parity_conds(parity *p);    /* t3.in.*, flow.in.* against conds.pt */
void parity_t3(parity *p);       /* t3.* */
void parity_gen(parity *p);      /* gen.* */
void parity_probs(parity *p);    /* t3.stepN.probs */
void parity_sample(parity *p);   /* sample.* */
void parity_drop(parity *p);     /* drop.* */
void parity_flow(parity *p);     /* flow.* */
void parity_hift(parity *p);     /* hift.* */
void parity_end(parity *p);      /* end to end, without probes */
void parity_voice(parity *p);    /* voice.* */
void parity_source(parity *p);   /* source.* */
void parity_vc(parity *p);       /* vc.* */
void parity_wm(parity *p);       /* wm.* */
void parity_resample(parity *p); /* resample.* */

/* Text as the reference's front end hands it to T3: clean-up, then tokens.
 * language: NULL or one of the model's. *ids is to be freed. */
CBX_CHECK cbx_status text_to_ids(const parity *p, const char *text, size_t n,
                                 const char *language, int32_t **ids,
                                 size_t *count, cbx_error *err);

/* text.I.lang, terminated; "" when there is none. */
CBX_CHECK cbx_status text_language(parity *p, int i, char out[16],
                                   cbx_error *err);

/* T3 and the golden's inputs for it. `forced` is complete for every step
 * whose results the golden has. */
typedef struct t3_inputs {
    cbx_conds conds; /* T3's part; points into the golden */
    t3_segment segment;
    const int32_t *forced;
    int n_forced;
} t3_inputs;
CBX_CHECK cbx_status t3_inputs_read(parity *p, const char *text_key,
                                    t3_inputs *out, cbx_error *err);
/* The last teacher-forced step that the golden has results of. */
int golden_last_step(const parity *p);
CBX_CHECK cbx_status parity_open_t3(parity *p, cbx_error *err);

/* The sampling parameters that the golden was made with: those of
 * sample.default.param.*, else the family's. */
cbx_sampling golden_sampling(parity *p);

/* S3Gen and the golden's inputs for the flow. */
typedef struct flow_inputs {
    cbx_conds conds; /* the flow's part */
    const int32_t *tokens;
    int n_tokens;
    float *z; /* [prompt frames + new frames][80], to be freed */
} flow_inputs;
/* prefix: "" or "vc." */
CBX_CHECK cbx_status flow_inputs_read(parity *p, const char *prefix,
                                      flow_inputs *out, cbx_error *err);
CBX_CHECK cbx_status parity_open_s3gen(parity *p, cbx_error *err);

/* What flow_run needs, opened from the inputs. */
typedef struct flow_setup {
    flow_voice *voice;
    flow_state *state;
} flow_setup;
CBX_CHECK cbx_status flow_setup_open(parity *p, flow_inputs *in, bool probed,
                                     flow_setup *out, cbx_error *err);
void flow_setup_close(flow_setup *s);

/* The vocoder's random numbers, and how many samples they are for. */
typedef struct hift_inputs {
    float *phase; /* [harmonics], to be freed */
    float *noise; /* [samples][harmonics], to be freed */
    int harmonics;
    int64_t samples;
} hift_inputs;
/* prefix of the keys `phase` and `noise`: "hift.in." */
CBX_CHECK cbx_status hift_inputs_read(parity *p, const char *prefix,
                                      hift_inputs *out, cbx_error *err);
void hift_inputs_free(hift_inputs *in);

/* A golden mel as [frames][80] on the device, to be freed by mem_free. */
CBX_CHECK cbx_status parity_upload_mel(parity *p, const char *key, cbx_mat *out,
                                       cbx_error *err);

/* PCM of a mel (device, [frames][80]) without the trim fade; *pcm is to be
 * freed. probe: NULL, or the stages are shown to it. */
CBX_CHECK cbx_status hift_speak(parity *p, const hift_inputs *in, cbx_mat mel,
                                const cbx_probe *probe, float **pcm,
                                size_t *samples, cbx_error *err);

/* What the reference's harmonic source loses, on f0 (Hz, host, [frames]): it
 * rounds the running phase to f32 for every sample (hifigan.py: SineGen). out:
 * [samples], its result less the exact one. */
CBX_CHECK cbx_status source_loss(parity *p, const hift_inputs *in,
                                 const float *f0, size_t frames, float *out,
                                 cbx_error *err);

/* [rows][cols] of `in` to [cols][rows] of `out`. */
void transpose(const float *in, size_t rows, size_t cols, float *out);

#endif
