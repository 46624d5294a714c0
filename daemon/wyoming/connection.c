/* What a client may ask. */
#include "daemon/wyoming/internal.h"

#include "daemon/wyoming/frame.h"
#include "daemon/wyoming/talk.h"
#include "rt/log.h"

#include <stdlib.h>
#include <string.h>

static json_t *attribution(void)
{
    return json_pack("{s:s, s:s}", "name", "chatterbox", "url", "");
}

static json_t *describe_voice(const json_t *v)
{
    const char *language = json_string_value(json_object_get(v, "language"));
    return json_pack(
        "{s:O, s:[s], s:o, s:b, s:O, s:s}", "name", json_object_get(v, "name"),
        "languages", language && *language ? language : "en", "attribution",
        attribution(), "installed", 1, "description",
        json_object_get(v, "description"), "version", cbx_version());
}

static json_t *describe(service *s)
{
    json_t *list = service_voices(s), *v, *voices = json_array();
    size_t i;
    json_array_foreach(list, i, v)
        json_array_append_new(voices, describe_voice(v));
    json_decref(list);
    return json_pack(
        "{s:[], s:[{s:s, s:o, s:b, s:s, s:s, s:o, s:b}], s:[], s:[], s:[]}",
        "asr", "tts", "name", "chatterbox", "attribution", attribution(),
        "installed", 1, "description", "Chatterbox: live speech", "version",
        cbx_version(), "voices", voices, "supports_synthesize_streaming", 1,
        "handle", "intent", "wake");
}

static void answer(talk *t, service *s, const char *type, const json_t *data)
{
    const char *text = json_string_value(json_object_get(data, "text"));
    if (strcmp(type, "describe") == 0) {
        talk_send(t, "info", describe(s));
    } else if (strcmp(type, "ping") == 0) {
        talk_send(t, "pong", json_pack("{s:s}", "text", text ? text : ""));
    } else if (strcmp(type, "synthesize-start") == 0) {
        if (talk_is_open(t))
            talk_finish(t);
        talk_begin(t, data, true);
    } else if (strcmp(type, "synthesize-chunk") == 0) {
        if (text)
            talk_append(t, text);
    } else if (strcmp(type, "synthesize-stop") == 0) {
        talk_finish(t);
    } else if (strcmp(type, "synthesize") == 0) {
        /* In a stream it repeats the text for servers that cannot stream. */
        if (!talk_is_open(t))
            talk_begin(t, data, false);
    }
    /* Others belong to other kinds of servers. */
}

void wyoming_serve(service *s, int fd)
{
    frame_reader reader;
    cbx_error err;
    cbx_status st = CBX_OK;
    talk *t = talk_open(s, fd);
    if (!t)
        return;
    frame_reader_init(&reader, fd);
    while (!st && !talk_is_broken(t)) {
        char *type;
        json_t *data;
        st = frame_read(&reader, &type, &data, &err);
        if (!st && !type)
            break;
        if (!st)
            answer(t, s, type, data);
        json_decref(data);
        free(type);
    }
    if (st) {
        cbx_log(CBX_LOG_WARNING, "%s", err.text);
        talk_send(t, "error", json_pack("{s:s}", "text", err.text));
    }
    talk_close(t);
    frame_reader_close(&reader);
}
