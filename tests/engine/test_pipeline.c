/* The pipeline alone, with the built-in model: argv[1] is its folder. */
#include "models/pipeline/pipeline.h"
#include "rt/random.h"
#include "tests/check.h"

#include <stdlib.h>
#include <string.h>

static const char TEXT[] =
    "The small boat went slowly down the wide river, past the old mill, and "
    "nobody on the bank looked up.";

typedef struct world {
    cbx_dev *dev;
    cbx_tts *tts;
    cbx_speaker *speaker;
} world;

typedef struct sound {
    float *x;
    size_t n;
    uint64_t calls, cells;
} sound;

static void must(cbx_status st, const cbx_error *err)
{
    if (st) {
        fprintf(stderr, "%s\n", err->text);
        exit(1);
    }
}

static cbx_pipeline_options options_of(const world *w, cbx_flow flow)
{
    const cbx_config_sampling *s = &cbx_tts_config(w->tts)->sampling;
    return (cbx_pipeline_options){
        .seed = 5,
        .grid = CBX_GRID_LOWEST,
        .flow = flow,
        .history = 100,
        .look_ahead = -1,
        .sampling = {.order = CBX_SAMPLE_TURBO,
                     .temperature = s->temperature,
                     .top_p = s->top_p,
                     .repetition_penalty = s->repetition_penalty,
                     .top_k = s->top_k}};
}

/* hurry: 0 never, 1 always, else at random by this seed. */
static sound speak(const world *w, const cbx_pipeline_options *o,
                   uint64_t hurry)
{
    cbx_pipeline *p;
    cbx_error err;
    sound s = {0};
    bool done = false;
    must(cbx_pipeline_open(w->tts, w->speaker, o, &p, &err), &err);
    must(cbx_pipeline_begin(p, TEXT, sizeof TEXT - 1, 1000, &err), &err);
    for (uint64_t i = 0; !done; i++) {
        size_t n;
        cbx_pipeline_hurry(
            p, hurry == 1 || (hurry > 1 && cbx_random_uniform(hurry, i) < 0.5));
        must(cbx_pipeline_step(p, &done, &err), &err);
        const float *x = cbx_pipeline_pcm(p, &n);
        s.x = realloc(s.x, (s.n + n + 1) * sizeof *s.x);
        CHECK(s.x);
        memcpy(s.x + s.n, x, n * sizeof *x);
        s.n += n;
    }
    s.calls = cbx_pipeline_get_stats(p)->calls;
    s.cells = cbx_pipeline_get_stats(p)->cells;
    cbx_pipeline_close(p);
    return s;
}

static bool equal(const sound *a, const sound *b)
{
    return a->n == b->n && memcmp(a->x, b->x, a->n * sizeof *a->x) == 0;
}

static void several_cells_in_a_call_change_no_bit(const world *w)
{
    enum { WAYS = 4 };
    const cbx_pipeline_options o = options_of(w, CBX_PIPELINE_CAUSAL);
    sound one = speak(w, &o, 0);
    CHECK(one.n > 48000 && one.calls == one.cells && one.cells > 4);
    for (uint64_t hurry = 1; hurry <= WAYS; hurry++) {
        sound many = speak(w, &o, hurry);
        CHECK(equal(&one, &many));
        CHECK(many.cells == one.cells);
        CHECK(hurry > 1 || many.calls + 2 < one.calls);
        free(many.x);
    }
    free(one.x);
}

static void the_history_is_part_of_the_sound(const world *w)
{
    cbx_pipeline_options o = options_of(w, CBX_PIPELINE_CAUSAL);
    sound all, far, near;
    o.history = 0;
    all = speak(w, &o, 0);
    o.history = 2000; /* longer than any segment: all of it too */
    far = speak(w, &o, 0);
    o.history = 20;
    near = speak(w, &o, 0);
    CHECK(equal(&all, &far));
    CHECK(near.n == all.n && !equal(&all, &near));
    free(all.x);
    free(far.x);
    free(near.x);
}

/* The latency picks R; R = 20 is the vocoder as it is. */
static void the_look_ahead_follows_the_latency(const world *w)
{
    static const int expected[] = {4, 8, 20};
    for (int grid = 0; grid < 3; grid++) {
        cbx_pipeline_options o = options_of(w, CBX_PIPELINE_PREFIX);
        o.grid = (cbx_grid)grid;
        sound own = speak(w, &o, 0);
        o.look_ahead = expected[grid];
        sound same = speak(w, &o, 0);
        o.look_ahead = 0;
        sound other = speak(w, &o, 0);
        CHECK(equal(&own, &same));
        CHECK(own.n == other.n && !equal(&own, &other));
        free(own.x);
        free(same.x);
        free(other.x);
    }
}

static void an_impossible_look_ahead_is_refused(const world *w)
{
    cbx_pipeline_options o = options_of(w, CBX_PIPELINE_PREFIX);
    cbx_pipeline *p;
    cbx_error err;
    o.look_ahead = 21;
    CHECK(cbx_pipeline_open(w->tts, w->speaker, &o, &p, &err) == CBX_E_ARG);
    CHECK(strstr(err.text, "21"));
}

int main(int argc, char **argv)
{
    world w;
    cbx_error err;
    CHECK(argc == 2);
    must(cbx_cpu_open(0, NULL, &w.dev, &err), &err);
    must(cbx_tts_open(w.dev, argv[1], NULL, &w.tts, &err), &err);
    must(cbx_speaker_open(w.tts, NULL, &w.speaker, &err), &err);
    several_cells_in_a_call_change_no_bit(&w);
    the_history_is_part_of_the_sound(&w);
    the_look_ahead_follows_the_latency(&w);
    an_impossible_look_ahead_is_refused(&w);
    cbx_speaker_close(w.speaker);
    cbx_tts_close(w.tts);
    cbx_dev_close(w.dev);
    return 0;
}
