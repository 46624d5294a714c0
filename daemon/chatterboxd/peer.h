#ifndef CBX_DAEMON_CHATTERBOXD_PEER_H
#define CBX_DAEMON_CHATTERBOXD_PEER_H

#include <jansson.h>
#include <stdbool.h>

/* The way out to one client, for any thread: never waits. What the socket does
 * not take is kept, up to a bound; the main loop sends it on. */
typedef struct peer peer;

/* [setup] Takes the socket over, with one hold. `wake`: an eventfd that is
 * written when the main loop has to look. NULL: no memory. */
peer *peer_new(int fd, int wake);
void peer_hold(peer *p);
void peer_unhold(peer *p);

/* [any] Sends an object as a line; takes the reference. Lines of a peer that
 * is closed or broken vanish. */
void peer_send(peer *p, json_t *object);

/* [main] */
bool peer_has_more(peer *p);
void peer_flush(peer *p);                    /* the socket takes more */
bool peer_broken(peer *p, const char **why); /* close it */
void peer_close(peer *p);

#endif
