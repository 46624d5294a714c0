#ifndef CBX_CLIENT_SAY_JSON_H
#define CBX_CLIENT_SAY_JSON_H

#include "chatterbox/client.h"
#include "rt/annotate.h"

#include <jansson.h>

/* cbx_say and the request `say`: one table for both directions. Text, sink,
 * audio, job and from are not in it. */

/* Adds what differs from the defaults to the object. False: no memory. */
bool cbx_say_to_json(const cbx_say *say, json_t *object);

/* Reads an object over the defaults. Strings point into it. CBX_E_ARG names the
 * field. Ranges are not checked. */
CBX_CHECK cbx_status cbx_say_from_json(const json_t *object, cbx_say *say,
                                       cbx_error *err);

/* "text" -> CBX_PRIORITY_TEXT; -1: none has this name. And back. */
int cbx_priority_named(const char *name);
const char *cbx_priority_name(cbx_priority priority);
/* "speed" ...; NULL past the last one. */
const char *cbx_live_name(int live);

/* "arg" <-> CBX_E_ARG; an unknown name is CBX_E_UNSUPPORTED. */
const char *cbx_status_name(cbx_status status);
cbx_status cbx_status_named(const char *name);

#endif
