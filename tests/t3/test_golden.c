#include "models/t3/t3.h"
#include "tests/check.h"

#include <string.h>
#include <unistd.h>

/* The reference's tensors (tests/goldens), through both ways of running T3.
 * Usage: test_t3_golden FOLDER; the variable CBX_GOLDENS overrides it. */

static cbx_dev *dev;
static cbx_error err;

typedef struct golden {
    cbx_tensor_file *file; /* the goldens */
    cbx_tensor_file *weights;
    cbx_config config;
    cbx_conds *conds;
    t3 *m;
    t3_segment segment;
    int32_t *text;
} golden;

#define MUST(call)                                                        \
    do {                                                                  \
        if (call) {                                                       \
            fprintf(stderr, "%s:%d: %s\n", __FILE__, __LINE__, err.text); \
            exit(1);                                                      \
        }                                                                 \
    } while (0)

static const cbx_file_tensor *need(const golden *g, const char *name)
{
    const cbx_file_tensor *t = cbx_tensor_find(g->file, name);

    if (!t)
        fprintf(stderr, "no %s\n", name);
    CHECK(t);
    return t;
}

static float *floats(const golden *g, const char *name, size_t *n)
{
    const cbx_file_tensor *t = need(g, name);
    float *p = malloc(t->numel * sizeof *p);

    CHECK(p);
    MUST(cbx_tensor_f32(t, p, &err));
    *n = t->numel;
    return p;
}

static int32_t *ints(const golden *g, const char *name, int *n)
{
    const cbx_file_tensor *t = need(g, name);
    int32_t *p = malloc(t->numel * sizeof *p);

    CHECK(p);
    MUST(cbx_tensor_i32(t, p, &err));
    *n = (int)t->numel;
    return p;
}

static void open_golden(golden *g, const char *folder, const char *family)
{
    char path[1200], model[1024];

    snprintf(path, sizeof path, "%s/golden_%s.safetensors", folder, family);
    MUST(cbx_tensor_file_open(path, &g->file, &err));
    snprintf(model, sizeof model, "%s/checkpoints/%s", folder, family);
    MUST(cbx_config_open(model, &g->config, &err));
    snprintf(path, sizeof path, "%s/%s", model, g->config.files.t3);
    MUST(cbx_tensor_file_open(path, &g->weights, &err));
    snprintf(path, sizeof path, "%s/%s", model, g->config.files.conds);
    MUST(cbx_conds_open(path, &g->conds, &err));
    MUST(t3_open(dev, g->weights, &g->config, CBX_FMT_F32, &g->m, &err));
    const cbx_config_sampling *c = &g->config.sampling;
    const bool gpt2 = g->config.t3.gpt2;
    g->text = ints(g, "t3.in.text_ids", &g->segment.n);
    g->segment.text = g->text;
    g->segment.key = 1;
    g->segment.sampling = (cbx_sampling){
        .order = gpt2 ? CBX_SAMPLE_TURBO : CBX_SAMPLE_LLAMA,
        .temperature = c->temperature,
        .top_k = c->top_k,
        .top_p = c->top_p,
        .min_p = c->min_p,
        .cfg_weight = c->cfg_weight,
        .repetition_penalty = c->repetition_penalty,
    };
}

static void close_golden(golden *g)
{
    t3_close(g->m);
    cbx_conds_close(g->conds);
    cbx_tensor_file_close(g->weights);
    cbx_tensor_file_close(g->file);
    free(g->text);
}

/* Largest difference, relative to the largest value. */
static double distance(const float *got, const float *want, size_t n)
{
    double worst = 0, largest = 0;

    for (size_t i = 0; i < n; i++) {
        const double d = fabs((double)got[i] - (double)want[i]);
        if (!(d <= worst))
            worst = d;
        largest = fmax(largest, fabs((double)want[i]));
    }
    return worst / fmax(largest, 1e-30);
}

enum { MAX_KEYS = 512 };

typedef struct viewer {
    const golden *g;
    bool seen[MAX_KEYS]; /* tensors of the golden file */
    int n;
} viewer;

static void compare(void *user, const char *name, cbx_mat m)
{
    viewer *v = user;
    const size_t n = (size_t)m.rows * (size_t)m.cols;
    float *got = malloc(n * sizeof *got), *want;
    size_t numel;

    CHECK(got);
    for (size_t i = 0; i < cbx_tensor_count(v->g->file); i++) {
        if (strcmp(cbx_tensor_at(v->g->file, i)->name, name))
            continue;
        CHECK(i < MAX_KEYS);
        v->seen[i] = true;
        v->n++;
        want = floats(v->g, name, &numel);
        CHECK(numel == n);
        for (int r = 0; r < m.rows; r++)
            dev->k->download(dev, got + (size_t)r * (size_t)m.cols,
                             cbx_rows(m, r, 1).p, (size_t)m.cols * sizeof *got);
        const double d = distance(got, want, n);
        if (!(d <= 3e-5)) {
            fprintf(stderr, "%s is off by %g\n", name, d);
            exit(1);
        }
        free(want);
    }
    free(got);
}

static void every_stage_is_the_reference(const golden *g)
{
    viewer v = {.g = g};
    t3_trace_run run = {.conds = g->conds, .segment = g->segment};
    int32_t *forced = ints(g, "t3.in.forced_tokens", &run.n_forced);

    run.forced = forced;
    MUST(t3_trace(g->m, &run, &(cbx_probe){compare, &v}, &err));
    for (size_t i = 0; i < cbx_tensor_count(g->file); i++) {
        const char *name = cbx_tensor_at(g->file, i)->name;
        if (strncmp(name, "t3.", 3) || !strncmp(name, "t3.in.", 6))
            continue;
        CHECK(i < MAX_KEYS);
        if (!v.seen[i])
            fprintf(stderr, "nobody showed %s\n", name);
        CHECK(v.seen[i]);
    }
    CHECK(v.n >= 20);
    free(forced);
}

static t3_state *begin(const golden *g, const t3_segment *segment,
                       t3_voice **voice)
{
    t3_state *s;

    MUST(t3_voice_open(g->m, g->conds, voice, &err));
    MUST(t3_state_open(g->m, t3_get_info(g->m)->positions, &s, &err));
    MUST(t3_begin(g->m, s, *voice, segment, &err));
    return s;
}

static void compare_logits(const golden *g, const char *stage, const char *row,
                           const float *got)
{
    char name[64];
    size_t n;

    snprintf(name, sizeof name, "t3.%s.logits%s", stage, row);
    float *want = floats(g, name, &n);
    CHECK(n == (size_t)t3_get_info(g->m)->speech_vocab);
    CHECK(distance(got, want, n) <= 3e-5);
    free(want);
}

static void forced_tokens_give_the_reference_logits(const golden *g)
{
    const size_t V = (size_t)t3_get_info(g->m)->speech_vocab;
    float *got = malloc(T3_MAX_ROWS * V * sizeof *got);
    int n_forced, compared = 0;
    int32_t *forced = ints(g, "t3.in.forced_tokens", &n_forced);
    t3_voice *voice;
    t3_state *s = begin(g, &g->segment, &voice);

    CHECK(got && t3_rows(s) == (g->config.t3.gpt2 ? 1 : 2));
    for (int k = 0; k < n_forced; k++) {
        char stage[32] = "prefill";
        if (k) {
            snprintf(stage, sizeof stage, "step%d", k);
            MUST(t3_feed(g->m, s, forced[k - 1], &err));
        }
        t3_read_logits(g->m, s, got);
        compare_logits(g, stage, g->config.t3.gpt2 ? "" : "_cond", got);
        if (t3_rows(s) == 2)
            compare_logits(g, stage, "_uncond", got + V);
        compared++;
    }
    CHECK(compared == n_forced && n_forced >= 2);
    t3_state_close(s);
    t3_voice_close(voice);
    free(forced);
    free(got);
}

/* A token may differ where u lies on the border of two, and none after. */
static void drawn_tokens_are_the_reference_s(const golden *g)
{
    t3_segment segment = g->segment;
    size_t n_u, n_margin;
    int n;
    float *numbers = floats(g, "gen.u", &n_u);
    float *margin = floats(g, "gen.cdf_margin", &n_margin);
    int32_t *want = ints(g, "gen.tokens", &n);
    int32_t *text = ints(g, "gen.text_ids", &segment.n);
    t3_voice *voice;

    segment.text = text;
    t3_state *s = begin(g, &segment, &voice);
    CHECK(n > 0 && (size_t)n <= n_u && n_u == n_margin);
    for (int i = 0; i < n; i++) {
        const double u = (double)numbers[i];
        int32_t token;
        MUST(t3_step(g->m, &s, 1, &u, &token, &err));
        if (token != want[i])
            fprintf(stderr, "token %d is %d, not %d (margin %g)\n", i,
                    (int)token, (int)want[i], (double)margin[i]);
        CHECK(token == want[i]);
    }
    t3_state_close(s);
    t3_voice_close(voice);
    free(text);
    free(want);
    free(margin);
    free(numbers);
}

/* Returns how many families the folder has. */
static int check_folder(const char *folder)
{
    static const char *const families[] = {"turbo", "nano", "original",
                                           "multilingual"};
    int run = 0;

    for (int i = 0; i < 4; i++) {
        char path[1024];
        golden g = {0};
        snprintf(path, sizeof path, "%s/golden_%s.safetensors", folder,
                 families[i]);
        if (access(path, R_OK))
            continue;
        open_golden(&g, folder, families[i]);
        every_stage_is_the_reference(&g);
        forced_tokens_give_the_reference_logits(&g);
        drawn_tokens_are_the_reference_s(&g);
        close_golden(&g);
        run++;
    }
    return run;
}

int main(int argc, char **argv)
{
    const char *folder = getenv("CBX_GOLDENS");

    if (!folder && argc > 1)
        folder = argv[1];
    if (!folder)
        SKIP("no folder with goldens given");
    for (const char *const *name = cbx_cpu_variants(); *name; name++) {
        CHECK(!cbx_cpu_open(2, *name, &dev, &err));
        const int run = check_folder(folder);
        cbx_dev_close(dev);
        if (!run)
            SKIP("no goldens in the folder");
    }
    return 0;
}
