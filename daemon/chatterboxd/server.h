#ifndef CBX_DAEMON_CHATTERBOXD_SERVER_H
#define CBX_DAEMON_CHATTERBOXD_SERVER_H

#include "daemon/chatterboxd/audio.h"
#include "daemon/chatterboxd/config.h"
#include "daemon/chatterboxd/service.h"

/* The main loop: the control socket, its clients, signals, timers. */
typedef struct server server;

typedef struct server_options {
    daemon_config config;
    const char *config_file; /* to read again; NULL: there is none */
    int listener;            /* the control socket; taken over */
} server_options;

/* [setup] */
CBX_CHECK cbx_status server_open(const server_options *o, server **out,
                                 cbx_error *err);
/* Runs until it is told to stop. Returns the exit code. */
int server_run(server *s);
void server_close(server *s);

/* For connections. */
service *server_service(server *s);
int server_wake_fd(const server *s);
/* Reads the configuration again. */
CBX_CHECK cbx_status server_reload(server *s, cbx_error *err);
void server_stop(server *s, config_on_stop how);
int server_clients(const server *s);
/* Does it on a thread of its own, which may wait. False: there are too many
 * such threads. */
bool server_help(server *s, void (*work)(void *user), void *user);
/* Closes it in that way: it may take as long as a model loads. */
void server_close_audio(server *s, audio *a);

#endif
