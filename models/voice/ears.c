#include "models/voice/ears.h"

#include "models/voice/features.h"

#include <stdio.h>
#include <stdlib.h>

cbx_status encoder_file_open(const char *folder, const char *name,
                             const char *key, const char *what,
                             cbx_tensor_file **out, cbx_error *err)
{
    char path[4096];
    cbx_tensor_file *f = NULL;
    const int n = snprintf(path, sizeof path, "%s/%s", folder, name);
    if (n < 0 || (size_t)n >= sizeof path)
        return cbx_fail(err, CBX_E_FILE, "%.200s: the path is too long",
                        folder);
    if (name[0]) {
        const cbx_status st = cbx_tensor_file_open(path, &f, err);
        if (st)
            return st;
    }
    if (!f || !cbx_tensor_find(f, key)) {
        cbx_tensor_file_close(f);
        return cbx_fail(err, CBX_E_UNSUPPORTED,
                        "%s: this model comes without a %s, so it cannot learn "
                        "a voice from a recording; choose a published one",
                        folder, what);
    }
    *out = f;
    return CBX_OK;
}

cbx_status cbx_ears_open(cbx_dev *dev, const char *folder, const cbx_config *c,
                         s3tok **out, cbx_error *err)
{
    cbx_tensor_file *f;
    cbx_status st = encoder_file_open(folder, c->files.s3tokenizer,
                                      "tokenizer.encoder.conv1.weight",
                                      "speech tokenizer", &f, err);
    if (st)
        return st;
    st = s3tok_open(dev, f, &c->s3tok, out, err);
    cbx_tensor_file_close(f);
    return st;
}

cbx_status cbx_ears_hear(const s3tok *m, const float *wav16, size_t n, int max,
                         const cbx_probe *probe, int32_t **tokens, int *count,
                         cbx_error *err)
{
    voice_rows mel;
    cbx_status st = voice_token_mel(wav16, n, &mel, err);
    if (st)
        return st;
    const int most = max * VOICE_FRAMES_PER_TOKEN;
    const int frames = max && mel.rows > most ? most : mel.rows;
    st = s3tok_encode(m, &mel, frames, probe, tokens, err);
    if (!st)
        *count = s3tok_count(frames);
    free(mel.v);
    return st;
}
