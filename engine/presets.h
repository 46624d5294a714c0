#ifndef CBX_ENGINE_PRESETS_H
#define CBX_ENGINE_PRESETS_H

#include "chatterbox/chatterbox.h"
#include "rt/status.h"

/* Presets are INI files in the data folders: voices/NAME.ini (section [voice]
 * and optionally [sampling]) and sampling/NAME.ini (section [sampling]);
 * models lie in models/NAME/. Keys: docs/PRESETS.md. */

enum { CBX_PATH_MAX = 1024 };

/* What a preset file says; empty strings where it says nothing. */
typedef struct cbx_preset_file {
    char path[CBX_PATH_MAX];
    char name[64];
    char description[256];
    char language[32];
    char model[CBX_PATH_MAX];      /* a name, or a folder made absolute */
    char dictionary[CBX_PATH_MAX]; /* of the voice; made absolute */
    char conds[CBX_PATH_MAX]; /* relative to the preset's folder in the file */
    cbx_params params;        /* only the fields whose bit is set below */
    unsigned has;             /* bit i: the i-th key of [sampling] was there */
} cbx_preset_file;

/* [setup] Reads one file. An unknown section or key, or a value out of range,
 * is an error that names file and line. */
CBX_CHECK cbx_status cbx_preset_read(const char *path, cbx_preset_file *out,
                                     cbx_error *err);

/* [setup] Finds kind/NAME.ini ("voices", "sampling") in the data folders, or
 * takes a path (it holds a slash or ends in .ini). */
CBX_CHECK cbx_status cbx_preset_find(const char *kind, const char *name_or_file,
                                     char path[CBX_PATH_MAX], cbx_error *err);

/* [setup] Finds models/NAME, or takes a folder. */
CBX_CHECK cbx_status cbx_model_find(const char *name_or_folder,
                                    char path[CBX_PATH_MAX], cbx_error *err);

/* [setup] The watermark's weights in the data folders; false: not there. */
bool cbx_watermark_find(char path[CBX_PATH_MAX]);

/* [any] Copies the sampling fields that the file sets. */
void cbx_preset_apply(const cbx_preset_file *p, cbx_params *params);

/* [any] The ranges of all parameters, in one sentence per fault. */
CBX_CHECK cbx_status cbx_params_check(const cbx_params *params, cbx_error *err);

#endif
