#ifndef CBX_DSP_STRETCH_H
#define CBX_DSP_STRETCH_H

#include "rt/status.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Speech of another speed and pitch, a block at a time, by libsonic. What comes
 * out depends on the samples only, not on how they were cut into blocks.
 * libsonic computes in 16 bits; samples up to 2 in size pass. */
typedef struct cbx_stretch cbx_stretch;

enum { CBX_STRETCH_BLOCK = 64 };

/* [setup] For mono at `rate`. */
CBX_CHECK cbx_status cbx_stretch_open(uint32_t rate, cbx_stretch **out,
                                      cbx_error *err);
/* NULL is allowed. */
void cbx_stretch_close(cbx_stretch *s);

/* [decode] Forgets everything: the next push is sample 0 of a new stretch.
 * speed: 0.25 to 8 times; pitch: a factor, 0.25 to 4. libsonic has no call for
 * that, so this opens it anew: some 10 KiB are freed and taken again. */
CBX_CHECK cbx_status cbx_stretch_begin(cbx_stretch *s, double speed,
                                       double pitch, cbx_error *err);

/* [decode] Takes x[0..n), n <= CBX_STRETCH_BLOCK. Everything must have been
 * pulled before. */
CBX_CHECK cbx_status cbx_stretch_push(cbx_stretch *s, const float *x, size_t n,
                                      cbx_error *err);
/* [decode] No more will come: the rest becomes ready. */
CBX_CHECK cbx_status cbx_stretch_end(cbx_stretch *s, cbx_error *err);

/* [decode] Writes what is ready into out[0..cap); returns how much that was. */
size_t cbx_stretch_pull(cbx_stretch *s, float *out, size_t cap);

/* [decode] Where the first sample that the last push made ready came from:
 * samples pushed before it, to within a block and a period of the voice. */
double cbx_stretch_source(const cbx_stretch *s);

#endif
