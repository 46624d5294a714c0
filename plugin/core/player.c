#include "plugin/core/player.h"

#include <string.h>

enum { GAIN_FRAMES = 256, HOLD_TRIES = 4 };

void player_reset(plug_player *p, uint32_t rate)
{
    atomic_store(&p->held[0], NULL);
    atomic_store(&p->held[1], NULL);
    p->scene = NULL;
    p->playing = false;
    p->position = 0;
    p->gain = p->gain_target;
    p->tail_at = p->tail_end = 0;
    memset(p->voices, 0, sizeof p->voices);
    p->fade_length = rate / 200;
    if (p->fade_length > PLAYER_TAIL)
        p->fade_length = PLAYER_TAIL;
    if (!p->fade_length)
        p->fade_length = 1;
}

/* -- scenes ---------------------------------------------------------------- */

plug_scene *player_publish(plug_player *p, plug_scene *scene)
{
    /* seq_cst, as all that touches current and held: either the reader sees the
     * new scene, or player_holds sees the reader's claim on the old one */
    return atomic_exchange(&p->current, scene);
}

bool player_holds(const plug_player *p, const plug_scene *scene)
{
    return atomic_load(&p->held[0]) == scene ||
           atomic_load(&p->held[1]) == scene;
}

CBX_RT static const plug_cue *cue_of(const plug_scene *s, int number)
{
    int low = 0, high = s ? s->count : 0;
    while (low < high) {
        const int mid = (low + high) / 2;
        if (s->cues[mid].number < number)
            low = mid + 1;
        else
            high = mid;
    }
    return s && low < s->count && s->cues[low].number == number ? &s->cues[low]
                                                                : NULL;
}

CBX_RT static bool has_take(const plug_scene *s, int number,
                            const plug_take *take)
{
    const plug_cue *c = cue_of(s, number);
    return c && c->take == take;
}

/* What of the old scene was sounding and is gone in the new one fades out. */
CBX_RT static void make_tail(plug_player *p, const plug_scene *old,
                             const plug_scene *now)
{
    const uint32_t n = p->fade_length;
    memset(p->tail, 0, sizeof p->tail);
    bool any = false;
    for (int i = 0; p->playing && p->timeline && i < old->count; i++) {
        const plug_cue *c = &old->cues[i];
        const plug_cue *after = cue_of(now, c->number);
        const bool same = after && after->take == c->take &&
                          after->pinned == c->pinned && after->at == c->at;
        if (!c->pinned || same || p->position < c->at)
            continue;
        any |= plug_take_mix(c->take, (uint64_t)(p->position - c->at), p->tail,
                             n, 1.0f) > 0;
    }
    for (int i = 0; i < PLAYER_VOICES; i++) {
        player_voice *v = &p->voices[i];
        if (!v->take || has_take(now, v->number, v->take))
            continue;
        any |= plug_take_mix(v->take, v->at, p->tail, n, v->gain) > 0;
        v->take = NULL;
    }
    for (uint32_t i = 0; i < n; i++)
        p->tail[i] *= 1.0f - (float)(i + 1) / (float)n;
    p->tail_at = 0;
    p->tail_end = any ? n : 0;
}

CBX_RT const plug_scene *player_begin(plug_player *p)
{
    const int slot = !p->slot;
    for (int i = 0; i < HOLD_TRIES; i++) {
        plug_scene *s = atomic_load(&p->current);
        if (s == p->scene)
            break;
        atomic_store(&p->held[slot], s);
        if (atomic_load(&p->current) != s)
            continue; /* replaced meanwhile: perhaps freed */
        if (p->scene)
            make_tail(p, p->scene, s);
        p->scene = s;
        atomic_store(&p->held[p->slot], NULL);
        p->slot = slot;
        return s;
    }
    atomic_store(&p->held[slot], NULL);
    return p->scene;
}

/* -- transport and notes --------------------------------------------------- */

CBX_RT void player_transport(plug_player *p, bool playing, int64_t position)
{
    p->playing = playing;
    p->position = position;
}

CBX_RT static void want(plug_player *p, plug_take *t)
{
    if (!plug_take_over(t))
        atomic_store_explicit(&t->wanted, ++p->want_clock,
                              memory_order_relaxed);
}

/* A free voice, or the one that is missed least. */
CBX_RT static player_voice *free_voice(plug_player *p)
{
    player_voice *best = &p->voices[0];
    for (int i = 0; i < PLAYER_VOICES; i++) {
        player_voice *v = &p->voices[i];
        if (!v->take)
            return v;
        if (!v->fade != !best->fade ? v->fade > 0 : v->age < best->age)
            best = v;
    }
    return best;
}

CBX_RT void player_note_on(plug_player *p, int note, float velocity)
{
    const plug_cue *c = cue_of(p->scene, note);
    for (int i = 0; i < PLAYER_VOICES; i++)
        if (p->voices[i].take && p->voices[i].number == note &&
            !p->voices[i].fade)
            p->voices[i].fade = p->fade_length;
    if (!c)
        return;
    want(p, c->take);
    player_voice *v = free_voice(p);
    *v = (player_voice){c->take, note, 0, velocity * velocity, 0, ++p->age};
}

CBX_RT void player_note_off(plug_player *p, int note)
{
    for (int i = 0; p->note_off == NOTE_OFF_STOPS && i < PLAYER_VOICES; i++)
        if (p->voices[i].take && p->voices[i].number == note &&
            !p->voices[i].fade)
            p->voices[i].fade = p->fade_length;
}

CBX_RT void player_silence(plug_player *p)
{
    for (int i = 0; i < PLAYER_VOICES; i++)
        if (p->voices[i].take && !p->voices[i].fade)
            p->voices[i].fade = p->fade_length;
}

CBX_RT void player_set_gain(plug_player *p, float gain)
{
    if (gain == p->gain_target)
        return;
    p->gain_target = gain;
    p->gain_step = (gain - p->gain) / GAIN_FRAMES;
}

/* -- filling --------------------------------------------------------------- */

/* Part of [0, n) that lies in the cue's phrase: where it begins in the block
 * and in the phrase. */
CBX_RT static uint32_t overlap(const plug_player *p, const plug_cue *c,
                               uint32_t n, uint32_t *begin, uint64_t *from)
{
    if (!c->pinned || p->position + (int64_t)n <= c->at)
        return 0;
    *begin = p->position < c->at ? (uint32_t)(c->at - p->position) : 0;
    *from = (uint64_t)(p->position + *begin - c->at);
    return n - *begin;
}

CBX_RT static void count(_Atomic uint64_t *c, uint64_t n)
{
    atomic_fetch_add_explicit(c, n, memory_order_relaxed);
}

CBX_RT static void fill_timeline(plug_player *p, float *out, uint32_t n)
{
    for (int i = 0; i < p->scene->count; i++) {
        const plug_cue *c = &p->scene->cues[i];
        uint32_t begin;
        uint64_t from;
        const uint32_t m = overlap(p, c, n, &begin, &from);
        if (!m)
            continue;
        /* before the mix: what becomes ready in between is no end */
        const bool over = plug_take_over(c->take);
        const uint32_t got = plug_take_mix(c->take, from, out + begin, m, 1.0f);
        if (got < m && !over) {
            count(&p->late, m - got);
            want(p, c->take);
        }
        if (got < m && over &&
            atomic_load_explicit(&c->take->state, memory_order_relaxed) ==
                TAKE_FAILED)
            count(&p->silenced, m - got);
    }
}

CBX_RT static void fill_fading(plug_player *p, player_voice *v, float *out,
                               uint32_t n)
{
    for (uint32_t i = 0; i < n && v->take; i++) {
        const float g = (float)--v->fade / (float)p->fade_length;
        plug_take_mix(v->take, v->at++, out + i, 1, v->gain * g);
        if (!v->fade)
            v->take = NULL;
    }
}

CBX_RT static void fill_voices(plug_player *p, float *out, uint32_t n)
{
    for (int i = 0; i < PLAYER_VOICES; i++) {
        player_voice *v = &p->voices[i];
        if (!v->take)
            continue;
        if (v->fade) {
            fill_fading(p, v, out, n);
            continue;
        }
        const bool over = plug_take_over(v->take);
        const uint32_t got = plug_take_mix(v->take, v->at, out, n, v->gain);
        v->at += got; /* what is late is spoken later */
        if (got < n && over)
            v->take = NULL;
        else if (got < n)
            count(&p->late, n - got);
    }
}

CBX_RT static void apply_gain(plug_player *p, float *out, uint32_t n)
{
    float peak = atomic_load_explicit(&p->peak, memory_order_relaxed);
    for (uint32_t i = 0; i < n; i++) {
        if (p->gain != p->gain_target) {
            const float next = p->gain + p->gain_step;
            const bool there = p->gain_step > 0 ? next >= p->gain_target
                                                : next <= p->gain_target;
            p->gain = there ? p->gain_target : next;
        }
        out[i] *= p->gain;
        const float x = out[i] < 0 ? -out[i] : out[i];
        peak = x > peak ? x : peak;
    }
    atomic_store_explicit(&p->peak, peak, memory_order_relaxed);
}

CBX_RT void player_fill(plug_player *p, float *out, uint32_t n)
{
    memset(out, 0, n * sizeof *out);
    if (p->scene && p->playing && p->timeline)
        fill_timeline(p, out, n);
    fill_voices(p, out, n);
    for (uint32_t i = 0; i < n && p->tail_at < p->tail_end; i++)
        out[i] += p->tail[p->tail_at++];
    apply_gain(p, out, n);
    if (p->playing)
        p->position += n;
}

CBX_RT static int add_lack(plug_take *t, uint64_t need, plug_take **out, int n,
                           int most)
{
    if (n < most && !plug_take_over(t) && plug_take_ready(t) < need &&
        !atomic_load_explicit(&t->missed, memory_order_relaxed))
        out[n++] = t;
    return n;
}

CBX_RT int player_lacks(plug_player *p, uint32_t n, plug_take **out, int most)
{
    int found = 0;
    for (int i = 0;
         p->scene && p->playing && p->timeline && i < p->scene->count; i++) {
        const plug_cue *c = &p->scene->cues[i];
        uint32_t begin;
        uint64_t from;
        const uint32_t m = overlap(p, c, n, &begin, &from);
        if (m)
            found = add_lack(c->take, from + m, out, found, most);
    }
    for (int i = 0; i < PLAYER_VOICES; i++) {
        const player_voice *v = &p->voices[i];
        if (v->take)
            found = add_lack(v->take, v->at + n, out, found, most);
    }
    for (int i = 0; i < found; i++)
        want(p, out[i]);
    return found;
}
