/* The part of an instance that runs on the audio thread. */
#include "plugin/core/instance.h"
#include "rt/clock.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

enum { LACKS = 32, WAIT_STEP_MS = 1 };

CBX_RT void plug_set(plug *p, plug_param which, float value)
{
    const plug_param_info *info = &plug_params[which];
    if (value != value)
        return;
    value = value < info->least ? info->least : value;
    value = value > info->most ? info->most : value;
    if (info->whole)
        value = (float)(int32_t)(value + 0.5f);
    const float old = atomic_exchange_explicit(&p->params[which], value,
                                               memory_order_relaxed);
    if (old != value &&
        (which == PLUG_SPEED || which == PLUG_PITCH || which == PLUG_SEED))
        atomic_store_explicit(&p->serve, true, memory_order_relaxed);
}

CBX_RT float plug_get(const plug *p, plug_param which)
{
    return atomic_load_explicit(&p->params[which], memory_order_relaxed);
}

CBX_RT const plug_scene *plug_begin(plug *p)
{
    plug_player *a = &p->player;
    a->timeline = plug_get(p, PLUG_TIMELINE) > 0.5f;
    a->note_off =
        plug_get(p, PLUG_NOTE_OFF) > 0.5f ? NOTE_OFF_STOPS : NOTE_OFF_PLAYS_ON;
    const float db = plug_get(p, PLUG_GAIN);
    /* 0 dB is 1 exactly: the sound passes bit for bit */
    player_set_gain(a, db == 0 ? 1.0f : powf(10.0f, db / 20.0f));
    if (!a->scene)
        a->gain = a->gain_target; /* the first block */
    return player_begin(a);
}

CBX_RT void plug_transport(plug *p, bool playing, int64_t position)
{
    player_transport(&p->player, playing, position);
}

CBX_RT int64_t plug_position(const plug *p)
{
    return p->player.position;
}

CBX_RT void plug_note(plug *p, int note, float velocity)
{
    if (note < 0 || note >= PLUG_PHRASES || !(velocity >= 0))
        return;
    if (velocity > 0) {
        player_note_on(&p->player, note, velocity > 1 ? 1 : velocity);
        atomic_store_explicit(&p->serve, true, memory_order_relaxed);
    } else {
        player_note_off(&p->player, note);
    }
}

CBX_RT void plug_silence(plug *p)
{
    player_silence(&p->player);
}

CBX_RT void plug_fill(plug *p, float *out, uint32_t n)
{
    player_fill(&p->player, out, n);
}

CBX_RT bool plug_edit_later(plug *p, plug_edit what, const char *text, size_t n)
{
    const size_t pieces = n ? (n + EDIT_BYTES - 1) / EDIT_BYTES : 1;
    if (n > PLUG_SCRIPT_MAX ||
        pieces + cbx_queue_count(p->edits) > EDIT_PIECES) {
        atomic_fetch_add_explicit(&p->refused, 1, memory_order_relaxed);
        atomic_store_explicit(&p->serve, true, memory_order_relaxed);
        return false;
    }
    for (size_t i = 0; i < pieces; i++) {
        edit_piece piece;
        const size_t left = n - i * EDIT_BYTES;
        piece.what = (uint16_t)what;
        piece.bytes = (uint16_t)(left < EDIT_BYTES ? left : EDIT_BYTES);
        piece.last = i + 1 == pieces;
        if (piece.bytes)
            memcpy(piece.text, text + i * EDIT_BYTES, piece.bytes);
        cbx_queue_push(p->edits, &piece); /* there is room: see above */
    }
    atomic_store_explicit(&p->serve, true, memory_order_relaxed);
    return true;
}

CBX_RT bool plug_wants_service(plug *p)
{
    return atomic_exchange_explicit(&p->serve, false, memory_order_relaxed);
}

CBX_RT uint64_t plug_late(const plug *p)
{
    return atomic_load_explicit(&p->player.late, memory_order_relaxed) +
           atomic_load_explicit(&p->player.silenced, memory_order_relaxed);
}

CBX_RT float plug_peak(plug *p)
{
    return atomic_exchange_explicit(&p->player.peak, 0, memory_order_relaxed);
}

/* -- offline --------------------------------------------------------------- */

CBX_RT void plug_set_offline(plug *p, bool offline)
{
    if (atomic_exchange(&p->offline, offline) == offline || !offline)
        return;
    const plug_scene *s = p->player.scene;
    for (int i = 0; s && i < s->count; i++)
        atomic_store(&s->cues[i].take->missed, false);
}

/* Something that changes with any progress of these takes. */
static uint64_t progress_of(plug_take *const *takes, int n)
{
    uint64_t sum = (uint64_t)n;
    for (int i = 0; i < n; i++)
        sum += plug_take_ready(takes[i]);
    return sum;
}

static void give_up(plug *p, plug_take *const *takes, int n)
{
    pthread_mutex_lock(&p->lock);
    for (int i = 0; i < n; i++) {
        char line[256];
        int number = -1;
        atomic_store(&takes[i]->missed, true);
        for (int k = 0; k < p->script.count; k++)
            if (p->of_phrase[k] == takes[i])
                number = p->script.phrases[k].number;
        snprintf(line, sizeof line,
                 "phrase %d is missing in this run: nothing came from the "
                 "daemon for %.0f s",
                 number, (double)plug_get(p, PLUG_WAIT));
        plug_log(p, line);
    }
    if (plug_publish(p, NULL))
        plug_log(p, "out of memory");
    pthread_mutex_unlock(&p->lock);
}

void plug_wait(plug *p, uint32_t n)
{
    plug_take *lacks[LACKS];
    /* Also a parameter that the worker lets come to rest counts now. */
    pthread_mutex_lock(&p->lock);
    plug_absorb(p, true);
    pthread_mutex_unlock(&p->lock);
    int64_t since = cbx_clock_ns();
    uint64_t progress = UINT64_MAX;
    for (;;) {
        player_begin(&p->player); /* a rendering may have been replaced ... */
        p->player.tail_end = 0;   /* ... and nobody has heard the old one */
        const int found = player_lacks(&p->player, n, lacks, LACKS);
        if (!found)
            return;
        const int64_t now = cbx_clock_ns();
        if (progress != progress_of(lacks, found)) {
            progress = progress_of(lacks, found);
            since = now;
        }
        if ((double)(now - since) > plug_get(p, PLUG_WAIT) * 1e9) {
            give_up(p, lacks, found);
            return;
        }
        service_wake(p->service);
        cbx_sleep_until(now + WAIT_STEP_MS * CBX_NS_PER_MS);
    }
}
