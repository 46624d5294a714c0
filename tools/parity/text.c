#include "models/text/normalize.h"
#include "models/text/tokenizer.h"
#include "tools/parity/parity.h"

#include <stdio.h>
#include <stdlib.h>

/* text.N: raw bytes -> cleaned text -> token ids. The tokenizer gets the
 * reference's cleaned text, so that one fault does not hide another. */

/* More than any text of a golden has; the tokenizer says so otherwise. */
enum { MAX_IDS = 1 << 16 };

cbx_status text_to_ids(const parity *p, const char *text, size_t n,
                       const char *language, int32_t **ids, size_t *count,
                       cbx_error *err)
{
    cbx_tokenizer *t;
    cbx_status st = cbx_tokenizer_open(p->folder, &p->config, &t, err);
    if (st)
        return st;
    int32_t *out = need(MAX_IDS, sizeof *out);
    st = cbx_tokenizer_encode(t, text, n, language, out, MAX_IDS, count, err);
    cbx_tokenizer_close(t);
    if (st)
        free(out);
    else
        *ids = out;
    return st;
}

static void run_norm(parity *p, const cbx_tokenizer *t, int i)
{
    char from[32], to[32];
    const char *text;
    size_t n, len;
    cbx_error err;
    snprintf(from, sizeof from, "text.%d.raw", i);
    snprintf(to, sizeof to, "text.%d.norm", i);
    if (!golden_find(&p->golden, to))
        return;
    if (golden_text(&p->golden, from, &n, &text, &err)) {
        report_not_run(&p->report, to, "%s", err.text);
        return;
    }
    const size_t cap = CBX_PUNC_NORM_MAX(n);
    char *norm = need(cap, 1);
    if (cbx_tokenizer_clean(t, text, n, norm, cap, &len, &err))
        report_fail(&p->report, to, "%s", err.text);
    else
        report_bytes(&p->report, to, norm, len);
    free(norm);
}

cbx_status text_language(parity *p, int i, char out[16], cbx_error *err)
{
    char key[32];
    const char *text;
    size_t n = 0;
    snprintf(key, sizeof key, "text.%d.lang", i);
    out[0] = 0;
    if (!golden_find(&p->golden, key))
        return CBX_OK;
    const cbx_status st = golden_text(&p->golden, key, &n, &text, err);
    if (!st)
        snprintf(out, 16, "%.*s", (int)(n < 16 ? n : 16), text);
    return st;
}

static void run_ids(parity *p, cbx_tokenizer *t, int i)
{
    char from[32], to[32], language[16];
    const char *text;
    size_t n, count;
    cbx_error err;
    snprintf(from, sizeof from, "text.%d.norm", i);
    snprintf(to, sizeof to, "text.%d.ids", i);
    if (!golden_find(&p->golden, to))
        return;
    if (golden_text(&p->golden, from, &n, &text, &err) ||
        text_language(p, i, language, &err)) {
        report_not_run(&p->report, to, "%s", err.text);
        return;
    }
    int32_t *ids = need(MAX_IDS, sizeof *ids);
    if (cbx_tokenizer_ids(t, text, n, language, ids, MAX_IDS, &count, &err))
        report_fail(&p->report, to, "%s", err.text);
    else
        report_ids(&p->report, to, ids, count);
    free(ids);
}

void parity_text(parity *p)
{
    cbx_tokenizer *t;
    cbx_error err;
    if (cbx_tokenizer_open(p->folder, &p->config, &t, &err)) {
        report_not_run(&p->report, "text.", "%s", err.text);
        return;
    }
    for (int i = 0;; i++) {
        char prefix[32];
        snprintf(prefix, sizeof prefix, "text.%d.", i);
        if (!golden_has(&p->golden, prefix))
            break;
        run_norm(p, t, i);
        run_ids(p, t, i);
    }
    cbx_tokenizer_close(t);
}
