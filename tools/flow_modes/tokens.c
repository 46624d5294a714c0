#include "tools/flow_modes/flow_modes.h"

#include "models/text/normalize.h"
#include "rt/random.h"

#include <string.h>

static t3_segment segment(const bench *b, const int32_t *ids, size_t n,
                          uint64_t seed)
{
    const cbx_config_sampling *c = &b->config.sampling;

    return (t3_segment){
        .text = ids,
        .n = (int)n,
        .sampling = {.order = CBX_SAMPLE_TURBO,
                     .temperature = c->temperature,
                     .top_k = c->top_k,
                     .top_p = c->top_p,
                     .min_p = c->min_p,
                     .repetition_penalty = c->repetition_penalty},
        .key = cbx_random_key(seed, CBX_RANDOM_SAMPLER, 0, 0)};
}

void speech_draw(const bench *b, const char *text, uint64_t seed, speech *out)
{
    static char norm[CBX_PUNC_NORM_MAX(MAX_LINE)];
    static int32_t ids[CBX_PUNC_NORM_MAX(MAX_LINE)];
    const cbx_config_limits *l = &b->config.limits;
    const int stop = t3_get_info(b->t3)->stop;
    const int codes = b->config.flow.used_codes;
    size_t len, n;
    cbx_error err;

    *out = (speech){.seed = seed};
    must(cbx_punc_norm_turbo(text, strlen(text), norm, sizeof norm, &len, &err),
         &err);
    must(cbx_bpe_encode(b->bpe, norm, len, ids, sizeof ids / sizeof *ids, &n,
                        &err),
         &err);
    const t3_segment s = segment(b, ids, n, seed);
    must(t3_begin(b->t3, b->t3_state, b->t3_voice, &s, &err), &err);
    const int most = MAX_TOKENS - l->silence_appended;
    for (int i = 0;
         i < l->max_speech_tokens && i < most && t3_room(b->t3_state); i++) {
        t3_state *states[] = {b->t3_state};
        int32_t token;
        must(t3_step(b->t3, states, 1, NULL, &token, &err), &err);
        if (token == stop && i)
            break;
        if (token < codes)
            out->tokens[out->n++] = token;
    }
    for (int i = 0; i < l->silence_appended; i++)
        out->tokens[out->n++] = l->silence_token;
}
