#include "daemon/speechd/request.h"

#include <ctype.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

/* Voice types for which no voice is set are the same voice, higher or lower, so
 * that a program that uses several can be followed. The first of each sex is
 * what nearly everybody asks for, and is left alone. */
static float type_semitones(const char *type)
{
    const size_t n = strlen(type);
    if (!strncmp(type, "child", 5))
        return 4;
    if (n && type[n - 1] == '2')
        return -2;
    return n && type[n - 1] == '3' ? 2 : 0;
}

/* "en-us" -> "en" */
static void base_language(const char *language, char out[16])
{
    size_t n = 0;
    while (n < 15 && isalpha((unsigned char)language[n])) {
        out[n] = (char)tolower((unsigned char)language[n]);
        n++;
    }
    out[n] = '\0';
}

static float octave(float semitones)
{
    return fminf(fmaxf(semitones, -12), 12);
}

void sd_request(const sd_config *c, const sd_settings *s, bool plainly,
                cbx_say *say, char lang[16])
{
    const char *rule = sd_config_voice(c, s->language, s->type);
    const bool chosen = *s->voice && strcmp(s->voice, "default");
    const char *voice = chosen ? s->voice : rule;
    const bool typed = !chosen && rule == c->voice;
    cbx_say_init(say);
    base_language(s->language, lang);
    if (!plainly && *voice)
        say->voice = voice;
    if (!plainly && *lang)
        say->language = lang;
    say->wrapped = true;
    say->latency = c->latency;
    say->speed = sd_speed(s->rate, c->fastest);
    say->pitch =
        octave(sd_semitones(s->pitch) + (typed ? type_semitones(s->type) : 0));
    if (s->pitch_range)
        say->exaggeration = sd_exaggeration(s->pitch_range, 0.5f);
}

void sd_request_key(const sd_config *c, const sd_settings *s, const char *text,
                    size_t n, char key[SD_KEY_MOST])
{
    cbx_say say;
    char lang[16];
    sd_request(c, s, false, &say, lang);
    const int size =
        snprintf(key, SD_KEY_MOST, "%s\n%s\n%a %a %a\n%.*s",
                 say.voice ? say.voice : "", lang, (double)say.speed,
                 (double)say.pitch, (double)say.exaggeration, (int)n, text);
    if (size < 0 || size >= SD_KEY_MOST)
        key[0] = '\0';
}
