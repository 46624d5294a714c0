#include "models/t3/drop.h"

#include <stdbool.h>

/* Where the only `id` of in[0..n) is; *at stays when there is none. */
static cbx_status find(const int32_t *in, size_t n, int32_t id,
                       const char *what, size_t *at, bool *found,
                       cbx_error *err)
{
    *found = false;
    for (size_t i = 0; i < n; i++) {
        if (in[i] != id)
            continue;
        if (*found)
            return cbx_fail(err, CBX_E_ARG,
                            "the tokens have two %s tokens (%d), at %zu and "
                            "%zu: it is not clear which ones are speech",
                            what, (int)id, *at, i);
        *found = true;
        *at = i;
    }
    return CBX_OK;
}

/* s3tokenizer: drop_invalid_tokens: x[from:to] */
static cbx_status find_speech(const cbx_config *config, const int32_t *in,
                              size_t n, size_t *from, size_t *to,
                              cbx_error *err)
{
    bool started, stopped;
    cbx_status st;

    *to = n;
    if ((st = find(in, n, config->t3.start_speech, "start", from, &started,
                   err)))
        return st;
    *from = started ? *from + 1 : 0;
    return find(in, n, config->t3.stop_speech, "stop", to, &stopped, err);
}

cbx_status t3_drop_invalid(const cbx_config *config, const int32_t *in,
                           size_t n, int32_t *out, size_t *count,
                           cbx_error *err)
{
    const bool all = config->family == CBX_FAMILY_MULTILINGUAL;
    size_t from = 0, to = n, k = 0;
    cbx_status st = CBX_OK;

    if (!config->t3.gpt2)
        st = find_speech(config, in, n, &from, &to, err);
    if (st)
        return st;
    for (size_t i = from; i < to; i++)
        if (all || in[i] < config->flow.used_codes)
            out[k++] = in[i];
    for (int i = 0; i < config->limits.silence_appended; i++)
        out[k++] = config->limits.silence_token;
    *count = k;
    return CBX_OK;
}
