#ifndef CBX_MODELS_TEXT_READER_PARTS_H
#define CBX_MODELS_TEXT_READER_PARTS_H

#include "models/text/reader.h"
#include "models/text/utf8.h"

/* What is behind a reader; reader.c has the plain text, ssml.c the markup. */

enum {
    READER_QUEUE = 48,    /* items that one byte can give */
    READER_ALIAS = 512,   /* characters of a sub's alias, or of a spelled one */
    READER_TAG = 2048,    /* bytes of one tag */
    READER_DEPTH = 32,    /* elements inside each other */
    READER_ENTITY = 12,   /* characters of &name; */
    READER_PAUSE_TAG = 24 /* characters of [pause:...] */
};

/* One character of the input. */
typedef struct reader_char {
    uint64_t begin;
    uint32_t code;
    uint32_t bytes;
} reader_char;

typedef enum ssml_element {
    SSML_OTHER, /* its text is spoken */
    SSML_SPEAK,
    SSML_P,
    SSML_S,
    SSML_BREAK,
    SSML_MARK,
    SSML_SUB,
    SSML_SAY_AS,
    SSML_PROSODY,
    SSML_LANG,
    SSML_SILENT, /* its text is not spoken: metadata, desc */
} ssml_element;

/* How text is read where we are. */
typedef struct ssml_state {
    cbx_prosody prosody;
    char language[16]; /* "": the stream's */
    bool silent;       /* inside sub or metadata */
    bool spelled;      /* inside say-as characters */
} ssml_state;

typedef struct ssml_level {
    ssml_element element;
    char name[16]; /* as written, cut */
    ssml_state outer;
} ssml_level;

typedef enum ssml_place {
    SSML_TEXT,
    SSML_IN_TAG, /* behind <, up to > outside of quotes */
    SSML_IN_ENTITY,
    SSML_IN_COMMENT,
    SSML_IN_CDATA,
    SSML_IN_PI, /* <? ... ?> */
} ssml_place;

struct reader {
    reader_options options;
    cbx_utf8 decoder;
    uint64_t offset;
    uint64_t run_begin;
    bool in_run;

    reader_item queue[READER_QUEUE];
    int head, count;
    /* characters that stand for others; they come behind the queue */
    uint32_t alias[READER_ALIAS];
    int alias_at, alias_count;
    uint64_t alias_begin;
    uint32_t alias_bytes;

    /* plain: a [ and what may become [pause:...] */
    reader_char held[READER_PAUSE_TAG];
    int n_held;

    /* SSML */
    ssml_place place;
    char tag[READER_TAG];
    size_t n_tag;
    char quote; /* 0: outside */
    uint64_t tag_begin;
    reader_char entity[READER_ENTITY];
    int n_entity;
    uint32_t last[2]; /* code points, for ends of comments and the like */
    ssml_level levels[READER_DEPTH];
    int depth;
    ssml_state state;
    bool spelled;  /* a character of this say-as came already */
    uint32_t told; /* bits: kinds of notices that were given once */
};

/* reader.c */
void reader_put_char(reader *r, const reader_char *c);
void reader_put_plain(reader *r, const reader_char *c);
/* NULL when there is no room, which only ever costs a notice. */
reader_item *reader_put(reader *r, reader_kind kind, uint64_t begin,
                        uint64_t end);
void reader_put_alias(reader *r, const char *text, uint64_t begin,
                      uint64_t end);
/* Cuts what is too long, and says so. */
void reader_put_break(reader *r, double ms, uint64_t begin, uint64_t end);
void reader_notice(reader *r, unsigned bit, uint64_t begin, uint64_t end,
                   const char *sentence, const char *name);
/* "0.5s", "300ms", "0.5": milliseconds, or below 0 where it is no time. */
double reader_time(const char *text, size_t n);

/* ssml.c: one character of the input. */
CBX_CHECK cbx_status ssml_push(reader *r, const reader_char *c, cbx_error *err);
void ssml_finish(reader *r);

/* ssml_tags.c: a whole tag in r->tag, without < and >. */
CBX_CHECK cbx_status ssml_tag(reader *r, uint64_t end, cbx_error *err);
/* The character behind &name;, or 0. */
uint32_t ssml_entity(const char *name);

#endif
