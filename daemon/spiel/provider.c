#include "daemon/spiel/provider.h"

#include "daemon/spiel/wire.h"
#include "rt/status.h"

#include <errno.h>
#include <string.h>

#define INTERFACE "org.freedesktop.Speech.Provider"

enum {
    FEATURES = WIRE_HAS_WORDS | WIRE_HAS_SENTENCES | WIRE_HAS_MARKS |
               WIRE_SSML_CHARACTERS | WIRE_SSML_BREAK | WIRE_SSML_SUB |
               WIRE_SSML_PROSODY | WIRE_SSML_SENTENCES
};

/* -- voices ---------------------------------------------------------------- */

typedef struct listing {
    sd_bus_message *to;
    int status; /* < 0: -errno */
    const char *wanted;
    bool found;
} listing;

static int add_voice(sd_bus_message *m, const cbx_preset *preset)
{
    const char *language =
        preset->language && *preset->language ? preset->language : "en";
    int st = sd_bus_message_open_container(m, 'r', "ssstas");
    if (st >= 0)
        st = sd_bus_message_append(m, "ssst", preset->name, preset->name,
                                   WIRE_FORMAT, (uint64_t)FEATURES);
    if (st >= 0)
        st = sd_bus_message_append(m, "as", 1, language);
    return st < 0 ? st : sd_bus_message_close_container(m);
}

static void see(void *user, const cbx_preset *preset)
{
    listing *l = user;
    if (l->wanted)
        l->found = l->found || !strcmp(l->wanted, preset->name);
    else if (l->status >= 0)
        l->status = add_voice(l->to, preset);
}

static int get_voices(sd_bus *bus, const char *path, const char *interface,
                      const char *property, sd_bus_message *reply, void *user,
                      sd_bus_error *error)
{
    listing l = {.to = reply};
    (void)bus, (void)path, (void)interface, (void)property, (void)user,
        (void)error;
    l.status = sd_bus_message_open_container(reply, 'a', "(ssstas)");
    if (l.status >= 0)
        cbx_voices(see, NULL, &l);
    return l.status < 0 ? l.status : sd_bus_message_close_container(reply);
}

static int get_name(sd_bus *bus, const char *path, const char *interface,
                    const char *property, sd_bus_message *reply, void *user,
                    sd_bus_error *error)
{
    (void)bus, (void)path, (void)interface, (void)property, (void)user,
        (void)error;
    return sd_bus_message_append(reply, "s", "Chatterbox");
}

static bool has_voice(const char *name)
{
    listing l = {.wanted = name};
    cbx_voices(see, NULL, &l);
    return l.found;
}

/* -- speaking -------------------------------------------------------------- */

static const char *error_name(cbx_status status)
{
    switch (status) {
    case CBX_E_ARG:
    case CBX_E_TEXT:
        return SD_BUS_ERROR_INVALID_ARGS;
    case CBX_E_LIMIT:
        return SD_BUS_ERROR_LIMITS_EXCEEDED;
    default:
        return SD_BUS_ERROR_FAILED;
    }
}

static int synthesize(sd_bus_message *m, void *user, sd_bus_error *error)
{
    stream_request r = {0};
    cbx_error err;
    int ssml;
    const int got = sd_bus_message_read(m, "hssddbs", &r.fd, &r.text, &r.voice,
                                        &r.pitch, &r.rate, &ssml, &r.language);
    if (got < 0)
        return got;
    r.ssml = ssml != 0;
    if (*r.voice && !has_voice(r.voice))
        return sd_bus_error_setf(error, SD_BUS_ERROR_INVALID_ARGS,
                                 "there is no voice '%s': see the property "
                                 "Voices",
                                 r.voice);
    const cbx_status st = streams_begin(user, &r, &err);
    if (st)
        return sd_bus_error_set(error, error_name(st), err.text);
    return sd_bus_reply_method_return(m, NULL);
}

static const sd_bus_vtable vtable[] = {
    SD_BUS_VTABLE_START(0),
    SD_BUS_METHOD_WITH_ARGS(
        "Synthesize",
        SD_BUS_ARGS("h", pipe_fd, "s", text, "s", voice_id, "d", pitch, "d",
                    rate, "b", is_ssml, "s", language),
        SD_BUS_NO_RESULT, synthesize, SD_BUS_VTABLE_UNPRIVILEGED),
    SD_BUS_PROPERTY("Name", "s", get_name, 0, SD_BUS_VTABLE_PROPERTY_CONST),
    SD_BUS_PROPERTY("Voices", "a(ssstas)", get_voices, 0,
                    SD_BUS_VTABLE_PROPERTY_EMITS_CHANGE),
    SD_BUS_VTABLE_END,
};

cbx_status provider_open(streams *s, sd_bus **out, cbx_error *err)
{
    sd_bus *bus = NULL;
    int st = sd_bus_open_user(&bus);
    if (st < 0)
        return cbx_fail(err, CBX_E_DEVICE,
                        "the session's bus: %s; is there a session, with "
                        "DBUS_SESSION_BUS_ADDRESS set?",
                        strerror(-st));
    st = sd_bus_add_object_vtable(bus, NULL, PROVIDER_PATH, INTERFACE, vtable,
                                  s);
    if (st >= 0)
        st = sd_bus_request_name(bus, PROVIDER_NAME, 0);
    if (st < 0) {
        sd_bus_unref(bus);
        return cbx_fail(err, CBX_E_DEVICE, "the name %s: %s", PROVIDER_NAME,
                        st == -EEXIST ? "another provider runs already"
                                      : strerror(-st));
    }
    *out = bus;
    return CBX_OK;
}

void provider_voices_changed(sd_bus *bus)
{
    sd_bus_emit_properties_changed(bus, PROVIDER_PATH, INTERFACE, "Voices",
                                   NULL);
}
