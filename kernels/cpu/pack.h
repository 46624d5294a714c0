#ifndef CBX_KERNELS_CPU_PACK_H
#define CBX_KERNELS_CPU_PACK_H

#include "kernels/cpu/cpu.h"
#include "kernels/formats.h"

/* How the vector variants lay out weights: panels of some outputs each, 64-byte
 * aligned, filled up with zeros, one panel behind the other; in a panel the
 * taps, in a tap:
 *
 *   F32          [in][16] float
 *   BF16, BF16A  [in / 2][16][2] bf16, in rounded up to 32
 *   I8           for each group of 64 inputs: [32] scales, bf16; [inputs][32]
 *   I4           the same with [inputs / 2][32] bytes: an even input in the low
 *                half, the next one in the high half, both plus 8
 *   I8A          for each group: [16] scales, bf16, 32 bytes unused;
 *                [16][16][4] bytes plus 128, the inputs four by four
 */
enum {
    PANEL = 16,  /* outputs of a panel: F32, BF16, BF16A, I8A */
    PANEL_Q = 32 /* I8, I4 */
};

static inline int panel_width(cbx_format f)
{
    return f == CBX_FMT_I8 || f == CBX_FMT_I4 ? PANEL_Q : PANEL;
}

/* Bytes of one tap of a panel. */
size_t cpu_tap_bytes(cbx_format f, int in);

/* Packs with all threads of the device. CBX_E_ARG: a weight that is not finite
 * and not f32 or bf16. */
cbx_status cpu_weight_new(cbx_dev *d, const cbx_weight_spec *s,
                          cbx_weight **out, cbx_error *e);

#endif
