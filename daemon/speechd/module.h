#ifndef CBX_DAEMON_SPEECHD_MODULE_H
#define CBX_DAEMON_SPEECHD_MODULE_H

#include "daemon/speechd/config.h"
#include "daemon/speechd/input.h"
#include "daemon/speechd/output.h"
#include "daemon/speechd/voice.h"

/* speech-dispatcher's module protocol (its manual, "Communication Protocol for
 * Output Modules"): commands in, replies and events out. */

typedef enum sd_speaking {
    SD_IDLE,
    SD_DECIDING, /* 200 or 301 is owed */
    SD_ACCEPTED, /* 200 was sent; 701 comes with the first sound or mark */
    SD_SPEAKING, /* 702, 703 or 704 is owed */
} sd_speaking;

typedef struct sd_module {
    const sd_config *config;
    sd_voice *voice;
    sd_output out;
    sd_settings settings;

    /* What lines until "." are, 0: nothing, a line is a command. */
    char data; /* 'S' SET, 'A' AUDIO, 'L' LOGLEVEL, 'T' something to say */
    sd_kind kind;
    cbx_buffer text; /* of 'T' */
    size_t lines;
    bool too_much;
    sd_settings wanted;  /* of 'S' */
    const char *refused; /* why 'S' or 'A' is refused, NULL: it is not */

    sd_speaking speaking;
    bool pause; /* asked for */
    bool quit;
    void (*list_voices)(sd_output *out, const char *language);
    void (*log)(const char *sentence);
} sd_module;

/* [setup] All but the text is the caller's. */
void sd_module_init(sd_module *m, const sd_config *config, sd_voice *voice,
                    int out_fd);
void sd_module_free(sd_module *m);

/* [main] A line from the server. */
void sd_module_line(sd_module *m, const char *line, size_t n);
/* [main] Sends what the voice has, as long as nothing else waits to be
 * written. */
void sd_module_speak(sd_module *m);

#endif
