#include "daemon/sinks/internal.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum {
    RATE_MIN = 1000,
    RATE_MAX = 384000,
    PERIOD_MAX = 65536,
};

static cbx_status check(const cbx_sink_options *o, cbx_error *err)
{
    if ((unsigned)o->kind > CBX_SINK_NULL)
        return cbx_fail(err, CBX_E_ARG, "sink: kind %d does not exist",
                        (int)o->kind);
    if (o->rate && (o->rate < RATE_MIN || o->rate > RATE_MAX))
        return cbx_fail(err, CBX_E_ARG,
                        "sink: the rate must lie between %d and %d Hz, not %u",
                        RATE_MIN, RATE_MAX, (unsigned)o->rate);
    if (o->channels > SINK_MAX_CHANNELS)
        return cbx_fail(err, CBX_E_ARG,
                        "sink: at most %d channels are possible, not %u",
                        SINK_MAX_CHANNELS, (unsigned)o->channels);
    if (o->period > PERIOD_MAX)
        return cbx_fail(err, CBX_E_ARG,
                        "sink: at most %d frames a period, not %u", PERIOD_MAX,
                        (unsigned)o->period);
    /* written so that NaN is refused */
    if (!(o->latency_s >= 0 && o->latency_s <= 10))
        return cbx_fail(err, CBX_E_ARG,
                        "sink: the latency must lie between 0 and 10 s, not %g",
                        o->latency_s);
    if (!(fabs(o->gain_db) <= 120))
        return cbx_fail(err, CBX_E_ARG,
                        "sink: the gain must lie between -120 and 120 dB, "
                        "not %g",
                        o->gain_db);
    return CBX_OK;
}

cbx_status sink_options_copy(const cbx_sink_options *from, cbx_sink_options *to,
                             cbx_error *err)
{
    cbx_status st = check(from, err);
    if (st)
        return st;
    *to = *from;
    const char **strings[] = {&to->name, &to->ports,  &to->device,
                              &to->path, &to->format, &to->subtype};
    bool failed = false;
    for (size_t i = 0; i < sizeof strings / sizeof *strings; i++) {
        const char *s = *strings[i];
        *strings[i] = s ? strdup(s) : NULL;
        failed |= s && !*strings[i];
    }
    if (failed) {
        sink_options_free(to);
        return cbx_fail(err, CBX_E_NOMEM, "sink: out of memory");
    }
    return CBX_OK;
}

void sink_options_free(cbx_sink_options *o)
{
    free((char *)o->name);
    free((char *)o->ports);
    free((char *)o->device);
    free((char *)o->path);
    free((char *)o->format);
    free((char *)o->subtype);
    memset(o, 0, sizeof *o);
}
