#ifndef CBX_DSP_FFT_H
#define CBX_DSP_FFT_H

#include "rt/status.h"

/* The discrete Fourier transform of n real numbers, by KissFFT. One object
 * belongs to one thread at a time; nothing is shared between objects. */
typedef struct cbx_fft cbx_fft;

typedef struct cbx_bin {
    float re, im;
} cbx_bin;

/* [setup] n: even, 2 to 65536, else CBX_E_ARG. */
CBX_CHECK cbx_status cbx_fft_open(int n, cbx_fft **out, cbx_error *err);

/* [decode] out[k] = sum_i x[i] e^(-2 pi j i k / n), k = 0..n/2; x: [n], out:
 * [n/2 + 1]. */
void cbx_fft_run(cbx_fft *f, const float *x, cbx_bin *out);

/* [decode] The way back, times n: cbx_fft_back(cbx_fft_run(x)) = n x. The
 * imaginary parts of the first and the last bin are not looked at. */
void cbx_fft_back(cbx_fft *f, const cbx_bin *x, float *out);

/* [setup] NULL is allowed. */
void cbx_fft_close(cbx_fft *f);

#endif
