#ifndef CBX_DAEMON_HTTP_ENCODER_H
#define CBX_DAEMON_HTTP_ENCODER_H

#include "rt/status.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Mono frames to the bytes of a sound file that is never rewound: what arrives
 * is written on at once, and sizes that only the end could tell are left open.
 * One thread. */
typedef struct encoder encoder;

typedef struct encoder_format {
    const char *name, *type; /* "mp3", "audio/mpeg" */
    const uint32_t *rates;   /* those it takes, up to a 0; NULL: any */
} encoder_format;

/* NULL: there is no such format. */
const encoder_format *encoder_find(const char *name);
bool encoder_takes(const encoder_format *format, uint32_t rate);
/* "mp3, opus, ..." */
const char *encoder_names(void);

/* Takes bytes; false: nobody wants them any more. */
typedef bool (*encoder_write)(void *user, const void *bytes, size_t n);

/* Writes the head. */
CBX_CHECK cbx_status encoder_open(const encoder_format *format, uint32_t rate,
                                  encoder_write write, void *user,
                                  encoder **out, cbx_error *err);
/* False: nobody wants the bytes any more. */
bool encoder_put(encoder *e, const float *frames, uint32_t n);
/* Writes what is left. `complete` false: the sound broke off, only the memory
 * is freed. Accepts NULL. */
void encoder_close(encoder *e, bool complete);

#endif
