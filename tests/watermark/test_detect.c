/* The detector, against a plain evaluation of the formulas (perth_net_implicit/
 * model/decoder.py), and what it says to odd recordings. */
#include "tests/watermark/tiny.h"

#include "dsp/poly.h"
#include "tests/check.h"

#include <stdlib.h>
#include <string.h>

static cbx_dev *dev;
static perth *p;

static float sure_of(const float *x, size_t n, uint32_t rate)
{
    cbx_error err;
    float sure = -1;
    CHECK(perth_detect(p, x, n, rate, &sure, &err) == CBX_OK);
    CHECK(sure >= 0 && sure <= 1);
    return sure;
}

/* Pieces inside are 256 frames: a recording that is longer than one of them,
 * and one that ends on their border. */
static void the_answer_depends_on_the_sound_only(void)
{
    static const size_t lengths[] = {3200, 81600, 81920, 82240, 163840};
    float *x = malloc(163840 * sizeof *x);
    CHECK(x);
    tiny_speech(x, 163840);
    for (size_t i = 0; i < sizeof lengths / sizeof *lengths; i++) {
        const float a = sure_of(x, lengths[i], 32000);
        CHECK_NEAR(sure_of(x, lengths[i], 32000), a, 0);
    }
    const float loud = sure_of(x, 81920, 32000);
    for (size_t i = 0; i < 81920; i++)
        x[i] = -x[i]; /* phases do not count */
    CHECK_NEAR(sure_of(x, 81920, 32000), loud, 1e-6);
    free(x);
}

static void what_holds_no_sound_is_refused(void)
{
    static float zeros[32000];
    cbx_error err;
    float sure;
    CHECK(perth_detect(p, zeros, 32000, 32000, &sure, &err) == CBX_E_ARG);
    CHECK(strstr(err.text, "silence"));
    zeros[5] = 1;
    CHECK(perth_detect(p, zeros, 3000, 32000, &sure, &err) == CBX_E_ARG);
    CHECK(perth_detect(p, zeros, 0, 24000, &sure, &err) == CBX_E_ARG);
}

/* A tone keeps its height and its size, and nothing is left above the band. */
static void resampling_keeps_what_is_heard(void)
{
    enum { N = 8820 };
    float x[N], y[N];
    cbx_error err;
    for (int i = 0; i < N; i++)
        x[i] = (float)sin(2 * M_PI * 1000 * i / 44100.0);
    const size_t n = cbx_poly_length(N, 44100, 32000);
    CHECK(n == 6400);
    CHECK(cbx_poly_resample(x, N, 44100, 32000, y, &err) == CBX_OK);
    for (size_t i = 100; i < n - 100; i++)
        CHECK_NEAR(y[i], sin(2 * M_PI * 1000 * (double)i / 32000), 2e-3);
    CHECK(cbx_poly_resample(x, N, 10, 32000, y, &err) == CBX_E_ARG);
}

int main(int argc, char **argv)
{
    char path[4096];
    cbx_error err;
    CHECK(argc == 2);
    snprintf(path, sizeof path, "%s/detect_perth.safetensors", argv[1]);
    CHECK(cbx_cpu_open(1, NULL, &dev, &err) == CBX_OK);
    tiny_perth_write(path);
    p = tiny_perth_open(dev, path);
    CHECK(perth_hears(p) && perth_reach(p) == 15);
    the_answer_depends_on_the_sound_only();
    what_holds_no_sound_is_refused();
    resampling_keeps_what_is_heard();
    perth_close(p);
    cbx_dev_close(dev);
    remove(path);
    return 0;
}
