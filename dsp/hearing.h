#ifndef CBX_DSP_HEARING_H
#define CBX_DSP_HEARING_H

#include "rt/status.h"

#include <stddef.h>

/* What can be told of a recording without understanding it: enough to say that
 * it is silent, noisy, or nobody speaking. Levels are those of frames of 20 ms,
 * in dB of full scale. A frame is active when it is within 25 dB of `loud`. */
typedef struct cbx_hearing {
    float peak;          /* largest |x| */
    double loud, quiet;  /* levels below which 95 % and 10 % of frames lie;
                          * -120 at the least */
    double active;       /* seconds */
    double active_early; /* of them, in the first ten seconds */
    double voiced; /* share of active frames with a pitch from 60 to 500 Hz */
} cbx_hearing;

/* [setup] x: n mono samples at `rate`, 8000 Hz or more. */
CBX_CHECK cbx_status cbx_hear(const float *x, size_t n, unsigned rate,
                              cbx_hearing *out, cbx_error *err);

#endif
