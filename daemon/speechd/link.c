#include "daemon/speechd/link.h"

#include "rt/status.h"

#include <stdio.h>
#include <time.h>

enum {
    RING = 32768, /* frames; the daemon is at most this far ahead */
    BLOCK = 1024,
};

int64_t sd_now_ms(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

cbx_status sd_link_open(sd_link *l, const sd_config *config,
                        void (*log)(const char *sentence), cbx_error *err)
{
    const cbx_client_options options = {
        .name = "speech-dispatcher",
        .socket = *config->socket ? config->socket : NULL,
        .spawn = config->start};
    l->log = log;
    l->changed = sd_now_ms();
    const cbx_status st = cbx_client_open(&options, &l->client, err);
    return st ? st
              : cbx_client_audio_open(l->client, SD_RATE, RING, &l->audio, err);
}

void sd_link_close(sd_link *l)
{
    cbx_client_audio_close(l->audio);
    cbx_client_close(l->client);
    sd_sound_free(&l->sound);
    cbx_buffer_free(&l->marks);
}

void sd_link_stop(sd_link *l)
{
    if (l->state == SD_LINK_SPEAKING) {
        cbx_client_audio_drop(l->audio);
        cbx_client_stop(l->client, l->job);
    }
    l->state = SD_LINK_IDLE;
    l->job = 0;
    l->ended = false;
    l->marks.n = 0;
    sd_sound_free(&l->sound);
}

bool sd_link_say(sd_link *l, cbx_say *say)
{
    sd_link_stop(l);
    say->audio = l->audio;
    const bool good = !cbx_client_say(l->client, say, &l->job, &l->error);
    l->state = good ? SD_LINK_SPEAKING : SD_LINK_FAILED;
    return good;
}

static void fail(sd_link *l, cbx_status status, const char *why)
{
    if (l->state != SD_LINK_SPEAKING)
        return;
    cbx_fail(&l->error, status, "%s", why);
    l->state = SD_LINK_FAILED;
}

static void connection(sd_link *l, bool there, const char *text)
{
    char sentence[400];
    l->connected = there;
    l->changed = sd_now_ms();
    snprintf(sentence, sizeof sentence, "the daemon is %s: %s",
             there ? "there" : "away", text);
    l->log(sentence);
}

static void add_mark(sd_link *l, const cbx_client_event *e)
{
    sd_link_mark m = {.frame = e->frame};
    snprintf(m.name, sizeof m.name, "%.119s", e->text);
    if (!cbx_buffer_add(&l->marks, &m, sizeof m))
        fail(l, CBX_E_NOMEM, "no memory for a mark");
}

static void event_of_job(sd_link *l, const cbx_client_event *e)
{
    switch (e->kind) {
    case CBX_CLIENT_SENTENCE:
    case CBX_CLIENT_WORD:
        if (!sd_sound_anchor(&l->sound, e->frame, (size_t)e->text_from))
            fail(l, CBX_E_NOMEM, "no memory for a word");
        break;
    case CBX_CLIENT_MARK:
        add_mark(l, e);
        break;
    case CBX_CLIENT_NOTICE:
        l->log(e->text);
        break;
    case CBX_CLIENT_ENDED:
        l->ended = true;
        break;
    case CBX_CLIENT_CANCELLED:
        fail(l, CBX_E_DEVICE, "the daemon was told to stop");
        break;
    case CBX_CLIENT_ERROR:
        fail(l, e->status, e->text);
        break;
    default:
        break;
    }
}

static void events(sd_link *l)
{
    cbx_client_event e;
    while (cbx_client_poll(l->client, &e)) {
        if (e.kind == CBX_CLIENT_CONNECTED || e.kind == CBX_CLIENT_LOST)
            connection(l, e.kind == CBX_CLIENT_CONNECTED, e.text);
        else if (e.job && e.job == l->job)
            event_of_job(l, &e);
    }
}

/* Frames of the job, which are numbered: none counts twice. */
static void add_frames(sd_link *l, const float *frames, size_t n, uint64_t at)
{
    const uint64_t end = sd_sound_end(&l->sound);
    const uint64_t known = end > at ? end - at : 0;
    if (known < n && !sd_sound_add(&l->sound, frames + known, n - known))
        fail(l, CBX_E_NOMEM, "no memory for the sound");
}

void sd_link_pull(sd_link *l, size_t n)
{
    float block[BLOCK];
    /* The events of the frames that can be read now are there as well. */
    uint32_t there = cbx_client_audio_available(l->audio);
    events(l);
    const bool ended = l->ended;
    if (there > n)
        there = (uint32_t)n;
    uint64_t job = 0, frame = 0;
    while (there) {
        const uint32_t got = cbx_client_audio_take(
            l->audio, block, there < BLOCK ? there : BLOCK, &job, &frame);
        if (!got)
            break;
        if (job == l->job && l->state == SD_LINK_SPEAKING)
            add_frames(l, block, got, frame);
        there -= got < there ? got : there;
    }
    if (l->state != SD_LINK_SPEAKING)
        return;
    if (ended && !cbx_client_audio_available(l->audio)) {
        l->sound.whole = true;
        l->state = SD_LINK_WHOLE;
    } else {
        cbx_client_audio_notify(l->audio);
    }
}
