#include "models/checkpoint/conds.h"
#include "models/checkpoint/safetensors.h"
#include "tests/check.h"
#include "tests/checkpoint/scratch.h"

#include <string.h>

static void same_floats(const cbx_tensor_file *golden, const char *name,
                        const float *got, size_t n)
{
    const cbx_file_tensor *t = cbx_tensor_find(golden, name);
    CHECK(t && t->dtype == CBX_FILE_F32 && t->numel == n);
    CHECK(!memcmp(t->data, got, n * sizeof *got));
}

/* The goldens hold what the reference read from the same conds.pt. */
static void conds_pt_is_what_torch_load_reads(const char *goldens,
                                              const char *family)
{
    char path[512];
    cbx_conds *c;
    cbx_error err = {.text = ""};
    cbx_tensor_file *g;
    snprintf(path, sizeof path, "%s/checkpoints/%s/conds.pt", goldens, family);
    if (cbx_conds_open(path, &c, &err))
        fprintf(stderr, "%s\n", err.text);
    CHECK(!err.text[0]);
    snprintf(path, sizeof path, "%s/golden_%s.safetensors", goldens, family);
    CHECK(!cbx_safetensors_open(path, &g, NULL));

    same_floats(g, "t3.in.speaker_emb", c->speaker_emb, (size_t)c->speaker_dim);
    const cbx_file_tensor *t = cbx_tensor_find(g, "t3.in.prompt_tokens");
    CHECK(t && t->numel == (size_t)c->n_t3_tokens);
    CHECK(!memcmp(t->data, c->t3_tokens, t->bytes));
    CHECK(c->n_prompt_tokens > 0 &&
          c->n_prompt_frames == 2 * c->n_prompt_tokens && c->n_mels == 80);
    for (int i = 0; i < c->n_prompt_tokens; i++)
        CHECK(c->prompt_tokens[i] >= 0 && c->prompt_tokens[i] < 6561);
    if (cbx_tensor_find(g, "flow.in.embedding"))
        same_floats(g, "flow.in.embedding", c->embedding,
                    (size_t)c->embedding_dim);
    cbx_tensor_file_close(g);
    cbx_conds_close(c);
}

static void a_voice_survives_being_written(const char *goldens)
{
    char path[512];
    cbx_conds *a, *b;
    snprintf(path, sizeof path, "%s/checkpoints/turbo/conds.pt", goldens);
    CHECK(!cbx_conds_open(path, &a, NULL));
    const char *copy = scratch_path("voice.safetensors");
    CHECK(!cbx_conds_write(a, copy, NULL));
    CHECK(!cbx_conds_open(copy, &b, NULL));
    CHECK(a->speaker_dim == b->speaker_dim && a->n_t3_tokens == b->n_t3_tokens);
    CHECK(!memcmp(a->speaker_emb, b->speaker_emb,
                  (size_t)a->speaker_dim * sizeof(float)));
    CHECK(!memcmp(a->t3_tokens, b->t3_tokens,
                  (size_t)a->n_t3_tokens * sizeof(int32_t)));
    CHECK(a->n_prompt_frames == b->n_prompt_frames);
    CHECK(!memcmp(a->prompt_feat, b->prompt_feat,
                  (size_t)a->n_prompt_frames * 80 * sizeof(float)));
    CHECK(!memcmp(a->embedding, b->embedding,
                  (size_t)a->embedding_dim * sizeof(float)));
    CHECK(a->emotion_adv == b->emotion_adv);
    cbx_conds_close(a);
    cbx_conds_close(b);
}

enum { N_ITEMS = 9, TOKENS = 5 };

/* A small voice, one tensor of which each case below replaces. */
static void make_voice(cbx_safetensors_item items[N_ITEMS])
{
    static const float f[1024] = {0.25f};
    static const int32_t tokens[] = {1, 2, 3, 4, 5};
    static const int32_t len[] = {TOKENS};
    static const float float_tokens[] = {10, 20, 30, 40, 50};
    const cbx_safetensors_item voice[N_ITEMS] = {
        {"t3.speaker_emb", CBX_FILE_F32, 2, {1, 4}, f},
        {"t3.cond_prompt_speech_tokens", CBX_FILE_I32, 2, {1, TOKENS}, tokens},
        {"t3.cond_prompt_speech_emb", CBX_FILE_F32, 3, {1, TOKENS, 2}, f},
        {"t3.emotion_adv", CBX_FILE_F32, 3, {1, 1, 1}, f},
        {"gen.prompt_token", CBX_FILE_F32, 2, {1, TOKENS}, float_tokens},
        {"gen.prompt_token_len", CBX_FILE_I32, 1, {1}, len},
        {"gen.prompt_feat", CBX_FILE_F32, 3, {1, 2 * TOKENS, 80}, f},
        {"gen.embedding", CBX_FILE_F32, 2, {1, 6}, f},
        {"gen.unknown", CBX_FILE_F32, 1, {1}, f},
    };
    memcpy(items, voice, sizeof voice);
}

static cbx_status open_voice(const cbx_safetensors_item *items, size_t n,
                             cbx_conds **c, cbx_error *err)
{
    const char *path = scratch_path("voice.safetensors");
    CHECK(!cbx_safetensors_write(path, items, n, NULL));
    return cbx_conds_open(path, c, err);
}

static void optional_parts_and_float_tokens_are_read(void)
{
    cbx_safetensors_item items[N_ITEMS];
    cbx_conds *c;
    make_voice(items);
    CHECK(!open_voice(items, N_ITEMS, &c, NULL));
    CHECK(c->t3_prompt_dim == 2 && c->t3_prompt_emb[0] == 0.25f);
    CHECK(c->prompt_tokens[4] == 50 && c->emotion_adv == 0.25f);
    cbx_conds_close(c);

    items[6].dims[1] = 2 * TOKENS + 1; /* an odd number of mel frames */
    items[1] = items[2] = items[3] = items[5] = items[8];
    items[1].name = "t3.a";
    items[2].name = "t3.b";
    items[3].name = "t3.c";
    items[5].name = "t3.d";
    CHECK(!open_voice(items, N_ITEMS, &c, NULL));
    CHECK(c->n_t3_tokens == 0 && !c->t3_prompt_emb);
    CHECK(c->emotion_adv == 0.5f);
    CHECK(c->n_prompt_frames == 2 * TOKENS + 1);
    cbx_conds_close(c);
}

static void every_wrong_part_is_named(void)
{
    static const float nan_row[] = {NAN, 0, 0, 0};
    static const float halves[] = {1, 2, 2.5f, 3, 4};
    static const int32_t negative[] = {1, -2, 3, 4, 5}, len[] = {7};
    static const float f[1024] = {0};
    static const struct {
        int item;
        cbx_safetensors_item with;
        cbx_status status;
        const char *part;
    } cases[] = {
        {0,
         {"other", CBX_FILE_F32, 2, {1, 4}, f},
         CBX_E_SHAPE,
         "'t3.speaker_emb' of shape [1, any] is missing"},
        {0,
         {"t3.speaker_emb", CBX_FILE_F32, 1, {4}, f},
         CBX_E_SHAPE,
         "has shape [4]"},
        {0,
         {"t3.speaker_emb", CBX_FILE_I32, 2, {1, 4}, f},
         CBX_E_UNSUPPORTED,
         "has type I32"},
        {0,
         {"t3.speaker_emb", CBX_FILE_F32, 2, {1, 4}, nan_row},
         CBX_E_FORMAT,
         "not finite"},
        {0,
         {"t3.speaker_emb", CBX_FILE_F32, 2, {1, 0}, f},
         CBX_E_SHAPE,
         "is empty"},
        {1,
         {"t3.cond_prompt_speech_tokens", CBX_FILE_I32, 2, {1, 5}, negative},
         CBX_E_FORMAT,
         "negative token"},
        {2,
         {"t3.cond_prompt_speech_emb", CBX_FILE_F32, 3, {1, 4, 2}, f},
         CBX_E_SHAPE,
         "needed is [1, 5, any]"},
        {3,
         {"t3.emotion_adv", CBX_FILE_F32, 1, {2}, f},
         CBX_E_SHAPE,
         "not one number"},
        {3,
         {"t3.emotion_adv", CBX_FILE_F32, 1, {1}, nan_row},
         CBX_E_FORMAT,
         "not finite"},
        {4,
         {"gen.prompt_token", CBX_FILE_F32, 2, {1, 5}, halves},
         CBX_E_FORMAT,
         "element 2"},
        {4,
         {"gen.prompt_token", CBX_FILE_F32, 2, {1, 4}, f},
         CBX_E_SHAPE,
         "10 frames for 4 tokens"},
        {5,
         {"gen.prompt_token_len", CBX_FILE_I32, 1, {1}, len},
         CBX_E_SHAPE,
         "says 7"},
        {6,
         {"gen.prompt_feat", CBX_FILE_F32, 3, {1, 9, 80}, f},
         CBX_E_SHAPE,
         "9 frames for 5 tokens"},
        {7,
         {"gen.embedding", CBX_FILE_F32, 2, {2, 3}, f},
         CBX_E_SHAPE,
         "needed is [1, any]"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        cbx_safetensors_item items[N_ITEMS];
        cbx_conds *c = NULL;
        cbx_error err;
        make_voice(items);
        items[cases[i].item] = cases[i].with;
        check_refused(cases[i].part, open_voice(items, N_ITEMS, &c, &err), &err,
                      cases[i].status, cases[i].part);
        CHECK(!c && strstr(err.text, "voice.safetensors"));
    }
}

int main(int argc, char **argv)
{
    CHECK(argc > 1);
    conds_pt_is_what_torch_load_reads(argv[1], "turbo");
    conds_pt_is_what_torch_load_reads(argv[1], "nano");
    a_voice_survives_being_written(argv[1]);
    optional_parts_and_float_tokens_are_read();
    every_wrong_part_is_named();
    return 0;
}
