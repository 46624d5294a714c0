/* Voices to files: the same tensors in either form. */
#include "models/checkpoint/conds.h"

#include "models/checkpoint/torch_write.h"

#include <stdlib.h>

enum { MAX_ITEMS = 8 };

cbx_status cbx_conds_write_noted(const cbx_conds *c, const char *path,
                                 const cbx_safetensors_note *notes,
                                 size_t n_notes, cbx_error *err)
{
    const int32_t len = c->n_prompt_tokens;
    const int n_t3 = c->n_t3_tokens;
    cbx_safetensors_item items[MAX_ITEMS] = {
        {"t3.speaker_emb",
         CBX_FILE_F32,
         2,
         {1, c->speaker_dim},
         c->speaker_emb},
        {"t3.emotion_adv", CBX_FILE_F32, 3, {1, 1, 1}, &c->emotion_adv},
        {"gen.prompt_token", CBX_FILE_I32, 2, {1, len}, c->prompt_tokens},
        {"gen.prompt_token_len", CBX_FILE_I32, 1, {1}, &len},
        {"gen.prompt_feat",
         CBX_FILE_F32,
         3,
         {1, c->n_prompt_frames, c->n_mels},
         c->prompt_feat},
        {"gen.embedding", CBX_FILE_F32, 2, {1, c->embedding_dim}, c->embedding},
    };
    size_t n = 6;
    if (n_t3)
        items[n++] = (cbx_safetensors_item){"t3.cond_prompt_speech_tokens",
                                            CBX_FILE_I32,
                                            2,
                                            {1, n_t3},
                                            c->t3_tokens};
    if (c->t3_prompt_emb)
        items[n++] = (cbx_safetensors_item){"t3.cond_prompt_speech_emb",
                                            CBX_FILE_F32,
                                            3,
                                            {1, n_t3, c->t3_prompt_dim},
                                            c->t3_prompt_emb};
    return cbx_safetensors_write_noted(path, items, n, notes, n_notes, err);
}

cbx_status cbx_conds_write(const cbx_conds *c, const char *path, cbx_error *err)
{
    return cbx_conds_write_noted(c, path, NULL, 0, err);
}

/* -- conds.pt -------------------------------------------------------------- */

static int64_t *widen(const int32_t *tokens, int n)
{
    int64_t *wide = malloc(((size_t)n + 1) * sizeof *wide);
    for (int i = 0; wide && i < n; i++)
        wide[i] = tokens[i];
    return wide;
}

/* tts.py: Conditionals.save; the reference's tokens are int64, and what a
 * voice does not have is None. */
static cbx_status write_pt(const cbx_conds *c, const int64_t *t3_tokens,
                           const int64_t *prompt_tokens, const char *path,
                           cbx_error *err)
{
    const int64_t len = c->n_prompt_tokens;
    const int64_t n_t3 = c->n_t3_tokens;
    const cbx_torch_item items[] = {
        {"t3",
         "speaker_emb",
         CBX_FILE_F32,
         2,
         {1, c->speaker_dim},
         c->speaker_emb},
        {"t3", "clap_emb", .data = NULL},
        {"t3",
         "cond_prompt_speech_tokens",
         CBX_FILE_I64,
         2,
         {1, n_t3},
         n_t3 ? t3_tokens : NULL},
        {"t3",
         "cond_prompt_speech_emb",
         CBX_FILE_F32,
         3,
         {1, n_t3, c->t3_prompt_dim},
         c->t3_prompt_emb},
        {"t3", "emotion_adv", CBX_FILE_F32, 3, {1, 1, 1}, &c->emotion_adv},
        {"gen", "prompt_token", CBX_FILE_I64, 2, {1, len}, prompt_tokens},
        {"gen", "prompt_token_len", CBX_FILE_I64, 1, {1}, &len},
        {"gen",
         "prompt_feat",
         CBX_FILE_F32,
         3,
         {1, c->n_prompt_frames, c->n_mels},
         c->prompt_feat},
        {"gen", "prompt_feat_len", .data = NULL},
        {"gen",
         "embedding",
         CBX_FILE_F32,
         2,
         {1, c->embedding_dim},
         c->embedding},
    };
    return cbx_torch_write(path, "conds", items, sizeof items / sizeof *items,
                           err);
}

cbx_status cbx_conds_write_pt(const cbx_conds *c, const char *path,
                              cbx_error *err)
{
    int64_t *t3 = widen(c->t3_tokens, c->n_t3_tokens);
    int64_t *prompt = widen(c->prompt_tokens, c->n_prompt_tokens);
    const cbx_status st =
        t3 && prompt
            ? write_pt(c, t3, prompt, path, err)
            : cbx_fail(err, CBX_E_NOMEM, "no memory to write %s", path);
    free(t3);
    free(prompt);
    return st;
}
