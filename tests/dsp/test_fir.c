#include "dsp/fir.h"

#include "tests/check.h"

#include <soxr.h>
#include <string.h>

enum { N = 20011 };

static float x[N];

static void fill(void)
{
    uint32_t seed = 1;
    for (int i = 0; i < N; i++) {
        seed = seed * 1664525u + 1013904223u;
        x[i] = (float)(seed >> 8) / (1 << 24) - 0.5f;
    }
}

static size_t run(cbx_fir *f, size_t piece, float *out)
{
    size_t made = 0;
    cbx_fir_reset(f);
    for (size_t at = 0; at < N; at += piece) {
        const size_t n = piece < N - at ? piece : N - at;
        const size_t got = cbx_fir_push(f, x + at, n, out + made);
        CHECK(got <= cbx_fir_room(f, n));
        made += got;
    }
    const size_t got = cbx_fir_flush(f, out + made);
    CHECK(got <= cbx_fir_room(f, 0));
    return made + got;
}

/* The bound that dsp/fir.h states, on noise at full scale. */
static void it_is_soxr_within_the_bound(uint32_t from, uint32_t to)
{
    static float ours[2 * N], theirs[2 * N];
    const soxr_io_spec_t io = soxr_io_spec(SOXR_FLOAT32_I, SOXR_FLOAT32_I);
    const soxr_quality_spec_t q = soxr_quality_spec(SOXR_HQ, 0);
    size_t n = 0;
    cbx_error err;
    cbx_fir *f;
    CHECK(cbx_fir_open(from, to, &f, &err) == CBX_OK);
    CHECK(!soxr_oneshot(from, to, 1, x, N, NULL, theirs, 2 * N, &n, &io, &q,
                        NULL));
    const size_t due = ((size_t)N * to + from - 1) / from;
    CHECK(run(f, 777, ours) == due && n + 1 >= due);
    for (size_t i = 0; i < n && i < due; i++)
        CHECK_NEAR(ours[i], theirs[i], 2e-6);
    cbx_fir_close(f);
}

static void the_pieces_do_not_matter(void)
{
    static float a[2 * N], b[2 * N];
    cbx_error err;
    cbx_fir *f;
    CHECK(cbx_fir_open(24000, 32000, &f, &err) == CBX_OK);
    const size_t n = run(f, N, a);
    for (size_t piece = 1; piece < 3000; piece = 3 * piece + 1) {
        CHECK(run(f, piece, b) == n);
        CHECK(memcmp(a, b, n * sizeof *a) == 0);
    }
    cbx_fir_close(f);
}

static void it_holds_back_four_milliseconds(void)
{
    static float out[2 * N];
    cbx_error err;
    cbx_fir *f;
    CHECK(cbx_fir_open(24000, 32000, &f, &err) == CBX_OK);
    CHECK(cbx_fir_delay(f) >= 90 && cbx_fir_delay(f) <= 96);
    const size_t made = cbx_fir_push(f, x, 2400, out);
    CHECK(made >= (2400 - 97) * 4 / 3 && made <= 3200 - 126);
    cbx_fir_close(f);
}

static void odd_ratios_are_refused(void)
{
    cbx_error err;
    cbx_fir *f;
    CHECK(cbx_fir_open(24000, 44100, &f, &err) == CBX_E_ARG);
    CHECK(cbx_fir_open(24000, 24000, &f, &err) == CBX_E_ARG);
    CHECK(cbx_fir_open(0, 24000, &f, &err) == CBX_E_ARG);
}

int main(void)
{
    fill();
    it_is_soxr_within_the_bound(24000, 32000);
    it_is_soxr_within_the_bound(32000, 24000);
    it_is_soxr_within_the_bound(16000, 24000);
    it_is_soxr_within_the_bound(24000, 16000);
    the_pieces_do_not_matter();
    it_holds_back_four_milliseconds();
    odd_ratios_are_refused();
    return 0;
}
