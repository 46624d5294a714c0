#ifndef CBX_MODELS_TEXT_PRONOUNCE_PARTS_H
#define CBX_MODELS_TEXT_PRONOUNCE_PARTS_H

#include "models/text/pronounce.h"

#define PCRE2_CODE_UNIT_WIDTH 32
#include <pcre2.h>
#include <sys/stat.h>

/* What is behind a pronounce. */

enum { PRONOUNCE_BUCKETS = 4096, PRONOUNCE_MOST = 50000, MOST_PATTERNS = 200 };

typedef enum entry_scope { SCOPE_ALL, SCOPE_LANGUAGE, SCOPE_VOICE } entry_scope;

typedef struct entry {
    struct entry *next;
    int file;
    entry_scope scope;
    char scope_name[64];
    bool exact;
    uint32_t *key; /* [n], folded unless exact */
    size_t n;
    pcre2_code *pattern; /* NULL: words */
    char *spoken;
} entry;

typedef struct entry_set {
    entry *buckets[PRONOUNCE_BUCKETS]; /* words */
    entry *patterns;                   /* the last file's first */
    int count, n_patterns;
} entry_set;

typedef struct dictionary_file {
    char path[1024];
    bool needed;
    bool there;
    struct timespec changed;
    off_t size;
    ino_t inode;
} dictionary_file;

struct pronounce {
    char voice[256];
    dictionary_file files[PRONOUNCE_FILES];
    int n_files;
    entry_set set;
    pcre2_match_data *match;
    pcre2_match_context *limits;
};

uint32_t pronounce_fold(uint32_t code);
/* Of the first word, or the first character where that is none; n > 0. */
uint32_t pronounce_hash(const uint32_t *code, size_t n);

#endif
