#include "dsp/fir.h"

#include <soxr.h>
#include <stdlib.h>
#include <string.h>

enum {
    MOST_RATIO = 32, /* up and down */
    PROBE = 1 << 13, /* input frames of an impulse's run */
    PIECE = 1024,    /* input frames taken at a time */
    LANES = 8,       /* sums side by side, in a fixed order */
};
/* At both ends of the impulse response: what soxr rounds, and taps as small. */
static const float nothing = 2e-7f;

/* Output j is the sum over inputs i of x[i] h[j*down - i*up], where h, the
 * filter at `up` times the input rate, reaches from -reach to reach. Phase
 * p = j*down mod up has its taps in a row, in the order of the inputs. */
struct cbx_fir {
    size_t up, down, reach;
    size_t before, after; /* inputs seen around the one at an output's time */
    size_t taps;          /* before + 1 + after, a multiple of LANES */
    float *h;             /* [up][taps] */
    float *x;             /* [taps + PIECE] inputs, the oldest first */
    size_t n;             /* frames in x */
    uint64_t first;       /* x[0] is input frame first - before */
    uint64_t in, out;     /* frames so far */
};

/* -- the filter ------------------------------------------------------------ */

static cbx_status probe(uint32_t from, uint32_t to, size_t at, float *in,
                        float *out, size_t cap, cbx_error *err)
{
    const soxr_io_spec_t io = soxr_io_spec(SOXR_FLOAT32_I, SOXR_FLOAT32_I);
    const soxr_quality_spec_t q = soxr_quality_spec(SOXR_HQ, 0);
    const soxr_runtime_spec_t rt = soxr_runtime_spec(1);
    size_t done = 0;
    memset(in, 0, PROBE * sizeof *in);
    memset(out, 0, cap * sizeof *out);
    in[at] = 1;
    const soxr_error_t why = soxr_oneshot(from, to, 1, in, PROBE, NULL, out,
                                          cap, &done, &io, &q, &rt);
    return why ? cbx_fail(err, CBX_E_NOMEM, "resampler: %s", why) : CBX_OK;
}

/* h[0 .. 2*half] around its middle, by one impulse for each residue of its
 * place mod down: together they meet every tap. */
static cbx_status listen(cbx_fir *f, uint32_t from, uint32_t to, float *h,
                         long half, cbx_error *err)
{
    const size_t cap = PROBE * f->up / f->down + 1;
    float *in = calloc(PROBE, sizeof *in), *out = calloc(cap, sizeof *out);
    cbx_status st = CBX_OK;
    if (!in || !out)
        st = cbx_fail(err, CBX_E_NOMEM, "resampler: out of memory");
    for (size_t r = 0; r < f->down && !st; r++) {
        const size_t at = PROBE / 2 / f->down * f->down + r;
        if ((st = probe(from, to, at, in, out, cap, err)))
            break;
        for (size_t j = 0; j < cap; j++) {
            const long k = (long)(j * f->down) - (long)(at * f->up);
            if (k >= -half && k <= half)
                h[k + half] = out[j];
        }
    }
    free(out);
    free(in);
    return st;
}

static size_t reach_of(const float *h, long half)
{
    long k = half;
    while (k > 0 && h[half + k] < nothing && h[half + k] > -nothing &&
           h[half - k] < nothing && h[half - k] > -nothing)
        k--;
    return (size_t)k;
}

/* Taps of phase p: output time p/up behind input 0, so input i has
 * h[p - i*up], i from -before to after. */
static cbx_status arrange(cbx_fir *f, const float *h, long half, cbx_error *err)
{
    f->reach = reach_of(h, half);
    f->after = (f->reach + f->up - 1) / f->up;
    f->taps = (2 * f->after + 1 + LANES - 1) / LANES * LANES;
    f->before = f->taps - 1 - f->after;
    f->h = calloc(f->up * f->taps, sizeof *f->h);
    f->x = calloc(f->taps + PIECE, sizeof *f->x);
    if (!f->h || !f->x)
        return cbx_fail(err, CBX_E_NOMEM, "resampler: out of memory");
    for (size_t p = 0; p < f->up; p++)
        for (size_t t = 0; t < f->taps; t++) {
            const long k = (long)p - ((long)t - (long)f->before) * (long)f->up;
            if (k >= -(long)f->reach && k <= (long)f->reach)
                f->h[p * f->taps + t] = h[half + k];
        }
    return CBX_OK;
}

static uint32_t common_factor(uint32_t a, uint32_t b)
{
    while (b) {
        const uint32_t rest = a % b;
        a = b;
        b = rest;
    }
    return a;
}

cbx_status cbx_fir_open(uint32_t in_rate, uint32_t out_rate, cbx_fir **out,
                        cbx_error *err)
{
    const uint32_t g = common_factor(in_rate, out_rate);
    if (!in_rate || !out_rate || in_rate / g > MOST_RATIO ||
        out_rate / g > MOST_RATIO || in_rate == out_rate)
        return cbx_fail(err, CBX_E_ARG,
                        "resampling: %u to %u Hz, but a ratio of small numbers "
                        "is needed",
                        (unsigned)in_rate, (unsigned)out_rate);
    cbx_fir *f = calloc(1, sizeof *f);
    if (!f)
        return cbx_fail(err, CBX_E_NOMEM, "resampler: out of memory");
    f->up = out_rate / g;
    f->down = in_rate / g;
    const long half = (long)(PROBE / 4 * (f->up < f->down ? f->up : f->down));
    float *h = calloc((size_t)(2 * half + 1), sizeof *h);
    cbx_status st =
        h ? CBX_OK : cbx_fail(err, CBX_E_NOMEM, "resampler: out of memory");
    if (!st)
        st = listen(f, in_rate, out_rate, h, half, err);
    if (!st)
        st = arrange(f, h, half, err);
    free(h);
    if (st) {
        cbx_fir_close(f);
        return st;
    }
    cbx_fir_reset(f);
    *out = f;
    return CBX_OK;
}

void cbx_fir_close(cbx_fir *f)
{
    if (!f)
        return;
    free(f->x);
    free(f->h);
    free(f);
}

/* -- running --------------------------------------------------------------- */

void cbx_fir_reset(cbx_fir *f)
{
    f->first = f->in = f->out = 0;
    f->n = f->before; /* the zeros in front */
    memset(f->x, 0, f->before * sizeof *f->x);
}

size_t cbx_fir_delay(const cbx_fir *f)
{
    return f->after;
}

size_t cbx_fir_room(const cbx_fir *f, size_t n)
{
    return (n + f->after + 1) * f->up / f->down + 2;
}

static float weigh(const cbx_fir *f, const float *x, const float *h)
{
    float sum[LANES] = {0};
    for (size_t t = 0; t < f->taps; t += LANES)
        for (size_t l = 0; l < LANES; l++)
            sum[l] += h[t + l] * x[t + l];
    return ((sum[0] + sum[4]) + (sum[2] + sum[6])) +
           ((sum[1] + sum[5]) + (sum[3] + sum[7]));
}

/* All outputs whose inputs are there. */
static size_t give(cbx_fir *f, float *out)
{
    size_t made = 0;
    for (;; made++) {
        const uint64_t at = f->out * f->down / f->up; /* input at its time */
        const size_t p = (size_t)(f->out * f->down % f->up);
        const size_t from = (size_t)(at - f->first);
        if (from + f->taps > f->n)
            break;
        out[made] = weigh(f, f->x + from, f->h + p * f->taps);
        f->out++;
    }
    /* keep what the next output needs */
    const uint64_t next = f->out * f->down / f->up;
    const size_t gone = (size_t)(next - f->first);
    if (gone && gone <= f->n) {
        memmove(f->x, f->x + gone, (f->n - gone) * sizeof *f->x);
        f->n -= gone;
        f->first = next;
    }
    return made;
}

/* in == NULL: zeros. */
static size_t feed(cbx_fir *f, const float *in, size_t n, float *out)
{
    size_t made = 0;
    while (n) {
        const size_t room = f->taps + PIECE - f->n;
        const size_t take = n < room ? n : room;
        if (in) {
            memcpy(f->x + f->n, in, take * sizeof *in);
            in += take;
        } else {
            memset(f->x + f->n, 0, take * sizeof *f->x);
        }
        f->n += take;
        n -= take;
        made += give(f, out + made);
    }
    return made;
}

size_t cbx_fir_push(cbx_fir *f, const float *in, size_t n, float *out)
{
    f->in += n;
    return feed(f, in, n, out);
}

size_t cbx_fir_flush(cbx_fir *f, float *out)
{
    const uint64_t due = (f->in * f->up + f->down - 1) / f->down;
    size_t made = 0;
    while (f->out < due)
        made += feed(f, NULL, 1, out + made);
    return made - (size_t)(f->out - due);
}
