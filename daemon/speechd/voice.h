#ifndef CBX_DAEMON_SPEECHD_VOICE_H
#define CBX_DAEMON_SPEECHD_VOICE_H

#include "daemon/speechd/config.h"
#include "daemon/speechd/shape.h"
#include "daemon/speechd/sound.h"
#include "rt/status.h"

/* Utterances spoken by the daemon or from memory. One at a time; its sound and
 * marks come out as items. Nothing in here waits for the daemon. */
typedef struct sd_voice sd_voice;

typedef enum sd_item_kind {
    SD_ITEM_ACCEPTED, /* first of all: it can be spoken */
    SD_ITEM_REFUSED,  /* or cannot, and nothing follows; text: why */
    SD_ITEM_AUDIO,
    SD_ITEM_MARK, /* text: its name */
    SD_ITEM_ICON, /* text: a file for the server to play */
    SD_ITEM_END,
    SD_ITEM_FAILED, /* it broke off; text: why */
} sd_item_kind;

/* The first block is short, since the server plays whole ones. */
enum { SD_BLOCK_FIRST = SD_RATE / 40, SD_BLOCK_MOST = SD_RATE / 10 };

/* Valid until the next call for this voice. */
typedef struct sd_item {
    sd_item_kind kind;
    const char *text;
    const int16_t *frames;
    size_t n;
} sd_item;

/* [setup] The config is the caller's and outlives the voice. log: sentences for
 * people. */
cbx_status sd_voice_open(const sd_config *config,
                         void (*log)(const char *sentence), sd_voice **out,
                         cbx_error *err);
/* [setup] Accepts NULL. */
void sd_voice_close(sd_voice *v);

/* [main] Readable while the daemon has said something. */
int sd_voice_fd(const sd_voice *v);

/* [main] Speaks this from now on, instead of whatever it was. Takes the
 * utterance over, and leaves a zeroed one. */
void sd_voice_say(sd_voice *v, sd_utterance *u, const sd_settings *s);
/* [main] No more items of the utterance come out. */
void sd_voice_stop(sd_voice *v);
/* [main] The settings that will most likely be asked for next: what is
 * prepared is made with them. */
void sd_voice_expect(sd_voice *v, const sd_settings *s);
/* [main] The next item. False: none now; call again when the descriptor is
 * readable, or after sd_voice_timeout. */
bool sd_voice_next(sd_voice *v, sd_item *out);
/* [main] Work between utterances, also when sd_voice_next was not called. */
void sd_voice_idle(sd_voice *v);
/* [main] Milliseconds after which it wants to be called again; -1: never. */
int sd_voice_timeout(const sd_voice *v);

#endif
