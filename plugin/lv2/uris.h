#ifndef CBX_PLUGIN_LV2_URIS_H
#define CBX_PLUGIN_LV2_URIS_H

#include <lv2/atom/atom.h>
#include <lv2/log/log.h>
#include <lv2/midi/midi.h>
#include <lv2/patch/patch.h>
#include <lv2/time/time.h>
#include <lv2/urid/urid.h>

#define VOICE_URI "urn:chatterbox:voice"
#define VOICE_UI_URI VOICE_URI "#window"
#define VOICE_TEXT VOICE_URI "#text"       /* the script: patch:writable */
#define VOICE_VOICE VOICE_URI "#voice"     /* patch:writable */
#define VOICE_RETRY VOICE_URI "#retry"     /* set to anything: try again */
#define VOICE_STATUS VOICE_URI "#status"   /* patch:readable; core/scene.c */
#define VOICE_VOICES VOICE_URI "#voices"   /* patch:readable; one a line */
#define VOICE_RATE VOICE_URI "#rate"       /* state: that of the positions */
#define VOICE_MISSING VOICE_URI "#missing" /* state: plug_missing_copy */
#define VOICE_TAKE VOICE_URI "#take-"      /* state: and three digits */

/* name in C, URI */
#define VOICE_URIS(X)                              \
    X(atom_Blank, LV2_ATOM__Blank)                 \
    X(atom_Double, LV2_ATOM__Double)               \
    X(atom_Float, LV2_ATOM__Float)                 \
    X(atom_Int, LV2_ATOM__Int)                     \
    X(atom_Long, LV2_ATOM__Long)                   \
    X(atom_Object, LV2_ATOM__Object)               \
    X(atom_Path, LV2_ATOM__Path)                   \
    X(atom_String, LV2_ATOM__String)               \
    X(atom_URID, LV2_ATOM__URID)                   \
    X(atom_eventTransfer, LV2_ATOM__eventTransfer) \
    X(log_Note, LV2_LOG__Note)                     \
    X(midi_MidiEvent, LV2_MIDI__MidiEvent)         \
    X(patch_Get, LV2_PATCH__Get)                   \
    X(patch_Set, LV2_PATCH__Set)                   \
    X(patch_property, LV2_PATCH__property)         \
    X(patch_value, LV2_PATCH__value)               \
    X(time_Position, LV2_TIME__Position)           \
    X(time_frame, LV2_TIME__frame)                 \
    X(time_speed, LV2_TIME__speed)                 \
    X(text, VOICE_TEXT)                            \
    X(voice, VOICE_VOICE)                          \
    X(retry, VOICE_RETRY)                          \
    X(status, VOICE_STATUS)                        \
    X(voices, VOICE_VOICES)                        \
    X(missing, VOICE_MISSING)                      \
    X(rate, VOICE_RATE)

typedef struct voice_uris {
#define VOICE_URI_FIELD(name, uri) LV2_URID name;
    VOICE_URIS(VOICE_URI_FIELD)
#undef VOICE_URI_FIELD
} voice_uris;

static inline void voice_uris_map(voice_uris *u, LV2_URID_Map *map)
{
#define VOICE_URI_MAP(name, uri) u->name = map->map(map->handle, uri);
    VOICE_URIS(VOICE_URI_MAP)
#undef VOICE_URI_MAP
}

#endif
