#include "daemon/speechd/shape.h"

#include "daemon/speechd/names.h"

#include <utf8proc.h>

/* The character at byte i of a text that the reader has cleaned. */
static int32_t character(const cbx_buffer *text, size_t i, size_t *size)
{
    utf8proc_int32_t c;
    const utf8proc_ssize_t n =
        utf8proc_iterate((const utf8proc_uint8_t *)text->data + i,
                         (utf8proc_ssize_t)(text->n - i), &c);
    *size = n > 0 ? (size_t)n : 1;
    return n > 0 ? c : 0xfffd;
}

static bool is_capital(int32_t c)
{
    return utf8proc_category(c) == UTF8PROC_CATEGORY_LU;
}

static bool is_blank(int32_t c)
{
    return c == ' ' || c == '\n' || c == 0xa0;
}

static bool in_word(int32_t c)
{
    const utf8proc_category_t k = utf8proc_category(c);
    return (k >= UTF8PROC_CATEGORY_LU && k <= UTF8PROC_CATEGORY_MN) ||
           k == UTF8PROC_CATEGORY_ND;
}

/* -- pieces ---------------------------------------------------------------- */

/* All that was added since the last piece becomes one; nothing becomes none. */
static bool end_piece(sd_utterance *u)
{
    const size_t n = sd_pieces(u);
    const sd_piece *last = n ? sd_piece_at(u, n - 1) : NULL;
    const sd_piece piece = {.from = last ? last->to : 0,
                            .to = u->text.text.n,
                            .marks_to = sd_text_marks(&u->text)};
    const size_t marks_from = last ? last->marks_to : 0;
    if (piece.to == piece.from && piece.marks_to == marks_from)
        return true;
    return cbx_buffer_add(&u->pieces, &piece, sizeof piece);
}

/* The marks of `in` at byte i that were not copied yet. */
static bool copy_marks(const sd_text *in, size_t *next, size_t i,
                       sd_utterance *u)
{
    for (; *next < sd_text_marks(in); ++*next) {
        const sd_mark *m = sd_text_mark_at(in, *next);
        if (m->at > i)
            break;
        const char *name = in->names.data + m->name;
        if (!sd_text_mark(&u->text, name, strlen(name)))
            return false;
    }
    return true;
}

/* -- single characters ----------------------------------------------------- */

static bool announce_capital(const sd_settings *s, sd_utterance *u)
{
    if (s->capitals == SD_CAPITALS_ICON)
        return sd_text_mark(&u->text, SD_CAPITAL_MARK, 1);
    if (s->capitals == SD_CAPITALS_SPELL)
        return cbx_buffer_adds(&u->text.text, "capital ");
    return true;
}

static bool say_character(const cbx_buffer *text, size_t i, size_t size,
                          const sd_settings *s, sd_utterance *u)
{
    const int32_t c = character(text, i, &(size_t){0});
    if (is_capital(c) && !announce_capital(s, u))
        return false;
    const char *name = sd_names_for(s->language) ? sd_character_name(c) : NULL;
    if (name)
        return cbx_buffer_adds(&u->text.text, name);
    return cbx_buffer_add(&u->text.text, text->data + i, size);
}

/* Each character is a piece. Blanks are silent between others. */
static bool spell(const sd_text *in, const sd_settings *s, sd_utterance *u)
{
    size_t next = 0, size;
    for (size_t i = 0; i < in->text.n; i += size) {
        const int32_t c = character(&in->text, i, &size);
        if (!copy_marks(in, &next, i, u))
            return false;
        if (is_blank(c) && in->text.n > size)
            continue;
        if (!say_character(&in->text, i, size, s, u) || !end_piece(u))
            return false;
    }
    return copy_marks(in, &next, in->text.n, u) && end_piece(u);
}

/* The bytes of the only character besides blanks; 0: there are more or none. */
static size_t single(const cbx_buffer *text, size_t *at)
{
    size_t found = 0, size;
    for (size_t i = 0; i < text->n; i += size) {
        if (is_blank(character(text, i, &size)))
            continue;
        if (found)
            return 0;
        found = size;
        *at = i;
    }
    return found;
}

/* -- running text ---------------------------------------------------------- */

/* " comma," : the character stays for what it does to the melody. */
static bool name_punctuation(int32_t c, const char *name, sd_utterance *u)
{
    cbx_buffer *to = &u->text.text;
    const char keep[2] = {(char)c, '\0'};
    const bool stays = strchr(",.!?;:", c) != NULL;
    return ((to->n && to->data[to->n - 1] == ' ') ||
            cbx_buffer_adds(to, " ")) &&
           cbx_buffer_adds(to, name) && (!stays || cbx_buffer_adds(to, keep)) &&
           cbx_buffer_adds(to, " ");
}

static bool read_text(const sd_text *in, const sd_settings *s, sd_utterance *u)
{
    const bool names = sd_names_for(s->language);
    size_t next = 0, size;
    bool word = false; /* the character before belongs to a word */
    for (size_t i = 0; i < in->text.n; i += size) {
        const int32_t c = character(&in->text, i, &size);
        const char *name =
            names && c < 0x80 ? sd_punctuation_name(c, s->punctuation) : NULL;
        bool good = copy_marks(in, &next, i, u);
        if (good && !word && is_capital(c))
            good = announce_capital(s, u);
        if (good && name)
            good = name_punctuation(c, name, u);
        else if (good)
            good = cbx_buffer_add(&u->text.text, in->text.data + i, size);
        if (!good)
            return false;
        word = in_word(c);
    }
    return copy_marks(in, &next, in->text.n, u) && end_piece(u);
}

/* -- what the server sends ------------------------------------------------- */

static bool plain(const sd_settings *s)
{
    return !s->spelling && s->capitals == SD_CAPITALS_NONE &&
           s->punctuation == SD_PUNCTUATION_NONE;
}

/* SSML beyond marks goes to the engine as it is, where nothing has to be said
 * besides. */
static bool whole_ssml(const char *data, size_t n, const sd_text *in,
                       sd_utterance *u)
{
    size_t next = 0;
    u->ssml = true;
    return copy_marks(in, &next, in->text.n, u) &&
           cbx_buffer_add(&u->text.text, data, n) && end_piece(u);
}

static bool speak(const char *data, size_t n, const sd_settings *s,
                  sd_utterance *u)
{
    sd_text in = {0};
    size_t at;
    bool good = sd_ssml_read(data, n, &in);
    if (good && (s->spelling || single(&in.text, &at)))
        good = spell(&in, s, u);
    else if (good && in.rich && plain(s))
        good = whole_ssml(data, n, &in, u);
    else if (good)
        good = read_text(&in, s, u);
    sd_text_free(&in);
    return good;
}

/* A space comes as "space". */
static bool one_character(const sd_text *in, const sd_settings *s,
                          sd_utterance *u)
{
    sd_text space = {0};
    if (in->text.n != 5 || memcmp(in->text.data, "space", 5))
        return spell(in, s, u);
    const bool good = cbx_buffer_adds(&space.text, " ") && spell(&space, s, u);
    sd_text_free(&space);
    return good;
}

static bool function_key(const char *key, size_t n, sd_utterance *u)
{
    return cbx_buffer_adds(&u->text.text, "F ") &&
           cbx_buffer_add(&u->text.text, key + 1, n - 1);
}

static bool is_function_key(const char *key, size_t n)
{
    return (n == 2 || n == 3) && key[0] == 'f' && key[1] >= '1' &&
           key[1] <= '9' && (n == 2 || (key[2] >= '0' && key[2] <= '9'));
}

/* One of the names that '_' joins. */
static bool key_part(const char *key, size_t n, const sd_settings *s,
                     sd_utterance *u)
{
    cbx_buffer part = {0};
    size_t at;
    bool good = cbx_buffer_add(&part, key, n);
    const char *name = sd_names_for(s->language) ? sd_key_name(key, n) : NULL;
    if (good && name)
        good = cbx_buffer_adds(&u->text.text, name);
    else if (good && is_function_key(key, n))
        good = function_key(key, n, u);
    else if (good && single(&part, &at) == n)
        good = say_character(&part, 0, n, s, u);
    else if (good)
        good = cbx_buffer_add(&u->text.text, key, n);
    cbx_buffer_free(&part);
    return good;
}

static bool key(const char *data, size_t n, const sd_settings *s,
                sd_utterance *u)
{
    for (size_t i = 0; i < n;) {
        const char *cut = memchr(data + i, '_', n - i);
        const size_t size = cut ? (size_t)(cut - data) - i : n - i;
        if (u->text.text.n && size && !cbx_buffer_adds(&u->text.text, " "))
            return false;
        if (size && !key_part(data + i, size, s, u))
            return false;
        i += size + 1;
    }
    return end_piece(u);
}

static bool icon_name(const char *data, size_t n, sd_utterance *u)
{
    for (size_t i = 0; i < n; i++) {
        const char c = data[i] == '-' || data[i] == '_' ? ' ' : data[i];
        if (!cbx_buffer_add(&u->text.text, &c, 1))
            return false;
    }
    return end_piece(u);
}

bool sd_shape(sd_kind kind, const char *data, size_t n, const sd_settings *s,
              sd_utterance *out)
{
    if (kind == SD_SPEAK)
        return speak(data, n, s, out);
    sd_text in = {0}; /* these are no SSML */
    bool good = sd_plain_read(data, n, &in);
    if (good && kind == SD_CHAR)
        good = one_character(&in, s, out);
    else if (good && kind == SD_KEY)
        good = key(in.text.data, in.text.n, s, out);
    else if (good)
        good = icon_name(in.text.data, in.text.n, out);
    sd_text_free(&in);
    return good;
}

void sd_utterance_free(sd_utterance *u)
{
    sd_text_free(&u->text);
    cbx_buffer_free(&u->pieces);
    *u = (sd_utterance){0};
}
