#include "models/s3gen/hift_model.h"

#include <math.h>
#include <stdlib.h>

static cbx_act leaky(float slope)
{
    return (cbx_act){.kind = CBX_ACT_LEAKY, .slope = slope};
}

static void take_mel(hift_state *s, const rows_step *st, cbx_mat mel)
{
    const rows_new n = rows_grow(&s->mel, st);

    if (n.n)
        st->dev->k->copy(
            st->dev,
            &(cbx_copy){.src = mel, .dst = rows_at(&s->mel, n.from, n.n)});
}

static void run_pre(const hift *m, hift_state *s, const rows_step *st)
{
    const rows_new n = rows_grow(&s->z[0], st);
    cbx_mat raw = {0};

    if (!n.n)
        return;
    if (st->probe)
        raw = space_mat(st->mem, n.n, m->base);
    st->dev->k->linear(st->dev,
                       &(cbx_linear){.x = conv_input(&m->pre, &s->mel, n),
                                     .w = m->pre.w,
                                     .act = leaky(m->slope),
                                     .out = raw,
                                     .acted = rows_at(&s->z[0], n.from, n.n)});
    if (st->probe)
        cbx_probe_see(st->probe, "hift.conv_pre", raw);
}

/* torch.nn.ConvTranspose1d. Block q of the packed convolution holds samples
 * stride * q - pad ... of the reference; it is written so that they fall on
 * their rows, over the edge of the new rows where a block is not whole. In the
 * last stage rows stand one further on, and row 0 is row 2 (ReflectionPad1d).
 */
static void run_up(const hift_stage *g, rows *up, const rows_step *st,
                   const rows *z)
{
    const cbx_kernels *k = st->dev->k;
    const rows_new n = rows_grow(up, st);
    const int stride = g->up_stride, wide = stride * g->channels;
    const bool mirrored = g->extra && n.from == 0;
    int64_t from = n.from - g->extra, to = n.from + n.n - g->extra, q0, q1;
    cbx_mat out;

    if (!n.n)
        return;
    if (from < 0)
        from = 0;
    if (mirrored && to < 2)
        to = 2;
    q0 = (from + g->up_pad) / stride;
    q1 = (to + g->up_pad + stride - 1) / stride;
    out = (cbx_mat){up->work.p +
                        (q0 * stride - g->up_pad + g->extra - up->first) *
                            g->channels,
                    (int)(q1 - q0), wide, wide};
    k->linear(st->dev, &(cbx_linear){.x = rows_at(z, q0 - (g->up_packed - 1),
                                                  out.rows + g->up_packed - 1),
                                     .w = g->up,
                                     .out = out});
    if (mirrored)
        k->copy(st->dev, &(cbx_copy){.src = cbx_rows(up->work, 2, 1),
                                     .dst = cbx_rows(up->work, 0, 1)});
}

/* A convolution with a stride: rows that overlap. */
static rows_new run_down(const hift_stage *g, rows *down, const rows_step *st,
                         const rows *spec)
{
    const rows_new n = rows_grow(down, st);
    const int stride = g->down_stride, taps = g->down_taps;
    cbx_mat x;

    if (!n.n)
        return n;
    x = rows_at(spec, n.from * stride - g->down_pad, (n.n - 1) * stride + taps);
    x = (cbx_mat){x.p, n.n, taps * spec->cols, stride * spec->cols};
    st->dev->k->linear(
        st->dev,
        &(cbx_linear){.x = x, .w = g->down, .out = rows_at(down, n.from, n.n)});
    return n;
}

static void show_stage(const hift_stage *g, const hift_stage_state *s,
                       const rows_step *st, int i, rows_new up, rows_new down)
{
    const int cut = g->extra && up.from == 0;

    if (up.n > cut)
        cbx_probe_seef(st->probe, rows_at(&s->up, up.from + cut, up.n - cut),
                       "hift.up%d", i);
    if (up.n && g->extra)
        cbx_probe_see(st->probe, "hift.reflection_pad",
                      rows_at(&s->up, up.from, up.n));
    if (down.n)
        cbx_probe_seef(st->probe, rows_at(&s->down, down.from, down.n),
                       "hift.src_down%d", i);
}

/* Upsampling and source: new rows of s->fused. */
static rows_new run_fused(const hift_stage *g, hift_stage_state *s,
                          const rows_step *st, int i, const rows *spec,
                          const rows *z)
{
    rows_new up = {s->up.end, 0}, down;
    resblock_sink sink = {.out = &s->fused, .add = &s->up};
    char name[24];

    run_up(g, &s->up, st, z);
    up.n = (int)(s->up.end - up.from);
    down = run_down(g, &s->down, st, spec);
    if (st->probe) {
        show_stage(g, s, st, i, up, down);
        snprintf(name, sizeof name, "hift.src_res%d", i);
        sink.name = name;
    }
    sink.fresh = rows_grow(&s->fused, st);
    resblock_run(&g->source, &s->source, st, &s->down, down, &sink);
    if (st->probe && sink.fresh.n)
        cbx_probe_seef(st->probe,
                       rows_at(&s->fused, sink.fresh.from, sink.fresh.n),
                       "hift.fused%d", i);
    rows_keep(&s->up, st);
    rows_keep(&s->down, st);
    return sink.fresh;
}

/* The mean of the resblocks, through the leaky ReLU that follows. */
static void run_stage(const hift *m, const hift_stage *g, hift_stage_state *s,
                      const rows_step *st, int i, const rows *spec,
                      const rows *z, rows *next)
{
    const rows_new fused = run_fused(g, s, st, i, spec, z);
    char name[24];

    for (int j = 0; j < m->n_kernels; j++) {
        const bool last = j == m->n_kernels - 1;
        rows *out = last ? next : &s->sum[j];
        resblock_sink sink = {.out = out,
                              .fresh = rows_grow(out, st),
                              .add = j ? &s->sum[j - 1] : NULL,
                              .inside = i == 0 && j == 0};
        if (st->probe && i == 0) {
            snprintf(name, sizeof name, "hift.res0_%d", j);
            sink.name = name;
        }
        if (last) {
            sink.scale = 1 / (float)m->n_kernels;
            sink.act = leaky(g->extra ? 0.01f : m->slope);
        }
        resblock_run(&g->res[j], &s->res[j], st, &s->fused, fused, &sink);
    }
    for (int j = 0; j + 1 < m->n_kernels; j++)
        rows_keep(&s->sum[j], st);
    rows_keep(&s->fused, st);
}

/* Magnitude and phase are inside the istft operation; here from its input. */
static void show_post(const hift *m, const rows_step *st, cbx_mat post)
{
    const cbx_kernels *k = st->dev->k;
    const int bins = m->n_fft / 2 + 1;
    const size_t n = (size_t)post.rows * (size_t)post.cols;
    float *host = malloc(n * sizeof *host);
    cbx_mat dev = space_mat(st->mem, post.rows, post.cols);

    cbx_probe_see(st->probe, "hift.post", post);
    if (!host)
        return;
    k->download(st->dev, host, post.p, n * sizeof *host);
    for (size_t i = 0; i < n; i++)
        host[i] =
            (int)(i % (size_t)post.cols) < bins ? expf(host[i]) : sinf(host[i]);
    k->upload(st->dev, dev.p, host, n * sizeof *host);
    k->sync(st->dev);
    free(host);
    cbx_probe_see(st->probe, "hift.mag", cbx_cols(dev, 0, bins));
    cbx_probe_see(st->probe, "hift.phase", cbx_cols(dev, bins, bins));
}

/* conv_post and the inverse transform. */
static void run_post(const hift *m, hift_state *s, const rows_step *st,
                     int samples, float *pcm)
{
    const cbx_kernels *k = st->dev->k;
    rows *z = &s->z[m->n_stages];
    const rows_new n = rows_grow(&s->post, st);
    cbx_mat post, out;

    if (!n.n)
        return;
    post = rows_at(&s->post, n.from, n.n);
    out = space_mat(st->mem, samples, 1);
    k->linear(st->dev, &(cbx_linear){.x = conv_input(&m->post, z, n),
                                     .w = m->post.w,
                                     .out = post});
    if (st->probe) {
        cbx_probe_see(st->probe, "hift.post_in", rows_at(z, n.from, n.n));
        show_post(m, st, post);
    }
    k->istft(st->dev, &(cbx_istft){.x = post,
                                   .n = m->n_fft,
                                   .hop = m->hop,
                                   .mag_limit = 100,
                                   .limit = m->limit,
                                   .frame0 = n.from,
                                   .last = st->final,
                                   .tail = s->overlap,
                                   .out = out});
    if (samples)
        k->download(st->dev, pcm, out.p, sizeof *pcm * (size_t)samples);
}

void hift_advance(const hift *m, hift_state *s, cbx_dev *dev, space *mem,
                  const cbx_probe *probe, cbx_mat mel, bool final, float *pcm)
{
    const rows_step st = {dev, mem, probe, s->frames + mel.rows, final};
    const int samples = (int)hift_samples(m, s, mel.rows, final);

    space_rewind(mem, 0);
    take_mel(s, &st, mel);
    source_run(&m->src, &s->src, &st, f0_run(&m->f0, &s->f0, &st, &s->mel));
    run_pre(m, s, &st);
    for (int i = 0; i < m->n_stages; i++)
        run_stage(m, &m->stage[i], &s->stage[i], &st, i, &s->src.spec, &s->z[i],
                  &s->z[i + 1]);
    run_post(m, s, &st, samples, pcm);
    rows_keep(&s->mel, &st);
    rows_keep(&s->src.spec, &st);
    for (int i = 0; i <= m->n_stages; i++)
        rows_keep(&s->z[i], &st);
    rows_keep(&s->post, &st);
    s->frames = st.frames;
}

void hift_run(const hift *m, hift_state *s, cbx_mat mel, bool final,
              const cbx_probe *probe, float *pcm)
{
    int done = 0;

    do {
        const int left = mel.rows - done;
        const int n = left < s->max_frames ? left : s->max_frames;
        const bool last = final && n == left;
        const int64_t samples = hift_samples(m, s, n, last);
        hift_advance(m, s, s->dev, &s->scratch, s->probed ? probe : NULL,
                     cbx_rows(mel, done, n), last, pcm);
        pcm += samples;
        done += n;
    } while (done < mel.rows);
}
