#ifndef CBX_MODELS_T3_LLAMA_H
#define CBX_MODELS_T3_LLAMA_H

#include "models/t3/internal.h"
#include "models/t3/perceiver.h"

/* The Llama backbone of original and multilingual (transformers: LlamaModel
 * without its own token embedding; llama_configs.py: LLAMA_520M_CONFIG_DICT),
 * with learned positions for text and speech beside RoPE. */

typedef struct llama_layer {
    cbx_norm norm1, norm2;
    cbx_weight *qkv, *attn_out;
    cbx_weight *gate_up; /* two of the inner width, side by side */
    cbx_weight *down;
} llama_layer;

typedef struct llama {
    cbx_table *text, *text_positions, *speech, *speech_positions;
    cbx_weight *speaker, *head;
    cbx_weight *emotion; /* 1 -> width, or NULL: the model has none */
    perceiver perceiver;
    cbx_norm norm;
    int n_layers;
    llama_layer *layers;
    float *frequencies; /* host, [head size / 2] */
    const float *rope;  /* device, [positions][head size] */
    int32_t *counting;  /* device, [text or speech positions]: 0, 1, 2, ... */
} llama;

cbx_status llama_open(t3 *m, const cbx_tensor_file *f, cbx_format format,
                      cbx_error *err);
void llama_close(t3 *m);

#endif
