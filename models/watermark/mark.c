/* The mark, put into a signal while it arrives. Positions are samples at 32 kHz
 * and frames, counted from the start of the signal; frame t is centred on
 * sample 320 t. */
#include "models/watermark/internal.h"

#include "dsp/fir.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum {
    HOP = PERTH_HOP,
    FFT = PERTH_FFT,
    HALF = FFT / 2,
    BLOCK = 4,   /* frames at a time */
    PIECE = 960, /* input samples at a time: one speech token */
    BOOK = 64,   /* frames remembered, a power of two: more than the reach of
                  * the network and two blocks */
};

/* A frame whose change is not known yet. */
typedef struct frame {
    cbx_bin bins[BINS];
    float sum;
} frame;

struct perth_mark {
    const perth *p;
    int ahead;
    size_t most;

    cbx_fir *up, *down;
    cbx_fft *fft;
    cbx_dmem mem;
    stack_state net;
    cbx_mat in, done;    /* rows of levels and of changes */
    cbx_mat seen;        /* [FFT][1] samples, for a probe */
    frame *book;         /* [BOOK], frame t at t % BOOK */
    float *levels;       /* [BLOCK][bands] of the block that fills */
    float *change;       /* [BOOK][bands], frame t at t % BOOK */
    float *rows;         /* [BLOCK + reach][bands] off the device */
    float *work, *piece; /* [FFT], resampled */
    cbx_bin bins[BINS];

    /* In a circle each: sample i lies at i % size. */
    int64_t size;       /* a power of two */
    float *x;           /* the signal at 32 kHz */
    float *sum, *cover; /* overlapped changes, squared windows */

    int64_t n24;     /* samples taken */
    int64_t given24; /* and given */
    int64_t n;       /* samples at 32 kHz */
    int64_t frames;  /* transformed */
    int64_t known;   /* changes that are final */
    int64_t added;   /* frames overlapped */
    int64_t out;     /* samples given to the way down */
    int fill;        /* frames in `levels` */
    float loudest;
};

/* -- open and close -------------------------------------------------------- */

static void place(perth_mark *m, cbx_dmem *mem)
{
    const stack *s = &m->p->encoder;
    stack_place(s, &m->net, BLOCK, mem);
    m->in = cbx_dmem_mat(mem, BLOCK, s->in);
    m->done = cbx_dmem_mat(mem, BLOCK + s->reach, s->out);
    m->seen = cbx_dmem_mat(mem, FFT, 1);
}

static bool open_memory(perth_mark *m)
{
    const size_t bands = (size_t)m->p->bands, size = (size_t)m->size;
    const size_t piece = cbx_fir_room(m->up, PIECE);
    m->book = calloc(BOOK, sizeof *m->book);
    m->levels = calloc(BLOCK * bands, sizeof *m->levels);
    m->change = calloc(BOOK * bands, sizeof *m->change);
    m->rows =
        calloc((size_t)(BLOCK + m->p->encoder.reach) * bands, sizeof *m->rows);
    m->work = calloc(FFT, sizeof *m->work);
    m->piece = calloc(piece, sizeof *m->piece);
    m->x = calloc(size, sizeof *m->x);
    m->sum = calloc(size, sizeof *m->sum);
    m->cover = calloc(size, sizeof *m->cover);
    return m->book && m->levels && m->change && m->rows && m->work &&
           m->piece && m->x && m->sum && m->cover;
}

cbx_status perth_mark_open(const perth *p, int ahead, size_t most,
                           perth_mark **out, cbx_error *err)
{
    const int reach = p->encoder.reach;
    cbx_dmem counting = {0};
    if (reach + 2 * BLOCK > BOOK)
        return cbx_fail(err, CBX_E_UNSUPPORTED,
                        "a watermark network that sees %d frames to either "
                        "side; at most %d can be streamed",
                        reach, BOOK - 2 * BLOCK);
    if (ahead < 0 || ahead > reach)
        return cbx_fail(err, CBX_E_ARG,
                        "a watermark that looks %d ms ahead: it must be 0 to "
                        "%d ms",
                        10 * ahead, 10 * reach);
    perth_mark *m = calloc(1, sizeof *m);
    if (!m)
        return cbx_fail(err, CBX_E_NOMEM, "no memory for the watermark");
    m->p = p;
    m->ahead = ahead;
    m->most = most;
    /* from the oldest frame that is not overlapped yet to the newest sample */
    m->size = 1 << 15;
    place(m, &counting);
    cbx_status st = cbx_fir_open(PERTH_SPEECH_RATE, PERTH_RATE, &m->up, err);
    if (!st)
        st = cbx_fir_open(PERTH_RATE, PERTH_SPEECH_RATE, &m->down, err);
    if (!st)
        st = cbx_fft_open(FFT, &m->fft, err);
    if (!st)
        st = cbx_dmem_open(p->dev, counting.used, &m->mem, err);
    if (!st && !open_memory(m))
        st = cbx_fail(err, CBX_E_NOMEM, "no memory for the watermark");
    if (st) {
        perth_mark_close(m);
        return st;
    }
    place(m, &m->mem);
    perth_mark_begin(m);
    *out = m;
    return CBX_OK;
}

void perth_mark_close(perth_mark *m)
{
    if (!m)
        return;
    cbx_fir_close(m->up);
    cbx_fir_close(m->down);
    cbx_fft_close(m->fft);
    if (m->mem.base)
        cbx_dmem_close(m->p->dev, &m->mem);
    free(m->book);
    free(m->levels);
    free(m->change);
    free(m->rows);
    free(m->work);
    free(m->piece);
    free(m->x);
    free(m->sum);
    free(m->cover);
    free(m);
}

/* Behind whole tokens (40 ms = 4 frames) the newest frame is the last of a
 * block, 4 frames behind the input: HALF and the resampler's delay fit there.
 * Samples are finished up to HALF before the frame after the last overlapped
 * one. */
size_t perth_mark_delay(const perth_mark *m)
{
    const int late = BLOCK - 1 + m->ahead;
    const size_t at32 = (size_t)(late * HOP + HALF) + cbx_fir_delay(m->down);
    return (at32 * PERTH_SPEECH_RATE + PERTH_RATE - 1) / PERTH_RATE;
}

size_t perth_mark_room(const perth_mark *m)
{
    return m->most + perth_mark_delay(m) + 2 * PIECE;
}

void perth_mark_begin(perth_mark *m)
{
    cbx_fir_reset(m->up);
    cbx_fir_reset(m->down);
    stack_reset(&m->p->encoder, &m->net, m->p->dev);
    memset(m->sum, 0, (size_t)m->size * sizeof *m->sum);
    memset(m->cover, 0, (size_t)m->size * sizeof *m->cover);
    m->n24 = m->given24 = m->n = m->frames = m->known = m->added = m->out = 0;
    m->fill = 0;
    m->loudest = 0;
}

/* -- frames ---------------------------------------------------------------- */

/* Sample i with the signal mirrored at its ends (torch.stft: reflect). */
static float sample(const perth_mark *m, int64_t i)
{
    if (i < 0)
        i = -i;
    if (i >= m->n)
        i = 2 * (m->n - 1) - i;
    return m->x[i & (m->size - 1)];
}

static void transform(perth_mark *m)
{
    frame *f = &m->book[m->frames % BOOK];
    float x[FFT];
    for (int i = 0; i < FFT; i++)
        x[i] = sample(m, m->frames * HOP - HALF + i);
    f->sum = perth_frame(m->p, m->fft, x, m->work, f->bins,
                         m->levels + (size_t)m->fill * (size_t)m->p->bands);
    m->loudest = fmaxf(m->loudest, f->sum);
    m->frames++;
    m->fill++;
}

static void store(perth_mark *m, int64_t t, const float *rows, int n)
{
    const size_t bands = (size_t)m->p->bands;
    for (int i = 0; i < n; i++)
        memcpy(m->change + (size_t)((t + i) % BOOK) * bands,
               rows + (size_t)i * bands, bands * sizeof *rows);
}

/* Adds what the change of frame t does to the signal. */
static void overlap(perth_mark *m, int64_t t)
{
    const frame *f = &m->book[t % BOOK];
    const float *change = m->change + (size_t)(t % BOOK) * (size_t)m->p->bands;
    const bool masked = !(f->sum > 0.05f * m->loudest);
    memset(m->bins, 0, sizeof m->bins);
    for (int b = 0; b < m->p->bands && !masked; b++) {
        /* 195 dB are 1 */
        const float gain = powf(10, change[b] * (195.0f / 20)) - 1;
        m->bins[b] = (cbx_bin){f->bins[b].re * gain, f->bins[b].im * gain};
    }
    cbx_fft_back(m->fft, m->bins, m->work);
    for (int i = 0; i < FFT; i++) {
        const int64_t at = t * HOP - HALF + i;
        const float w = m->p->window[i];
        if (at < 0)
            continue;
        m->sum[at & (m->size - 1)] += m->work[i] * w * (1.0f / FFT);
        m->cover[at & (m->size - 1)] += w * w;
    }
}

static void show(const cbx_probe *probe, const char *name, cbx_mat rows)
{
    if (rows.rows)
        cbx_probe_see(probe, name, rows);
}

static void show_samples(perth_mark *m, const cbx_probe *probe, int n)
{
    if (!probe || !n)
        return;
    m->p->dev->k->upload(m->p->dev, m->seen.p, m->work,
                         (size_t)n * sizeof *m->work);
    show(probe, "wm.out32", cbx_rows(m->seen, 0, n));
}

/* The frames in `levels` go through the network; then all frames are overlapped
 * that may be. */
static void work(perth_mark *m, bool end, const cbx_probe *probe)
{
    cbx_dev *dev = m->p->dev;
    const stack *s = &m->p->encoder;
    const size_t row = (size_t)m->p->bands * sizeof(float);
    if (m->fill)
        dev->k->upload(dev, m->in.p, m->levels, (size_t)m->fill * row);
    show(probe, "wm.mag_subband", cbx_rows(m->in, 0, m->fill));
    const int64_t until = end ? m->frames : m->frames - m->ahead;
    const bool guess = !end && m->ahead < s->reach;
    const int n =
        stack_run_guessing(s, &m->net, dev, cbx_rows(m->in, 0, m->fill), end,
                           guess ? s->reach : 0, probe, m->done);
    show(probe, "wm.residual_subband", cbx_rows(m->done, 0, n));
    m->fill = 0;
    /* guessed rows: one for each frame that is not known yet */
    const int rows = guess ? (int)(m->frames - m->known) : n;
    if (rows) {
        dev->k->download(dev, m->rows, m->done.p, (size_t)rows * row);
        store(m, m->known, m->rows, rows);
    }
    m->known += n;
    for (; m->added < until; m->added++)
        overlap(m, m->added);
}

/* -- samples --------------------------------------------------------------- */

static void take(perth_mark *m, const float *x, size_t n,
                 const cbx_probe *probe)
{
    for (size_t i = 0; i < n; i++)
        m->x[m->n++ & (m->size - 1)] = x[i];
    while (m->n > HALF && m->frames * HOP + HALF <= m->n) {
        transform(m);
        /* the first frame alone: blocks then end with whole tokens */
        if (m->fill == BLOCK || m->frames == 1)
            work(m, false, probe);
    }
}

/* Samples that are finished go down to 24 kHz. */
static size_t give(perth_mark *m, int64_t until, bool marked,
                   const cbx_probe *probe, float *out)
{
    size_t made = 0;
    while (m->out < until) {
        int n = 0;
        for (; n < FFT && m->out < until; n++, m->out++) {
            const size_t at = (size_t)(m->out & (m->size - 1));
            m->work[n] = m->x[at];
            if (marked && m->cover[at] > 1e-11f)
                m->work[n] += m->sum[at] / m->cover[at];
            m->sum[at] = m->cover[at] = 0;
        }
        if (marked)
            show_samples(m, probe, n);
        made += cbx_fir_push(m->down, m->work, (size_t)n, out + made);
    }
    return made;
}

static size_t finish(perth_mark *m, const cbx_probe *probe, float *out)
{
    take(m, m->piece, cbx_fir_flush(m->up, m->piece), probe);
    int64_t marked = 0;
    if (m->n > HALF) {
        const int64_t frames = m->n / HOP + 1;
        while (m->frames < frames) {
            if (m->fill == BLOCK)
                work(m, false, probe);
            transform(m);
        }
        work(m, true, probe);
        marked = (frames - 1) * HOP;
    }
    size_t n = give(m, marked, true, probe, out);
    n += give(m, m->n, false, probe, out + n);
    return n + cbx_fir_flush(m->down, out + n);
}

size_t perth_mark_run(perth_mark *m, const float *in, size_t n, bool end,
                      const cbx_probe *probe, float *out)
{
    size_t made = 0;
    m->n24 += (int64_t)n;
    while (n) {
        const size_t piece = n < PIECE ? n : PIECE;
        take(m, m->piece, cbx_fir_push(m->up, in, piece, m->piece), probe);
        made += give(m, m->added ? m->added * HOP - HALF : 0, true, probe,
                     out + made);
        in += piece;
        n -= piece;
    }
    if (end)
        made += finish(m, probe, out + made);
    /* 24 to 32 kHz and back may round up by one */
    const int64_t over = m->given24 + (int64_t)made - m->n24;
    if (over > 0)
        made -= (size_t)over;
    m->given24 += (int64_t)made;
    return made;
}
