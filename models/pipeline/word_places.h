#ifndef CBX_MODELS_PIPELINE_WORD_PLACES_H
#define CBX_MODELS_PIPELINE_WORD_PLACES_H

#include "models/pipeline/words.h"

/* The words of a text, and the ids that they begin with. A word is what stands
 * between spaces and has a letter, a digit or a sign of a script in it;
 * ideographs and kana are words of their own, for they stand without spaces. */
typedef struct word_places {
    word *word; /* [most] */
    int *id;    /* [most] first id of each */
    int n, most;
    int chars, ids; /* of the text */
    int end;        /* the id that the last word ends with, or near it */

    char *clean; /* scratch */
    size_t clean_cap;
    int32_t *all, *some; /* [ids_cap] */
    size_t ids_cap;
} word_places;

/* [setup] */
CBX_CHECK cbx_status word_places_open(int max_bytes, word_places **out,
                                      cbx_error *err);
void word_places_close(word_places *p);

/* [decode] */
void word_places_find(word_places *p, const words_text *text);

#endif
