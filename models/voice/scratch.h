#ifndef CBX_MODELS_VOICE_SCRATCH_H
#define CBX_MODELS_VOICE_SCRATCH_H

#include "kernels/kernels.h"

#include <stdbool.h>

/* Device memory for one run of an encoder: taken as needed, given back at
 * once. Voices are made at [setup] time, so nothing here needs to be sized
 * beforehand. */
typedef struct scratch {
    cbx_dev *dev;
    bool failed; /* memory ran out; every matrix from then on is absent */
    int n;
    void *blocks[64];
} scratch;

static inline scratch scratch_on(cbx_dev *dev)
{
    return (scratch){.dev = dev};
}

/* [setup] rows x cols zeros. Ask scratch_status before the first use. */
cbx_mat scratch_mat(scratch *s, int rows, int cols);
/* [setup] The same with the host's numbers in it, [rows][cols]. */
cbx_mat scratch_upload(scratch *s, const float *host, int rows, int cols);
/* [setup] Did all of them get their memory? */
CBX_CHECK cbx_status scratch_status(const scratch *s, cbx_error *err);
void scratch_close(scratch *s);

#endif
