/* Scenes (player.h): made, published, and freed when nobody uses them. */
#include "plugin/core/instance.h"
#include "rt/clock.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { STATUS_EVERY_MS = 100 };

static void scene_free(plug_scene *s)
{
    for (int i = 0; i < s->count; i++)
        plug_take_unref(s->cues[i].take);
    free((char *)s->script);
    free((char *)s->voice);
    free((char *)s->status);
    free((char *)s->voices);
    free(s);
}

static const char *state_name(const plug_take *t)
{
    static const char *const names[] = {"waits", "runs", "ready", "failed"};
    if (atomic_load(&t->missed))
        return "missing";
    return names[atomic_load(&t->state)];
}

/* What the window shows: lines of fields between tabs.
 *     daemon   up | down
 *     note     the complaint about the last edit; only if there is one
 *     NUMBER   waits | runs | ready | failed | missing   seconds   why
 * Seconds are those that are rendered. */
static char *status_text(plug *p)
{
    char *text = NULL;
    size_t size = 0;
    FILE *to = open_memstream(&text, &size);
    if (!to)
        return NULL;
    fprintf(to, "daemon\t%s\n", service_is_up(p->service) ? "up" : "down");
    if (*p->complaint)
        fprintf(to, "note\t%s\n", p->complaint);
    for (int i = 0; i < p->script.count; i++) {
        const plug_take *t = p->of_phrase[i];
        if (!t)
            continue;
        fprintf(to, "%d\t%s\t%.1f\t%s\n", p->script.phrases[i].number,
                state_name(t), (double)t->frames / PLUG_NATIVE_RATE, t->why);
    }
    if (fclose(to)) {
        free(text);
        return NULL;
    }
    return text;
}

static plug_scene *scene_new(plug *p, const char *status)
{
    char voices[8192];
    service_voices(p->service, voices, sizeof voices);
    const int n = p->script.count;
    plug_scene *s = calloc(1, sizeof *s + (size_t)n * sizeof s->cues[0]);
    if (!s)
        return NULL;
    s->script = plug_script_text(&p->script, p->script_rate);
    s->voice = strdup(p->voice);
    s->status = strdup(status);
    s->voices = strdup(voices);
    if (!s->script || !s->voice || !s->status || !s->voices) {
        scene_free(s);
        return NULL;
    }
    for (int i = 0; i < n; i++) {
        const plug_phrase *f = &p->script.phrases[i];
        plug_take *t = p->of_phrase[i];
        if (!t)
            continue;
        s->cues[s->count++] = (plug_cue){f->number, f->pinned, f->at, t};
        plug_take_ref(t);
        const int state = atomic_load(&t->state);
        s->pending += state < TAKE_DONE;
        s->missing += state == TAKE_FAILED || atomic_load(&t->missed);
    }
    s->serial = ++p->serial;
    s->text_serial = p->text_serial;
    return s;
}

cbx_status plug_publish(plug *p, cbx_error *err)
{
    char *status = status_text(p);
    plug_scene *s = status ? scene_new(p, status) : NULL;
    if (!s) {
        free(status);
        return cbx_fail(err, CBX_E_NOMEM, "out of memory");
    }
    free(p->status);
    p->status = status;
    p->published_at = cbx_clock_ns();
    plug_scene *old = player_publish(&p->player, s);
    if (old) {
        old->next = p->replaced;
        p->replaced = old;
    }
    plug_reap(p);
    return CBX_OK;
}

void plug_publish_status(plug *p)
{
    if (!p->rate ||
        cbx_clock_ns() < p->published_at + STATUS_EVERY_MS * CBX_NS_PER_MS)
        return;
    char *status = status_text(p);
    const bool same = !status || (p->status && strcmp(status, p->status) == 0);
    free(status);
    /* Out of memory: what is published stays; the next look tries again. */
    if (!same && plug_publish(p, NULL) != CBX_OK)
        return;
}

void plug_reap(plug *p)
{
    plug_scene **link = &p->replaced;
    while (*link) {
        plug_scene *s = *link;
        if (player_holds(&p->player, s)) {
            link = &s->next;
            continue;
        }
        *link = s->next;
        scene_free(s);
    }
}
