#include "models/pipeline/pipeline.h"

#include "models/pipeline/work.h"

#include <stdlib.h>
#include <string.h>

/* -- open ------------------------------------------------------------------ */

cbx_status cbx_pipeline_open(const cbx_tts *m, const cbx_speaker *speaker,
                             const cbx_pipeline_options *options,
                             cbx_pipeline **out, cbx_error *err)
{
    const s3gen_info *si = s3gen_get_info(m->s3gen);
    cbx_pipeline *p = calloc(1, sizeof *p);
    if (!p)
        return cbx_fail(err, CBX_E_NOMEM, "no memory for a stream");
    p->m = m;
    p->speaker = speaker;
    p->options = *options;
    p->pcm_cap = (size_t)(FRAMES_A_STEP + si->hift_delay + 2) *
                 (size_t)si->samples_per_frame;
    if (p->pcm_cap < SILENCE_A_STEP)
        p->pcm_cap = SILENCE_A_STEP;
    p->pcm = malloc(p->pcm_cap * sizeof *p->pcm);
    cbx_status st;
    if (!p->pcm)
        st = cbx_fail(err, CBX_E_NOMEM, "no memory for a stream");
    else
        st = tokens_open(p, err);
    if (!st)
        st = cells_open(p, err);
    if (st) {
        cbx_pipeline_close(p);
        return st;
    }
    *out = p;
    return CBX_OK;
}

void cbx_pipeline_close(cbx_pipeline *p)
{
    if (!p)
        return;
    cells_close(p);
    tokens_close(p);
    free(p->pcm);
    free(p);
}

void cbx_pipeline_reset(cbx_pipeline *p)
{
    p->stage = IDLE;
    p->number = 0;
    p->pcm_len = 0;
    p->cut = false;
    p->n_stepped_in = 0;
    words_reset(p->words);
}

/* -- segments -------------------------------------------------------------- */

uint64_t pipeline_key(const cbx_pipeline *p, cbx_random_purpose purpose)
{
    return cbx_random_key(p->options.seed, purpose, p->number, 0);
}

cbx_status cbx_pipeline_begin(cbx_pipeline *p, const char *text, size_t n,
                              int lead, cbx_error *err)
{
    cbx_status st = tokens_begin(p, text, n, err);
    if (!st)
        st = cells_begin(p, err);
    if (st)
        return st;
    p->lead = p->lead_all = lead;
    p->stage = lead > 0 ? LEAD : T3;
    p->pcm_len = 0;
    return CBX_OK;
}

cbx_status cbx_pipeline_begin_given(cbx_pipeline *p, int lead, cbx_error *err)
{
    tokens_begin_given(p);
    const cbx_status st = cells_begin(p, err);
    if (st)
        return st;
    p->lead = p->lead_all = lead;
    p->stage = lead > 0 ? LEAD : T3;
    p->pcm_len = 0;
    return CBX_OK;
}

void pipeline_end_segment(cbx_pipeline *p)
{
    p->stage = IDLE;
    p->stats.segments++;
    p->number++;
}

void cbx_pipeline_hurry(cbx_pipeline *p, bool on)
{
    p->hurry = on;
}

static void step_lead(cbx_pipeline *p)
{
    const int n = p->lead < SILENCE_A_STEP ? p->lead : SILENCE_A_STEP;
    memset(p->pcm, 0, (size_t)n * sizeof *p->pcm);
    p->pcm_len = (size_t)n;
    p->lead -= n;
    if (p->lead == 0)
        p->stage = T3;
}

bool cbx_pipeline_wants_tokens(const cbx_pipeline *p)
{
    return p->stage == T3 && !p->given && tokens_wanted(p);
}

cbx_status cbx_pipeline_step(cbx_pipeline *p, bool *done, cbx_error *err)
{
    return cbx_pipeline_step_with(p, NULL, 0, done, err);
}

cbx_status cbx_pipeline_step_with(cbx_pipeline *p, cbx_pipeline *const *others,
                                  int n, bool *done, cbx_error *err)
{
    cbx_status st = CBX_OK;
    p->pcm_len = 0;
    switch (p->stage) {
    case IDLE:
        break;
    case LEAD:
        step_lead(p);
        break;
    case T3:
        st = tokens_step(p, others, n, err);
        break;
    case FLOW:
        st = cells_flow(p, err);
        break;
    case VOCODER:
        cells_vocoder(p);
        break;
    }
    p->stats.samples += p->pcm_len;
    *done = p->stage == IDLE;
    return st;
}

size_t cbx_pipeline_max_pcm(const cbx_pipeline *p)
{
    return p->pcm_cap;
}

const float *cbx_pipeline_pcm(const cbx_pipeline *p, size_t *n)
{
    *n = p->pcm_len;
    return p->pcm;
}

const cbx_pipeline_stats *cbx_pipeline_get_stats(const cbx_pipeline *p)
{
    return &p->stats;
}

bool cbx_pipeline_was_cut(const cbx_pipeline *p, int *tokens)
{
    *tokens = p->drawn;
    return p->cut && p->stage == IDLE;
}
