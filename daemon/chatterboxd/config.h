#ifndef CBX_DAEMON_CHATTERBOXD_CONFIG_H
#define CBX_DAEMON_CHATTERBOXD_CONFIG_H

#include "daemon/sinks/sink.h"
#include "rt/log.h"
#include "rt/status.h"

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

/* The daemon's configuration: an INI file. One table (config.c) is the source
 * of the parser, of its complaints and of the sample file. */

enum { CONFIG_NAME = 64, CONFIG_TEXT = 512, CONFIG_SINKS = 16 };

typedef enum { ON_STOP_CANCEL, ON_STOP_FINISH } config_on_stop;

/* A sink by name. Texts that are empty mean the default. */
typedef struct config_sink {
    char name[CONFIG_NAME];
    int line; /* of its section; 0: made up */
    int kind; /* a cbx_sink_kind: portaudio, jack or null */
    char device[CONFIG_TEXT], ports[CONFIG_TEXT], client[CONFIG_NAME];
    int rate, channels, period;
    double latency_ms, gain_db;
    double idle_close; /* seconds; 0: at once, negative: never */
} config_sink;

/* A front-end on TCP. */
typedef struct config_front {
    int port; /* 0: there is none */
    char address[CONFIG_NAME], token[CONFIG_TEXT / 2];
    bool open; /* an address that is not loopback, without a token */
    int connections;
} config_front;

typedef struct daemon_config {
    char file[1024]; /* "": none was read */

    int clients;
    int log; /* a cbx_log_level */
    bool log_text;
    int on_stop; /* a config_on_stop */
    double finish_within;
    double exit_when_idle; /* seconds; 0: never */

    int threads;
    char kernels[CONFIG_NAME];
    int streams;

    char voice[CONFIG_TEXT], model[CONFIG_TEXT], language[CONFIG_NAME],
        sampling[CONFIG_TEXT];
    bool preload;
    double idle_unload; /* seconds; 0: never */

    config_front http, wyoming;

    char default_sink[CONFIG_NAME];
    config_sink sinks[CONFIG_SINKS]; /* at least one */
    int n_sinks;
} daemon_config;

/* [setup] The values without a file: one sink "default". */
void daemon_config_init(daemon_config *c);

/* [setup] Reads a file over the defaults. CBX_E_FORMAT: "FILE:LINE: what is
 * wrong"; *c is written on success only. */
CBX_CHECK cbx_status daemon_config_read(const char *file, daemon_config *c,
                                        cbx_error *err);

/* [setup] Where a configuration is looked for: $XDG_CONFIG_HOME/chatterbox/
 * daemon.ini (or ~/.config), then /etc/xdg/chatterbox/daemon.ini. False: there
 * is none. */
bool daemon_config_find(char *out, size_t size);

/* The commented sample: every key with its default. */
void daemon_config_print_sample(FILE *to);

/* The sink of that name (NULL or "": the default one), or NULL. */
const config_sink *daemon_config_sink_named(const daemon_config *c,
                                            const char *name);

/* Points into the sink. */
cbx_sink_options daemon_config_sink_options(const config_sink *s);

#endif
