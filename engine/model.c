/* Models and voices. */
#include "engine/internal.h"

#include "models/checkpoint/tensor.h"
#include "rt/clock.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define DEFAULT_MODEL "builtin"

/* -- models ---------------------------------------------------------------- */

cbx_status cbx_model_open(cbx_engine *e, const char *name_or_folder,
                          cbx_model **out, cbx_error *err)
{
    const int64_t t0 = cbx_clock_ns();
    cbx_model *m = calloc(1, sizeof *m);
    if (!m)
        return cbx_fail(err, CBX_E_NOMEM, "no memory for a model");
    m->engine = e;
    cbx_status st = cbx_model_find(name_or_folder, m->folder, err);
    if (!st) {
        pthread_mutex_lock(&e->device);
        const cbx_tts_weights weights = {.t3 = e->weights, .s3gen = e->compute};
        st = cbx_tts_open(e->dev, m->folder, &weights, &m->tts, err);
        pthread_mutex_unlock(&e->device);
    }
    if (st) {
        free(m);
        return st;
    }
    m->load_seconds = 1e-9 * (double)(cbx_clock_ns() - t0);
    *out = m;
    return CBX_OK;
}

void cbx_model_close(cbx_model *m)
{
    if (!m)
        return;
    pthread_mutex_lock(&m->engine->device);
    cbx_tts_close(m->tts);
    pthread_mutex_unlock(&m->engine->device);
    free(m);
}

void cbx_model_get_info(const cbx_model *m, cbx_model_info *out)
{
    const cbx_config *c = cbx_tts_config(m->tts);
    *out = (cbx_model_info){.family = cbx_family_name(c->family),
                            .folder = m->folder,
                            .weight_bytes = cbx_tts_weight_bytes(m->tts),
                            .weights = cbx_tts_weights_name(m->tts),
                            .compute = cbx_tts_compute_name(m->tts),
                            .sample_rate = (uint32_t)c->hift.sample_rate,
                            .load_seconds = m->load_seconds};
}

/* -- voices ---------------------------------------------------------------- */

static bool ends_with(const char *s, const char *tail)
{
    const size_t n = strlen(s), k = strlen(tail);
    return n >= k && strcmp(s + n - k, tail) == 0;
}

/* Fills the preset from a name, a preset file, or a plain conds file. */
static cbx_status read_voice(const char *name_or_file, cbx_preset_file *preset,
                             cbx_error *err)
{
    char path[CBX_PATH_MAX];
    *preset = (cbx_preset_file){0};
    cbx_status st = cbx_preset_find("voices", name_or_file, path, err);
    if (st)
        return st;
    if (ends_with(path, ".ini"))
        return cbx_preset_read(path, preset, err);
    snprintf(preset->conds, sizeof preset->conds, "%s", path);
    const char *slash = strrchr(path, '/');
    snprintf(preset->name, sizeof preset->name, "%.63s",
             slash ? slash + 1 : path);
    return CBX_OK;
}

cbx_status cbx_voice_model(const char *name_or_file, char *model, size_t size,
                           cbx_error *err)
{
    cbx_preset_file preset = {0};
    if (name_or_file) {
        const cbx_status st = read_voice(name_or_file, &preset, err);
        if (st)
            return st;
    }
    snprintf(model, size, "%s", preset.model[0] ? preset.model : DEFAULT_MODEL);
    return CBX_OK;
}

cbx_status cbx_voice_open(cbx_model *m, const char *name_or_file,
                          cbx_voice **out, cbx_error *err)
{
    cbx_status st = CBX_OK;
    cbx_voice *v = calloc(1, sizeof *v);
    if (!v)
        return cbx_fail(err, CBX_E_NOMEM, "no memory for a voice");
    v->model = m;
    if (name_or_file)
        st = read_voice(name_or_file, &v->preset, err);
    snprintf(v->name, sizeof v->name, "%s",
             v->preset.name[0] ? v->preset.name : "default");
    if (!st) {
        pthread_mutex_lock(&m->engine->device);
        st = cbx_speaker_open(m->tts,
                              v->preset.conds[0] ? v->preset.conds : NULL,
                              &v->speaker, err);
        pthread_mutex_unlock(&m->engine->device);
    }
    if (st) {
        free(v);
        return st;
    }
    *out = v;
    return CBX_OK;
}

void cbx_voice_close(cbx_voice *v)
{
    if (!v)
        return;
    pthread_mutex_lock(&v->model->engine->device);
    cbx_speaker_close(v->speaker);
    pthread_mutex_unlock(&v->model->engine->device);
    free(v);
}

const char *cbx_voice_name(const cbx_voice *v)
{
    return v->name;
}

void cbx_voice_params(const cbx_voice *v, cbx_params *out)
{
    const cbx_config *c = cbx_tts_config(v->model->tts);
    const cbx_config_sampling *s = &c->sampling;
    *out = (cbx_params){.temperature = s->temperature,
                        .top_k = s->top_k,
                        .top_p = s->top_p,
                        .min_p = s->min_p,
                        .repetition_penalty = s->repetition_penalty,
                        .cfg_weight = s->cfg_weight,
                        .exaggeration = s->exaggeration,
                        .latency = CBX_LATENCY_BALANCED,
                        .flow_history = 100,
                        .look_ahead = -1,
                        .guards = true,
                        .watermark = true,
                        .sample_rate = (uint32_t)c->hift.sample_rate,
                        .normalize = true,
                        .speed = 1};
    if (c->family == CBX_FAMILY_MULTILINGUAL)
        snprintf(out->language, sizeof out->language, "%.15s",
                 v->preset.language);
    cbx_preset_apply(&v->preset, out);
}
