/* The LV2 window: it talks to the plugin by messages only, so that it may live
 * in another process. */
#include "plugin/window/window.h"
#include "plugin/lv2/shell.h"

#include <lv2/atom/util.h>
#include <lv2/options/options.h>
#include <lv2/ui/ui.h>

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { MESSAGE_BYTES = PLUG_SCRIPT_MAX + 1024 };

typedef struct view {
    LV2UI_Write_Function write;
    LV2UI_Controller controller;
    voice_uris uris;
    LV2_Atom_Forge forge;
    window *window;
    float level; /* the port's highest since the last look */
    uint8_t message[MESSAGE_BYTES];
} view;

static void send(view *v, const LV2_Atom *atom)
{
    v->write(v->controller, PORT_CONTROL, (uint32_t)sizeof *atom + atom->size,
             v->uris.atom_eventTransfer, atom);
}

static void send_set(view *v, LV2_URID what, const char *text)
{
    LV2_Atom_Forge_Frame frame;
    const size_t n = strlen(text);
    if (n > PLUG_SCRIPT_MAX)
        return; /* the editor takes no more */
    lv2_atom_forge_set_buffer(&v->forge, v->message, sizeof v->message);
    LV2_Atom *atom = (LV2_Atom *)v->message;
    lv2_atom_forge_object(&v->forge, &frame, 0, v->uris.patch_Set);
    lv2_atom_forge_key(&v->forge, v->uris.patch_property);
    lv2_atom_forge_urid(&v->forge, what);
    lv2_atom_forge_key(&v->forge, v->uris.patch_value);
    lv2_atom_forge_string(&v->forge, text, (uint32_t)n);
    lv2_atom_forge_pop(&v->forge, &frame);
    send(v, atom);
}

static void set_text(void *arg, const char *script)
{
    send_set(arg, ((view *)arg)->uris.text, script);
}

static void set_voice(void *arg, const char *name)
{
    send_set(arg, ((view *)arg)->uris.voice, name);
}

static void set_param(void *arg, plug_param which, float value)
{
    view *v = arg;
    v->write(v->controller, PORT_PARAMS + (uint32_t)which, sizeof value, 0,
             &value);
}

static void retry(void *arg)
{
    send_set(arg, ((view *)arg)->uris.retry, "now");
}

static void ask(view *v)
{
    LV2_Atom_Forge_Frame frame;
    lv2_atom_forge_set_buffer(&v->forge, v->message, sizeof v->message);
    lv2_atom_forge_object(&v->forge, &frame, 0, v->uris.patch_Get);
    lv2_atom_forge_pop(&v->forge, &frame);
    send(v, (LV2_Atom *)v->message);
}

/* What the host says about the scale of its windows; 0: nothing. */
static double scale_of(const LV2_Options_Option *o, LV2_URID_Map *map,
                       LV2_URID atom_Float)
{
    const LV2_URID key = map->map(map->handle, LV2_UI__scaleFactor);
    for (; o && (o->key || o->value); o++)
        if (o->key == key && o->type == atom_Float && o->value)
            return (double)*(const float *)o->value;
    return 0;
}

static LV2UI_Handle instantiate(const LV2UI_Descriptor *d, const char *plugin,
                                const char *bundle, LV2UI_Write_Function write,
                                LV2UI_Controller controller,
                                LV2UI_Widget *widget,
                                const LV2_Feature *const *features)
{
    (void)d;
    (void)bundle;
    LV2_URID_Map *map = NULL;
    LV2UI_Resize *resize = NULL;
    const LV2_Options_Option *options = NULL;
    unsigned long parent = 0;
    for (int i = 0; features && features[i]; i++) {
        const char *uri = features[i]->URI;
        if (strcmp(uri, LV2_URID__map) == 0)
            map = features[i]->data;
        else if (strcmp(uri, LV2_UI__parent) == 0)
            parent = (unsigned long)(uintptr_t)features[i]->data;
        else if (strcmp(uri, LV2_UI__resize) == 0)
            resize = features[i]->data;
        else if (strcmp(uri, LV2_OPTIONS__options) == 0)
            options = features[i]->data;
    }
    view *v =
        map && strcmp(plugin, VOICE_URI) == 0 ? calloc(1, sizeof *v) : NULL;
    if (!v)
        return NULL;
    v->write = write;
    v->controller = controller;
    voice_uris_map(&v->uris, map);
    lv2_atom_forge_init(&v->forge, map);
    const window_actions actions = {set_text, set_voice, set_param, retry, v};
    cbx_error err = {0};
    double scale = scale_of(options, map, v->uris.atom_Float);
    scale = scale >= 0.5 && scale <= 8 ? scale : 0;
    if (window_open(parent, scale, &actions, &v->window, &err)) {
        fprintf(stderr, "Chatterbox Voice: %s\n", err.text);
        free(v);
        return NULL;
    }
    uint32_t width, height;
    window_size(v->window, &width, &height);
    if (resize)
        resize->ui_resize(resize->handle, (int)width, (int)height);
    window_show(v->window, true);
    *widget = (LV2UI_Widget)(uintptr_t)window_id(v->window);
    ask(v);
    return v;
}

static void cleanup(LV2UI_Handle h)
{
    view *v = h;
    window_close(v->window);
    free(v);
}

static void take_set(view *v, const LV2_Atom_Object *o)
{
    const LV2_Atom *key = NULL, *value = NULL;
    lv2_atom_object_get(o, v->uris.patch_property, &key, v->uris.patch_value,
                        &value, 0);
    if (!key || key->type != v->uris.atom_URID || !value || !value->size ||
        value->type != v->uris.atom_String)
        return;
    const LV2_URID what = ((const LV2_Atom_URID *)key)->body;
    const char *text = (const char *)(value + 1);
    if (what == v->uris.text)
        window_tell_text(v->window, text);
    else if (what == v->uris.voice)
        window_tell_voice(v->window, text);
    else if (what == v->uris.voices)
        window_tell_voices(v->window, text);
    else if (what == v->uris.status)
        window_tell_status(v->window, text);
}

static void port_event(LV2UI_Handle h, uint32_t port, uint32_t size,
                       uint32_t format, const void *data)
{
    view *v = h;
    if (format == 0 && size == sizeof(float)) {
        const float value = *(const float *)data;
        if (port >= PORT_PARAMS && port < PORT_PARAMS + PLUG_PARAMS)
            window_tell_param(v->window, (plug_param)(port - PORT_PARAMS),
                              value);
        else if (port == PORT_LEVEL && value > -100)
            v->level = fmaxf(v->level, powf(10, value / 20));
        return;
    }
    const LV2_Atom_Object *o = data;
    if (format == v->uris.atom_eventTransfer && size >= sizeof *o &&
        (o->atom.type == v->uris.atom_Object ||
         o->atom.type == v->uris.atom_Blank) &&
        o->body.otype == v->uris.patch_Set)
        take_set(v, o);
}

static int idle(LV2UI_Handle h)
{
    view *v = h;
    window_tell_level(v->window, v->level);
    v->level = 0;
    return window_run(v->window) ? 0 : 1;
}

static const void *extension_data(const char *uri)
{
    static const LV2UI_Idle_Interface idle_interface = {idle};
    return strcmp(uri, LV2_UI__idleInterface) == 0 ? &idle_interface : NULL;
}

LV2_SYMBOL_EXPORT const LV2UI_Descriptor *lv2ui_descriptor(uint32_t index)
{
    static const LV2UI_Descriptor descriptor = {
        VOICE_UI_URI, instantiate, cleanup, port_event, extension_data};
    return index ? NULL : &descriptor;
}
