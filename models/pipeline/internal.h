#ifndef CBX_MODELS_PIPELINE_INTERNAL_H
#define CBX_MODELS_PIPELINE_INTERNAL_H

#include "models/checkpoint/config.h"
#include "models/checkpoint/tensor.h"
#include "models/pipeline/tts.h"
#include "models/s3gen/s3gen.h"
#include "models/t3/t3.h"
#include "models/text/tokenizer.h"

/* What tts.c opens and pipeline.c uses. */

enum { CBX_TTS_PATH = 2048 };

struct cbx_tts {
    cbx_dev *dev;
    char folder[CBX_TTS_PATH - 128];
    cbx_config config;
    cbx_tokenizer *tokenizer;
    cbx_tensor_file *t3_file, *s3gen_file;
    cbx_format t3_format, s3gen_format;
    t3 *t3;
    s3gen *s3gen;
};

struct cbx_speaker {
    t3_voice *t3;
    flow_voice *flow;
    uint8_t *silent; /* [codes] 1: a speech token that sounds like nothing */
};

#endif
