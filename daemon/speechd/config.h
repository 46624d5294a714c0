#ifndef CBX_DAEMON_SPEECHD_CONFIG_H
#define CBX_DAEMON_SPEECHD_CONFIG_H

#include <stdbool.h>
#include <stddef.h>

/* The module's own file (daemon/speechd/chatterbox.conf says what the keys
 * mean), in the form of speech-dispatcher's other modules. */

typedef struct sd_voice_rule {
    char language[32]; /* "en"; "*": any */
    char type[16];     /* "male1"; "*": any */
    char voice[128];
} sd_voice_rule;

enum { SD_VOICE_RULES = 64 };

typedef struct sd_config {
    char voice[128];  /* "": the daemon's own choice */
    char socket[256]; /* "": where the daemon always is */
    bool start;       /* the daemon, where none runs */
    bool prepare;     /* letters and common words before they are asked for */
    float fastest;    /* speed factor at rate 100 */
    int latency;      /* a cbx_latency */
    size_t cache_bytes;
    char icons[256]; /* folder of sound icons */
    sd_voice_rule rules[SD_VOICE_RULES];
    int rules_n;
} sd_config;

void sd_config_init(sd_config *c);

/* [setup] Reads `file` over *c. A line that cannot be understood is named
 * through warn, and all others count: a screen reader has to speak. Returns
 * false when the file cannot be read. */
bool sd_config_read(sd_config *c, const char *file,
                    void (*warn)(const char *sentence));

/* [any] The voice for a language and voice type; "": none is set. */
const char *sd_config_voice(const sd_config *c, const char *language,
                            const char *type);

#endif
