#ifndef CBX_TESTS_T3_TINY_H
#define CBX_TESTS_T3_TINY_H

#include "models/checkpoint/safetensors.h"
#include "models/t3/t3.h"

/* A checkpoint of random weights, GPT-2 or Llama, small enough to be made in
 * each test. text_emb equals speech_emb, so that a text can stand for speech
 * tokens. */
enum {
    TINY_WIDTH = 24,
    TINY_HEADS = 3,
    TINY_INNER = 40,
    TINY_LAYERS = 2,
    TINY_VOCAB = 50,
    TINY_SPEAKER = 7,
    TINY_POSITIONS = 400,
    TINY_START = 48,
    TINY_STOP = 49,
    /* Llama */
    TINY_QUERIES = 4,
    TINY_TEXT_POSITIONS = 220,
    TINY_SPEECH_POSITIONS = 40,
};

typedef struct tiny {
    char path[64];
    cbx_tensor_file *file;
    cbx_config config;
    cbx_conds conds;
} tiny;

/* What to spoil. Zeroed: nothing. */
typedef struct tiny_fault {
    const char *leave_out; /* name of a tensor */
    const char *shorten;   /* this tensor's first side is one less */
    const char *integers;  /* this tensor holds I32 */
    float start_bias;      /* added to the logit of the start token: GPT-2 */
} tiny_fault;

void tiny_open(tiny *t, const tiny_fault *fault);
void tiny_llama_open(tiny *t, const tiny_fault *fault);
void tiny_close(tiny *t);

#endif
