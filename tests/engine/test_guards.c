/* Guards: judged alone, then on random weights of every family, where T3 never
 * ends, repeats itself, or ends at once. argv[1]: the folder of the tiny
 * checkpoints, argv[2]: a folder to write to. */
#include "models/pipeline/work.h"
#include "tests/check.h"

#include <dirent.h>
#include <sys/stat.h>
#include <unistd.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* -- alone ----------------------------------------------------------------- */

static const uint8_t silent[1000] = {[7] = 1};
static const char LINE[] = "A line of thirty letters or so";

/* Feeds n tokens; *good and the place of the first verdict. */
static guard_kind feed(guard *g, const int32_t *tokens, int n, int *good,
                       int *at)
{
    for (*at = 1; *at <= n; (*at)++) {
        const guard_kind k = guard_token(g, tokens, *at, -1, 0, good);
        if (k != GUARD_NONE)
            return k;
    }
    return GUARD_NONE;
}

static void a_loop_is_seen_and_what_was_before_it_kept(void)
{
    for (int period = 1; period <= GUARD_PERIOD; period++) {
        guard g;
        int32_t tokens[200];
        int good, at;
        for (int i = 0; i < 200; i++) /* 20 that differ, then the loop */
            tokens[i] = 100 + (i < 20 ? i : 100 + i % period);
        guard_begin(&g, silent, LINE, sizeof LINE - 1);
        g.most = 1000;
        CHECK(feed(&g, tokens, 200, &good, &at) == GUARD_LOOP);
        CHECK(good >= 20 && good <= 20 + period && at >= 20 + 24);
        CHECK(at <= 20 + (3 * period > 24 ? 3 * period : 24));
    }
}

static void a_word_said_twice_is_no_loop(void)
{
    guard g;
    int32_t tokens[90];
    int good, at;
    for (int i = 0; i < 90; i++)
        tokens[i] = 100 + i % 30 + (i >= 60) * 300;
    guard_begin(&g, silent, LINE, sizeof LINE - 1);
    CHECK(feed(&g, tokens, 90, &good, &at) == GUARD_NONE);
}

static void a_long_silence_is_seen_and_cut_short(void)
{
    guard g;
    int32_t tokens[100];
    int good, at;
    for (int i = 0; i < 100; i++)
        tokens[i] = i < 40 ? 100 + i : 7;
    guard_begin(&g, silent, LINE, sizeof LINE - 1);
    CHECK(feed(&g, tokens, 100, &good, &at) == GUARD_SILENCE);
    CHECK(at > 40 + 20 && good > 40 && good < 50);
}

static void bounds_follow_the_length_of_the_text(void)
{
    guard g, twice;
    char text[2 * sizeof LINE];
    snprintf(text, sizeof text, "%s %s", LINE, LINE);
    guard_begin(&g, silent, LINE, sizeof LINE - 1);
    guard_begin(&twice, silent, text, strlen(text));
    /* speech takes 1.4 to 2 tokens for a letter */
    CHECK(g.least < 30 && g.most > 90 && g.most < 300);
    CHECK(twice.least >= 2 * g.least && twice.most > g.most + 50);
    CHECK(guard_stop(&g, g.least - 1, -1) == GUARD_EARLY);
    CHECK(guard_stop(&g, g.least, -1) == GUARD_NONE);
    CHECK(guard_stop(&g, g.least, 0.2) == GUARD_EARLY);
}

static void the_end_of_the_text_ends_it(void)
{
    guard g;
    int good;
    const int32_t tokens[] = {100, 101, 102};
    guard_begin(&g, silent, LINE, sizeof LINE - 1);
    CHECK(guard_token(&g, tokens, 1, 1, 5, &good) == GUARD_NONE);
    CHECK(guard_token(&g, tokens, 2, 1, 500, &good) == GUARD_TAIL);
    CHECK(good < 2);
    g.most = 3;
    CHECK(guard_token(&g, tokens, 3, -1, 0, &good) == GUARD_ENDLESS);
    CHECK(good == 3);
}

/* -- on random weights ----------------------------------------------------- */

typedef struct outcome {
    int drawn, tokens, most, kinds[GUARD_NONE], first[2];
    uint64_t guards;
    size_t samples;
} outcome;

static void must(cbx_status st, const cbx_error *err)
{
    if (st) {
        fprintf(stderr, "%s\n", err->text);
        exit(1);
    }
}

static outcome speak(cbx_dev *dev, const char *folder, bool guards,
                     float temperature)
{
    cbx_tts *tts;
    cbx_speaker *speaker;
    cbx_pipeline *p;
    cbx_error err;
    cbx_intervention did;
    outcome o = {0};
    bool done = false;
    must(cbx_tts_open(dev, folder, NULL, &tts, &err), &err);
    must(cbx_speaker_open(tts, NULL, &speaker, &err), &err);
    const cbx_pipeline_options options = {
        .seed = 3,
        .guards = guards,
        .flow = CBX_PIPELINE_CAUSAL,
        .history = 20,
        .look_ahead = -1,
        .sampling = {.order = cbx_tts_config(tts)->t3.gpt2 ? CBX_SAMPLE_TURBO
                                                           : CBX_SAMPLE_LLAMA,
                     .temperature = temperature,
                     .top_p = 1,
                     .repetition_penalty = 1}};
    must(cbx_pipeline_open(tts, speaker, &options, &p, &err), &err);
    must(cbx_pipeline_begin(p, LINE, sizeof LINE - 1, 0, &err), &err);
    while (!done) {
        size_t n;
        must(cbx_pipeline_step(p, &done, &err), &err);
        while (cbx_pipeline_intervention(p, &did)) {
            CHECK(did.kind >= 0 && did.kind < GUARD_NONE && did.text[0]);
            o.kinds[did.kind]++;
        }
        const float *x = cbx_pipeline_pcm(p, &n);
        for (size_t i = 0; i < n; i++)
            CHECK(isfinite(x[i]));
        o.samples += n;
    }
    o.drawn = p->drawn;
    o.tokens = p->n_tokens;
    o.most = p->guard.most;
    memcpy(o.first, p->all, sizeof o.first);
    o.guards = cbx_pipeline_get_stats(p)->guards;
    cbx_pipeline_close(p);
    cbx_speaker_close(speaker);
    cbx_tts_close(tts);
    return o;
}

/* A copy of the checkpoint whose end-of-speech token is another one. */
static void copy_with_stop(const char *from, const char *to, int stop)
{
    char a[4096], b[4096];
    static char config[1 << 16];
    DIR *dir = opendir(from);
    CHECK(dir);
    mkdir(to, 0777);
    for (const struct dirent *e; (e = readdir(dir));) {
        snprintf(a, sizeof a, "%s/%.255s", from, e->d_name);
        snprintf(b, sizeof b, "%s/%.255s", to, e->d_name);
        unlink(b);
        if (e->d_name[0] != '.' && strcmp(e->d_name, "oracle_config.json"))
            CHECK(symlink(a, b) == 0);
    }
    closedir(dir);
    snprintf(a, sizeof a, "%s/oracle_config.json", from);
    snprintf(b, sizeof b, "%s/oracle_config.json", to);
    FILE *f = fopen(a, "r"), *g = fopen(b, "w");
    CHECK(f && g);
    config[fread(config, 1, sizeof config - 1, f)] = 0;
    char *at = strstr(config, "\"stop_speech_token\":");
    CHECK(at);
    fprintf(g, "%.*s\"stop_speech_token\": %d%s", (int)(at - config), config,
            stop, at + strcspn(at, ",\n"));
    fclose(f);
    fclose(g);
}

static void speech_without_an_end_is_ended(cbx_dev *dev, const char *folder)
{
    const outcome plain = speak(dev, folder, false, 1);
    const outcome o = speak(dev, folder, true, 1);
    CHECK(plain.guards == 0 && plain.tokens > o.most);
    CHECK(o.guards >= 1 && o.samples > 0);
    CHECK(o.kinds[GUARD_ENDLESS] == 1);
    CHECK(o.tokens <= o.most + 3); /* and silence */
}

/* Almost no temperature: random weights soon repeat themselves. */
static void speech_that_loops_is_ended(cbx_dev *dev, const char *folder)
{
    const outcome o = speak(dev, folder, true, 0.01f);
    CHECK(o.guards >= 1 && o.samples > 0 && o.tokens <= o.most + 3);
    CHECK(o.kinds[GUARD_LOOP] + o.kinds[GUARD_ENDLESS] >= 1);
}

/* What is drawn first is made the end. */
static void speech_that_ends_at_once_is_tried_again(cbx_dev *dev,
                                                    const char *folder,
                                                    const char *copy,
                                                    bool tests_first)
{
    const outcome was = speak(dev, folder, false, 0.01f);
    copy_with_stop(folder, copy, was.first[!tests_first]);
    const outcome o = speak(dev, copy, true, 0.01f);
    CHECK(o.kinds[GUARD_EARLY] == MOST_RETRIES + 1);
    CHECK(o.guards == MOST_RETRIES + 1);
    CHECK(o.drawn <= 2 && o.tokens <= 1 + 3);
}

int main(int argc, char **argv)
{
    static const char *const families[] = {"turbo", "nano", "original",
                                           "multilingual"};
    cbx_dev *dev;
    cbx_error err;
    CHECK(argc == 3);
    a_loop_is_seen_and_what_was_before_it_kept();
    a_word_said_twice_is_no_loop();
    a_long_silence_is_seen_and_cut_short();
    bounds_follow_the_length_of_the_text();
    the_end_of_the_text_ends_it();
    must(cbx_cpu_open(0, NULL, &dev, &err), &err);
    mkdir(argv[2], 0777);
    for (int i = 0; i < 4; i++) {
        char folder[2048], copy[2048];
        snprintf(folder, sizeof folder, "%s/%s", argv[1], families[i]);
        snprintf(copy, sizeof copy, "%s/%s", argv[2], families[i]);
        speech_without_an_end_is_ended(dev, folder);
        speech_that_loops_is_ended(dev, folder);
        speech_that_ends_at_once_is_tried_again(dev, folder, copy, i >= 2);
    }
    cbx_dev_close(dev);
    return 0;
}
