#include "daemon/http/request.h"

#include "client/say_json.h"

#include <string.h>

/* Names that OpenAI's clients send unless told otherwise: our defaults. */
static bool is_foreign(const char *name, const char *const *names)
{
    while (*names && strcmp(name, *names) != 0)
        names++;
    return *names;
}

static const char *const foreign_models[] = {
    "", "default", "tts-1", "tts-1-hd", "gpt-4o-mini-tts", NULL};
static const char *const foreign_voices[] = {
    "",      "default", "alloy", "ash",  "ballad", "cedar",   "coral", "echo",
    "fable", "marin",   "nova",  "onyx", "sage",   "shimmer", "verse", NULL};

/* "response_format" and "stream_format" are words; absent: the first one. */
static cbx_status take_form(speech_request *r, cbx_error *err)
{
    const json_t *format = json_object_get(r->json, "response_format");
    const json_t *stream = json_object_get(r->json, "stream_format");
    const char *name = format ? json_string_value(format) : "mp3";
    const char *way = stream ? json_string_value(stream) : "audio";
    r->format = name ? encoder_find(name) : NULL;
    if (!r->format)
        return cbx_fail(err, CBX_E_ARG, "response_format '%.40s': there are %s",
                        name ? name : "", encoder_names());
    r->sse = way && strcmp(way, "sse") == 0;
    if (!r->sse && (!way || strcmp(way, "audio") != 0))
        return cbx_fail(err, CBX_E_ARG,
                        "stream_format '%.40s': it must be audio or sse",
                        way ? way : "");
    return CBX_OK;
}

static cbx_status take_rate(speech_request *r, cbx_error *err)
{
    const json_t *rate = json_object_get(r->json, "sample_rate");
    const json_int_t v = rate ? json_integer_value(rate) : 24000;
    if (v < 8000 || v > 192000 || !encoder_takes(r->format, (uint32_t)v))
        return cbx_fail(err, CBX_E_ARG,
                        "sample_rate: %s has no %lld Hz; 24000 always goes",
                        r->format->name, (long long)v);
    r->rate = (uint32_t)v;
    return CBX_OK;
}

/* A string, or OpenAI's {"id": ...}. */
static const char *voice_of(const json_t *v)
{
    return json_string_value(json_is_object(v) ? json_object_get(v, "id") : v);
}

static cbx_status take_say(speech_request *r, cbx_error *err)
{
    const json_t *input = json_object_get(r->json, "input");
    const json_t *voice = json_object_get(r->json, "voice");
    if (!json_is_string(input) || json_string_length(input) == 0)
        return cbx_fail(err, CBX_E_ARG,
                        "input: the text to speak is missing (a string that "
                        "is not empty)");
    if (voice && !voice_of(voice))
        return cbx_fail(err, CBX_E_ARG,
                        "voice: it must be a name; GET /v1/audio/voices lists "
                        "them");
    /* Ours read the rest; what they do not know is passed over. */
    json_object_del(r->json, "text");
    json_t *id = voice ? json_incref((json_t *)(uintptr_t)voice) : NULL;
    json_object_del(r->json, "voice");
    const cbx_status st = cbx_say_from_json(r->json, &r->say, err);
    if (id)
        json_object_set_new(r->json, "voice", id);
    if (st)
        return st;
    r->say.text = json_string_value(input);
    r->say.bytes = json_string_length(input);
    r->say.voice = voice ? voice_of(voice) : NULL;
    if (r->say.voice && is_foreign(r->say.voice, foreign_voices))
        r->say.voice = NULL;
    if (r->say.model && is_foreign(r->say.model, foreign_models))
        r->say.model = NULL;
    r->say.quiet = true;
    return CBX_OK;
}

cbx_status speech_request_read(const char *body, size_t n, speech_request *out,
                               cbx_error *err)
{
    json_error_t at;
    *out = (speech_request){0};
    out->json = json_loadb(body ? body : "", n,
                           JSON_ALLOW_NUL | JSON_REJECT_DUPLICATES, &at);
    if (!json_is_object(out->json))
        return cbx_fail(err, CBX_E_ARG, "the body is no JSON object: %.120s",
                        out->json ? "it is something else" : at.text);
    cbx_status st = take_form(out, err);
    if (!st)
        st = take_rate(out, err);
    if (!st)
        st = take_say(out, err);
    return st;
}

void speech_request_free(speech_request *r)
{
    json_decref(r->json);
    r->json = NULL;
}
