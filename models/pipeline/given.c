/* Speech tokens that come from outside. */
#include "models/pipeline/work.h"

void tokens_begin_given(cbx_pipeline *p)
{
    words_begin(p->words, &(words_text){.n = 0});
    p->limit = p->m->config.limits.max_speech_tokens;
    p->drawn = p->n_tokens = 0;
    p->spoken = p->cut = false;
    p->n_stepped_in = 0;
    p->given = true;
}

cbx_status cbx_pipeline_give(cbx_pipeline *p, const int32_t *tokens, int n,
                             bool last, cbx_error *err)
{
    const int codes = s3gen_get_info(p->m->s3gen)->codes;
    if (n > p->limit - p->n_tokens)
        return cbx_fail(err, CBX_E_LIMIT,
                        "a segment of more than %d speech tokens", p->limit);
    for (int i = 0; i < n; i++)
        if (tokens[i] < 0 || tokens[i] >= codes)
            return cbx_fail(err, CBX_E_ARG,
                            "speech token %d; the model has %d of them",
                            (int)tokens[i], codes);
    for (int i = 0; i < n; i++)
        p->tokens[p->n_tokens++] = tokens[i];
    p->stats.tokens += (uint64_t)n;
    p->spoken = last;
    return CBX_OK;
}

bool cbx_pipeline_waits(const cbx_pipeline *p)
{
    return p->given && p->stage == T3 && tokens_wanted(p);
}

int cbx_pipeline_max_tokens(const cbx_pipeline *p)
{
    return p->m->config.limits.max_speech_tokens;
}
