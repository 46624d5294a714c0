#include "models/t3/t3.h"
#include "tests/check.h"
#include "tests/t3/tiny.h"

#include <string.h>

/* What is Llama's own: guidance, emotion, perceiver, learned positions. */

static cbx_dev *dev;
static cbx_error err;

typedef struct rig {
    tiny tiny;
    t3 *m;
    t3_voice *voice;
} rig;

static void rig_open(rig *r)
{
    tiny_llama_open(&r->tiny, NULL);
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

static const int32_t text[] = {7, 3, 11, 0, 47, 20, 20, 5};

static t3_segment make_segment(int n, uint64_t key, float cfg_weight)
{
    return (t3_segment){.text = text,
                        .n = n,
                        .key = key,
                        .sampling = {.order = CBX_SAMPLE_LLAMA,
                                     .temperature = 0.8f,
                                     .min_p = 0.05f,
                                     .top_p = 1.0f,
                                     .repetition_penalty = 1.2f,
                                     .cfg_weight = cfg_weight}};
}

static t3_state *begin(const rig *r, const t3_segment *segment)
{
    t3_state *s;

    CHECK(!t3_state_open(r->m, t3_get_info(r->m)->positions, &s, &err));
    CHECK(!t3_begin(r->m, s, r->voice, segment, &err));
    return s;
}

/* Both rows' logits behind the text; without guidance the second is zero. */
typedef float rows[2][TINY_VOCAB];

static void read_rows(const rig *r, const t3_segment *segment, rows out)
{
    t3_state *s = begin(r, segment);

    memset(out, 0, sizeof(rows));
    t3_read_logits(r->m, s, out[0]);
    t3_state_close(s);
}

static bool same(const float *a, const float *b)
{
    return !memcmp(a, b, TINY_VOCAB * sizeof *a);
}

static void sizes_are_read_off_the_tensors(void)
{
    rig r;

    rig_open(&r);
    const t3_info *i = t3_get_info(r.m);
    CHECK(i->width == TINY_WIDTH && i->layers == TINY_LAYERS);
    CHECK(i->text_vocab == TINY_VOCAB && i->speech_vocab == TINY_VOCAB);
    CHECK(i->speaker_dim == TINY_SPEAKER);
    /* speaker, queries, emotion; two start tokens, one of them a position */
    CHECK(t3_voice_positions(r.voice) == 1 + TINY_QUERIES + 1 + 1);
    CHECK(i->positions == t3_voice_positions(r.voice) + TINY_TEXT_POSITIONS +
                              TINY_SPEECH_POSITIONS);
    rig_close(&r);
}

static void a_batch_gives_the_bits_of_each_stream_alone(void)
{
    enum { N = 3, STEPS = 12, LATE = 4 };
    static const float weights[N] = {0.5f, 0.0f, 1.5f};
    int32_t alone[N][STEPS] = {{0}};
    rows want[N], got;
    t3_state *s[N];
    rig r;

    rig_open(&r);
    memset(want, 0, sizeof want);
    memset(got, 0, sizeof got);
    for (int i = 0; i < N; i++) {
        const t3_segment segment =
            make_segment(3 + 2 * i, 10 + (uint64_t)i, weights[i]);
        t3_state *one = begin(&r, &segment);
        CHECK(t3_rows(one) == (i == 1 ? 1 : 2));
        for (int k = 0; k < (i == 2 ? STEPS - LATE : STEPS); k++)
            CHECK(!t3_step(r.m, &one, 1, NULL, &alone[i][k], &err));
        t3_read_logits(r.m, one, want[i][0]);
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
        t3_read_logits(r.m, s[i], got[0]);
        CHECK(same(got[0], want[i][0]));
        CHECK(i == 1 || same(got[1], want[i][1]));
        t3_state_close(s[i]);
    }
    rig_close(&r);
}

static void the_largest_batch_has_two_rows_for_every_stream(void)
{
    t3_state *s[T3_MAX_BATCH];
    int32_t tokens[T3_MAX_BATCH], first = -1;
    const t3_segment segment = make_segment(4, 3, 0.5f);
    rig r;

    rig_open(&r);
    for (int i = 0; i < T3_MAX_BATCH; i++)
        s[i] = begin(&r, &segment);
    for (int k = 0; k < 3; k++) {
        CHECK(!t3_step(r.m, s, T3_MAX_BATCH, NULL, tokens, &err));
        first = tokens[0];
        for (int i = 0; i < T3_MAX_BATCH; i++)
            CHECK(tokens[i] == first);
    }
    for (int i = 0; i < T3_MAX_BATCH; i++)
        t3_state_close(s[i]);
    rig_close(&r);
}

static void without_guidance_the_conditional_row_is_run_alone(void)
{
    const t3_segment with = make_segment(8, 1, 0.5f);
    const t3_segment without = make_segment(8, 1, 0.0f);
    rows a, b;
    rig r;

    rig_open(&r);
    read_rows(&r, &with, a);
    read_rows(&r, &without, b);
    CHECK(same(a[0], b[0]) && !same(a[0], a[1]));
    CHECK(b[1][0] == 0 && b[1][TINY_VOCAB - 1] == 0);
    rig_close(&r);
}

static void the_unconditional_row_knows_the_length_of_the_text_only(void)
{
    static const int32_t other[] = {1, 2, 3, 4, 5, 6, 7, 8};
    const t3_segment a = make_segment(8, 1, 0.5f);
    const t3_segment shorter = make_segment(7, 1, 0.5f);
    t3_segment b = a;
    rows x, y, z;
    rig r;

    b.text = other;
    rig_open(&r);
    read_rows(&r, &a, x);
    read_rows(&r, &b, y);
    read_rows(&r, &shorter, z);
    CHECK(!same(x[0], y[0]) && same(x[1], y[1]));
    CHECK(!same(x[1], z[1]));
    rig_close(&r);
}

/* Greedy: the token of the largest c + w (c - u). */
static void the_weight_mixes_the_rows(void)
{
    int differ = 0;
    rig r;

    rig_open(&r);
    for (int n = 1; n <= 8; n++) {
        t3_segment segment = make_segment(n, 1, 3.0f);
        rows x;
        int best = 0, plain = 0;
        int32_t token;

        segment.sampling.temperature = 1e-3f;
        segment.sampling.repetition_penalty = 1.0f;
        t3_state *s = begin(&r, &segment);
        t3_read_logits(r.m, s, x[0]);
        for (int i = 0; i < TINY_VOCAB; i++) {
            const float mixed = x[0][i] + 3.0f * (x[0][i] - x[1][i]);
            const float most = x[0][best] + 3.0f * (x[0][best] - x[1][best]);
            best = mixed > most ? i : best;
            plain = x[0][i] > x[0][plain] ? i : plain;
        }
        CHECK(!t3_step(r.m, &s, 1, NULL, &token, &err));
        CHECK(token == best);
        differ += best != plain;
        t3_state_close(s);
    }
    CHECK(differ > 0);
    rig_close(&r);
}

static void exaggeration_belongs_to_the_segment(void)
{
    const float own = 0.5f, more = 1.5f;
    t3_segment a = make_segment(8, 1, 0.5f), b = a, c = a;
    t3_voice *voice;
    rows x, y, z;
    rig r;

    b.exaggeration = &own;
    c.exaggeration = &more;
    rig_open(&r);
    read_rows(&r, &a, x);
    read_rows(&r, &b, y);
    read_rows(&r, &c, z);
    CHECK(same(x[0], y[0]) && same(x[1], y[1]));
    CHECK(!same(x[0], z[0]) && !same(x[1], z[1]));
    /* A voice of that emotion gives the same. */
    r.tiny.conds.emotion_adv = more;
    CHECK(!t3_voice_open(r.m, &r.tiny.conds, &voice, &err));
    t3_voice_close(r.voice);
    r.voice = voice;
    read_rows(&r, &a, y);
    CHECK(same(z[0], y[0]) && same(z[1], y[1]));
    rig_close(&r);
}

typedef struct kept {
    float rows[2][TINY_VOCAB];
    const char *stage;
} kept;

static void keep_logits(void *user, const char *name, cbx_mat m)
{
    kept *k = user;
    const size_t n = strlen(k->stage);

    if (strncmp(name, k->stage, n))
        return;
    if (!strcmp(name + n, ".logits_cond"))
        dev->k->download(dev, k->rows[0], m.p, sizeof k->rows[0]);
    if (!strcmp(name + n, ".logits_uncond"))
        dev->k->download(dev, k->rows[1], m.p, sizeof k->rows[1]);
}

static void check_close(const rows got, const kept *want)
{
    for (int i = 0; i < TINY_VOCAB; i++) {
        CHECK_NEAR(got[0][i], want->rows[0][i], 1e-4);
        CHECK_NEAR(got[1][i], want->rows[1][i], 1e-4);
    }
    CHECK(want->rows[0][0] != 0.0f && want->rows[1][0] != 0.0f);
}

/* The model's scratch holds 64 positions of two rows. */
static void pieces_and_steps_equal_the_trace_in_one_piece(void)
{
    enum { LONG = 200, FORCED = 6 };
    static const int lengths[] = {1, 60, 61, 62, 125, LONG};
    static const int32_t forced[FORCED] = {3, 9, 3, 30, 41, 2};
    int32_t ids[LONG];
    rig r;

    for (int i = 0; i < LONG; i++)
        ids[i] = i * 7 % TINY_VOCAB;
    rig_open(&r);
    for (size_t i = 0; i < sizeof lengths / sizeof *lengths; i++) {
        kept before = {.stage = "t3.prefill"}, after = {.stage = "t3.step6"};
        t3_segment segment = make_segment(lengths[i], 1, 0.5f);
        segment.text = ids;
        const t3_trace_run run = {&r.tiny.conds, segment, forced, FORCED};
        rows got;
        t3_state *s = begin(&r, &segment);
        t3_read_logits(r.m, s, got[0]);
        CHECK(!t3_trace(r.m, &run, &(cbx_probe){keep_logits, &before}, &err));
        CHECK(!t3_trace(r.m, &run, &(cbx_probe){keep_logits, &after}, &err));
        check_close((const float(*)[TINY_VOCAB])got, &before);
        for (int k = 0; k < FORCED; k++)
            CHECK(!t3_feed(r.m, s, forced[k], &err));
        t3_read_logits(r.m, s, got[0]);
        check_close((const float(*)[TINY_VOCAB])got, &after);
        t3_state_close(s);
    }
    rig_close(&r);
}

static void a_state_that_was_guided_starts_anew_without(void)
{
    const t3_segment guided = make_segment(8, 5, 0.5f);
    const t3_segment plain = make_segment(5, 6, 0.0f);
    int32_t first[6], token;
    rig r;

    rig_open(&r);
    t3_state *s = begin(&r, &plain);
    for (int i = 0; i < 6; i++)
        CHECK(!t3_step(r.m, &s, 1, NULL, &first[i], &err));
    CHECK(!t3_begin(r.m, s, r.voice, &guided, &err) && t3_rows(s) == 2);
    for (int i = 0; i < 4; i++)
        CHECK(!t3_step(r.m, &s, 1, NULL, &token, &err));
    CHECK(!t3_begin(r.m, s, r.voice, &plain, &err) && t3_rows(s) == 1);
    for (int i = 0; i < 6; i++) {
        CHECK(!t3_step(r.m, &s, 1, NULL, &token, &err));
        CHECK(token == first[i]);
    }
    t3_state_close(s);
    rig_close(&r);
}

static int count_steps(const rig *r, t3_state *s)
{
    int n = 0;
    int32_t token;

    for (; t3_room(s) > 0; n++)
        CHECK(!t3_step(r->m, &s, 1, NULL, &token, &err));
    CHECK(t3_step(r->m, &s, 1, NULL, &token, &err) == CBX_E_LIMIT);
    return n;
}

static void every_position_is_used_and_none_after(void)
{
    const t3_segment segment = make_segment(8, 1, 0.5f);
    t3_state *s;
    rig r;

    rig_open(&r);
    /* The learned positions end first. */
    s = begin(&r, &segment);
    CHECK(count_steps(&r, s) == TINY_SPEECH_POSITIONS);
    t3_state_close(s);
    CHECK(!t3_state_open(r.m, t3_voice_positions(r.voice) + 8 + 5, &s, &err));
    CHECK(!t3_begin(r.m, s, r.voice, &segment, &err));
    CHECK(count_steps(&r, s) == 5);
    t3_state_close(s);
    rig_close(&r);
}

static void a_segment_that_does_not_fit_is_an_error(void)
{
    static const int32_t long_text[TINY_TEXT_POSITIONS + 1];
    static const int32_t wrong[] = {3, TINY_VOCAB};
    const float nan = NAN;
    t3_segment segment = make_segment(TINY_TEXT_POSITIONS, 1, 0.5f);
    t3_state *s;
    rig r;

    segment.text = long_text;
    rig_open(&r);
    CHECK(!t3_state_open(r.m, t3_get_info(r.m)->positions, &s, &err));
    CHECK(!t3_begin(r.m, s, r.voice, &segment, &err));
    segment.n++;
    CHECK(t3_begin(r.m, s, r.voice, &segment, &err) == CBX_E_LIMIT);
    CHECK(t3_room(s) == 0);
    segment = make_segment(2, 1, 0.5f);
    segment.text = wrong;
    CHECK(t3_begin(r.m, s, r.voice, &segment, &err) == CBX_E_ARG);
    segment = make_segment(2, 1, 0.5f);
    segment.exaggeration = &nan;
    CHECK(t3_begin(r.m, s, r.voice, &segment, &err) == CBX_E_ARG);
    segment = make_segment(2, 1, NAN);
    CHECK(t3_begin(r.m, s, r.voice, &segment, &err) == CBX_E_ARG);
    t3_state_close(s);
    rig_close(&r);
}

static void a_voice_may_lack_a_prompt(void)
{
    const t3_segment segment = make_segment(8, 1, 0.5f);
    t3_voice *voice;
    rows x, y;
    rig r;

    rig_open(&r);
    read_rows(&r, &segment, x);
    const int n = r.tiny.conds.n_t3_tokens;
    r.tiny.conds.n_t3_tokens = 0;
    CHECK(!t3_voice_open(r.m, &r.tiny.conds, &voice, &err));
    CHECK(t3_voice_positions(voice) ==
          t3_voice_positions(r.voice) - TINY_QUERIES);
    t3_voice_close(r.voice);
    r.voice = voice;
    read_rows(&r, &segment, y);
    CHECK(!same(x[0], y[0]));
    r.tiny.conds.n_t3_tokens = n;
    rig_close(&r);
}

static void a_voice_that_does_not_fit_is_refused(void)
{
    t3_voice *voice = NULL;
    rig r;

    rig_open(&r);
    r.tiny.conds.speaker_dim++;
    CHECK(t3_voice_open(r.m, &r.tiny.conds, &voice, &err) == CBX_E_SHAPE);
    r.tiny.conds.speaker_dim--;
    r.tiny.conds.t3_tokens[1] = TINY_VOCAB;
    CHECK(t3_voice_open(r.m, &r.tiny.conds, &voice, &err) == CBX_E_ARG);
    r.tiny.conds.t3_tokens[1] = 0;
    r.tiny.conds.emotion_adv = INFINITY;
    CHECK(t3_voice_open(r.m, &r.tiny.conds, &voice, &err) == CBX_E_FORMAT);
    r.tiny.conds.emotion_adv = 0.5f;
    r.tiny.conds.n_t3_tokens = TINY_SPEECH_POSITIONS + 1;
    CHECK(t3_voice_open(r.m, &r.tiny.conds, &voice, &err) == CBX_E_LIMIT);
    CHECK(!voice);
    rig_close(&r);
}

static void refuse(const tiny_fault *fault, const char *name)
{
    tiny t;
    t3 *m;

    tiny_llama_open(&t, fault);
    CHECK(t3_open(dev, t.file, &t.config, CBX_FMT_F32, &m, &err) ==
          CBX_E_SHAPE);
    if (!strstr(err.text, name))
        fprintf(stderr, "%s\nexpected: %s\n", err.text, name);
    CHECK(strstr(err.text, name) && strstr(err.text, t.path));
    tiny_close(&t);
}

static void a_wrong_tensor_is_named(void)
{
    static const char *const needed[] = {
        "speech_emb.weight",
        "text_emb.weight",
        "text_pos_emb.emb.weight",
        "speech_pos_emb.emb.weight",
        "cond_enc.spkr_enc.bias",
        "cond_enc.emotion_adv_fc.weight",
        "cond_enc.perceiver.pre_attention_query",
        "cond_enc.perceiver.attn.norm.bias",
        "cond_enc.perceiver.attn.to_q.bias",
        "cond_enc.perceiver.attn.to_k.weight",
        "cond_enc.perceiver.attn.to_v.bias",
        "cond_enc.perceiver.attn.proj_out.weight",
        "tfmr.layers.0.input_layernorm.weight",
        "tfmr.layers.1.post_attention_layernorm.weight",
        "tfmr.layers.0.self_attn.q_proj.weight",
        "tfmr.layers.1.self_attn.v_proj.weight",
        "tfmr.layers.1.self_attn.o_proj.weight",
        "tfmr.layers.1.mlp.gate_proj.weight",
        "tfmr.layers.0.mlp.up_proj.weight",
        "tfmr.layers.0.mlp.down_proj.weight",
        "tfmr.norm.weight",
        "speech_head.weight",
    };

    for (size_t i = 0; i < sizeof needed / sizeof *needed; i++) {
        refuse(&(tiny_fault){.leave_out = needed[i]}, needed[i]);
        /* A shorter table is another size, and shows elsewhere or nowhere. */
        if (!strstr(needed[i], "emb.weight") && !strstr(needed[i], "query"))
            refuse(&(tiny_fault){.shorten = needed[i]}, needed[i]);
    }
    refuse(&(tiny_fault){.shorten = "speech_emb.weight"}, "speech_head.weight");
}

static void a_config_that_contradicts_the_tensors_is_refused(void)
{
    static const int heads[] = {5, 0, -1, TINY_WIDTH, 8};
    tiny t;
    t3 *m;

    tiny_llama_open(&t, NULL);
    for (size_t i = 0; i < sizeof heads / sizeof *heads; i++) {
        t.config.t3.heads = heads[i]; /* 24 and 8: an odd head size */
        CHECK(t3_open(dev, t.file, &t.config, CBX_FMT_F32, &m, &err) ==
              CBX_E_SHAPE);
        CHECK(strstr(err.text, "n_head"));
    }
    t.config.t3.heads = TINY_HEADS;
    t.config.t3.perceiver_heads = 7;
    CHECK(t3_open(dev, t.file, &t.config, CBX_FMT_F32, &m, &err) ==
          CBX_E_SHAPE);
    CHECK(strstr(err.text, "perceiver_heads"));
    tiny_close(&t);
}

static void a_model_may_lack_emotion(void)
{
    const float more = 1.5f;
    t3_segment a = make_segment(8, 1, 0.5f), b = a;
    rows x, y;
    rig r;

    b.exaggeration = &more;
    tiny_llama_open(
        &r.tiny, &(tiny_fault){.leave_out = "cond_enc.emotion_adv_fc.weight"});
    r.tiny.config.t3.emotion_adv = false;
    CHECK(!t3_open(dev, r.tiny.file, &r.tiny.config, CBX_FMT_F32, &r.m, &err));
    CHECK(!t3_voice_open(r.m, &r.tiny.conds, &r.voice, &err));
    CHECK(t3_voice_positions(r.voice) == 1 + TINY_QUERIES + 1);
    read_rows(&r, &a, x);
    read_rows(&r, &b, y);
    CHECK(same(x[0], y[0]) && same(x[1], y[1]));
    rig_close(&r);
}

static void check_all(void)
{
    sizes_are_read_off_the_tensors();
    a_batch_gives_the_bits_of_each_stream_alone();
    the_largest_batch_has_two_rows_for_every_stream();
    without_guidance_the_conditional_row_is_run_alone();
    the_unconditional_row_knows_the_length_of_the_text_only();
    the_weight_mixes_the_rows();
    exaggeration_belongs_to_the_segment();
    pieces_and_steps_equal_the_trace_in_one_piece();
    a_state_that_was_guided_starts_anew_without();
    every_position_is_used_and_none_after();
    a_segment_that_does_not_fit_is_an_error();
    a_voice_may_lack_a_prompt();
    a_voice_that_does_not_fit_is_refused();
    a_wrong_tensor_is_named();
    a_config_that_contradicts_the_tensors_is_refused();
    a_model_may_lack_emotion();
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
