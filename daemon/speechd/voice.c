#include "daemon/speechd/voice.h"

#include "daemon/speechd/cache.h"
#include "daemon/speechd/icons.h"
#include "daemon/speechd/link.h"
#include "daemon/speechd/prepare.h"
#include "daemon/speechd/request.h"

#include <stdio.h>

enum {
    SHORT = 48,         /* bytes of a text that is kept */
    GAP = SD_RATE / 25, /* silence between spelled characters */
    DECIDE_MS = 400,    /* for the daemon to appear, before it is given up */
    AWAY_MS = 2000,     /* away for longer: given up at once */
    LOST_MS = 3000,     /* away in mid-speech: the utterance is given up */
    CALM_MS = 700,      /* nothing was asked for: words are prepared */
};

struct sd_voice {
    const sd_config *config;
    sd_link link;
    sd_cache *cache;
    int64_t asked; /* when something was asked for last */

    /* The utterance, and how far it is. */
    bool speaking, accepted;
    sd_utterance u;
    sd_settings settings;
    size_t piece, mark;    /* the next of each */
    const sd_sound *sound; /* of the piece: the link's, or one of the cache;
                              NULL: it was not begun */
    bool plainly;          /* asked for again, without voice and language */
    char key[SD_KEY_MOST]; /* of the piece; "": it is not kept */
    cbx_buffer due;        /* uint64_t[]: frames of the marks from `mark` on, as
                             far as they are known */
    size_t anchors, marks; /* of the sound: have been seen */
    uint64_t at;           /* the next frame of the sound */
    size_t gap;            /* frames of silence that come first */
    bool first;            /* no sound came out yet */

    sd_prepare prepare;
    bool preparing;

    /* What an item points to. */
    int16_t block[SD_BLOCK_MOST];
    char text[600];
};

/* -- opening --------------------------------------------------------------- */

cbx_status sd_voice_open(const sd_config *config,
                         void (*log)(const char *sentence), sd_voice **out,
                         cbx_error *err)
{
    sd_voice *v = calloc(1, sizeof *v);
    if (!v)
        return cbx_fail(err, CBX_E_NOMEM, "no memory for the voice");
    v->config = config;
    v->asked = sd_now_ms();
    v->cache = sd_cache_open(config->cache_bytes);
    const cbx_status st =
        v->cache ? sd_link_open(&v->link, config, log, err)
                 : cbx_fail(err, CBX_E_NOMEM, "no memory for the voice");
    if (st) {
        sd_voice_close(v);
        return st;
    }
    *out = v;
    return CBX_OK;
}

void sd_voice_close(sd_voice *v)
{
    if (!v)
        return;
    sd_link_close(&v->link);
    sd_utterance_free(&v->u);
    cbx_buffer_free(&v->due);
    sd_cache_close(v->cache);
    free(v);
}

int sd_voice_fd(const sd_voice *v)
{
    return cbx_client_fd(v->link.client);
}

/* -- marks ----------------------------------------------------------------- */

static size_t known_marks(const sd_voice *v)
{
    return v->mark + v->due.n / sizeof(uint64_t);
}

static bool know_mark(sd_voice *v, uint64_t frame)
{
    return cbx_buffer_add(&v->due, &frame, sizeof frame);
}

/* The word at byte `text` of the piece begins at a frame: so do the marks
 * before it. */
static void word_at(sd_voice *v, size_t text, uint64_t frame)
{
    const sd_piece *p = sd_piece_at(&v->u, v->piece);
    for (size_t i = known_marks(v); i < p->marks_to; i++)
        if (sd_text_mark_at(&v->u.text, i)->at - p->from > text ||
            !know_mark(v, frame))
            return;
}

static const char *mark_name(const sd_voice *v, size_t i)
{
    return v->u.text.names.data + sd_text_mark_at(&v->u.text, i)->name;
}

/* The engine has met this mark of its SSML: those before it, which it did not
 * report, are due as well. */
static void mark_at(sd_voice *v, const sd_link_mark *m)
{
    const sd_piece *p = sd_piece_at(&v->u, v->piece);
    size_t i = known_marks(v);
    while (i < p->marks_to &&
           strncmp(mark_name(v, i), m->name, sizeof m->name - 1))
        i++;
    if (i == p->marks_to)
        return;
    while (known_marks(v) <= i && know_mark(v, m->frame))
        ;
}

static void find_marks(sd_voice *v)
{
    const sd_anchor *a = (const void *)v->sound->anchors.data;
    const sd_link_mark *m = (const void *)v->link.marks.data;
    const bool live = v->sound == &v->link.sound;
    if (!v->u.ssml)
        for (; v->anchors < v->sound->anchors.n / sizeof *a; v->anchors++)
            word_at(v, a[v->anchors].text, a[v->anchors].frame);
    else if (live)
        for (; v->marks < v->link.marks.n / sizeof *m; v->marks++)
            mark_at(v, &m[v->marks]);
    if (v->sound->whole)
        word_at(v, SIZE_MAX, sd_sound_to(v->sound));
}

/* -- items ----------------------------------------------------------------- */

typedef enum step { STEP_ITEM, STEP_ON, STEP_WAIT } step;

static step give(sd_item *out, sd_item_kind kind, const char *text)
{
    *out = (sd_item){.kind = kind, .text = text};
    return STEP_ITEM;
}

static step give_sound(sd_voice *v, sd_item *out, size_t n)
{
    v->first = false;
    *out = (sd_item){.kind = SD_ITEM_AUDIO, .frames = v->block, .n = n};
    return STEP_ITEM;
}

static step give_up(sd_voice *v, sd_item *out, const char *why)
{
    const bool begun = v->accepted;
    snprintf(v->text, sizeof v->text, "%s", why);
    sd_voice_stop(v);
    return give(out, begun ? SD_ITEM_FAILED : SD_ITEM_REFUSED, v->text);
}

static step give_mark(sd_voice *v, sd_item *out)
{
    const char *name = mark_name(v, v->mark);
    cbx_buffer_drop(&v->due, sizeof(uint64_t));
    v->mark++;
    if (strcmp(name, SD_CAPITAL_MARK))
        return give(out, SD_ITEM_MARK, name);
    if (sd_icon_file(v->config->icons, "capital", v->text, sizeof v->text))
        return give(out, SD_ITEM_ICON, v->text);
    return give_sound(
        v, out,
        sd_icon_tone(sd_gain(v->settings.volume), v->block, SD_BLOCK_MOST));
}

static step give_gap(sd_voice *v, sd_item *out)
{
    const size_t n = v->gap < SD_BLOCK_MOST ? v->gap : SD_BLOCK_MOST;
    memset(v->block, 0, n * sizeof *v->block);
    v->gap -= n;
    return give_sound(v, out, n);
}

/* -- pieces ---------------------------------------------------------------- */

static bool ask(sd_voice *v)
{
    const sd_piece *p = sd_piece_at(&v->u, v->piece);
    cbx_say say;
    char lang[16];
    sd_request(v->config, &v->settings, v->plainly, &say, lang);
    say.text = v->u.text.text.data + p->from;
    say.bytes = p->to - p->from;
    say.markup = v->u.ssml ? CBX_MARKUP_SSML : CBX_MARKUP_PLAIN;
    v->sound = &v->link.sound;
    v->preparing = false;
    return sd_link_say(&v->link, &say);
}

static bool is_blank(const char *text, size_t n)
{
    while (n && (*text == ' ' || *text == '\n'))
        text++, n--;
    return !n;
}

static const sd_sound silence = {.whole = true};

/* Looks for the sound of the next piece in memory. */
static void look_up(sd_voice *v)
{
    const sd_piece *p = sd_piece_at(&v->u, v->piece);
    const char *text = v->u.text.text.data + p->from;
    const size_t n = p->to - p->from;
    v->at = 0;
    v->anchors = v->marks = v->due.n = 0;
    v->plainly = false;
    v->key[0] = '\0';
    v->sound = NULL;
    if (is_blank(text, n)) {
        v->sound = &silence;
    } else if (!v->u.ssml && n <= SHORT) {
        sd_request_key(v->config, &v->settings, text, n, v->key);
        v->sound = sd_cache_get(v->cache, v->key);
    }
}

static void next_piece(sd_voice *v)
{
    v->piece++;
    if (v->piece == sd_pieces(&v->u))
        return;
    v->gap = GAP;
    look_up(v);
}

static step piece_ends(sd_voice *v)
{
    if (v->sound == &v->link.sound) {
        if (*v->key && !v->plainly)
            sd_cache_put(v->cache, v->key, &v->link.sound);
        sd_link_stop(&v->link);
    }
    next_piece(v);
    return STEP_ON;
}

/* More of the sound from the daemon. */
static step pull(sd_voice *v, sd_item *out)
{
    sd_link *l = &v->link;
    if (!*v->key)
        sd_sound_forget(&l->sound, v->at);
    sd_link_pull(l, SD_BLOCK_MOST);
    if (l->state != SD_LINK_FAILED)
        return !l->connected && sd_now_ms() - l->changed > LOST_MS
                   ? give_up(v, out,
                             "the daemon went away and is not back: "
                             "the rest is not spoken")
                   : STEP_ON;
    l->log(l->error.text);
    if (v->plainly || v->at)
        return give_up(v, out, l->error.text);
    v->plainly = true;
    return ask(v) ? STEP_ON : give_up(v, out, l->error.text);
}

static size_t block_size(const sd_voice *v, uint64_t to)
{
    const size_t most = v->first ? SD_BLOCK_FIRST : SD_BLOCK_MOST;
    return to - v->at < most ? (size_t)(to - v->at) : most;
}

/* The next of the sound, as far as it came. */
static step sound_out(sd_voice *v, sd_item *out)
{
    const sd_sound *s = v->sound;
    find_marks(v);
    if (s->loud_from == s->loud_to && !s->whole)
        return STEP_ON;
    if (v->at < sd_sound_from(s))
        v->at = sd_sound_from(s);
    uint64_t to = sd_sound_to(s);
    if (v->due.n) {
        const uint64_t frame = *(const uint64_t *)(const void *)v->due.data;
        if (frame <= v->at || (s->whole && frame > to))
            return give_mark(v, out);
        to = frame < to ? frame : to;
    }
    if (v->at >= to)
        return STEP_ON;
    const size_t n = block_size(v, to);
    sd_sound_copy(s, v->at, n, sd_gain(v->settings.volume), v->block);
    v->at += n;
    return give_sound(v, out, n);
}

static bool piece_is_over(const sd_voice *v)
{
    return v->sound->whole && !v->due.n && v->at >= sd_sound_to(v->sound);
}

static step speak_piece(sd_voice *v, sd_item *out)
{
    const bool live = v->sound == &v->link.sound;
    step s = sound_out(v, out);
    if (s != STEP_ON)
        return s;
    if (piece_is_over(v))
        return piece_ends(v);
    const uint64_t had = sd_sound_end(v->sound);
    const bool speaking = v->link.state == SD_LINK_SPEAKING;
    if (live && (s = pull(v, out)) != STEP_ON)
        return s;
    const bool news = sd_sound_end(v->sound) != had ||
                      (speaking && v->link.state != SD_LINK_SPEAKING);
    return news ? STEP_ON : STEP_WAIT;
}

/* Whether it can be spoken: from memory, or by the daemon. */
static step decide(sd_voice *v, sd_item *out)
{
    sd_link *l = &v->link;
    const int64_t now = sd_now_ms();
    sd_link_pull(l, 0);
    const bool away = !l->connected && (now - l->changed > AWAY_MS ||
                                        now - v->asked > DECIDE_MS);
    if (v->piece < sd_pieces(&v->u) && !v->sound && away)
        return give_up(v, out,
                       "the daemon is not there: not spoken; start it with "
                       "`chatterboxd`, or see its log");
    if (v->piece < sd_pieces(&v->u) && !v->sound && !l->connected)
        return STEP_WAIT;
    v->accepted = true;
    return give(out, SD_ITEM_ACCEPTED, NULL);
}

static step next(sd_voice *v, sd_item *out)
{
    if (!v->accepted)
        return decide(v, out);
    if (v->piece == sd_pieces(&v->u)) {
        sd_voice_stop(v);
        return give(out, SD_ITEM_END, NULL);
    }
    if (v->gap)
        return give_gap(v, out);
    if (!v->sound && !ask(v))
        return give_up(v, out, v->link.error.text);
    return speak_piece(v, out);
}

bool sd_voice_next(sd_voice *v, sd_item *out)
{
    step s = STEP_ON;
    while (v->speaking && s == STEP_ON)
        s = next(v, out);
    return s == STEP_ITEM;
}

/* -- what the server wants ------------------------------------------------- */

void sd_voice_stop(sd_voice *v)
{
    if (v->speaking || v->preparing)
        sd_link_stop(&v->link);
    v->speaking = v->accepted = v->preparing = false;
    v->sound = NULL;
    v->asked = sd_now_ms();
}

void sd_voice_say(sd_voice *v, sd_utterance *u, const sd_settings *s)
{
    sd_voice_stop(v);
    sd_utterance_free(&v->u);
    v->u = *u;
    *u = (sd_utterance){0};
    v->settings = *s;
    v->speaking = v->first = true;
    v->piece = v->mark = v->gap = 0;
    if (sd_pieces(&v->u))
        look_up(v);
}

/* -- preparing ------------------------------------------------------------- */

void sd_voice_expect(sd_voice *v, const sd_settings *s)
{
    sd_prepare_for(&v->prepare, s);
}

/* Asks for the next word that is not there yet. False: there is none. */
static bool prepare_word(sd_voice *v)
{
    sd_utterance u = {0};
    cbx_say say;
    char lang[16];
    bool asked = false;
    while (!asked && sd_prepare_next(&v->prepare, &u)) {
        const char *text = u.text.text.data;
        sd_request_key(v->config, &v->prepare.settings, text, u.text.text.n,
                       v->key);
        if (!sd_cache_get(v->cache, v->key)) {
            sd_request(v->config, &v->prepare.settings, false, &say, lang);
            say.text = text;
            asked = sd_link_say(&v->link, &say);
        }
        sd_utterance_free(&u);
    }
    sd_utterance_free(&u);
    return asked;
}

static bool wants_to_prepare(const sd_voice *v)
{
    return v->config->prepare && v->config->cache_bytes && v->link.connected &&
           !v->speaking;
}

static void prepare(sd_voice *v)
{
    if (v->preparing && v->link.state == SD_LINK_SPEAKING)
        return;
    if (v->preparing && v->link.state == SD_LINK_WHOLE)
        sd_cache_put(v->cache, v->key, &v->link.sound);
    sd_link_stop(&v->link);
    v->preparing = prepare_word(v);
}

void sd_voice_idle(sd_voice *v)
{
    if (v->speaking)
        return;
    sd_link_pull(&v->link, SD_BLOCK_MOST);
    if (wants_to_prepare(v) && sd_now_ms() - v->asked >= CALM_MS)
        prepare(v);
}

int sd_voice_timeout(const sd_voice *v)
{
    if (v->speaking)
        return v->link.connected && v->accepted ? -1 : 50;
    if (v->preparing || !wants_to_prepare(v))
        return -1;
    const int64_t left = v->asked + CALM_MS - sd_now_ms();
    return left > 0 ? (int)left : 0;
}
