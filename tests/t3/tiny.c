#include "tests/t3/tiny.h"
#include "tests/check.h"

#include <string.h>
#include <unistd.h>

enum { MAX_ITEMS = 64 };

typedef struct writer {
    const tiny_fault *fault;
    cbx_safetensors_item items[MAX_ITEMS];
    char names[MAX_ITEMS][80];
    size_t n;
    uint32_t seed;
} writer;

/* Numbers in [-0.5, 0.5). */
static float next(writer *w)
{
    w->seed = w->seed * 1664525u + 1013904223u;
    return (float)(w->seed >> 8) / 16777216.0f - 0.5f;
}

/* cols 0: a vector. Returns the values, NULL when the tensor is left out. */
static float *put(writer *w, const char *name, int rows, int cols, float around)
{
    const tiny_fault *f = w->fault;
    const size_t n = (size_t)rows * (size_t)(cols ? cols : 1);
    float *values = malloc(n * sizeof *values);

    CHECK(values && w->n < MAX_ITEMS);
    for (size_t i = 0; i < n; i++)
        values[i] = around + next(w);
    if (f->leave_out && !strcmp(name, f->leave_out)) {
        free(values);
        return NULL;
    }
    const bool shorter = f->shorten && !strcmp(name, f->shorten);
    const bool integers = f->integers && !strcmp(name, f->integers);
    cbx_safetensors_item *item = &w->items[w->n];
    snprintf(w->names[w->n], sizeof w->names[0], "%s", name);
    item->name = w->names[w->n++];
    item->dtype = integers ? CBX_FILE_I32 : CBX_FILE_F32;
    item->ndim = cols ? 2 : 1;
    item->dims[0] = rows - shorter;
    item->dims[1] = cols;
    item->data = values;
    return values;
}

static void put_linear(writer *w, const char *name, int rows, int cols, int out)
{
    char full[80];

    snprintf(full, sizeof full, "%s.weight", name);
    put(w, full, rows, cols, 0);
    snprintf(full, sizeof full, "%s.bias", name);
    float *bias = put(w, full, out, 0, 0);
    if (!strcmp(name, "speech_head") && bias)
        bias[TINY_START] += w->fault->start_bias;
}

static void put_norm(writer *w, const char *name)
{
    char full[80];

    snprintf(full, sizeof full, "%s.weight", name);
    put(w, full, TINY_WIDTH, 0, 1);
    snprintf(full, sizeof full, "%s.bias", name);
    put(w, full, TINY_WIDTH, 0, 0);
}

static void put_layer(writer *w, int i)
{
    const struct {
        const char *name;
        int in, out;
    } linears[] = {
        {"attn.c_attn", TINY_WIDTH, 3 * TINY_WIDTH},
        {"attn.c_proj", TINY_WIDTH, TINY_WIDTH},
        {"mlp.c_fc", TINY_WIDTH, TINY_INNER},
        {"mlp.c_proj", TINY_INNER, TINY_WIDTH},
    };
    char name[64];

    for (int n = 1; n <= 2; n++) {
        snprintf(name, sizeof name, "tfmr.h.%d.ln_%d", i, n);
        put_norm(w, name);
    }
    for (int n = 0; n < 4; n++) {
        snprintf(name, sizeof name, "tfmr.h.%d.%s", i, linears[n].name);
        put_linear(w, name, linears[n].in, linears[n].out, linears[n].out);
    }
}

static void put_all(writer *w)
{
    float *speech = put(w, "speech_emb.weight", TINY_VOCAB, TINY_WIDTH, 0);
    float *text = put(w, "text_emb.weight", TINY_VOCAB, TINY_WIDTH, 0);

    if (speech && text)
        memcpy(text, speech, sizeof(float) * TINY_VOCAB * TINY_WIDTH);
    put(w, "tfmr.wpe.weight", TINY_POSITIONS, TINY_WIDTH, 0);
    put_linear(w, "cond_enc.spkr_enc", TINY_WIDTH, TINY_SPEAKER, TINY_WIDTH);
    for (int i = 0; i < TINY_LAYERS; i++)
        put_layer(w, i);
    put_norm(w, "tfmr.ln_f");
    put_linear(w, "speech_head", TINY_VOCAB, TINY_WIDTH, TINY_VOCAB);
}

/* Llama's layers have no biases. */
static void put_llama_layer(writer *w, int i)
{
    static const struct {
        const char *name;
        int rows, cols;
    } tensors[] = {
        {"input_layernorm", TINY_WIDTH, 0},
        {"self_attn.q_proj", TINY_WIDTH, TINY_WIDTH},
        {"self_attn.k_proj", TINY_WIDTH, TINY_WIDTH},
        {"self_attn.v_proj", TINY_WIDTH, TINY_WIDTH},
        {"self_attn.o_proj", TINY_WIDTH, TINY_WIDTH},
        {"post_attention_layernorm", TINY_WIDTH, 0},
        {"mlp.gate_proj", TINY_INNER, TINY_WIDTH},
        {"mlp.up_proj", TINY_INNER, TINY_WIDTH},
        {"mlp.down_proj", TINY_WIDTH, TINY_INNER},
    };
    char name[80];

    for (size_t n = 0; n < sizeof tensors / sizeof *tensors; n++) {
        snprintf(name, sizeof name, "tfmr.layers.%d.%s.weight", i,
                 tensors[n].name);
        put(w, name, tensors[n].rows, tensors[n].cols, !tensors[n].cols);
    }
}

static void put_perceiver(writer *w)
{
    static const char *const linears[] = {"to_q", "to_k", "to_v", "proj_out"};
    char name[64];

    if (put(w, "cond_enc.perceiver.pre_attention_query", TINY_QUERIES,
            TINY_WIDTH, 0)) {
        cbx_safetensors_item *item = &w->items[w->n - 1];
        item->ndim = 3;
        item->dims[2] = item->dims[1];
        item->dims[1] = item->dims[0];
        item->dims[0] = 1;
    }
    put_norm(w, "cond_enc.perceiver.attn.norm");
    for (int i = 0; i < 4; i++) {
        snprintf(name, sizeof name, "cond_enc.perceiver.attn.%s", linears[i]);
        put_linear(w, name, TINY_WIDTH, TINY_WIDTH, TINY_WIDTH);
    }
}

static void put_llama(writer *w)
{
    float *speech = put(w, "speech_emb.weight", TINY_VOCAB, TINY_WIDTH, 0);
    float *text = put(w, "text_emb.weight", TINY_VOCAB, TINY_WIDTH, 0);

    if (speech && text)
        memcpy(text, speech, sizeof(float) * TINY_VOCAB * TINY_WIDTH);
    put(w, "text_pos_emb.emb.weight", TINY_TEXT_POSITIONS, TINY_WIDTH, 0);
    put(w, "speech_pos_emb.emb.weight", TINY_SPEECH_POSITIONS, TINY_WIDTH, 0);
    put_linear(w, "cond_enc.spkr_enc", TINY_WIDTH, TINY_SPEAKER, TINY_WIDTH);
    put_perceiver(w);
    put(w, "cond_enc.emotion_adv_fc.weight", TINY_WIDTH, 1, 0);
    for (int i = 0; i < TINY_LAYERS; i++)
        put_llama_layer(w, i);
    put(w, "tfmr.norm.weight", TINY_WIDTH, 0, 1);
    put(w, "speech_head.weight", TINY_VOCAB, TINY_WIDTH, 0);
}

static void make_voice(writer *w, cbx_conds *c)
{
    enum { PROMPT = 5 };

    *c = (cbx_conds){.speaker_dim = TINY_SPEAKER, .n_t3_tokens = PROMPT};
    c->speaker_emb = malloc(TINY_SPEAKER * sizeof *c->speaker_emb);
    c->t3_tokens = malloc(PROMPT * sizeof *c->t3_tokens);
    CHECK(c->speaker_emb && c->t3_tokens);
    for (int i = 0; i < TINY_SPEAKER; i++)
        c->speaker_emb[i] = next(w);
    for (int i = 0; i < PROMPT; i++)
        c->t3_tokens[i] = 3 * i + 1;
}

static void open_tiny(tiny *t, writer *w, cbx_family family)
{
    cbx_error err;

    snprintf(t->path, sizeof t->path, "t3-tiny-%ld.safetensors",
             (long)getpid());
    CHECK(!cbx_safetensors_write(t->path, w->items, w->n, &err));
    for (size_t i = 0; i < w->n; i++)
        free((void *)w->items[i].data);
    CHECK(!cbx_tensor_file_open(t->path, &t->file, &err));
    cbx_config_init(&t->config, family);
    t->config.t3.heads = TINY_HEADS;
    t->config.t3.start_speech = TINY_START;
    t->config.t3.stop_speech = TINY_STOP;
    make_voice(w, &t->conds);
}

void tiny_open(tiny *t, const tiny_fault *fault)
{
    writer w = {.fault = fault ? fault : &(tiny_fault){0}, .seed = 1};

    put_all(&w);
    open_tiny(t, &w, CBX_FAMILY_TURBO);
}

void tiny_llama_open(tiny *t, const tiny_fault *fault)
{
    writer w = {.fault = fault ? fault : &(tiny_fault){0}, .seed = 1};

    put_llama(&w);
    open_tiny(t, &w, CBX_FAMILY_ORIGINAL);
    t->conds.emotion_adv = 0.5f;
}

void tiny_close(tiny *t)
{
    free(t->conds.speaker_emb);
    free(t->conds.t3_tokens);
    cbx_tensor_file_close(t->file);
    unlink(t->path);
}
