#include "models/t3/t3.h"
#include "rt/random.h"
#include "tests/check.h"
#include "tests/t3/tiny.h"

#include <string.h>

static cbx_dev *dev;
static cbx_error err;

/* A tiny model with a voice. */
typedef struct rig {
    tiny tiny;
    t3 *m;
    t3_voice *voice;
} rig;

static void rig_open(rig *r, const tiny_fault *fault)
{
    tiny_open(&r->tiny, fault);
    CHECK(
        !t3_open(dev, r->tiny.file, &r->tiny.config, CBX_FMT_F32, &r->m, &err));
    CHECK(!t3_voice_open(r->m, &r->tiny.conds, &r->voice, &err));
}

static void rig_close(rig *r)
{
    t3_voice_close(r->voice);
    t3_close(r->m);
    tiny_close(&r->tiny);
}

static const cbx_sampling sampling = {
    .order = CBX_SAMPLE_TURBO,
    .temperature = 0.8f,
    .top_k = 30,
    .top_p = 0.95f,
    .repetition_penalty = 1.2f,
};

static t3_segment make_segment(const int32_t *text, int n, uint64_t key)
{
    return (t3_segment){.text = text, .n = n, .sampling = sampling, .key = key};
}

static t3_state *begin(const rig *r, const t3_segment *segment)
{
    t3_state *s;

    CHECK(!t3_state_open(r->m, TINY_POSITIONS, &s, &err));
    CHECK(!t3_begin(r->m, s, r->voice, segment, &err));
    return s;
}

static int32_t step(const rig *r, t3_state *s)
{
    int32_t token = -1;

    CHECK(!t3_step(r->m, &s, 1, NULL, &token, &err));
    CHECK(token >= 0 && token < TINY_VOCAB);
    return token;
}

static const int32_t text[] = {7, 3, 11, 0, 47, 20, 20, 5};

static void sizes_are_read_off_the_tensors(void)
{
    rig r;

    rig_open(&r, NULL);
    const t3_info *i = t3_get_info(r.m);
    CHECK(i->width == TINY_WIDTH && i->layers == TINY_LAYERS);
    CHECK(i->heads == TINY_HEADS && i->positions == TINY_POSITIONS);
    CHECK(i->text_vocab == TINY_VOCAB && i->speech_vocab == TINY_VOCAB);
    CHECK(i->speaker_dim == TINY_SPEAKER);
    CHECK(i->start == TINY_START && i->stop == TINY_STOP);
    CHECK(i->weight_bytes > TINY_LAYERS * 4 * TINY_WIDTH * TINY_WIDTH);
    CHECK(t3_voice_positions(r.voice) == 1 + r.tiny.conds.n_t3_tokens);
    rig_close(&r);
}

/* Three streams of other lengths and keys; the third joins late. */
static void a_batch_gives_the_bits_of_each_stream_alone(void)
{
    enum { N = 3, STEPS = 12, LATE = 4 };
    float want[N][TINY_VOCAB], got[TINY_VOCAB];
    int32_t alone[N][STEPS];
    t3_state *s[N];
    rig r;

    rig_open(&r, NULL);
    for (int i = 0; i < N; i++) {
        const t3_segment segment = make_segment(text, 3 + 2 * i, 10 + i);
        t3_state *one = begin(&r, &segment);
        for (int k = 0; k < (i == 2 ? STEPS - LATE : STEPS); k++)
            alone[i][k] = step(&r, one);
        t3_read_logits(r.m, one, want[i]);
        t3_state_close(one);
        s[i] = begin(&r, &segment);
    }
    for (int k = 0; k < STEPS; k++) {
        int32_t tokens[N] = {-1, -1, -1};
        CHECK(!t3_step(r.m, s, k < LATE ? 2 : 3, NULL, tokens, &err));
        CHECK(tokens[0] == alone[0][k] && tokens[1] == alone[1][k]);
        CHECK(k < LATE || tokens[2] == alone[2][k - LATE]);
    }
    for (int i = 0; i < N; i++) {
        t3_read_logits(r.m, s[i], got);
        CHECK(!memcmp(got, want[i], sizeof got));
        t3_state_close(s[i]);
    }
    rig_close(&r);
}

static void check_close(const float *got, const float *want, int n)
{
    for (int i = 0; i < n; i++)
        CHECK_NEAR(got[i], want[i], 1e-4);
}

/* text_emb equals speech_emb here, so both are the same sequence of rows. */
static void steps_equal_one_longer_prefill(void)
{
    const int32_t longer[] = {7, 3, TINY_START, 9};
    const t3_segment a = make_segment(longer, 2, 1);
    const t3_segment b = make_segment(longer, 4, 1);
    float want[TINY_VOCAB], got[TINY_VOCAB];
    rig r;

    rig_open(&r, NULL);
    t3_state *s = begin(&r, &a), *t = begin(&r, &b);
    t3_read_logits(r.m, t, want);
    CHECK(!t3_feed(r.m, s, 9, &err));
    t3_read_logits(r.m, s, got);
    CHECK(fabsf(got[0] - want[0]) > 1e-3f); /* not there yet */
    CHECK(!t3_feed(r.m, s, TINY_START, &err));
    t3_read_logits(r.m, s, got);
    check_close(got, want, TINY_VOCAB);
    t3_state_close(s);
    t3_state_close(t);
    rig_close(&r);
}

static void keep_logits(void *user, const char *name, cbx_mat m)
{
    if (!strcmp(name, "t3.prefill.logits"))
        dev->k->download(dev, user, m.p, sizeof(float) * (size_t)m.cols);
}

/* The model's scratch holds fewer rows than this text has. */
static void a_text_in_pieces_equals_the_trace_in_one_piece(void)
{
    enum { N = 300 };
    int32_t ids[N];
    float want[TINY_VOCAB] = {0}, got[TINY_VOCAB];
    const cbx_probe probe = {keep_logits, want};
    rig r;

    for (int i = 0; i < N; i++)
        ids[i] = i * 7 % TINY_VOCAB;
    rig_open(&r, NULL);
    const t3_segment segment = make_segment(ids, N, 1);
    t3_state *s = begin(&r, &segment);
    t3_read_logits(r.m, s, got);
    CHECK(!t3_trace(r.m, &(t3_trace_run){&r.tiny.conds, segment, NULL, 0},
                    &probe, &err));
    check_close(got, want, TINY_VOCAB);
    CHECK(want[0] != 0.0f);
    t3_state_close(s);
    rig_close(&r);
}

static void a_used_state_starts_anew(void)
{
    const t3_segment a = make_segment(text, 8, 5), b = make_segment(text, 3, 6);
    int32_t first[10];
    rig r;

    rig_open(&r, NULL);
    t3_state *s = begin(&r, &a);
    for (int i = 0; i < 10; i++)
        first[i] = step(&r, s);
    CHECK(!t3_begin(r.m, s, r.voice, &b, &err));
    for (int i = 0; i < 5; i++)
        step(&r, s);
    CHECK(!t3_begin(r.m, s, r.voice, &a, &err));
    for (int i = 0; i < 10; i++)
        CHECK(step(&r, s) == first[i]);
    t3_state_close(s);
    rig_close(&r);
}

static void the_key_decides_the_tokens(void)
{
    enum { STEPS = 20 };
    const uint64_t keys[3] = {1, 1, 2};
    int32_t tokens[3][STEPS];
    rig r;

    rig_open(&r, NULL);
    for (int i = 0; i < 3; i++) {
        const t3_segment segment = make_segment(text, 8, keys[i]);
        t3_state *s = begin(&r, &segment);
        for (int k = 0; k < STEPS; k++)
            tokens[i][k] = step(&r, s);
        t3_state_close(s);
    }
    CHECK(!memcmp(tokens[0], tokens[1], sizeof tokens[0]));
    CHECK(memcmp(tokens[0], tokens[2], sizeof tokens[0]));
    rig_close(&r);
}

static void token_i_takes_number_i_of_the_key(void)
{
    enum { STEPS = 20 };
    const t3_segment segment = make_segment(text, 8, 77);
    rig r;

    rig_open(&r, NULL);
    t3_state *by_key = begin(&r, &segment), *by_number = begin(&r, &segment);
    for (int i = 0; i < STEPS; i++) {
        const double u = cbx_random_uniform(77, (uint64_t)i);
        int32_t token;
        CHECK(!t3_step(r.m, &by_number, 1, &u, &token, &err));
        CHECK(step(&r, by_key) == token);
    }
    t3_state_close(by_key);
    t3_state_close(by_number);
    rig_close(&r);
}

/* The start token is by far the likeliest; the penalty makes it the least
 * likely of the positive ones, while it counts. */
static void the_start_token_is_penalised_for_the_first_token_only(void)
{
    t3_segment segment = make_segment(text, 8, 1);
    rig r;

    segment.sampling.temperature = 0.01f;
    segment.sampling.top_p = 1.0f;
    segment.sampling.repetition_penalty = 1000.0f;
    rig_open(&r, &(tiny_fault){.start_bias = 20});
    t3_state *s = begin(&r, &segment);
    CHECK(step(&r, s) != TINY_START);
    CHECK(step(&r, s) == TINY_START);
    CHECK(step(&r, s) != TINY_START);
    /* The same through t3_feed. */
    CHECK(!t3_begin(r.m, s, r.voice, &segment, &err));
    CHECK(!t3_feed(r.m, s, 3, &err));
    CHECK(step(&r, s) == TINY_START);
    CHECK(!t3_feed(r.m, s, 4, &err));
    CHECK(step(&r, s) != TINY_START);
    CHECK(!t3_begin(r.m, s, r.voice, &segment, &err));
    CHECK(!t3_feed(r.m, s, TINY_START, &err));
    CHECK(step(&r, s) != TINY_START);
    t3_state_close(s);
    rig_close(&r);
}

/* The start token's probability in t3.step0 and t3.step1. */
static void keep_start(void *user, const char *name, cbx_mat m)
{
    float *kept = user;

    for (int i = 0; i < 2; i++) {
        char want[32];
        snprintf(want, sizeof want, "t3.step%d.probs", i);
        if (!strcmp(name, want))
            dev->k->download(dev, &kept[i], m.p + TINY_START, sizeof *kept);
    }
}

static void the_trace_penalises_as_the_steps_do(void)
{
    const int32_t forced[] = {3, TINY_START};
    t3_segment segment = make_segment(text, 8, 1);
    rig r;

    segment.sampling.temperature = 0.01f;
    segment.sampling.top_p = 1.0f;
    segment.sampling.repetition_penalty = 1000.0f;
    rig_open(&r, &(tiny_fault){.start_bias = 20});
    for (int i = 0; i < 2; i++) {
        float start[2] = {-1, -1};
        const t3_trace_run run = {&r.tiny.conds, segment, &forced[i], 1};
        CHECK(!t3_trace(r.m, &run, &(cbx_probe){keep_start, start}, &err));
        CHECK(start[0] >= 0.0f && start[0] < 0.9f);
        CHECK(i ? start[1] >= 0.0f && start[1] < 0.9f : start[1] > 0.99f);
    }
    rig_close(&r);
}

static void every_position_is_used_and_none_after(void)
{
    const t3_segment segment = make_segment(text, 8, 1);
    t3_state *s;
    int32_t token;
    rig r;

    rig_open(&r, NULL);
    const int prefill = t3_voice_positions(r.voice) + 8 + 1;
    CHECK(!t3_state_open(r.m, prefill + 3, &s, &err));
    CHECK(t3_room(s) == 0);
    CHECK(t3_step(r.m, &s, 1, NULL, &token, &err) == CBX_E_LIMIT);
    CHECK(!t3_begin(r.m, s, r.voice, &segment, &err));
    for (int room = 4; room > 0; room--) {
        CHECK(t3_room(s) == room);
        step(&r, s);
    }
    CHECK(t3_room(s) == 0);
    CHECK(t3_step(r.m, &s, 1, NULL, &token, &err) == CBX_E_LIMIT);
    CHECK(t3_feed(r.m, s, 1, &err) == CBX_E_LIMIT);
    t3_state_close(s);
    rig_close(&r);
}

static void a_text_that_does_not_fit_is_an_error(void)
{
    t3_segment segment = make_segment(text, 8, 1);
    t3_state *s;
    rig r;

    rig_open(&r, NULL);
    CHECK(!t3_state_open(r.m, t3_voice_positions(r.voice) + 8, &s, &err));
    CHECK(t3_begin(r.m, s, r.voice, &segment, &err) == CBX_E_LIMIT);
    CHECK(strstr(err.text, "8 tokens"));
    CHECK(t3_room(s) == 0);
    segment.n = 7;
    CHECK(!t3_begin(r.m, s, r.voice, &segment, &err));
    CHECK(t3_room(s) == 1);
    segment.n = -1;
    CHECK(t3_begin(r.m, s, r.voice, &segment, &err) == CBX_E_LIMIT);
    t3_state_close(s);
    CHECK(t3_state_open(r.m, TINY_POSITIONS + 1, &s, &err) == CBX_E_ARG);
    CHECK(t3_state_open(r.m, 0, &s, &err) == CBX_E_ARG);
    rig_close(&r);
}

static void ids_outside_the_vocabulary_are_errors(void)
{
    const int32_t high[] = {1, TINY_VOCAB}, low[] = {1, -1};
    t3_segment segment = make_segment(text, 8, 1);
    rig r;

    rig_open(&r, NULL);
    t3_state *s = begin(&r, &segment);
    segment = make_segment(high, 2, 1);
    CHECK(t3_begin(r.m, s, r.voice, &segment, &err) == CBX_E_ARG);
    segment = make_segment(low, 2, 1);
    CHECK(t3_begin(r.m, s, r.voice, &segment, &err) == CBX_E_ARG);
    segment = make_segment(text, 8, 1);
    CHECK(!t3_begin(r.m, s, r.voice, &segment, &err));
    CHECK(t3_feed(r.m, s, TINY_VOCAB, &err) == CBX_E_ARG);
    CHECK(t3_feed(r.m, s, -1, &err) == CBX_E_ARG);
    t3_state_close(s);
    rig_close(&r);
}

static void a_voice_of_another_model_is_refused(void)
{
    t3_voice *v;
    rig r;

    rig_open(&r, NULL);
    cbx_conds c = r.tiny.conds;
    c.speaker_dim--;
    CHECK(t3_voice_open(r.m, &c, &v, &err) == CBX_E_SHAPE);
    CHECK(strstr(err.text, "speaker_emb"));
    int32_t tokens[TINY_POSITIONS] = {0};
    c = r.tiny.conds;
    c.t3_tokens = tokens;
    c.n_t3_tokens = TINY_POSITIONS - 2;
    CHECK(t3_voice_open(r.m, &c, &v, &err) == CBX_E_LIMIT);
    c.n_t3_tokens = 2;
    tokens[1] = TINY_VOCAB;
    CHECK(t3_voice_open(r.m, &c, &v, &err) == CBX_E_ARG);
    c.n_t3_tokens = 0; /* speaker alone */
    CHECK(!t3_voice_open(r.m, &c, &v, &err));
    CHECK(t3_voice_positions(v) == 1);
    t3_voice_close(v);
    rig_close(&r);
}

static void refuse(const tiny_fault *fault, cbx_status want, const char *name)
{
    tiny t;
    t3 *m;

    tiny_open(&t, fault);
    CHECK(t3_open(dev, t.file, &t.config, CBX_FMT_F32, &m, &err) == want);
    CHECK(strstr(err.text, name) && strstr(err.text, t.path));
    tiny_close(&t);
}

static void a_wrong_tensor_is_named(void)
{
    static const char *const needed[] = {
        "speech_emb.weight",
        "text_emb.weight",
        "tfmr.wpe.weight",
        "cond_enc.spkr_enc.weight",
        "cond_enc.spkr_enc.bias",
        "tfmr.h.0.ln_1.weight",
        "tfmr.h.0.ln_2.bias",
        "tfmr.h.0.attn.c_attn.weight",
        "tfmr.h.1.attn.c_proj.bias",
        "tfmr.h.1.mlp.c_fc.weight",
        "tfmr.h.1.mlp.c_proj.weight",
        "tfmr.ln_f.weight",
        "speech_head.weight",
    };

    for (size_t i = 0; i < sizeof needed / sizeof *needed; i++) {
        refuse(&(tiny_fault){.leave_out = needed[i]}, CBX_E_SHAPE, needed[i]);
        /* A shorter table is another vocabulary, and shows elsewhere. */
        if (!strstr(needed[i], "_emb.weight") && !strstr(needed[i], "wpe"))
            refuse(&(tiny_fault){.shorten = needed[i]}, CBX_E_SHAPE, needed[i]);
    }
    refuse(&(tiny_fault){.shorten = "speech_emb.weight"}, CBX_E_SHAPE,
           "speech_head.weight");
    refuse(&(tiny_fault){.integers = "tfmr.wpe.weight"}, CBX_E_UNSUPPORTED,
           "tfmr.wpe.weight");
    refuse(&(tiny_fault){.integers = "speech_head.bias"}, CBX_E_UNSUPPORTED,
           "speech_head.bias");
}

static void a_head_without_bias_is_accepted(void)
{
    rig r;

    rig_open(&r, &(tiny_fault){.leave_out = "speech_head.bias"});
    rig_close(&r);
}

static void a_config_that_contradicts_the_tensors_is_refused(void)
{
    tiny t;
    t3 *m;

    tiny_open(&t, NULL);
    t.config.t3.heads = 5;
    CHECK(t3_open(dev, t.file, &t.config, CBX_FMT_F32, &m, &err) ==
          CBX_E_SHAPE);
    t.config.t3.heads = 0;
    CHECK(t3_open(dev, t.file, &t.config, CBX_FMT_F32, &m, &err) ==
          CBX_E_SHAPE);
    t.config.t3.heads = TINY_HEADS;
    t.config.t3.start_speech = TINY_VOCAB;
    CHECK(t3_open(dev, t.file, &t.config, CBX_FMT_F32, &m, &err) ==
          CBX_E_SHAPE);
    t.config.t3.start_speech = TINY_START;
    t.config.t3.gpt2 = false;
    CHECK(t3_open(dev, t.file, &t.config, CBX_FMT_F32, &m, &err) ==
          CBX_E_SHAPE);
    CHECK(strstr(err.text, "text_pos_emb"));
    tiny_close(&t);
}

static void check_all(void)
{
    sizes_are_read_off_the_tensors();
    a_batch_gives_the_bits_of_each_stream_alone();
    steps_equal_one_longer_prefill();
    a_text_in_pieces_equals_the_trace_in_one_piece();
    a_used_state_starts_anew();
    the_key_decides_the_tokens();
    token_i_takes_number_i_of_the_key();
    the_start_token_is_penalised_for_the_first_token_only();
    the_trace_penalises_as_the_steps_do();
    every_position_is_used_and_none_after();
    a_text_that_does_not_fit_is_an_error();
    ids_outside_the_vocabulary_are_errors();
    a_voice_of_another_model_is_refused();
    a_wrong_tensor_is_named();
    a_head_without_bias_is_accepted();
    a_config_that_contradicts_the_tensors_is_refused();
}

int main(void)
{
    for (const char *const *name = cbx_cpu_variants(); *name; name++) {
        CHECK(!cbx_cpu_open(2, *name, &dev, &err));
        check_all();
        cbx_dev_close(dev);
    }
    return 0;
}
