#ifndef CBX_DAEMON_SPEECHD_SETTINGS_H
#define CBX_DAEMON_SPEECHD_SETTINGS_H

#include <stdbool.h>

/* What speech-dispatcher asks for before each utterance (SET), and what that
 * means for us. */

typedef enum sd_punctuation {
    SD_PUNCTUATION_NONE,
    SD_PUNCTUATION_SOME,
    SD_PUNCTUATION_MOST,
    SD_PUNCTUATION_ALL,
} sd_punctuation;

typedef enum sd_capitals {
    SD_CAPITALS_NONE,
    SD_CAPITALS_SPELL, /* the word "capital" */
    SD_CAPITALS_ICON,  /* a short sound */
} sd_capitals;

typedef struct sd_settings {
    int rate, pitch, pitch_range, volume; /* -100 ... 100 */
    sd_punctuation punctuation;
    bool spelling;
    sd_capitals capitals;
    char type[16];     /* "female1" */
    char language[32]; /* "en-us", "": not known */
    char voice[128];   /* a voice's name, "": none is asked for */
} sd_settings;

/* Volume 100, all else in the middle. */
void sd_settings_init(sd_settings *s);

typedef enum sd_set_result {
    SD_SET_OK,
    SD_SET_UNKNOWN, /* no setting of this name: a newer server's */
    SD_SET_SYNTAX,
    SD_SET_VALUE,
} sd_set_result;

/* [any] line: "rate=20". Changes *s on SD_SET_OK only. */
sd_set_result sd_settings_line(sd_settings *s, const char *line);

/* [any] Speed factor: 0.5 at -100, 1 at 0, fastest at 100, in equal ratios. */
float sd_speed(int rate, float fastest);
/* [any] Semitones: an octave at either end. */
float sd_semitones(int pitch);
/* [any] Linear gain: 1 at 100, 0.5 at 0, silence at -100. */
float sd_gain(int volume);
/* [any] The model's exaggeration: `middle` at 0, 0 at -100, twice at 100. */
float sd_exaggeration(int pitch_range, float middle);

#endif
