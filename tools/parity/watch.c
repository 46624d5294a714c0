#include "tools/parity/watch.h"

#include <fnmatch.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Stages that PyTorch computes by convolution, so that time comes last
 * (tools/oracle/README.md, "Keys"). */
static const char *const by_channel[] = {
    "flow.cfm.z",        "flow.cfm.mu",           "flow.cfm.cond",
    "flow.cfm.step*.x",  "flow.cfm.step*.dphi*",  "flow.est.*.block1_conv",
    "flow.est.*.block1", "flow.est.*.block2",     "flow.est.*.res_conv",
    "flow.est.*.resnet", "flow.est.*.downsample", "flow.est.*.upsample",
    "flow.est.down*.in", "flow.est.up*.in",       "flow.est.final_block",
    "flow.est.out",      "flow.out_mel",          "hift.*",
    "voice.tok.conv*",   "voice.tok.logmel",      "voice.tok.*.fsmn_conv",
    "voice.xvec.feat",   "voice.xvec.fcm*",       "voice.xvec.tdnn",
    "voice.xvec.block*", "voice.xvec.transit*",
};

static layout layout_of(const char *key)
{
    for (size_t i = 0; i < sizeof by_channel / sizeof *by_channel; i++)
        if (!fnmatch(by_channel[i], key, 0))
            return BY_CHANNEL;
    return BY_TIME;
}

const watch_entry *watch_find(const watch *w, const char *name)
{
    for (size_t i = 0; i < w->n; i++)
        if (!strcmp(w->entries[i].name, name))
            return &w->entries[i];
    return NULL;
}

static watch_entry *add(watch *w, const char *name)
{
    if (w->n == w->room) {
        const size_t room = w->room ? 2 * w->room : 64;
        watch_entry *more = need(room, sizeof *more);
        if (w->n)
            memcpy(more, w->entries, w->n * sizeof *more);
        free(w->entries);
        w->entries = more;
        w->room = room;
    }
    watch_entry *e = &w->entries[w->n++];
    snprintf(e->name, sizeof e->name, "%s", name);
    return e;
}

static void download(cbx_dev *dev, cbx_mat m, float *out)
{
    for (int i = 0; i < m.rows; i++)
        dev->k->download(dev, out + (size_t)i * (size_t)m.cols,
                         m.p + (ptrdiff_t)i * m.ld,
                         (size_t)m.cols * sizeof *out);
}

/* The rows from value `from` on. */
static void swap(cbx_dev *dev, const watch_swap *s, size_t from, cbx_mat m)
{
    const size_t cols = (size_t)m.cols;
    if (from + (size_t)m.rows * cols > s->n)
        return;
    for (int i = 0; i < m.rows; i++)
        dev->k->upload(dev, m.p + (ptrdiff_t)i * m.ld,
                       s->v + from + (size_t)i * cols, cols * sizeof *s->v);
    dev->k->sync(dev);
}

static void see(void *user, const char *name, cbx_mat m)
{
    watch *w = user;
    watch_entry *e = (watch_entry *)watch_find(w, name);
    if (!m.p || m.rows <= 0 || m.cols <= 0)
        return;
    if (e && (!w->append || e->cols != (size_t)m.cols))
        return;
    if (!e)
        e = add(w, name);
    const size_t before = e->rows * e->cols;
    const size_t rows = (size_t)m.rows, cols = (size_t)m.cols;
    float *v = need(before + rows * cols, sizeof *v);
    if (before)
        memcpy(v, e->v, before * sizeof *v);
    free(e->v);
    download(w->dev, m, v + before);
    e->v = v;
    e->rows += rows;
    e->cols = cols;
    for (int i = 0; i < WATCH_SWAPS; i++)
        if (w->swaps[i].v && !strcmp(w->swaps[i].name, name))
            swap(w->dev, &w->swaps[i], before, m);
}

void watch_open(watch *w, cbx_dev *dev, bool append)
{
    *w = (watch){.dev = dev, .append = append};
    w->probe = (cbx_probe){.see = see, .user = w};
}

void watch_close(watch *w)
{
    for (size_t i = 0; i < w->n; i++)
        free(w->entries[i].v);
    free(w->entries);
    *w = (watch){0};
}

void watch_report(const watch *w, report *r)
{
    for (size_t i = 0; i < w->n; i++) {
        const watch_entry *e = &w->entries[i];
        char key[160];
        snprintf(key, sizeof key, "%s%s", w->prefix ? w->prefix : "", e->name);
        if (w->ignore && !fnmatch(w->ignore, e->name, 0))
            continue;
        if (w->prefix && !golden_find(r->g, key))
            continue;
        report_matrix(r, key, e->v, e->rows, e->cols, layout_of(e->name),
                      TOL_STAGE);
    }
}
