#include "daemon/speechd/config.h"

#include "chatterbox/chatterbox.h"

#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

enum { WORDS = 4 };

void sd_config_init(sd_config *c)
{
    *c = (sd_config){.start = true,
                     .prepare = true,
                     .fastest = 3.5f,
                     .latency = CBX_LATENCY_LOWEST,
                     .cache_bytes = (size_t)16 << 20,
                     .icons = "/usr/share/sounds/sound-icons"};
}

/* Splits a line at blanks; "..." is one word. Returns their number, -1: a quote
 * is not closed, or there are too many. */
static int split(char *line, char *words[WORDS])
{
    int n = 0;
    for (char *p = line;;) {
        while (isspace((unsigned char)*p))
            p++;
        if (!*p || *p == '#')
            return n;
        if (n == WORDS)
            return -1;
        const bool quoted = *p == '"';
        words[n++] = p += quoted;
        while (*p && (quoted ? *p != '"' : !isspace((unsigned char)*p)))
            p++;
        if (quoted && !*p)
            return -1;
        if (*p)
            *p++ = '\0';
    }
}

static bool copy(const char *from, char *to, size_t size)
{
    if (strlen(from) >= size)
        return false;
    strcpy(to, from);
    return true;
}

static bool on_off(const char *word, bool *out)
{
    const bool on = !strcasecmp(word, "on") || !strcasecmp(word, "yes");
    if (!on && strcasecmp(word, "off") && strcasecmp(word, "no"))
        return false;
    *out = on;
    return true;
}

static bool latency(const char *word, int *out)
{
    static const char *const names[] = {"lowest", "balanced", "safest"};
    static const int values[] = {CBX_LATENCY_LOWEST, CBX_LATENCY_BALANCED,
                                 CBX_LATENCY_SAFEST};
    for (int i = 0; i < 3; i++) {
        if (!strcasecmp(word, names[i])) {
            *out = values[i];
            return true;
        }
    }
    return false;
}

static bool number(const char *word, double least, double most, double *out)
{
    char *end;
    const double v = strtod(word, &end);
    if (end == word || *end || !(v >= least && v <= most))
        return false;
    *out = v;
    return true;
}

static bool add_voice(sd_config *c, char *const *words)
{
    if (c->rules_n == SD_VOICE_RULES)
        return false;
    sd_voice_rule *r = &c->rules[c->rules_n];
    const bool good = copy(words[1], r->language, sizeof r->language) &&
                      copy(words[2], r->type, sizeof r->type) &&
                      copy(words[3], r->voice, sizeof r->voice);
    for (char *p = r->type; good && *p; p++)
        *p = (char)tolower((unsigned char)*p);
    c->rules_n += good;
    return good;
}

/* Whether the line's words were understood. */
static bool set(sd_config *c, int n, char *const *words)
{
    const char *key = words[0], *value = n > 1 ? words[1] : "";
    double v = 0;
    bool good = n == 2;
    if (!strcasecmp(key, "AddVoice"))
        return n == 4 && add_voice(c, words);
    if (!strcasecmp(key, "DefaultVoice"))
        good = good && copy(value, c->voice, sizeof c->voice);
    else if (!strcasecmp(key, "Socket"))
        good = good && copy(value, c->socket, sizeof c->socket);
    else if (!strcasecmp(key, "SoundIconFolder"))
        good = good && copy(value, c->icons, sizeof c->icons);
    else if (!strcasecmp(key, "Latency"))
        good = good && latency(value, &c->latency);
    else if (!strcasecmp(key, "StartDaemon"))
        good = good && on_off(value, &c->start);
    else if (!strcasecmp(key, "PrepareCommonWords"))
        good = good && on_off(value, &c->prepare);
    else if (!strcasecmp(key, "FastestSpeed")) {
        good = good && number(value, 1, 6, &v);
        c->fastest = good ? (float)v : c->fastest;
    } else if (!strcasecmp(key, "CacheMegabytes")) {
        good = good && number(value, 0, 1024, &v);
        c->cache_bytes = good ? (size_t)(v * (1 << 20)) : c->cache_bytes;
    } else {
        good = false;
    }
    return good;
}

bool sd_config_read(sd_config *c, const char *file,
                    void (*warn)(const char *sentence))
{
    char line[1024], sentence[1400], *words[WORDS];
    FILE *f = fopen(file, "re");
    if (!f) {
        snprintf(sentence, sizeof sentence,
                 "%s: %s; the defaults are used instead", file,
                 strerror(errno));
        warn(sentence);
        return false;
    }
    for (int number_of = 1; fgets(line, sizeof line, f); number_of++) {
        char *end = strchr(line, '\n');
        if (end)
            *end = '\0';
        const int n = split(line, words);
        if (n == 0 || (n > 0 && set(c, n, words)))
            continue;
        snprintf(sentence, sizeof sentence,
                 "%s:%d: '%s' is not understood and left out; "
                 "chatterbox.conf as it was installed explains each key",
                 file, number_of, n > 0 ? words[0] : line);
        warn(sentence);
    }
    fclose(f);
    return true;
}

/* "en" stands for "en-us" as well. */
static bool covers(const char *rule, const char *language)
{
    const size_t n = strlen(rule);
    return !strcmp(rule, "*") ||
           (!strncasecmp(rule, language, n) &&
            (!language[n] || language[n] == '-' || language[n] == '_'));
}

const char *sd_config_voice(const sd_config *c, const char *language,
                            const char *type)
{
    for (int i = 0; i < c->rules_n; i++) {
        const sd_voice_rule *r = &c->rules[i];
        if (covers(r->language, language) &&
            (!strcmp(r->type, "*") || !strcmp(r->type, type)))
            return r->voice;
    }
    return c->voice;
}
