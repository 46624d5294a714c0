#include "models/text/bpe.h"
#include "models/text/normalize.h"
#include "tools/parity/parity.h"

#include <stdio.h>
#include <stdlib.h>

/* text.N: raw bytes -> cleaned text -> token ids. The tokenizer gets the
 * reference's cleaned text, so that one fault does not hide another. */

static cbx_status normalise(const char *text, size_t n, char **out, size_t *len,
                            cbx_error *err)
{
    const size_t cap = CBX_PUNC_NORM_MAX(n);
    char *norm = need(cap, 1);
    const cbx_status st = cbx_punc_norm_turbo(text, n, norm, cap, len, err);
    if (st) {
        free(norm);
        return st;
    }
    *out = norm;
    return CBX_OK;
}

static cbx_status encode(const cbx_bpe *bpe, const char *text, size_t n,
                         int32_t **out, size_t *count, cbx_error *err)
{
    int32_t *ids = need(n, sizeof *ids);
    const cbx_status st = cbx_bpe_encode(bpe, text, n, ids, n, count, err);
    if (st) {
        free(ids);
        return st;
    }
    *out = ids;
    return CBX_OK;
}

cbx_status text_to_ids(const parity *p, const char *text, size_t n,
                       int32_t **ids, size_t *count, cbx_error *err)
{
    cbx_bpe *bpe;
    char *norm;
    size_t len;
    cbx_status st = cbx_bpe_open(p->folder, &bpe, err);
    if (st)
        return st;
    if (!(st = normalise(text, n, &norm, &len, err))) {
        st = encode(bpe, norm, len, ids, count, err);
        free(norm);
    }
    cbx_bpe_close(bpe);
    return st;
}

static void run_norm(parity *p, int i)
{
    char from[32], to[32], *norm;
    const char *text;
    size_t n, len;
    cbx_error err;
    snprintf(from, sizeof from, "text.%d.raw", i);
    snprintf(to, sizeof to, "text.%d.norm", i);
    if (!golden_find(&p->golden, to))
        return;
    if (golden_text(&p->golden, from, &n, &text, &err)) {
        report_not_run(&p->report, to, "%s", err.text);
    } else if (normalise(text, n, &norm, &len, &err)) {
        report_fail(&p->report, to, "%s", err.text);
    } else {
        report_bytes(&p->report, to, norm, len);
        free(norm);
    }
}

static void run_ids(parity *p, const cbx_bpe *bpe, int i)
{
    char from[32], to[32];
    const char *text;
    int32_t *ids;
    size_t n, count;
    cbx_error err;
    snprintf(from, sizeof from, "text.%d.norm", i);
    snprintf(to, sizeof to, "text.%d.ids", i);
    if (!golden_find(&p->golden, to))
        return;
    if (golden_text(&p->golden, from, &n, &text, &err)) {
        report_not_run(&p->report, to, "%s", err.text);
    } else if (encode(bpe, text, n, &ids, &count, &err)) {
        report_fail(&p->report, to, "%s", err.text);
    } else {
        report_ids(&p->report, to, ids, count);
        free(ids);
    }
}

void parity_text(parity *p)
{
    cbx_bpe *bpe;
    cbx_error err;
    if (cbx_bpe_open(p->folder, &bpe, &err)) {
        report_not_run(&p->report, "text.", "%s", err.text);
        return;
    }
    for (int i = 0;; i++) {
        char prefix[32];
        snprintf(prefix, sizeof prefix, "text.%d.", i);
        if (!golden_has(&p->golden, prefix))
            break;
        run_norm(p, i);
        run_ids(p, bpe, i);
    }
    cbx_bpe_close(bpe);
}
