#ifndef CBX_DAEMON_SPEECHD_SHAPE_H
#define CBX_DAEMON_SPEECHD_SHAPE_H

#include "daemon/speechd/settings.h"
#include "daemon/speechd/ssml.h"

/* From what the server sends to what a voice is told to say. */

typedef enum sd_kind {
    SD_SPEAK, /* SSML */
    SD_CHAR,  /* a character, or the word "space" */
    SD_KEY,   /* "control_alt_b" */
    SD_ICON,  /* a sound icon's name; said when there is no such file */
} sd_kind;

/* A mark of this name is a capital letter's sound; no server's mark has it,
 * since names have no control characters. */
#define SD_CAPITAL_MARK "\001"

/* One call of the voice. */
typedef struct sd_piece {
    size_t from, to; /* bytes of the text; marks have `at` in [from, to] */
    size_t marks_to; /* its marks end before this one */
} sd_piece;

typedef struct sd_utterance {
    sd_text text;      /* what is said */
    cbx_buffer pieces; /* sd_piece[] */
    bool ssml;         /* the text is SSML as it came, and one piece: the voice
                          reports the marks, which are in text.names all the
                          same */
} sd_utterance;

/* [any] Fills a zeroed *out. False: memory ran out; free it all the same. */
bool sd_shape(sd_kind kind, const char *data, size_t n, const sd_settings *s,
              sd_utterance *out);
void sd_utterance_free(sd_utterance *u);

static inline size_t sd_pieces(const sd_utterance *u)
{
    return u->pieces.n / sizeof(sd_piece);
}

static inline const sd_piece *sd_piece_at(const sd_utterance *u, size_t i)
{
    return (const sd_piece *)(const void *)u->pieces.data + i;
}

#endif
