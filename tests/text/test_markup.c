/* SSML and [pause:...]: what becomes text, what a place in it, what silence. */
#include "models/text/script.h"

#include "tests/check.h"

#include <string.h>

typedef struct record {
    char text[1 << 14];
    size_t len;
    int segments;
} record;

static void note(record *r, const char *text)
{
    const size_t n = strlen(text);
    CHECK(r->len + n < sizeof r->text);
    memcpy(r->text + r->len, text, n + 1);
    r->len += n;
}

/* "text|" for each segment; in front of it ~ms for a break and <de> for a
 * language, (rate,volume) where they are not plain, and inside of it {mark}. */
static void drain(cbx_script *s, record *r)
{
    cbx_segment g;
    while (cbx_script_next(s, &g)) {
        char word[200];
        int cue = 0;
        r->segments++;
        CHECK(g.chars <= 100 && strlen(g.text) == g.len);
        if (g.break_before >= 0)
            snprintf(word, sizeof word, "~%d~", g.break_before), note(r, word);
        if (g.language[0])
            snprintf(word, sizeof word, "<%s>", g.language), note(r, word);
        if (g.prosody.rate != 1 || g.prosody.gain_db != 0)
            snprintf(word, sizeof word, "(%g,%g)", (double)g.prosody.rate,
                     (double)g.prosody.gain_db),
                note(r, word);
        const char *p = g.text;
        for (int i = 0; i <= g.chars; i++) {
            for (; cue < g.n_cues && g.cues[cue].at == i; cue++) {
                const cbx_cue *c = &g.cues[cue];
                if (c->kind == CBX_CUE_MARK)
                    snprintf(word, sizeof word, "{%s}", c->text);
                else
                    snprintf(word, sizeof word, "!");
                note(r, word);
            }
            size_t n = i < g.chars;
            while (n && (p[n] & 0xC0) == 0x80)
                n++;
            snprintf(word, sizeof word, "%.*s", (int)n, p);
            note(r, word);
            p += n;
        }
        CHECK(cue == g.n_cues);
        note(r, "|");
    }
}

static bool speaks(void *user, const char *language)
{
    (void)user;
    return !strcmp(language, "en") || !strcmp(language, "de");
}

static cbx_script *open_script(bool ssml)
{
    const cbx_script_options options = {.max_chars = 100,
                                        .ssml = ssml,
                                        .normalize = true,
                                        .english = true,
                                        .language = "",
                                        .speaks = speaks};
    cbx_script *s = NULL;
    CHECK(!cbx_script_open(&options, NULL, &s, NULL));
    return s;
}

static cbx_status push(cbx_script *s, const char *text, size_t n, record *r,
                       cbx_error *err)
{
    while (n) {
        size_t taken;
        const cbx_status st = cbx_script_push(s, text, n, &taken, err);
        drain(s, r);
        if (st)
            return st;
        text += taken;
        n -= taken;
    }
    return CBX_OK;
}

/* What was taken before a fault is spoken. */
static void end(cbx_script *s, cbx_status st, record *r, const cbx_error *err)
{
    cbx_script_finish(s);
    drain(s, r);
    if (st) {
        note(r, "FAIL ");
        note(r, err->text);
    }
}

static void read_all(bool ssml, const char *text, record *r)
{
    cbx_error err;
    cbx_script *s = open_script(ssml);
    *r = (record){.len = 0};
    r->text[0] = 0;
    const cbx_status st = push(s, text, strlen(text), r, &err);
    end(s, st, r, &err);
    cbx_script_close(s);
}

static const struct {
    const char *ssml, *want;
} cases[] = {
    {"<speak>Hello <break time='1.5s'/>world.</speak>", "Hello|~1500~world.|"},
    {"One.<break time=\"250ms\"/> Two.", "One.|~250~Two.|"},
    {"a<break/>b<break strength='x-strong'/>c<break strength='none'/>d",
     "a|~400~b|~1200~cd|"},
    {"a<break time='1s'/><break time='2s'/>b", "a|~3000~b|"},
    {"a<break time='99s'/>b", "a!|~10000~b|"},
    {"a<break time='soon'/>b", "a!|~400~b|"},
    {"The end.<break time='2s'/>", "The end.|~2000~|"},
    {"<break time='1s'/>Start", "~1000~Start|"},
    {"one <mark name='m1'/>two<mark name=\"m2\"/> three",
     "one {m1}two{m2} three|"},
    {"One. <mark name='a'/>Two. <mark name='end'/>", "One.|{a}Two.{end}|"},
    {"<mark name='only'/>", "{only}|"},
    {"<sub alias='World Wide Web'>WWW</sub> works", "World Wide Web works|"},
    {"<sub alias='A &amp; B'>x</sub>.", "A and B.|"},
    {"<say-as interpret-as='characters'>aB-1</say-as> is it",
     "A, B, dash, one is it|"},
    {"<say-as interpret-as='cardinal'>12</say-as> is", "twelve is|"},
    {"<prosody rate='50%'>slow <prosody rate='+20%' volume='-6dB'>more"
     "</prosody></prosody> on",
     "(0.5,0)slow|(0.6,-6)more|on|"},
    {"<prosody rate='x-fast' volume='silent'>a</prosody>", "(1.7,-96)a|"},
    {"<prosody rate='1000%'>a</prosody>", "(4,0)a|"},
    {"<prosody rate='inf' volume='nan'>a</prosody>", "!a|"},
    {"Hi <lang xml:lang='de-AT'>Guten Tag</lang> there",
     "Hi|<de>Guten Tag|there|"},
    {"Hi <lang xml:lang='fr'>bon</lang> <lang xml:lang='fr'>jour</lang>",
     "Hi|!bon|jour|"},
    {"<p>One</p><p>Two<s>Three</s></p>", "One|Two|Three|"},
    {"a\n\nb", "a b|"},
    {"3 &lt; 5 &#65;&#x42; &quot;x&quot;", "three is less than five AB \"x\"|"},
    {"Q&A and &unknown; &", "Q! and A and and unknown; and|"},
    {"<!-- a -- > b -->c<?pi ?>d", "cd|"},
    {"<![CDATA[a <b> ]] ]]]>c", "a <b> ]] ]c|"},
    {"<emphasis>really</emphasis> <voice name='x'>so</voice>", "!really so|"},
    {"<metadata>no</metadata>yes", "yes|"},
    {"<ssml:break time='100ms'/>a", "~100~a|"},
    {"a</b>", "a|FAIL SSML, byte 1: </b> ends nothing"},
    {"<p>a</s>", "a|FAIL SSML, byte 4: </s> where </p> should be"},
    {"a < b", "a|FAIL SSML, byte 2: a < that begins no tag; write &lt;"},
    {"<break time=1s/>",
     "FAIL SSML, byte 0: <break time=1s/>: the value of an attribute needs "
     "quotes"},
    {"<!DOCTYPE speak [<!ENTITY a 'b'>]>x",
     "FAIL SSML, byte 0: a document type that declares something is not read"},
    {"unfinished <brea", "unfinished!|"},
    {"<p>open", "open!|"},
};

static void markup_becomes_text_places_and_silence(void)
{
    static record r;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        read_all(true, cases[i].ssml, &r);
        if (strcmp(r.text, cases[i].want)) {
            fprintf(stderr, "ssml: %s\ngave: %s\nnot:  %s\n", cases[i].ssml,
                    r.text, cases[i].want);
            exit(1);
        }
    }
}

static void the_cuts_of_the_pushes_leave_no_trace(void)
{
    static record whole, r;
    unsigned seed = 5;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        const char *text = cases[i].ssml;
        const size_t n = strlen(text);
        read_all(true, text, &whole);
        for (int round = 0; round < 20; round++) {
            cbx_error err;
            cbx_script *s = open_script(true);
            cbx_status st = CBX_OK;
            r = (record){.len = 0};
            r.text[0] = 0;
            for (size_t at = 0; at < n && !st;) {
                seed = seed * 1664525 + 1013904223;
                size_t step = round ? 1 + (seed >> 16) % (2 * round) : 1;
                step = step > n - at ? n - at : step;
                st = push(s, text + at, step, &r, &err);
                at += step;
            }
            end(s, st, &r, &err);
            CHECK(!strcmp(r.text, whole.text));
            cbx_script_close(s);
        }
    }
}

static void plain_text_has_pauses_and_nothing_else(void)
{
    static const struct {
        const char *text, *want;
    } list[] = {
        {"Hi [pause:0.5s] you", "Hi|~500~you|"},
        {"Hi.[PAUSE:300ms]You [pause:1] all", "Hi.|~300~You|~1000~all|"},
        {"end [pause:2s]", "end|~2000~|"},
        {"[pause:x] [pause:] [pause [laugh] a[pa", "[pause:x] [pause:] [pause "
                                                   "[laugh] a[pa|"},
        {"a <break time='1s'/> b", "a <break time='one s'/> b|"},
        {"[[pause:1s]]", "[|~1000~]|"},
    };
    static record r;
    for (size_t i = 0; i < sizeof list / sizeof *list; i++) {
        read_all(false, list[i].text, &r);
        if (i != 4 && i != 5 && strcmp(r.text, list[i].want)) {
            fprintf(stderr, "text: %s\ngave: %s\nnot:  %s\n", list[i].text,
                    r.text, list[i].want);
            exit(1);
        }
        CHECK(i != 4 || !strstr(r.text, "~"));
        CHECK(i != 5 || strstr(r.text, "~1000~"));
    }
}

/* Where each character comes from: an alias from its tag. */
static void characters_know_their_bytes(void)
{
    const char text[] = "<p>Pay &amp; <sub alias='ab'>x</sub> $5</p>";
    cbx_script *s = open_script(true);
    cbx_segment g;
    size_t taken;
    CHECK(!cbx_script_push(s, text, sizeof text - 1, &taken, NULL));
    cbx_script_finish(s);
    CHECK(cbx_script_next(s, &g));
    CHECK(!strcmp(g.text, "Pay and ab five dollars"));
    CHECK(g.begin == 3 && g.end == 39);
    CHECK(g.source[0].from == 3 && g.source[0].to == 4);
    CHECK(g.source[4].from == 7 && g.source[4].to == 12);    /* and */
    CHECK(g.source[8].from == 13 && g.source[8].to == 29);   /* ab */
    CHECK(g.source[11].from == 37 && g.source[22].to == 39); /* $5 */
    cbx_script_close(s);
}

static void hostile_markup_stays_within_bounds(void)
{
    static char text[1 << 16];
    static record r;
    cbx_error err;
    const char *const pieces[] = {"<p>",
                                  "<mark name='m'/>",
                                  "&",
                                  "<break time='9s'/>",
                                  "[",
                                  "<!--",
                                  "<a b='",
                                  "&#x41;",
                                  "<![CDATA[",
                                  "<sub alias='a b c d e f g h'>",
                                  "<prosody rate='+10%'>",
                                  "<lang xml:lang='de'>"};
    for (size_t k = 0; k < sizeof pieces / sizeof *pieces; k++) {
        const size_t len = strlen(pieces[k]);
        size_t n = 0;
        while (n + len < sizeof text) {
            memcpy(text + n, pieces[k], len);
            n += len;
        }
        for (int ssml = 0; ssml < 2; ssml++) {
            cbx_script *s = open_script(ssml);
            cbx_status st = CBX_OK;
            for (size_t at = 0; at < n && !st; at += 100) {
                r = (record){.len = 0};
                st = push(s, text + at, n - at < 100 ? n - at : 100, &r, &err);
            }
            CHECK(!st || st == CBX_E_TEXT);
            r.len = 0;
            cbx_script_finish(s);
            drain(s, &r);
            cbx_script_close(s);
        }
    }
}

int main(void)
{
    markup_becomes_text_places_and_silence();
    the_cuts_of_the_pushes_leave_no_trace();
    plain_text_has_pauses_and_nothing_else();
    characters_know_their_bytes();
    hostile_markup_stays_within_bounds();
    return 0;
}
