#ifndef CBX_PLUGIN_LV2_SHELL_H
#define CBX_PLUGIN_LV2_SHELL_H

/* Inside of lv2/: one instance as an LV2 host sees it. */

#include "plugin/core/plug.h"
#include "plugin/lv2/uris.h"

#include <lv2/atom/forge.h>
#include <lv2/core/lv2.h>
#include <lv2/log/log.h>
#include <lv2/state/state.h>
#include <lv2/worker/worker.h>

/* As in the bundle's Turtle, which ttl.c writes from the same numbers. */
enum {
    PORT_CONTROL,
    PORT_NOTIFY,
    PORT_OUT,
    PORT_PARAMS, /* PLUG_PARAMS of them */
    PORT_FREEWHEEL = PORT_PARAMS + PLUG_PARAMS,
    PORT_LATENCY,
    PORT_LATE,
    PORT_PENDING,
    PORT_MISSING,
    PORT_LEVEL,
    PORT_COUNT,
    NOTIFY_BYTES = 1 << 18, /* rsz:minimumSize of both atom ports */
};

typedef struct shell {
    plug *plug;
    voice_uris uris;
    LV2_Atom_Forge forge;
    LV2_URID_Map *map;
    LV2_Worker_Schedule *schedule; /* NULL: the host has no worker */
    LV2_Log_Log *log;              /* NULL: stderr */
    LV2_State_Make_Path *make_path;
    LV2_State_Free_Path *free_path;
    LV2_State_Map_Path *map_path;
    uint32_t rate;

    const LV2_Atom_Sequence *control;
    LV2_Atom_Sequence *notify;
    float *out;
    float *ports[PORT_COUNT]; /* control ports by index */

    bool asked;    /* a window listens: it has sent a patch:Get */
    bool tell_all; /* it gets everything */
    uint64_t told_text, told_scene;
    bool rolling; /* transport, as last told */
} shell;

extern const LV2_Descriptor shell_descriptor;

/* [audio] One event of the control port; `bytes` is what of it can be read. */
CBX_RT void shell_event(shell *s, const LV2_Atom *atom, uint32_t bytes);
/* [audio] What the window has not heard of this scene yet. */
CBX_RT void shell_tell(shell *s, const plug_scene *scene);

/* [main] */
LV2_State_Status shell_save(LV2_Handle h, LV2_State_Store_Function store,
                            LV2_State_Handle handle, uint32_t flags,
                            const LV2_Feature *const *features);
LV2_State_Status shell_restore(LV2_Handle h,
                               LV2_State_Retrieve_Function retrieve,
                               LV2_State_Handle handle, uint32_t flags,
                               const LV2_Feature *const *features);
void shell_log(shell *s, const char *sentence);
/* Takes what this list has of the paths' features. */
void shell_path_features(shell *s, const LV2_Feature *const *features);

#endif
