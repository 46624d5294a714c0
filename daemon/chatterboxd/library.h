#ifndef CBX_DAEMON_CHATTERBOXD_LIBRARY_H
#define CBX_DAEMON_CHATTERBOXD_LIBRARY_H

#include "chatterbox/chatterbox.h"
#include "daemon/chatterboxd/config.h"
#include "rt/annotate.h"

#include <jansson.h>

/* The engine, and the models and voices that are loaded: each once, shared by
 * all jobs, and unloaded when nobody has used it for a while. The functions
 * may be called by any thread at the same time; those that load wait for it. */
typedef struct library library;
typedef struct library_voice library_voice; /* one user's hold on a voice */

/* [setup] Opens nothing yet: that comes with the first voice. */
CBX_CHECK cbx_status library_open(const daemon_config *c, library **out,
                                  cbx_error *err);
/* [setup] After every voice was released. */
void library_close(library *l);

/* [any, may wait for seconds] The voice (NULL or "": the model's own) of the
 * model (NULL or "": what the voice asks for). */
CBX_CHECK cbx_status library_take(library *l, const char *model,
                                  const char *voice, library_voice **out,
                                  cbx_error *err);
void library_give_back(library *l, library_voice *v);

/* [any] The voice's own settings. */
void library_params(const library_voice *v, cbx_params *out);

/* [any, may wait] A stream with these parameters that has not spoken, or has
 * been cancelled and read to its end: the sound is the same. */
CBX_CHECK cbx_status library_stream(library *l, library_voice *v,
                                    const cbx_params *params, cbx_stream **out,
                                    cbx_error *err);
/* [any, may wait] Nobody reads it any more. clean: it ended by itself or was
 * never used, so it is kept for the next one who wants these parameters. */
void library_put_stream(library *l, library_voice *v, const cbx_params *params,
                        cbx_stream *stream, bool clean);

/* [any] Unloads what was not used for `seconds` (0: whatever is not in use).
 * Returns the seconds until it makes sense to ask again, negative: never. */
double library_unload_idle(library *l, double seconds);

/* [any] A list for docs/PROTOCOL.md, `models`; the caller's. */
json_t *library_models(library *l);
/* [any] Models loaded since the start; kernels and threads once known. */
uint64_t library_loads(const library *l);
int library_threads(library *l, const char **kernels);

#endif
