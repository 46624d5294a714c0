#ifndef CBX_DAEMON_SPEECHD_LINK_H
#define CBX_DAEMON_SPEECHD_LINK_H

#include "chatterbox/client.h"
#include "daemon/speechd/config.h"
#include "daemon/speechd/sound.h"

/* The daemon, as far as the module uses it: one text at a time, whose sound
 * grows as it comes. Nothing in here waits. */

typedef enum sd_link_state {
    SD_LINK_IDLE,
    SD_LINK_SPEAKING,
    SD_LINK_WHOLE,  /* sound.whole */
    SD_LINK_FAILED, /* error */
} sd_link_state;

typedef struct sd_link_mark {
    uint64_t frame;
    char name[120];
} sd_link_mark;

typedef struct sd_link {
    cbx_client *client;
    cbx_client_audio *audio;
    void (*log)(const char *sentence);
    bool connected;
    int64_t changed; /* when that changed, in ms of sd_now_ms */

    sd_link_state state;
    uint64_t job;
    bool ended;       /* all frames are there to read */
    sd_sound sound;   /* of the job; anchors: its words */
    cbx_buffer marks; /* sd_link_mark[], of SSML */
    cbx_error error;
} sd_link;

int64_t sd_now_ms(void);

/* [setup] Fills a zeroed *l; close it in any case. */
cbx_status sd_link_open(sd_link *l, const sd_config *config,
                        void (*log)(const char *sentence), cbx_error *err);
void sd_link_close(sd_link *l);

/* [main] Ends what is spoken, and begins this. A refusal is l->error. */
bool sd_link_say(sd_link *l, cbx_say *say);
void sd_link_stop(sd_link *l);

/* [main] Takes what the daemon has sent: events, and about n frames. */
void sd_link_pull(sd_link *l, size_t n);

#endif
