#ifndef CBX_DAEMON_WYOMING_TALK_H
#define CBX_DAEMON_WYOMING_TALK_H

#include "daemon/chatterboxd/service.h"

#include <jansson.h>
#include <stdbool.h>

/* What one connection speaks: one text after the other, each as audio-start,
 * audio-chunk ..., audio-stop. Belongs to the connection's thread. */
typedef struct talk talk;

/* NULL: no memory. */
talk *talk_open(service *s, int fd);
/* Cancels what is spoken, and waits for its callbacks. Accepts NULL. */
void talk_close(talk *t);

/* `data` of synthesize or synthesize-start; more: talk_append follows. Waits
 * for what is being spoken before. Refusals are sent as an `error` event. */
void talk_begin(talk *t, const json_t *data, bool more);
/* Waits while too much of it is unspoken. */
void talk_append(talk *t, const char *text);
void talk_finish(talk *t);
/* Text that is still to come (synthesize-start without its stop). */
bool talk_is_open(const talk *t);
/* The other side has gone or takes nothing: what follows is in vain. */
bool talk_is_broken(const talk *t);

/* An event that does not belong to the sound, in its turn. */
bool talk_send(talk *t, const char *type, json_t *data);

#endif
