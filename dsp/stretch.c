#include "dsp/stretch.h"

#include <math.h>
#include <sonic.h>
#include <stdlib.h>

struct cbx_stretch {
    sonicStream sonic;
    uint32_t rate;
    uint64_t in;  /* samples pushed */
    double delay; /* of the sample that is made next, behind the newest */
};

/* libsonic's 16 bits hold samples of up to 2. */
static const float headroom = 0.5f;

cbx_status cbx_stretch_open(uint32_t rate, cbx_stretch **out, cbx_error *err)
{
    cbx_stretch *s = calloc(1, sizeof *s);
    if (!s)
        return cbx_fail(err, CBX_E_NOMEM, "stretch: out of memory");
    s->rate = rate;
    const cbx_status st = cbx_stretch_begin(s, 1, 1, err);
    if (st) {
        free(s);
        return st;
    }
    *out = s;
    return CBX_OK;
}

void cbx_stretch_close(cbx_stretch *s)
{
    if (!s)
        return;
    if (s->sonic)
        sonicDestroyStream(s->sonic);
    free(s);
}

cbx_status cbx_stretch_begin(cbx_stretch *s, double speed, double pitch,
                             cbx_error *err)
{
    if (!(speed >= 0.25 && speed <= 8 && pitch >= 0.25 && pitch <= 4))
        return cbx_fail(err, CBX_E_ARG, "stretch: speed %g, pitch %g", speed,
                        pitch);
    const sonicStream fresh = sonicCreateStream((int)s->rate, 1);
    if (!fresh)
        return cbx_fail(err, CBX_E_NOMEM, "stretch: out of memory");
    if (s->sonic)
        sonicDestroyStream(s->sonic);
    s->sonic = fresh;
    s->in = 0;
    sonicSetSpeed(fresh, (float)speed);
    sonicSetPitch(fresh, (float)pitch);
    /* sonic.c: changeSpeed looks two of the longest periods ahead, and copies
     * where tempo alone would not change */
    const bool copies = fabs(speed / pitch - 1) < 1e-5;
    s->delay = copies ? 0 : 2 * (double)(s->rate / SONIC_MIN_PITCH);
    return CBX_OK;
}

cbx_status cbx_stretch_push(cbx_stretch *s, const float *x, size_t n,
                            cbx_error *err)
{
    float scaled[CBX_STRETCH_BLOCK];
    for (size_t i = 0; i < n; i++)
        scaled[i] = fminf(fmaxf(x[i] * headroom, -1), 1);
    if (!sonicWriteFloatToStream(s->sonic, scaled, (int)n))
        return cbx_fail(err, CBX_E_NOMEM, "stretch: out of memory");
    s->in += n;
    return CBX_OK;
}

cbx_status cbx_stretch_end(cbx_stretch *s, cbx_error *err)
{
    if (!sonicFlushStream(s->sonic))
        return cbx_fail(err, CBX_E_NOMEM, "stretch: out of memory");
    return CBX_OK;
}

size_t cbx_stretch_pull(cbx_stretch *s, float *out, size_t cap)
{
    const int n = sonicReadFloatFromStream(s->sonic, out, (int)cap);
    for (int i = 0; i < n; i++)
        out[i] *= 1 / headroom;
    return n > 0 ? (size_t)n : 0;
}

double cbx_stretch_source(const cbx_stretch *s)
{
    const double at =
        (double)s->in - s->delay - 0.5 * (double)CBX_STRETCH_BLOCK;
    return at > 0 ? at : 0;
}
