#include "models/s3gen/hift_model.h"

#include "rt/random.h"

#include <math.h>
#include <stdlib.h>

static int max(int a, int b)
{
    return a > b ? a : b;
}

/* Padding and memory that an upsampling wants of its input. */
static void serve_up(const hift_stage *g, rows *z)
{
    z->before = g->up_packed - 1;
    z->after = (g->up_pad + g->up_stride - 1) / g->up_stride;
    z->keep = max(z->keep, g->up_packed + 2);
}

/* hifigan.py: HiFTGenerator.decode, one turn of the loop; z is the input, next
 * the output. */
static void layout_stage(const hift *m, const hift_stage *g,
                         hift_stage_state *s, const rows *spec, rows *z,
                         rows *next)
{
    const int st = g->down_stride, c = g->channels;
    int lag = z->lag * g->up_stride + g->up_pad;

    serve_up(g, z);
    /* The last stage's row 0 mirrors its row 2, so one stride is held back. */
    if (g->extra)
        lag += g->up_stride;
    rows_init(&s->up, c, g->rate, lag, 0);
    s->up.spare = 2 * g->up_stride;
    lag = spec->lag;
    if (st > 1) /* the last spectrum that row i reads is there */
        lag = (lag + g->down_taps - g->down_pad - 1 - st + st - 1) / st;
    rows_init(&s->down, c, g->rate, lag, 0);
    s->up.extra = s->down.extra = g->extra;

    rows_init(&s->fused, c, g->rate,
              max(s->up.lag, resblock_lag(&g->source, &s->down)), 0);
    s->fused.extra = g->extra;
    rows_serve(&s->up, s->fused.lag, 0);
    resblock_init(&g->source, &s->source, &s->down, &s->fused);

    lag = 0;
    for (int j = 0; j < m->n_kernels; j++) {
        rows *out = j + 1 < m->n_kernels ? &s->sum[j] : next;
        lag = max(lag, resblock_lag(&g->res[j], &s->fused));
        rows_init(out, c, g->rate, lag, 0);
        out->extra = g->extra;
        resblock_init(&g->res[j], &s->res[j], &s->fused, out);
        if (j)
            rows_serve(&s->sum[j - 1], lag, 0);
    }
}

int hift_layout(const hift *m, hift_state *s)
{
    const hift_stage *last = &m->stage[m->n_stages - 1];
    /* spectra that a sample waits for behind its own */
    const int half = m->n_fft / 2 / m->hop;
    rows *z = &s->z[m->n_stages];
    int pad = 0, keep = 0, lag, delay;

    rows_init(&s->mel, m->mels, 1, 0, max(m->pre.pad, m->f0.conv[0].pad));
    rows_init(&s->z[0], m->base, 1, m->pre.pad, 0);
    rows_serve(&s->mel, s->z[0].lag, m->pre.pad);
    lag = f0_init(&m->f0, &s->f0, &s->mel);
    for (int i = 0; i < m->n_stages; i++) {
        pad = max(pad, m->stage[i].down_pad);
        keep = max(keep, m->stage[i].down_taps + m->stage[i].down_stride);
    }
    source_init(&m->src, &s->src, lag, pad, max(pad, keep));
    for (int i = 0; i < m->n_stages; i++)
        layout_stage(m, &m->stage[i], &s->stage[i], &s->src.spec, &s->z[i],
                     &s->z[i + 1]);
    z->before = z->after = m->post.pad;
    /* Sound leaves in whole mel frames: rate * (frames - delay) spectra, and
     * `half` more. */
    lag = z->lag + m->post.pad + half - 1;
    delay = (lag + last->rate - 1) / last->rate;
    rows_init(&s->post, m->n_fft + 2, last->rate, delay * last->rate + 1 - half,
              0);
    s->post.extra = 1;
    rows_serve(z, s->post.lag, m->post.pad);
    return delay;
}

static void place(const hift *m, hift_state *s, cbx_dmem *mem)
{
    rows_place(&s->mel, mem);
    f0_place(&m->f0, &s->f0, mem);
    source_place(&m->src, &s->src, mem);
    for (int i = 0; i <= m->n_stages; i++)
        rows_place(&s->z[i], mem);
    rows_place(&s->post, mem);
    for (int i = 0; i < m->n_stages; i++) {
        hift_stage_state *g = &s->stage[i];
        rows_place(&g->up, mem);
        rows_place(&g->down, mem);
        rows_place(&g->fused, mem);
        resblock_place(&m->stage[i].source, &g->source, mem);
        for (int j = 0; j < m->n_kernels; j++) {
            if (j + 1 < m->n_kernels)
                rows_place(&g->sum[j], mem);
            resblock_place(&m->stage[i].res[j], &g->res[j], mem);
        }
    }
    s->overlap =
        cbx_dmem_take(mem, (size_t)(m->n_fft - m->hop) * sizeof *s->overlap);
}

static void reset(const hift *m, hift_state *s, cbx_dev *dev,
                  const float *phase)
{
    const int n = m->n_fft - m->hop;

    s->frames = 0;
    rows_reset(&s->mel, dev);
    f0_reset(&m->f0, &s->f0, dev);
    source_reset(&m->src, &s->src, dev, phase);
    for (int i = 0; i <= m->n_stages; i++)
        rows_reset(&s->z[i], dev);
    rows_reset(&s->post, dev);
    for (int i = 0; i < m->n_stages; i++) {
        hift_stage_state *g = &s->stage[i];
        rows_reset(&g->up, dev);
        rows_reset(&g->down, dev);
        rows_reset(&g->fused, dev);
        resblock_reset(&m->stage[i].source, &g->source, dev);
        for (int j = 0; j < m->n_kernels; j++) {
            if (j + 1 < m->n_kernels)
                rows_reset(&g->sum[j], dev);
            resblock_reset(&m->stage[i].res[j], &g->res[j], dev);
        }
    }
    dev->k->zero(dev, (cbx_mat){s->overlap, 1, n, n});
}

void hift_begin(const hift *m, hift_state *s, const hift_segment *segment)
{
    float phase[HIFT_MAX_HARMONICS];

    phase[0] = 0;
    for (int h = 1; h < m->src.harmonics; h++) {
        const double u = cbx_random_uniform(segment->phase_key, (uint64_t)h);
        phase[h] =
            segment->phase ? segment->phase[h] : (float)((2 * u - 1) * M_PI);
    }
    reset(m, s, s->dev, phase);
    s->src.noise_key = segment->noise_key;
    s->src.noise = segment->noise;
    s->src.f0 = segment->f0;
    s->src.signal_given = segment->source;
}

int64_t hift_count(const hift *m, int64_t frames, bool final)
{
    const int64_t done = final ? frames : frames - m->delay;
    return done > 0 ? done * m->samples : 0;
}

int64_t hift_samples(const hift *m, const hift_state *s, int n, bool final)
{
    return hift_count(m, s->frames + n, final) -
           hift_count(m, s->frames, false);
}

/* Long enough a stream for every tail to be full, then the longest step. */
static void measure(const hift *m, hift_state *s, space *dry)
{
    cbx_dev *dev = space_dry_device();
    const cbx_probe *probe = s->probed ? space_dry_probe() : NULL;
    float nowhere;
    const cbx_mat mel = {&nowhere, s->max_frames, m->mels, m->mels};
    const float phase[HIFT_MAX_HARMONICS] = {0};

    reset(m, s, dev, phase);
    while (s->frames < 2 * m->delay + 2)
        hift_advance(m, s, dev, dry, probe, mel, false, NULL);
    hift_advance(m, s, dev, dry, probe, mel, true, NULL);
}

cbx_status hift_state_open(const hift *m, int max_frames, bool probed,
                           hift_state **out, cbx_error *err)
{
    cbx_dmem count = {0};
    hift_state *s;
    space dry;
    cbx_status st;

    if (max_frames < 1 || max_frames > HIFT_MAX_FRAMES)
        return cbx_fail(err, CBX_E_ARG,
                        "a vocoder step of %d mel frames was asked for; 1 to "
                        "%d are possible",
                        max_frames, HIFT_MAX_FRAMES);
    s = calloc(1, sizeof *s);
    if (!s)
        return cbx_fail(err, CBX_E_NOMEM, "memory ran out");
    s->dev = m->dev;
    s->max_frames = max_frames;
    s->probed = probed;
    hift_layout(m, s);
    place(m, s, &count);
    st = cbx_dmem_open(m->dev, count.used, &s->memory, err);
    if (st)
        goto close;
    place(m, s, &s->memory);
    space_init_dry(&dry);
    measure(m, s, &dry);
    st = space_open(m->dev, &dry, &s->scratch, err);
    if (st)
        goto close;
    hift_begin(m, s, &(hift_segment){0});
    *out = s;
    return CBX_OK;

close:
    hift_state_close(s);
    return st;
}

void hift_state_close(hift_state *s)
{
    if (!s)
        return;
    space_close(s->dev, &s->scratch);
    cbx_dmem_close(s->dev, &s->memory);
    free(s);
}

/* -- snapshots ------------------------------------------------------------- */

struct hift_snapshot {
    hift_state state;
    cbx_dmem memory;
};

cbx_status hift_snapshot_open(const hift_state *s, hift_snapshot **out,
                              cbx_error *err)
{
    hift_snapshot *p = calloc(1, sizeof *p);
    cbx_status st;

    if (!p)
        return cbx_fail(err, CBX_E_NOMEM, "memory ran out");
    p->state.dev = s->dev;
    if ((st = cbx_dmem_open(s->dev, s->memory.size, &p->memory, err))) {
        free(p);
        return st;
    }
    hift_save(s, p);
    *out = p;
    return CBX_OK;
}

void hift_snapshot_close(hift_snapshot *p)
{
    if (!p)
        return;
    cbx_dmem_close(p->state.dev, &p->memory);
    free(p);
}

/* The block as one row of floats. */
static cbx_mat block(const cbx_dmem *m)
{
    const int n = (int)(m->size / sizeof(float));

    return (cbx_mat){(float *)(void *)m->base, 1, n, n};
}

void hift_save(const hift_state *s, hift_snapshot *p)
{
    p->state = *s;
    s->dev->k->copy(s->dev, &(cbx_copy){.src = block(&s->memory),
                                        .dst = block(&p->memory)});
}

void hift_restore(hift_state *s, const hift_snapshot *p)
{
    *s = p->state;
    s->dev->k->copy(s->dev, &(cbx_copy){.src = block(&p->memory),
                                        .dst = block(&s->memory)});
}
