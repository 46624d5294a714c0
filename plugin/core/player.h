#ifndef CBX_PLUGIN_PLAYER_H
#define CBX_PLUGIN_PLAYER_H

#include "plugin/core/script.h"
#include "plugin/core/take.h"

/* The audio side of an instance: fills blocks from a scene, which is all that
 * the audio thread may look at. The other side makes a new scene for each
 * change and publishes it; the audio thread picks it up at its next block.
 *
 * Lifetimes without locks: the audio thread writes the scene that it uses into
 * one of two slots (`held`) and looks again whether it is still the published
 * one. A scene that was replaced is freed when it lies in no slot, and with it
 * the takes that only it had. So there are never more than three scenes alive:
 * the published one and two held ones, also when the host stops calling. */

enum {
    PLAYER_VOICES = 24, /* notes that sound at once, tails of ended ones too */
    PLAYER_TAIL = 1024, /* frames: 5 ms at 192 kHz */
};

/* A phrase as the audio thread sees it. */
typedef struct plug_cue {
    int number;
    bool pinned;
    int64_t at;
    plug_take *take;
} plug_cue;

/* Never changed after it was published. */
typedef struct plug_scene {
    struct plug_scene *next; /* in the owner's list of replaced ones */
    uint64_t text_serial;    /* changes with script, voice */
    uint64_t serial;         /* changes with anything */
    const char *script, *voice, *status, *voices; /* end in NUL; owned */
    int missing; /* phrases that cannot be rendered */
    int pending; /* phrases that are not done */
    int count;
    plug_cue cues[];
} plug_scene;

typedef enum plug_note_off {
    NOTE_OFF_PLAYS_ON, /* a phrase is spoken to its end */
    NOTE_OFF_STOPS,    /* it fades out in 5 ms */
} plug_note_off;

typedef struct player_voice {
    plug_take *take; /* NULL: free */
    int number;
    uint64_t at; /* the next frame */
    float gain;
    uint32_t fade; /* frames left of its fade out, of fade_length; 0: none */
    uint64_t age;
} player_voice;

typedef struct plug_player {
    /* Shared; see the head of this file. */
    _Atomic(plug_scene *) current;
    _Atomic(plug_scene *) held[2];
    _Atomic uint64_t late;     /* frames that were due and not rendered yet */
    _Atomic uint64_t silenced; /* frames due of phrases that failed */
    _Atomic float peak;        /* the highest sample since it was asked */

    /* The audio thread's own. */
    plug_scene *scene;
    int slot;
    bool playing;
    int64_t position; /* of the next frame, in the session */
    bool timeline;    /* pinned phrases are played */
    plug_note_off note_off;
    float gain, gain_target, gain_step;
    uint32_t fade_length;
    player_voice voices[PLAYER_VOICES];
    uint64_t age, want_clock;
    float tail[PLAYER_TAIL]; /* what fades out after a change of scene */
    uint32_t tail_at, tail_end;
} plug_player;

/* [setup] For a sample rate; nobody may be in a call. Drops what it held. */
void player_reset(plug_player *p, uint32_t rate);

/* [audio] Begins a block: takes up the newest scene. It stays the same, and
 * alive, until the next call. */
CBX_RT const plug_scene *player_begin(plug_player *p);

/* [audio] From the next frame on. */
CBX_RT void player_transport(plug_player *p, bool playing, int64_t position);
CBX_RT void player_note_on(plug_player *p, int note, float velocity);
CBX_RT void player_note_off(plug_player *p, int note);
CBX_RT void player_silence(plug_player *p); /* all notes, at once */
CBX_RT void player_set_gain(plug_player *p, float gain);

/* [audio] Fills all of out[0..n) and moves on by n frames. */
CBX_RT void player_fill(plug_player *p, float *out, uint32_t n);

/* [audio] Takes that the next n frames need and do not have, at most `most`. */
CBX_RT int player_lacks(plug_player *p, uint32_t n, plug_take **out, int most);

/* [any but audio] Publishes a scene and returns the one it replaces, which may
 * still be in use: see player_holds. */
plug_scene *player_publish(plug_player *p, plug_scene *scene);
bool player_holds(const plug_player *p, const plug_scene *scene);

#endif
