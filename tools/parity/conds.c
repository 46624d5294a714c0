#include "tools/parity/parity.h"

#include <stdlib.h>

/* The golden's conditioning is that of the checkpoint's own conds.pt; the flow
 * takes the first tokens of its prompt. So our reader of conds.pt is compared
 * with the reference's. */

/* Whether the golden has all of ours or its beginning. */
typedef enum extent { WHOLE, BEGINNING } extent;

static void compare_floats(parity *p, const char *name, const float *got,
                           size_t n_got, const float *want, size_t n, extent e)
{
    if (n_got < n || (e == WHOLE && n_got > n))
        report_fail(&p->report, name,
                    "conds.pt has %zu values, the golden's input %zu", n_got,
                    n);
    else
        report_named(&p->report, name, got, want, n, TOL_EXACT);
}

static void compare_ids(parity *p, const char *name, const int32_t *got,
                        int n_got, const int32_t *want, int n, extent e)
{
    float *v = need((size_t)n_got + (size_t)n, sizeof *v), *w = v + n_got;
    for (int i = 0; i < n_got; i++)
        v[i] = (float)got[i];
    for (int i = 0; i < n; i++)
        w[i] = (float)want[i];
    compare_floats(p, name, v, (size_t)n_got, w, (size_t)n, e);
    free(v);
}

static void run_t3(parity *p, const cbx_conds *c)
{
    golden *g = &p->golden;
    int64_t dims[2] = {1, -1};
    const float *f;
    const int32_t *ids;
    float x;
    int n;
    cbx_error err;
    if (!golden_floats(g, "t3.in.speaker_emb", 2, dims, &f, &err))
        compare_floats(p, "conds.t3.speaker_emb", c->speaker_emb,
                       (size_t)c->speaker_dim, f, (size_t)dims[1], WHOLE);
    if (!golden_ids(g, "t3.in.prompt_tokens", &n, &ids, &err))
        compare_ids(p, "conds.t3.prompt_tokens", c->t3_tokens, c->n_t3_tokens,
                    ids, n, WHOLE);
    if (!golden_number(g, "t3.in.emotion", &x, &err))
        compare_floats(p, "conds.t3.emotion", &c->emotion_adv, 1, &x, 1, WHOLE);
}

static void run_flow(parity *p, const cbx_conds *c)
{
    golden *g = &p->golden;
    int64_t one[2] = {1, -1}, feat[2] = {-1, c->n_mels};
    const float *f;
    const int32_t *ids;
    int n;
    cbx_error err;
    if (!golden_ids(g, "flow.in.prompt_token", &n, &ids, &err))
        compare_ids(p, "conds.gen.prompt_token", c->prompt_tokens,
                    c->n_prompt_tokens, ids, n, BEGINNING);
    if (!golden_floats(g, "flow.in.prompt_feat", 2, feat, &f, &err))
        compare_floats(p, "conds.gen.prompt_feat", c->prompt_feat,
                       (size_t)c->n_prompt_frames * (size_t)c->n_mels, f,
                       (size_t)feat[0] * (size_t)c->n_mels, BEGINNING);
    if (!golden_floats(g, "flow.in.embedding", 2, one, &f, &err))
        compare_floats(p, "conds.gen.embedding", c->embedding,
                       (size_t)c->embedding_dim, f, (size_t)one[1], WHOLE);
}

void parity_conds(parity *p)
{
    char path[4096];
    cbx_conds *c;
    cbx_error err;
    if (!p->config.files.conds[0]) {
        report_note(&p->report, "%s has no conds.pt to compare", p->folder);
        return;
    }
    if (path_in(p->folder, p->config.files.conds, path, sizeof path, &err) ||
        cbx_conds_open(path, &c, &err)) {
        report_fail(&p->report, "conds", "%s", err.text);
        return;
    }
    run_t3(p, c);
    run_flow(p, c);
    cbx_conds_close(c);
}
