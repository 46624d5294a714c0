#ifndef CBX_DAEMON_CHATTERBOXD_CONNECTION_H
#define CBX_DAEMON_CHATTERBOXD_CONNECTION_H

#include "client/lines.h"
#include "daemon/chatterboxd/audio.h"
#include "daemon/chatterboxd/peer.h"
#include "daemon/chatterboxd/server.h"
#include "daemon/chatterboxd/service.h"

/* One client of the control socket. All functions belong to the main loop. */
typedef struct connection {
    server *server;
    peer *peer;
    int fd; /* the peer's */
    cbx_line_reader in;
    uint64_t owner;
    char name[64];
    bool greeted;
    int64_t opened_ns;
    int64_t last_job;
    audio *audios[AUDIOS_MAX];
    int n_audios;
} connection;

/* Takes the socket over. NULL: no memory. */
connection *connection_open(server *s, int fd);
/* Cancels what the client does not keep. why: for the log; NULL: it left. */
void connection_close(connection *c, const char *why);
/* Reads and does what is there. False: it is over, and *why says so. */
bool connection_read(connection *c, char *why, size_t size);

/* requests.c: does one request. CBX_E_FORMAT: the connection has to end. */
CBX_CHECK cbx_status connection_request(connection *c, const json_t *request,
                                        cbx_error *err);
/* The answer to `request`, with what `fields` has (taken; NULL: nothing), if it
 * wants one. */
void connection_answer(peer *p, const json_t *id, json_t *fields);
void connection_refuse(peer *p, const json_t *id, const cbx_error *why);

#endif
