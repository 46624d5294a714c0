#ifndef CBX_TESTS_WATERMARK_TINY_H
#define CBX_TESTS_WATERMARK_TINY_H

#include "models/watermark/perth.h"

/* Perth's networks with few channels and random weights, written to `path` and
 * opened: five convolutions of seven taps, so they see as far as the real ones.
 * The changes are some dB. */
void tiny_perth_write(const char *path);
perth *tiny_perth_open(cbx_dev *dev, const char *path);

/* Something like speech: tones that come and go, noise, pauses of zeros. */
void tiny_speech(float *x, size_t n);

#endif
