#ifndef CBX_MODELS_T3_ROPE_H
#define CBX_MODELS_T3_ROPE_H

#include "models/checkpoint/config.h"

/* Rotary position embedding with Llama 3's scaling (transformers:
 * modeling_rope_utils.py: _compute_llama3_parameters; modeling_llama.py:
 * LlamaRotaryEmbedding.forward). Host memory, plain C. */

/* [any] D/2 frequencies, in radians for each position, as the reference rounds
 * them. D is even. */
void rope_frequencies(const cbx_config_t3 *c, int D, float *out);

/* [any] For positions 0..n-1 the D/2 cosines, then the D/2 sines, as
 * cbx_attention_kv takes them. out: [n][D]. The reference multiplies position
 * and frequency in f32, so far positions turn by angles that are rounded; so
 * do these. */
void rope_table(const float *frequencies, int D, int n, float *out);

#endif
