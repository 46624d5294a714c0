/* From a recording to a voice of one's own. */
#include "chatterbox/chatterbox.h"

#include "dsp/audio_file.h"
#include "dsp/hearing.h"
#include "engine/internal.h"
#include "engine/voice_store.h"
#include "models/voice/prepare.h"
#include "rt/clock.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

/* -- verdicts -------------------------------------------------------------- */

/* Levels in dB of full scale, times in seconds. */
static const double silent_peak = 1e-3, faint = -45, steady_range = 6,
                    noisy_range = 18, clipped_some = 5e-4, clipped_much = 0.1,
                    speech_least = 3, early_least = 3, voiced_least = 0.1,
                    short_for_all = 5;

CBX_PRINTF(2, 3)
static void warn(const cbx_clone_options *o, const char *fmt, ...)
{
    char text[512];
    va_list args;
    if (!o->warn)
        return;
    va_start(args, fmt);
    vsnprintf(text, sizeof text, fmt, args);
    va_end(args);
    o->warn(o->warn_user, text);
}

/* What no voice can be made of. */
static cbx_status refuse(const char *path, cbx_family family,
                         const cbx_audio *a, const cbx_hearing *h,
                         cbx_error *err)
{
    const double wanted = (double)cbx_voice_wanted(family) / CBX_VOICE_RATE;
    if (a->n < cbx_voice_wanted(family))
        return cbx_fail(err, CBX_E_FORMAT,
                        "%s is too short: %.2f seconds, and %s wants more than "
                        "%.1f; record 10 to 15 seconds of one person speaking",
                        path, a->seconds, cbx_family_name(family), wanted);
    if (h->peak < silent_peak)
        return cbx_fail(err, CBX_E_FORMAT,
                        "%s is silent; was the right microphone recorded, and "
                        "not muted?",
                        path);
    if (h->loud - h->quiet < steady_range)
        return cbx_fail(err, CBX_E_FORMAT,
                        "%s does not sound like speech: its level stays the "
                        "same, as that of noise or a tone; record one person "
                        "speaking in a quiet room",
                        path);
    if (a->clipped > clipped_much)
        return cbx_fail(err, CBX_E_FORMAT,
                        "%s is clipped: %.0f %% of it is cut off at the top; "
                        "record again at a lower level",
                        path, 100 * a->clipped);
    return CBX_OK;
}

/* What makes a voice worse. */
static void advise(const char *path, const cbx_audio *a, const cbx_hearing *h,
                   const cbx_clone_options *o)
{
    if (a->seconds < short_for_all)
        warn(o,
             "%s is short (%.1f seconds); 10 to 15 seconds make a better voice",
             path, a->seconds);
    else if (h->active < speech_least)
        warn(o,
             "%s holds only %.1f seconds of sound above its silence; 10 "
             "seconds of speech make a better voice",
             path, h->active);
    else if (h->active_early < early_least)
        warn(o,
             "the first 10 seconds of %s count most, and hold only %.1f "
             "seconds of sound; cut the silence off",
             path, h->active_early);
    if (h->loud < faint)
        warn(o,
             "%s is very quiet (%.0f dB), and its noise is raised with it; "
             "record closer to the microphone",
             path, h->loud);
    if (h->loud - h->quiet < noisy_range)
        warn(o,
             "%s is noisy, or has no pauses: the quiet parts are only %.0f dB "
             "below the loud ones; record in a quiet room, without music",
             path, h->loud - h->quiet);
    if (h->voiced < voiced_least)
        warn(o,
             "%s may hold no speech: hardly any of it has a pitch; is somebody "
             "speaking aloud in it?",
             path);
    if (a->clipped > clipped_some)
        warn(o,
             "%s is clipped in places (%.2f %% of it); record again at a lower "
             "level",
             path, 100 * a->clipped);
}

/* -- notes and preset ------------------------------------------------------ */

/* A name where the data folders have that folder under it: then the voice can
 * be taken elsewhere. Else the absolute path. */
static cbx_status model_reference(const cbx_model *m, char out[CBX_PATH_MAX],
                                  bool *named, cbx_error *err)
{
    char real[4096], found[CBX_PATH_MAX], found_real[4096];
    if (!realpath(m->folder, real) || strlen(real) >= CBX_PATH_MAX)
        return cbx_fail(err, CBX_E_FILE,
                        "%s: the model's folder is gone, or its path too long",
                        m->folder);
    const char *name = strrchr(m->folder, '/');
    name = name ? name + 1 : m->folder;
    *named = *name && !cbx_model_find(name, found, NULL) &&
             strchr(found, '/') && realpath(found, found_real) &&
             strcmp(real, found_real) == 0;
    snprintf(out, CBX_PATH_MAX, "%s", *named ? name : real);
    return CBX_OK;
}

static cbx_status save(const cbx_model *m, const cbx_conds *conds,
                       const cbx_clone_options *o, cbx_clone_report *report,
                       cbx_error *err)
{
    char model[CBX_PATH_MAX], date[32], description[256];
    bool named = false;
    voice_store store;
    struct tm utc;
    const time_t now = time(NULL);
    const char *family = cbx_family_name(cbx_tts_config(m->tts)->family);
    cbx_status st = model_reference(m, model, &named, err);
    if (st)
        return st;
    gmtime_r(&now, &utc);
    strftime(date, sizeof date, "%Y-%m-%dT%H:%M:%SZ", &utc);
    snprintf(description, sizeof description, "Cloned on %.10s for %s", date,
             family);
    const cbx_safetensors_note notes[] = {{NOTE_CONSENT, o->consent},
                                          {NOTE_DATE, date},
                                          {NOTE_FAMILY, family},
                                          {NOTE_VERSION, cbx_version()},
                                          {NOTE_MODEL, model}};
    const voice_entry entry = {
        .name = o->name,
        .description = o->description ? o->description : description,
        .model = model,
        .conds = conds,
        .notes = notes,
        .n_notes = named ? 5 : 4, /* no path of this machine */
        .replace = o->replace};
    if ((st = voice_store_open(&store, err)))
        return st;
    st = voice_store_put(&store, &entry, err);
    if (!st)
        st = voice_store_path(&store, o->name, ".ini", report->file, err);
    voice_store_close(&store);
    return st;
}

/* -- cloning --------------------------------------------------------------- */

static double since(int64_t *from)
{
    const int64_t now = cbx_clock_ns(), passed = now - *from;
    *from = now;
    return 1e-9 * (double)passed;
}

/* Before the work: what would make it vain. */
static cbx_status check_options(const cbx_clone_options *o, cbx_error *err)
{
    voice_store store;
    if (!o->consent || !*o->consent)
        return cbx_fail(err, CBX_E_ARG,
                        "a voice is cloned only with the speaker's consent; "
                        "state it (--i-have-consent)");
    cbx_status st = voice_check_name(o->name ? o->name : "", err);
    if (st || (st = voice_store_open(&store, err)))
        return st;
    st = voice_store_is_free(&store, o->name, o->replace, err);
    voice_store_close(&store);
    return st;
}

static cbx_status listen(const char *path, cbx_family family,
                         const cbx_clone_options *o, cbx_audio *audio,
                         cbx_error *err)
{
    cbx_hearing heard;
    cbx_status st = cbx_audio_read(path, CBX_VOICE_RATE,
                                   CBX_VOICE_MOST / CBX_VOICE_RATE, audio, err);
    if (!st)
        st = cbx_hear(audio->v, audio->n, CBX_VOICE_RATE, &heard, err);
    if (!st)
        st = refuse(path, family, audio, &heard, err);
    if (!st)
        advise(path, audio, &heard, o);
    return st;
}

/* [engine.device] */
static cbx_status make(const cbx_model *m, const cbx_audio *audio,
                       cbx_clone_report *report, cbx_conds **out,
                       cbx_error *err)
{
    int64_t at = cbx_clock_ns();
    cbx_voice_maker *maker;
    cbx_status st = cbx_voice_maker_open(m->engine->dev, m->folder,
                                         cbx_tts_config(m->tts), &maker, err);
    if (st)
        return st;
    report->load_seconds = since(&at);
    st = cbx_voice_make(maker, audio->v, audio->n, NULL, out, err);
    report->make_seconds = since(&at);
    cbx_voice_maker_close(maker);
    return st;
}

cbx_status cbx_voice_clone(cbx_model *m, const char *recording,
                           const cbx_clone_options *o, cbx_clone_report *report,
                           cbx_error *err)
{
    cbx_clone_report r = {.recording = 0};
    cbx_audio audio = {.v = NULL};
    cbx_conds *conds = NULL;
    cbx_status st = check_options(o, err);
    if (st)
        return st;
    int64_t at = cbx_clock_ns();
    st = listen(recording, cbx_tts_config(m->tts)->family, o, &audio, err);
    r.read_seconds = since(&at);
    r.recording = audio.seconds;
    if (!st) {
        pthread_mutex_lock(&m->engine->device);
        st = make(m, &audio, &r, &conds, err);
        pthread_mutex_unlock(&m->engine->device);
    }
    if (!st)
        st = save(m, conds, o, &r, err);
    cbx_conds_close(conds);
    cbx_audio_close(&audio);
    if (!st && report)
        *report = r;
    return st;
}
