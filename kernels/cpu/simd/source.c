/* hifigan.py: SineGen.forward, SourceModuleHnNSF.forward. The phases are ref's
 * bit for bit; the sines are of floats. */
#include "kernels/cpu/simd/act.h"
#include "kernels/cpu/simd/simd.h"

enum { MOST = 64 }; /* harmonics of a pass */

/* Harmonics [first, first + n), n <= MOST, as whole vectors. */
typedef struct {
    int n, padded;
    double step[MOST], phase[MOST], phase0[MOST]; /* cycles */
    float w[MOST];
} bank;

static void load_bank(const cbx_sine_source *op, bank *b)
{
    for (int h = 0; h < b->padded; h++) {
        const bool real = h < b->n;
        b->step[h] = 0;
        b->phase[h] = real ? op->phase[h] : 0;
        b->phase0[h] = real ? (double)op->phase0[h] * (0.5 / M_PI) : 0;
        b->w[h] = real ? op->w[h] : 0;
    }
}

/* VL phases moved on by less than a cycle; x = phase + phase0 less whole
 * cycles. */
static inline void advance(bank *b, int h, float *x)
{
    static const double to_whole = 0x1.8p52; /* what is added is rounded */
    for (int i = 0; i < VL; i++) {
        double p = b->phase[h + i] + b->step[h + i];
        p -= (double)(p >= 1.0) - (double)(p < 0.0);
        b->phase[h + i] = p;
        p += b->phase0[h + i];
        x[i] = (float)(p - ((p + to_whole) - to_whole));
    }
}

/* sum of w * s over VL harmonics from h */
static vf add_harmonics(const cbx_sine_source *op, bank *b, int h,
                        const float *noise, bool voiced, vf sum)
{
    float x[VL];
    const float level = voiced ? op->noise_std : op->amp / 3.0f;
    vf s = v_mul(v_load(noise + h, b->n - h), v_set(level));
    advance(b, h, x);
    if (voiced) {
        const vf turn = v_mul(v_loadu(x), v_set(6.28318531f));
        s = v_fma(v_set(op->amp), v_sin(turn), s);
    }
    return v_fma(v_loadu(b->w + h), s, sum);
}

static void one_frame(const cbx_sine_source *op, bank *b, int frame)
{
    const float f0 = row_of(op->f0, frame)[0];
    const bool voiced = f0 > op->gate;
    for (int h = 0; h < b->n; h++) {
        const float turn = fmodf(f0 * (float)(h + 1) / op->rate, 1.0f);
        b->step[h] = isfinite(turn) ? (double)turn : 0.0;
    }
    for (int n = frame * op->hop; n < (frame + 1) * op->hop; n++) {
        vf sum = v_zero();
        for (int h = 0; h < b->n; h += VL)
            sum = add_harmonics(op, b, h, row_of(op->noise, n), voiced, sum);
        row_of(op->out, n)[0] = v_sum(sum) + op->bias[0];
    }
}

static void squash(cbx_mat out, int from, int end)
{
    for (int n = from; n < end; n += VL) {
        float x[VL] = {0};
        for (int i = 0; i < VL && n + i < end; i++)
            x[i] = row_of(out, n + i)[0];
        v_storeu(x, v_tanh(v_loadu(x)));
        for (int i = 0; i < VL && n + i < end; i++)
            row_of(out, n + i)[0] = x[i];
    }
}

void FN(sine_source)(cbx_dev *d, const cbx_sine_source *op)
{
    bank b = {.n = op->harmonics, .padded = (op->harmonics + VL - 1) / VL * VL};
    (void)d;
    load_bank(op, &b);
    for (int frame = 0; frame < op->f0.rows; frame++)
        one_frame(op, &b, frame);
    squash(op->out, 0, op->f0.rows * op->hop);
    for (int h = 0; h < b.n; h++)
        op->phase[h] = b.phase[h];
}
