#include "daemon/speechd/voices.h"

#include "chatterbox/chatterbox.h"

#include <stdio.h>
#include <strings.h>

typedef struct listing {
    sd_output *out;
    const char *filter;
    int n;
} listing;

/* "en" asks for "en-us" as well, and "en-us" is content with "en". */
static bool fits(const char *language, const char *filter)
{
    const size_t a = strlen(language), b = strcspn(filter, " ");
    const size_t n = a < b ? a : b;
    return !n || !strncasecmp(language, filter, n);
}

static void line(listing *l, const char *name, const char *language)
{
    char text[256];
    const int n = snprintf(text, sizeof text, "200-%s\t%s\tnone\n", name,
                           *language ? language : "none");
    if (n < 0 || (size_t)n >= sizeof text)
        return;
    sd_output_lines(l->out, text);
    l->n++;
}

static void see(void *user, const cbx_preset *preset)
{
    listing *l = user;
    const char *language = preset->language ? preset->language : "";
    if (!strpbrk(preset->name, "\t\n") && fits(language, l->filter))
        line(l, preset->name, language);
}

void sd_list_voices(sd_output *out, const char *filter)
{
    listing l = {.out = out, .filter = filter};
    cbx_voices(see, NULL, &l);
    if (!l.n && !*filter)
        line(&l, "default", "en");
    sd_output_lines(out, l.n ? "200 OK VOICE LIST SENT\n"
                             : "304 CANT LIST VOICES\n");
}
