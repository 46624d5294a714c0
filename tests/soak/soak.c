/* soak [SECONDS] [MODEL]: 16 streams that start and stop at random, read by one
 * thread. Counts what must not happen: events lost or out of order, sound that
 * is not a number or comes behind an end, text that is not spoken, an error,
 * memory that grows. Exit status 1 if any did. */
#include "chatterbox/chatterbox.h"
#include "rt/clock.h"
#include "rt/random.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { STREAMS = 16, PIECE = 512 };

static const char *const texts[] = {
    "Yes.",
    "The sun is out, and the river is high.",
    "Good morning, this is a test. Nobody knows what comes next!",
    "One, two, three",
    "It was a quiet evening. Then the bell rang, and we all went home. ",
};
enum { TEXTS = sizeof texts / sizeof *texts };

typedef struct player {
    cbx_stream *stream;
    uint64_t last_frame, pushed;
    bool finished, cancelled, ended;
} player;

typedef struct counts {
    uint64_t opened, closed, cancelled, replaced, ended, frames, events, words,
        guards, underruns;
    uint64_t disordered, lost, errors, bad_samples, late_sound, unspoken;
} counts;

static cbx_engine *engine;
static cbx_model *model;
static cbx_voice *voice;
static uint64_t draws;

static void must(cbx_status st, const cbx_error *err)
{
    if (!st)
        return;
    fprintf(stderr, "soak: %s\n", err->text);
    exit(1);
}

static int pick(int n)
{
    return (int)(cbx_random_uniform(42, draws++) * n);
}

static void say(player *p, bool replace, counts *c)
{
    cbx_error err;
    size_t taken;
    const char *text = texts[pick(TEXTS)];
    const size_t n = strlen(text);
    if (replace) {
        must(cbx_stream_replace(p->stream, text, n, &taken, &err), &err);
        c->replaced++;
        p->pushed = taken;
        p->last_frame = 0;
    } else {
        must(cbx_stream_push(p->stream, text, n, &taken, &err), &err);
        p->pushed += taken;
    }
    p->finished = p->cancelled = p->ended = false;
}

static void open_player(player *p, counts *c)
{
    static const uint32_t rates[] = {24000, 44100, 48000};
    cbx_params params;
    cbx_error err;
    cbx_voice_params(voice, &params);
    params.seed = (uint64_t)pick(1000);
    params.latency = (cbx_latency)pick(3);
    params.flow = (cbx_flow_mode)pick(4);
    params.sample_rate = rates[pick(3)];
    must(cbx_stream_open(voice, &params, &p->stream, &err), &err);
    p->pushed = p->last_frame = 0;
    say(p, false, c);
    c->opened++;
}

static void close_player(player *p, counts *c)
{
    cbx_stream_stats st;
    cbx_stream_get_stats(p->stream, &st);
    c->lost += st.events_lost;
    c->underruns += st.underruns;
    if (p->ended && st.text_spoken < p->pushed &&
        st.text_spoken + 1 < p->pushed)
        c->unspoken++;
    cbx_stream_close(p->stream);
    *p = (player){0};
    c->closed++;
}

static void take_events(player *p, counts *c)
{
    cbx_event e;
    while (cbx_stream_poll(p->stream, &e)) {
        c->events++;
        c->words += e.kind == CBX_EVENT_WORD;
        c->guards += e.kind == CBX_EVENT_GUARD;
        c->errors += e.kind == CBX_EVENT_ERROR;
        if (e.kind == CBX_EVENT_CANCELLED)
            p->last_frame = 0;
        else if (e.kind != CBX_EVENT_UNDERRUN && e.kind != CBX_EVENT_BAD_UTF8) {
            c->disordered += e.frame < p->last_frame;
            p->last_frame = e.frame;
        }
        if (e.kind == CBX_EVENT_ENDED) {
            p->ended = true;
            c->ended++;
        }
    }
}

static void read_some(player *p, counts *c)
{
    float x[PIECE];
    uint32_t n = cbx_stream_available(p->stream);
    n = cbx_stream_read(p->stream, x, n < PIECE ? n : PIECE, NULL);
    c->frames += n;
    c->late_sound += n && p->ended;
    for (uint32_t i = 0; i < n; i++)
        c->bad_samples += !isfinite(x[i]) || fabsf(x[i]) > 1.5f;
    take_events(p, c);
}

/* Something happens to a stream, now and then. */
static void act(player *p, counts *c)
{
    const int what = pick(10000);
    if (!p->stream) {
        if (what < 1000)
            open_player(p, c);
        return;
    }
    if (what < 4 || (p->ended && what < 3000))
        close_player(p, c);
    else if (what < 8) {
        cbx_stream_cancel(p->stream);
        c->cancelled++;
        p->cancelled = true;
        p->finished = p->ended = false;
        p->pushed = p->last_frame = 0;
    } else if (what < 12)
        say(p, true, c);
    else if (what < 80 && !p->finished && !p->cancelled)
        say(p, false, c);
    else if (what < 800 && !p->finished && p->pushed) {
        cbx_stream_finish(p->stream);
        p->finished = true;
    }
}

/* Resident memory, kB. */
static long memory(void)
{
    long pages = 0;
    FILE *f = fopen("/proc/self/statm", "r");
    if (!f || fscanf(f, "%*d %ld", &pages) != 1)
        pages = 0;
    if (f)
        fclose(f);
    return pages * 4;
}

static bool report(const counts *c, long before, long now)
{
    printf("%llu opened, %llu closed, %llu cancelled, %llu replaced, %llu "
           "ended; %.1f s of sound, %llu events (%llu words, %llu guards), "
           "%llu underruns of a reader that does not wait\n",
           (unsigned long long)c->opened, (unsigned long long)c->closed,
           (unsigned long long)c->cancelled, (unsigned long long)c->replaced,
           (unsigned long long)c->ended, (double)c->frames / 40000,
           (unsigned long long)c->events, (unsigned long long)c->words,
           (unsigned long long)c->guards, (unsigned long long)c->underruns);
    printf("events out of order %llu, lost %llu; errors %llu; bad samples "
           "%llu; sound behind an end %llu; text unspoken %llu; memory after "
           "a quarter %ld kB, at the end %ld kB\n",
           (unsigned long long)c->disordered, (unsigned long long)c->lost,
           (unsigned long long)c->errors, (unsigned long long)c->bad_samples,
           (unsigned long long)c->late_sound, (unsigned long long)c->unspoken,
           before, now);
    return c->disordered + c->lost + c->errors + c->bad_samples +
               c->late_sound + c->unspoken ==
           0;
}

int main(int argc, char **argv)
{
    static player players[STREAMS];
    counts c = {0};
    cbx_error err;
    const double seconds = argc > 1 ? atof(argv[1]) : 60;
    must(cbx_engine_open(NULL, &engine, &err), &err);
    must(cbx_model_open(engine, argc > 2 ? argv[2] : "builtin", &model, &err),
         &err);
    must(cbx_voice_open(model, NULL, &voice, &err), &err);
    const int64_t begin = cbx_clock_ns();
    long before = 0;
    for (double now = 0; now < seconds;
         now = 1e-9 * (double)(cbx_clock_ns() - begin)) {
        for (int i = 0; i < STREAMS; i++) {
            act(&players[i], &c);
            if (players[i].stream)
                read_some(&players[i], &c);
        }
        if (players[0].stream)
            cbx_stream_wait(players[0].stream, 2);
        if (!before && now > seconds / 4)
            before = memory();
    }
    const long after = memory();
    for (int i = 0; i < STREAMS; i++)
        if (players[i].stream)
            close_player(&players[i], &c);
    const bool good = report(&c, before, after);
    cbx_voice_close(voice);
    cbx_model_close(model);
    cbx_engine_close(engine);
    if (c.opened < 16 || c.words == 0 || c.ended == 0) {
        fprintf(stderr, "soak: too little happened\n");
        return 1;
    }
    return !good;
}
