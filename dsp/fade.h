#ifndef CBX_DSP_FADE_H
#define CBX_DSP_FADE_H

#include "rt/annotate.h"

#include <stddef.h>

/* Raised-cosine fades: gain i of n is (1 - cos(pi * i / (n - 1))) / 2, from 0
 * to 1 with both ends included; n = 1 is the single gain 0. */

/* [any] gain[0..n) rising from 0 to 1. */
void cbx_fade_table(float *gain, size_t n);

/* [any] x[0..n) rises from silence, or falls to it. */
void cbx_fade_in(float *x, size_t n);
void cbx_fade_out(float *x, size_t n);

/* The start of every utterance: 20 ms of silence, then a fade-in of 20 ms, in
 * place of what the vocoder leaks of the voice prompt. At 24 kHz.
 * s3gen.py: S3Token2Wav.__init__ (trim_fade) */
enum { CBX_TRIM_FADE_FRAMES = 960 };

/* [decode] x[i] is frame `at` + i of the utterance, which may arrive in pieces
 * of any size; frames from CBX_TRIM_FADE_FRAMES on stay as they are. */
void cbx_trim_fade(float *x, size_t n, size_t at);

#endif
