#ifndef CBX_MODELS_T3_GPT2_H
#define CBX_MODELS_T3_GPT2_H

#include "models/t3/internal.h"

/* The GPT-2 backbone of turbo and nano (transformers: GPT2Model without its
 * own token embedding; llama_configs.py: GPT2_MEDIUM_CONFIG). */

typedef struct gpt2_layer {
    cbx_norm norm1, norm2;
    cbx_weight *qkv, *attn_out, *fc, *mlp_out;
} gpt2_layer;

typedef struct gpt2 {
    cbx_table *text, *speech, *positions;
    cbx_weight *speaker, *head;
    cbx_norm norm; /* ln_f */
    int n_layers;
    gpt2_layer *layers;
    int32_t *counting; /* device, [positions]: 0, 1, 2, ... */
} gpt2;

cbx_status gpt2_open(t3 *m, const cbx_tensor_file *f, cbx_format format,
                     cbx_error *err);
void gpt2_close(t3 *m);

#endif
