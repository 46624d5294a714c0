#include "dsp/fade.h"

#include "tests/check.h"

#include <string.h>

static void a_fade_runs_from_silence_to_one_and_back(void)
{
    float g[480], x[480], y[480];
    cbx_fade_table(g, 480);
    CHECK(g[0] == 0.0f && g[479] == 1.0f);
    for (int i = 1; i < 480; i++)
        CHECK(g[i] >= g[i - 1]);
    for (int i = 0; i < 480; i++)
        x[i] = y[i] = 0.5f;
    cbx_fade_in(x, 480);
    cbx_fade_out(y, 480);
    for (int i = 0; i < 480; i++) {
        CHECK(x[i] == 0.5f * g[i]);
        CHECK(y[i] == 0.5f * g[479 - i]);
        CHECK_NEAR(g[i] + g[479 - i], 1.0, 1e-6);
    }
    float one = 3.0f;
    cbx_fade_out(&one, 1);
    CHECK(one == 0.0f);
    cbx_fade_in(NULL, 0);
}

/* s3gen.py: zeros(480), then (cos(linspace(pi, 0, 480)) + 1) / 2 */
static void the_trim_fade_follows_the_reference(void)
{
    float x[1200];
    for (int i = 0; i < 1200; i++)
        x[i] = 1.0f;
    cbx_trim_fade(x, 1200, 0);
    for (int i = 0; i < 480; i++) {
        const double t = M_PI * (1.0 - i / 479.0);
        CHECK(x[i] == 0.0f);
        CHECK_NEAR(x[480 + i], (cos(t) + 1) / 2, 1e-7);
    }
    for (int i = 960; i < 1200; i++)
        CHECK(x[i] == 1.0f);
}

static void the_trim_fade_does_not_depend_on_pieces(void)
{
    float whole[1500], cut[1500];
    for (int i = 0; i < 1500; i++)
        whole[i] = cut[i] = sinf((float)i);
    cbx_trim_fade(whole, 1500, 0);
    for (size_t at = 0, n = 1; at < 1500; at += n, n = n * 2 + 1)
        cbx_trim_fade(cut + at, n < 1500 - at ? n : 1500 - at, at);
    CHECK(!memcmp(whole, cut, sizeof whole));
}

int main(void)
{
    a_fade_runs_from_silence_to_one_and_back();
    the_trim_fade_follows_the_reference();
    the_trim_fade_does_not_depend_on_pieces();
    return 0;
}
