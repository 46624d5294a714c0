#ifndef CBX_ENGINE_VOICE_STORE_H
#define CBX_ENGINE_VOICE_STORE_H

#include "engine/presets.h"
#include "models/checkpoint/conds.h"

/* The folder with the user's own voices. While it is open no other process
 * changes it. */
typedef struct voice_store {
    char folder[CBX_PATH_MAX];
    int lock;
} voice_store;

/* A voice to be stored. */
typedef struct voice_entry {
    const char *name, *description;
    const char *model; /* a name, or an absolute folder */
    const cbx_conds *conds;
    const cbx_safetensors_note *notes;
    size_t n_notes;
    bool replace;
} voice_entry;

enum { VOICE_NOTES_MOST = 32 };

/* Keys of the notes in a voice's file. */
#define NOTE_CONSENT "chatterbox.consent"
#define NOTE_DATE "chatterbox.consent_date"
#define NOTE_FAMILY "chatterbox.family"
#define NOTE_MODEL "chatterbox.model"
#define NOTE_VERSION "chatterbox.version"

/* [setup] Makes the folder when it is not there. Waits for others. */
CBX_CHECK cbx_status voice_store_open(voice_store *s, cbx_error *err);
void voice_store_close(voice_store *s);

/* [any] Whether a new voice may be called so. */
CBX_CHECK cbx_status voice_check_name(const char *name, cbx_error *err);

/* [setup] Whether a voice of that name may be written. */
CBX_CHECK cbx_status voice_store_is_free(const voice_store *s, const char *name,
                                         bool replace, cbx_error *err);

/* [setup] Writes both files, the preset last. */
CBX_CHECK cbx_status voice_store_put(const voice_store *s,
                                     const voice_entry *entry, cbx_error *err);

/* [setup] The preset of a stored voice. `verb` is what the caller wants to do
 * with it, for the message: "deleted". */
CBX_CHECK cbx_status voice_store_get(const voice_store *s, const char *name,
                                     const char *verb, cbx_preset_file *out,
                                     cbx_error *err);

/* [any] folder/NAME<ending> */
CBX_CHECK cbx_status voice_store_path(const voice_store *s, const char *name,
                                      const char *ending,
                                      char path[CBX_PATH_MAX], cbx_error *err);

#endif
