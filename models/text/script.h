#ifndef CBX_MODELS_TEXT_SCRIPT_H
#define CBX_MODELS_TEXT_SCRIPT_H

#include "models/text/pronounce.h"
#include "models/text/split.h"

/* From pushed bytes to segments as T3 gets them: split (split.h), dictionary
 * (pronounce.h), words for what is not written as words (english.h). Rules see
 * whole segments only, so no later byte can change what they did. What has
 * grown too long for one segment is cut again. */
typedef struct cbx_script cbx_script;

typedef struct cbx_script_options {
    int max_chars; /* code points of a segment, 16..2000 */
    bool wrapped, ssml, normalize;
    bool english;         /* what is spoken where no language is named */
    const char *language; /* of the stream; "": none is named */
    /* Whether the model has a language that the markup names. NULL: none. */
    bool (*speaks)(void *user, const char *language);
    void *user;
} cbx_script_options;

/* [setup] dictionary: NULL for none; the script owns it, also on failure. */
CBX_CHECK cbx_status cbx_script_open(const cbx_script_options *options,
                                     pronounce *dictionary, cbx_script **out,
                                     cbx_error *err);
void cbx_script_close(cbx_script *s);

/* The same as in split.h. A segment's text and source stay until the next
 * call; its language is one that the model has. */
CBX_CHECK cbx_status cbx_script_push(cbx_script *s, const void *bytes, size_t n,
                                     size_t *taken, cbx_error *err);
bool cbx_script_next(cbx_script *s, cbx_segment *out);
void cbx_script_flush(cbx_script *s);
void cbx_script_finish(cbx_script *s);
void cbx_script_reset(cbx_script *s);
uint64_t cbx_script_replaced(const cbx_script *s);

/* [text] See pronounce_refresh. */
CBX_CHECK cbx_status cbx_script_refresh(cbx_script *s, cbx_error *err);

#endif
