#include "dsp/fft.h"

#include <kiss_fftr.h>
#include <stdlib.h>

struct cbx_fft {
    kiss_fftr_cfg cfg, back;
};

_Static_assert(sizeof(cbx_bin) == sizeof(kiss_fft_cpx), "two floats");

cbx_status cbx_fft_open(int n, cbx_fft **out, cbx_error *err)
{
    if (n < 2 || n > 65536 || n % 2)
        return cbx_fail(err, CBX_E_ARG,
                        "FFT of %d points: an even number from 2 to 65536 is "
                        "needed",
                        n);
    cbx_fft *f = calloc(1, sizeof *f);
    if (f)
        f->cfg = kiss_fftr_alloc(n, 0, NULL, NULL);
    if (f && f->cfg)
        f->back = kiss_fftr_alloc(n, 1, NULL, NULL);
    if (!f || !f->back) {
        cbx_fft_close(f);
        return cbx_fail(err, CBX_E_NOMEM, "FFT: out of memory");
    }
    *out = f;
    return CBX_OK;
}

void cbx_fft_run(cbx_fft *f, const float *x, cbx_bin *out)
{
    kiss_fftr(f->cfg, x, (kiss_fft_cpx *)out);
}

void cbx_fft_back(cbx_fft *f, const cbx_bin *x, float *out)
{
    kiss_fftri(f->back, (const kiss_fft_cpx *)x, out);
}

void cbx_fft_close(cbx_fft *f)
{
    if (!f)
        return;
    kiss_fft_free(f->cfg);
    kiss_fft_free(f->back);
    free(f);
}
