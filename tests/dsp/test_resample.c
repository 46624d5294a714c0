#include "dsp/resample.h"

#include "tests/check.h"

#include <string.h>

enum { N_IN = 30011 };

static uint32_t seed = 1;

static uint32_t rnd(void)
{
    seed ^= seed << 13;
    seed ^= seed >> 17;
    return seed ^= seed << 5;
}

static void fill_noise(float *x, size_t n)
{
    for (size_t i = 0; i < n; i++)
        x[i] = (float)rnd() / 4294967296.0f - 0.5f;
}

static cbx_resampler *open_or_die(uint32_t in, uint32_t out)
{
    cbx_error err;
    cbx_resampler *r;
    CHECK(cbx_resampler_open(in, out, CBX_RESAMPLE_HQ, &r, &err) == CBX_OK);
    return r;
}

/* Runs all of `in` through r in random pieces of 1..max_in frames with room
 * for 1..max_out (0: everything at once). Returns the frames written. */
static size_t run(cbx_resampler *r, const float *in, size_t n_in, float *out,
                  size_t cap, size_t max_in, size_t max_out)
{
    cbx_error err;
    size_t at = 0, n = 0, used, got;
    while (at < n_in) {
        size_t piece = max_in ? 1 + rnd() % max_in : n_in;
        size_t room = max_out ? 1 + rnd() % max_out : cap;
        piece = piece < n_in - at ? piece : n_in - at;
        room = room < cap - n ? room : cap - n;
        CHECK(cbx_resampler_push(r, in + at, piece, &used, out + n, room, &got,
                                 &err) == CBX_OK);
        CHECK(used <= piece && got <= room);
        CHECK(used == piece || got == room);
        at += used;
        n += got;
    }
    bool done = false;
    while (!done) {
        size_t room = max_out ? 1 + rnd() % max_out : cap;
        room = room < cap - n ? room : cap - n;
        CHECK(room > 0);
        CHECK(cbx_resampler_flush(r, out + n, room, &got, &done, &err) ==
              CBX_OK);
        n += got;
    }
    return n;
}

static const uint32_t rates[][2] = {
    {24000, 48000}, {24000, 44100}, {24000, 96000},  {24000, 16000},
    {24000, 22050}, {44100, 48000}, {24000, 192000}, {48000, 24000},
    {24000, 8000},  {24000, 48001}, {24000, 24000},
};

static void output_does_not_depend_on_how_input_was_cut(void)
{
    static float in[N_IN], whole[N_IN * 8 + 64], cut[N_IN * 8 + 64];
    const size_t cap = sizeof whole / sizeof *whole;
    const size_t cuts[][2] = {{1, 0}, {37, 200}, {5000, 100}, {900, 4000}};
    fill_noise(in, N_IN);
    for (size_t i = 0; i < sizeof rates / sizeof *rates; i++) {
        cbx_error err;
        cbx_resampler *r = open_or_die(rates[i][0], rates[i][1]);
        const size_t n = run(r, in, N_IN, whole, cap, 0, 0);
        const double want = (double)N_IN * rates[i][1] / rates[i][0];
        CHECK_NEAR(n, want, 0.51);
        for (size_t c = 0; c < sizeof cuts / sizeof *cuts; c++) {
            CHECK(cbx_resampler_reset(r, &err) == CBX_OK);
            CHECK(run(r, in, N_IN, cut, cap, cuts[c][0], cuts[c][1]) == n);
            CHECK(!memcmp(whole, cut, n * sizeof *cut));
        }
        cbx_resampler_close(r);
    }
}

static void equal_rates_pass_bits_through_at_once(void)
{
    float in[100], out[100];
    size_t used, got;
    bool done;
    cbx_error err;
    fill_noise(in, 100);
    in[7] = NAN;
    cbx_resampler *r = open_or_die(24000, 24000);
    CHECK(cbx_resampler_latency(r) == 0);
    CHECK(cbx_resampler_push(r, in, 100, &used, out, 60, &got, &err) == CBX_OK);
    CHECK(used == 60 && got == 60);
    CHECK(!memcmp(in, out, 60 * sizeof *in));
    CHECK(cbx_resampler_flush(r, out, 100, &got, &done, &err) == CBX_OK);
    CHECK(got == 0 && done);
    cbx_resampler_close(r);
}

static void a_sine_keeps_its_place_and_height(void)
{
    static float in[24000], out[48100];
    for (int i = 0; i < 24000; i++)
        in[i] = (float)sin(2 * M_PI * 997 * i / 24000.0);
    cbx_resampler *r = open_or_die(24000, 48000);
    CHECK(run(r, in, 24000, out, 48100, 480, 0) == 48000);
    for (int i = 1000; i < 47000; i++)
        CHECK_NEAR(out[i], sin(2 * M_PI * 997 * i / 48000.0), 2e-5);
    cbx_resampler_close(r);
}

static void latency_bounds_what_is_held_back(void)
{
    static float in[N_IN], out[N_IN * 8 + 64];
    fill_noise(in, N_IN);
    for (size_t i = 0; i < sizeof rates / sizeof *rates; i++) {
        cbx_error err;
        cbx_resampler *r = open_or_die(rates[i][0], rates[i][1]);
        const double ratio = (double)rates[i][1] / rates[i][0];
        const double bound = (double)cbx_resampler_latency(r);
        size_t n = 0, used, got;
        double top = 0;
        for (size_t at = 0; at < N_IN; at++) {
            CHECK(cbx_resampler_push(r, in + at, 1, &used, out, N_IN, &got,
                                     &err) == CBX_OK);
            n += got;
            const double held = (double)(at + 1) * ratio - (double)n;
            top = held > top ? held : top;
        }
        CHECK(top <= bound);
        CHECK(bound <= top + 40 * ratio + 1);
        CHECK(bound <= 0.08 * rates[i][1]);
        cbx_resampler_close(r);
    }
}

static void wrong_use_is_refused(void)
{
    cbx_error err;
    cbx_resampler *r;
    float x = 0, y;
    size_t used, got;
    bool done;
    CHECK(cbx_resampler_open(0, 48000, CBX_RESAMPLE_HQ, &r, &err) == CBX_E_ARG);
    CHECK(cbx_resampler_open(24000, 4000000, CBX_RESAMPLE_HQ, &r, &err) ==
          CBX_E_ARG);
    CHECK(strstr(err.text, "4000000"));
    r = open_or_die(24000, 48000);
    CHECK(cbx_resampler_flush(r, &y, 1, &got, &done, &err) == CBX_OK);
    CHECK(cbx_resampler_push(r, &x, 1, &used, &y, 1, &got, &err) == CBX_E_ARG);
    cbx_resampler_close(r);
    cbx_resampler_close(NULL);
}

int main(void)
{
    output_does_not_depend_on_how_input_was_cut();
    equal_rates_pass_bits_through_at_once();
    a_sine_keeps_its_place_and_height();
    latency_bounds_what_is_held_back();
    wrong_use_is_refused();
    return 0;
}
