/* Events in, and what the window hears. A host's atoms are not trusted: sizes
 * are checked before anything is read. */
#include "plugin/lv2/shell.h"

#include <lv2/atom/util.h>
#include <string.h>

/* The value of `key` in an object, if all of it lies in the object. */
CBX_RT static const LV2_Atom *property(const LV2_Atom_Object *o, uint32_t bytes,
                                       LV2_URID key)
{
    const char *body = (const char *)&o->body;
    uint32_t at = sizeof(LV2_Atom_Object_Body);
    while (at + sizeof(LV2_Atom_Property_Body) <= bytes) {
        const LV2_Atom_Property_Body *p =
            (const LV2_Atom_Property_Body *)(body + at);
        const uint32_t room =
            bytes - at - (uint32_t)sizeof(LV2_Atom_Property_Body);
        if (p->value.size > room)
            return NULL;
        if (p->key == key)
            return &p->value;
        at += lv2_atom_pad_size((uint32_t)sizeof(LV2_Atom_Property_Body) +
                                p->value.size);
    }
    return NULL;
}

/* Numbers as any of the four types that hosts use. */
CBX_RT static bool number(const shell *s, const LV2_Atom *a, double *out)
{
    if (!a)
        return false;
    if (a->type == s->uris.atom_Float && a->size >= sizeof(float))
        *out = ((const LV2_Atom_Float *)a)->body;
    else if (a->type == s->uris.atom_Double && a->size >= sizeof(double))
        *out = ((const LV2_Atom_Double *)a)->body;
    else if (a->type == s->uris.atom_Int && a->size >= sizeof(int32_t))
        *out = ((const LV2_Atom_Int *)a)->body;
    else if (a->type == s->uris.atom_Long && a->size >= sizeof(int64_t))
        *out = (double)((const LV2_Atom_Long *)a)->body;
    else
        return false;
    return *out == *out;
}

CBX_RT static void take_position(shell *s, const LV2_Atom_Object *o,
                                 uint32_t bytes)
{
    double speed = s->rolling, frame;
    number(s, property(o, bytes, s->uris.time_speed), &speed);
    s->rolling = speed > 0;
    int64_t at = plug_position(s->plug);
    if (number(s, property(o, bytes, s->uris.time_frame), &frame))
        at = frame > -1e15 && frame < 1e15 ? (int64_t)frame : 0;
    plug_transport(s->plug, s->rolling, at);
}

CBX_RT static void take_set(shell *s, const LV2_Atom_Object *o, uint32_t bytes)
{
    const LV2_Atom *key = property(o, bytes, s->uris.patch_property);
    const LV2_Atom *value = property(o, bytes, s->uris.patch_value);
    if (!key || key->type != s->uris.atom_URID || key->size < sizeof(LV2_URID))
        return;
    const LV2_URID what = ((const LV2_Atom_URID *)key)->body;
    if (what == s->uris.retry) {
        plug_edit_later(s->plug, PLUG_EDIT_RETRY, "", 0);
        return;
    }
    if (!value || value->type != s->uris.atom_String)
        return;
    const char *text = (const char *)(value + 1);
    size_t n = 0; /* some hosts count the NUL, some do not */
    while (n < value->size && text[n])
        n++;
    if (what == s->uris.text)
        plug_edit_later(s->plug, PLUG_EDIT_SCRIPT, text, n);
    else if (what == s->uris.voice)
        plug_edit_later(s->plug, PLUG_EDIT_VOICE, text, n);
}

CBX_RT static void take_midi(shell *s, const uint8_t *m, uint32_t bytes)
{
    if (bytes < 3)
        return;
    const int kind = m[0] & 0xf0;
    if (kind == 0x90)
        plug_note(s->plug, m[1] & 127, (float)(m[2] & 127) / 127);
    else if (kind == 0x80)
        plug_note(s->plug, m[1] & 127, 0);
    else if (kind == 0xb0 && (m[1] == 120 || m[1] == 123))
        plug_silence(s->plug); /* all sound off, all notes off */
}

CBX_RT void shell_event(shell *s, const LV2_Atom *atom, uint32_t bytes)
{
    if (atom->type == s->uris.midi_MidiEvent) {
        take_midi(s, (const uint8_t *)(atom + 1), bytes);
        return;
    }
    if ((atom->type != s->uris.atom_Object &&
         atom->type != s->uris.atom_Blank) ||
        bytes < sizeof(LV2_Atom_Object_Body))
        return;
    const LV2_Atom_Object *o = (const LV2_Atom_Object *)atom;
    if (o->body.otype == s->uris.time_Position)
        take_position(s, o, bytes);
    else if (o->body.otype == s->uris.patch_Set)
        take_set(s, o, bytes);
    else if (o->body.otype == s->uris.patch_Get)
        s->asked = s->tell_all = true;
}

/* -- out ------------------------------------------------------------------- */

/* What does not fit into the host's buffer (it is smaller than asked for) is
 * not told: the window keeps what it has. */
CBX_RT static void tell(shell *s, LV2_URID what, const char *text)
{
    const uint32_t n = (uint32_t)strlen(text);
    LV2_Atom_Forge *f = &s->forge;
    if (f->size - f->offset < n + 160)
        return;
    LV2_Atom_Forge_Frame frame;
    lv2_atom_forge_frame_time(f, 0);
    lv2_atom_forge_object(f, &frame, 0, s->uris.patch_Set);
    lv2_atom_forge_key(f, s->uris.patch_property);
    lv2_atom_forge_urid(f, what);
    lv2_atom_forge_key(f, s->uris.patch_value);
    lv2_atom_forge_string(f, text, n);
    lv2_atom_forge_pop(f, &frame);
}

CBX_RT void shell_tell(shell *s, const plug_scene *scene)
{
    if (!s->notify)
        return;
    const uint32_t room = s->notify->atom.size;
    lv2_atom_forge_set_buffer(&s->forge, (uint8_t *)s->notify, room);
    LV2_Atom_Forge_Frame frame;
    if (!lv2_atom_forge_sequence_head(&s->forge, &frame, 0))
        return;
    const bool text =
        s->tell_all || (scene && scene->text_serial != s->told_text);
    const bool status =
        s->tell_all || (scene && scene->serial != s->told_scene);
    if (scene && s->asked && status)
        tell(s, s->uris.status, scene->status);
    if (scene && s->asked && text) {
        tell(s, s->uris.voices, scene->voices);
        tell(s, s->uris.voice, scene->voice);
        tell(s, s->uris.text, scene->script);
    }
    if (scene && s->asked) {
        s->told_text = scene->text_serial;
        s->told_scene = scene->serial;
        s->tell_all = false;
    }
    lv2_atom_forge_pop(&s->forge, &frame);
}
