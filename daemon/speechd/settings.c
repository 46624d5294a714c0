#include "daemon/speechd/settings.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

void sd_settings_init(sd_settings *s)
{
    *s = (sd_settings){.volume = 100};
}

static bool number(const char *text, int *out)
{
    char *end;
    errno = 0;
    const long n = strtol(text, &end, 10);
    if (end == text || *end || errno || n < -100 || n > 100)
        return false;
    *out = (int)n;
    return true;
}

/* Which of the words, from 0; -1: none. */
static int which(const char *text, const char *const *words)
{
    for (int i = 0; words[i]; i++)
        if (!strcmp(text, words[i]))
            return i;
    return -1;
}

static bool choice(const char *text, const char *const *words, int *out)
{
    const int i = which(text, words);
    if (i < 0)
        return false;
    *out = i;
    return true;
}

/* "NULL" is how the server says that it has none. */
static bool word(const char *text, char *out, size_t size)
{
    if (strlen(text) >= size)
        return false;
    strcpy(out, strcmp(text, "NULL") ? text : "");
    return true;
}

static bool voice_type(const char *text, char *out, size_t size)
{
    static const char *const types[] = {
        "male1",   "male2",      "male3",        "female1", "female2",
        "female3", "child_male", "child_female", "NULL",    NULL};
    return which(text, types) >= 0 && word(text, out, size);
}

/* "C" and "c" are what the server has when the locale names no language. */
static bool language(const char *text, char *out, size_t size)
{
    const bool none = !strcmp(text, "c") || !strcmp(text, "C");
    return word(none ? "NULL" : text, out, size);
}

static const char *const on_off[] = {"off", "on", NULL};
static const char *const punctuations[] = {"none", "some", "most", "all", NULL};
static const char *const capitals[] = {"none", "spell", "icon", NULL};

sd_set_result sd_settings_line(sd_settings *s, const char *line)
{
    const char *equals = strchr(line, '=');
    if (!equals || equals == line)
        return SD_SET_SYNTAX;
    const size_t n = (size_t)(equals - line);
    const char *value = equals + 1;
    sd_settings to = *s;
    int chosen = 0;
    bool good;
#define IS(name) (n == strlen(name) && !memcmp(line, name, n))
    if (IS("rate"))
        good = number(value, &to.rate);
    else if (IS("pitch"))
        good = number(value, &to.pitch);
    else if (IS("pitch_range"))
        good = number(value, &to.pitch_range);
    else if (IS("volume"))
        good = number(value, &to.volume);
    else if (IS("punctuation_mode")) {
        good = choice(value, punctuations, &chosen);
        to.punctuation = (sd_punctuation)chosen;
    } else if (IS("spelling_mode")) {
        good = choice(value, on_off, &chosen);
        to.spelling = chosen != 0;
    } else if (IS("cap_let_recogn")) {
        good = choice(value, capitals, &chosen);
        to.capitals = (sd_capitals)chosen;
    } else if (IS("voice"))
        good = voice_type(value, to.type, sizeof to.type);
    else if (IS("language"))
        good = language(value, to.language, sizeof to.language);
    else if (IS("synthesis_voice"))
        good = word(value, to.voice, sizeof to.voice);
    else
        return SD_SET_UNKNOWN;
#undef IS
    if (!good)
        return SD_SET_VALUE;
    *s = to;
    return SD_SET_OK;
}

float sd_speed(int rate, float fastest)
{
    return powf(rate < 0 ? 2.0f : fastest, (float)rate / 100.0f);
}

float sd_semitones(int pitch)
{
    return 12.0f * (float)pitch / 100.0f;
}

float sd_gain(int volume)
{
    return (float)(volume + 100) / 200.0f;
}

float sd_exaggeration(int pitch_range, float middle)
{
    return middle * (1.0f + (float)pitch_range / 100.0f);
}
