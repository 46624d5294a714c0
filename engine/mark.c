/* The watermark in a stream, between the pipeline's PCM and everything that
 * changes speed, pitch or rate. Each segment is one signal, as each call of the
 * reference's generate() is; the silence in front of it stays silence. */
#include "engine/internal.h"

#include "dsp/audio_file.h"
#include "rt/clock.h"

#include <stdlib.h>
#include <string.h>

/* -- the weights ----------------------------------------------------------- */

/* [setup, engine.device] *out: NULL when there are none. */
static cbx_status load_weights(cbx_engine *e, perth **out, cbx_error *err)
{
    char path[CBX_PATH_MAX];
    cbx_tensor_file *file;
    *out = NULL;
    if (!cbx_watermark_find(path))
        return CBX_OK;
    cbx_status st = cbx_tensor_file_open(path, &file, err);
    if (st)
        return st;
    st = perth_open(e->dev, file, out, err);
    cbx_tensor_file_close(file);
    return st;
}

/* [setup] Loaded by the first who asks, and kept. */
static cbx_status weights_of(cbx_engine *e, perth **out, cbx_error *err)
{
    cbx_status st = CBX_OK;
    bool tell = false;
    pthread_mutex_lock(&e->device);
    if (!e->perth) {
        st = load_weights(e, &e->perth, err);
        tell = !st && !e->perth && !e->perth_missed;
        e->perth_missed = e->perth_missed || tell;
    }
    *out = e->perth;
    pthread_mutex_unlock(&e->device);
    if (tell)
        engine_warn(e, "the speech carries no watermark, as its weights are "
                       "not here: 'chatterbox fetch perth' brings them, "
                       "--no-watermark goes without");
    return st;
}

/* -- in a stream ----------------------------------------------------------- */

cbx_status stream_mark_open(cbx_stream *s, cbx_error *err)
{
    perth *p;
    const cbx_params *params = &s->params;
    const size_t most = cbx_pipeline_max_pcm(s->pipeline);
    if (!params->watermark)
        return CBX_OK;
    cbx_status st = weights_of(s->engine, &p, err);
    if (st || !p)
        return st;
    pthread_mutex_lock(&s->engine->device);
    st = perth_mark_open(p, params->watermark_ahead / 10, most, &s->mark.mark,
                         err);
    pthread_mutex_unlock(&s->engine->device);
    if (st)
        return st;
    s->mark.pcm = malloc(perth_mark_room(s->mark.mark) * sizeof *s->mark.pcm);
    if (!s->mark.pcm)
        return cbx_fail(err, CBX_E_NOMEM, "no memory for a stream");
    s->stats.watermark_delay_ms =
        1e3 * (double)perth_mark_delay(s->mark.mark) / PERTH_SPEECH_RATE;
    return CBX_OK;
}

void stream_mark_close(cbx_stream *s)
{
    pthread_mutex_lock(&s->engine->device);
    perth_mark_close(s->mark.mark);
    pthread_mutex_unlock(&s->engine->device);
    free(s->mark.pcm);
}

size_t stream_mark_most(const cbx_stream *s)
{
    return s->mark.mark ? perth_mark_room(s->mark.mark)
                        : cbx_pipeline_max_pcm(s->pipeline);
}

void stream_mark_begin(cbx_stream *s, int lead)
{
    s->mark.lead = (size_t)lead;
    if (s->mark.mark)
        perth_mark_begin(s->mark.mark);
}

const float *stream_mark_run(cbx_stream *s, const float *pcm, bool end,
                             size_t *n)
{
    struct stream_mark *m = &s->mark;
    if (!m->mark)
        return pcm;
    const int64_t t0 = cbx_clock_ns();
    const size_t lead = *n < m->lead ? *n : m->lead;
    memcpy(m->pcm, pcm, lead * sizeof *pcm);
    m->lead -= lead;
    *n = lead + perth_mark_run(m->mark, pcm + lead, *n - lead, end, NULL,
                               m->pcm + lead);
    m->seconds += 1e-9 * (double)(cbx_clock_ns() - t0);
    return m->pcm;
}

/* -- hearing --------------------------------------------------------------- */

enum { MOST_SECONDS = 3600 };

cbx_status cbx_watermark_detect(cbx_engine *e, const char *recording,
                                float *sure, cbx_error *err)
{
    cbx_audio audio = {.v = NULL};
    char path[CBX_PATH_MAX];
    perth *p;
    if (!cbx_watermark_find(path))
        return cbx_fail(err, CBX_E_UNSUPPORTED,
                        "the watermark's weights are not here; 'chatterbox "
                        "fetch perth' brings them");
    cbx_status st = weights_of(e, &p, err);
    if (!st)
        st = cbx_audio_read(recording, 0, MOST_SECONDS, &audio, err);
    if (!st) {
        pthread_mutex_lock(&e->device);
        st = perth_detect(p, audio.v, audio.n, audio.file_rate, sure, err);
        pthread_mutex_unlock(&e->device);
    }
    cbx_audio_close(&audio);
    return st;
}
