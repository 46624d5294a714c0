/* A client for the daemon's tests: speaks through the client library.
 *   speaker SOCKET render RATE TEXT [SEED]     raw floats on standard output
 *   speaker SOCKET live RATE TEXT...           each a job on one audio, read as
 *                                              a device would; raw floats
 *   speaker SOCKET sink TEXT...                on the daemon's sink
 * Events go to standard error, one a line. */
#include "chatterbox/client.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

static const char *const names[] = {
    "connected", "lost",  "queued", "started",   "sentence",
    "word",      "mark",  "paused", "resumed",   "notice",
    "underrun",  "audio", "ended",  "cancelled", "error"};

static bool is_last(cbx_client_event_kind kind)
{
    return kind >= CBX_CLIENT_ENDED;
}

static bool show(void *user, const cbx_client_event *e)
{
    (void)user;
    fprintf(stderr, "%s %" PRIu64 " %" PRIu64 " %" PRIu64 " %" PRIu64 " %s\n",
            names[e->kind], e->job, e->frame, e->text_from, e->text_to,
            e->text);
    return true;
}

static bool put(void *user, const float *frames, uint32_t n)
{
    (void)user;
    return fwrite(frames, sizeof *frames, n, stdout) == n;
}

static int fail(const cbx_error *err)
{
    fprintf(stderr, "failed %s\n", err->text);
    return 1;
}

static int render(cbx_client *c, uint32_t rate, char **args)
{
    const cbx_render_to to = {.frames = put, .event = show};
    cbx_error err;
    cbx_say say;
    cbx_say_init(&say);
    say.text = args[0];
    if (args[1]) {
        say.has_seed = true;
        say.seed = strtoull(args[1], NULL, 10);
    }
    return cbx_client_render(c, &say, rate, &to, 30000, &err) ? fail(&err) : 0;
}

static int show_all(cbx_client *c, int left)
{
    cbx_client_event e;
    while (cbx_client_poll(c, &e)) {
        show(NULL, &e);
        left -= is_last(e.kind);
    }
    return left;
}

/* In blocks of 10 ms, four times as fast as real time. */
static int live(cbx_client *c, uint32_t rate, char **texts)
{
    cbx_client_audio *audio;
    cbx_error err;
    cbx_say say;
    float block[1920];
    int left = 0;
    if (cbx_client_audio_open(c, rate, 8192, &audio, &err))
        return fail(&err);
    cbx_say_init(&say);
    say.audio = audio;
    for (; *texts; texts++, left++) {
        say.text = *texts;
        if (cbx_client_say(c, &say, NULL, &err))
            return fail(&err);
    }
    while (left > 0 || !cbx_client_audio_idle(audio)) {
        nanosleep(&(struct timespec){.tv_nsec = 2500000}, NULL);
        left = show_all(c, left);
        put(NULL, block, cbx_client_audio_read(audio, block, rate / 100, NULL));
    }
    cbx_client_audio_close(audio);
    return 0;
}

static int sink(cbx_client *c, char **texts)
{
    cbx_error err;
    cbx_say say;
    int left = 0;
    cbx_say_init(&say);
    for (; *texts; texts++, left++) {
        say.text = *texts;
        if (cbx_client_say(c, &say, NULL, &err))
            return fail(&err);
    }
    while (left > 0) {
        cbx_client_wait(c, 1000);
        left = show_all(c, left);
    }
    return 0;
}

int main(int argc, char **argv)
{
    const cbx_client_options o = {.name = "speaker",
                                  .socket = argv[1],
                                  .spawn = getenv("CHATTERBOXD") != NULL,
                                  .config = getenv("SPEAKER_CONFIG"),
                                  .wait_ms = 10000};
    cbx_client *c;
    cbx_error err;
    int code = 2;
    if (argc < 4)
        return code;
    if (cbx_client_open(&o, &c, &err))
        return fail(&err);
    if (strcmp(argv[2], "render") == 0 && argc > 4)
        code = render(c, (uint32_t)atoi(argv[3]), argv + 4);
    else if (strcmp(argv[2], "live") == 0)
        code = live(c, (uint32_t)atoi(argv[3]), argv + 4);
    else if (strcmp(argv[2], "sink") == 0)
        code = sink(c, argv + 3);
    fflush(stdout);
    show_all(c, 0);
    cbx_client_close(c);
    return code;
}
