#include "daemon/speechd/prepare.h"

#include "daemon/speechd/names.h"

static const char characters[] = "abcdefghijklmnopqrstuvwxyz0123456789";

/* As they are said when nothing else is asked for. */
static sd_settings plain(const sd_settings *s)
{
    sd_settings to = *s;
    to.volume = 100;
    to.punctuation = SD_PUNCTUATION_NONE;
    to.capitals = SD_CAPITALS_NONE;
    to.spelling = false;
    return to;
}

static bool same(const sd_settings *a, const sd_settings *b)
{
    return a->rate == b->rate && a->pitch == b->pitch &&
           a->pitch_range == b->pitch_range && !strcmp(a->type, b->type) &&
           !strcmp(a->language, b->language) && !strcmp(a->voice, b->voice);
}

void sd_prepare_for(sd_prepare *p, const sd_settings *s)
{
    if (!same(&p->settings, s))
        p->next = 0;
    p->settings = plain(s);
}

bool sd_prepare_next(sd_prepare *p, sd_utterance *out)
{
    const size_t n = sizeof characters - 1, i = p->next;
    const bool names = sd_names_for(p->settings.language);
    const char *word = i < n || !names ? NULL : sd_common_word(i - n);
    if (i >= n && !word)
        return false;
    p->next++;
    return word ? sd_shape(SD_SPEAK, word, strlen(word), &p->settings, out)
                : sd_shape(SD_CHAR, characters + i, 1, &p->settings, out);
}
