/* hifigan.py: SineGen.forward, SourceModuleHnNSF.forward. The phases are ref's
 * bit for bit; the sines are of floats. */
#include "kernels/cpu/avx2/act.h"
#include "kernels/cpu/avx2/avx2.h"

enum { MOST = 64 }; /* harmonics of a pass */
enum { TO_NEAREST = _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC };

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

/* Four phases moved on; returns phase + phase0 less whole cycles. */
static __m128 advance(bank *b, int h)
{
    __m256d p = _mm256_add_pd(_mm256_loadu_pd(b->phase + h),
                              _mm256_loadu_pd(b->step + h));
    p = _mm256_sub_pd(p, _mm256_floor_pd(p));
    _mm256_storeu_pd(b->phase + h, p);
    p = _mm256_add_pd(p, _mm256_loadu_pd(b->phase0 + h));
    const __m256d whole =
        _mm256_round_pd(p, _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC);
    return _mm256_cvtpd_ps(_mm256_sub_pd(p, whole));
}

/* sum of w * s over eight harmonics from h */
static __m256 add_harmonics(const cbx_sine_source *op, bank *b, int h,
                            const float *noise, bool voiced, __m256 sum)
{
    const __m128 low = advance(b, h), high = advance(b, h + 4);
    const float level = voiced ? op->noise_std : op->amp / 3.0f;
    __m256 s = _mm256_mul_ps(v_load(noise + h, b->n - h), v_set(level));
    if (voiced) {
        const __m256 x =
            _mm256_mul_ps(_mm256_set_m128(high, low), v_set(6.28318531f));
        s = _mm256_fmadd_ps(v_set(op->amp), v_sin(x), s);
    }
    return _mm256_fmadd_ps(_mm256_loadu_ps(b->w + h), s, sum);
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
        __m256 sum = _mm256_setzero_ps();
        for (int h = 0; h < b->n; h += 8)
            sum = add_harmonics(op, b, h, row_of(op->noise, n), voiced, sum);
        row_of(op->out, n)[0] = v_sum(sum) + op->bias[0];
    }
}

static void squash(cbx_mat out, int from, int end)
{
    for (int n = from; n < end; n += 8) {
        float x[8] = {0};
        for (int i = 0; i < 8 && n + i < end; i++)
            x[i] = row_of(out, n + i)[0];
        _mm256_storeu_ps(x, v_tanh(_mm256_loadu_ps(x)));
        for (int i = 0; i < 8 && n + i < end; i++)
            row_of(out, n + i)[0] = x[i];
    }
}

void avx2_sine_source(cbx_dev *d, const cbx_sine_source *op)
{
    bank b = {.n = op->harmonics, .padded = (op->harmonics + 7) / 8 * 8};
    (void)d;
    load_bank(op, &b);
    for (int frame = 0; frame < op->f0.rows; frame++)
        one_frame(op, &b, frame);
    squash(op->out, 0, op->f0.rows * op->hop);
    for (int h = 0; h < b.n; h++)
        op->phase[h] = b.phase[h];
}
