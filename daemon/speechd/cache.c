#include "daemon/speechd/cache.h"

enum { BUCKETS = 1024 };

typedef struct entry {
    struct entry *next;          /* in its bucket */
    struct entry *newer, *older; /* by when it was asked for */
    uint32_t hash;
    size_t bytes;
    sd_sound sound;
    char key[];
} entry;

struct sd_cache {
    entry *buckets[BUCKETS];
    entry *newest, *oldest;
    size_t bytes, most;
};

sd_cache *sd_cache_open(size_t bytes)
{
    sd_cache *c = calloc(1, sizeof *c);
    if (c)
        c->most = bytes;
    return c;
}

/* FNV-1a */
static uint32_t hash_of(const char *key)
{
    uint32_t h = 2166136261u;
    for (; *key; key++)
        h = (h ^ (unsigned char)*key) * 16777619u;
    return h;
}

static void unlink_age(sd_cache *c, entry *e)
{
    *(e->newer ? &e->newer->older : &c->newest) = e->older;
    *(e->older ? &e->older->newer : &c->oldest) = e->newer;
}

static void link_newest(sd_cache *c, entry *e)
{
    e->newer = NULL;
    e->older = c->newest;
    *(c->newest ? &c->newest->newer : &c->oldest) = e;
    c->newest = e;
}

static entry *find(const sd_cache *c, const char *key)
{
    const uint32_t h = hash_of(key);
    entry *e = c->buckets[h % BUCKETS];
    while (e && (e->hash != h || strcmp(e->key, key)))
        e = e->next;
    return e;
}

static void drop(sd_cache *c, entry *e)
{
    entry **at = &c->buckets[e->hash % BUCKETS];
    while (*at != e)
        at = &(*at)->next;
    *at = e->next;
    unlink_age(c, e);
    c->bytes -= e->bytes;
    sd_sound_free(&e->sound);
    free(e);
}

const sd_sound *sd_cache_get(sd_cache *c, const char *key)
{
    entry *e = find(c, key);
    if (!e)
        return NULL;
    unlink_age(c, e);
    link_newest(c, e);
    return &e->sound;
}

static void insert(sd_cache *c, const char *key, sd_sound *s, size_t bytes)
{
    entry *old = find(c, key);
    if (old)
        drop(c, old);
    while (c->oldest && c->bytes + bytes > c->most)
        drop(c, c->oldest);
    const size_t size = strlen(key) + 1;
    entry *e = malloc(sizeof *e + size);
    if (!e)
        return;
    *e = (entry){.hash = hash_of(key), .bytes = bytes, .sound = *s};
    memcpy(e->key, key, size);
    *s = (sd_sound){0};
    e->next = c->buckets[e->hash % BUCKETS];
    c->buckets[e->hash % BUCKETS] = e;
    link_newest(c, e);
    c->bytes += bytes;
}

void sd_cache_put(sd_cache *c, const char *key, sd_sound *s)
{
    if (sd_sound_shrink(s)) {
        const size_t bytes =
            sizeof(entry) + strlen(key) + s->frames.room + s->anchors.room;
        if (bytes <= c->most)
            insert(c, key, s, bytes);
    }
    sd_sound_free(s);
}

void sd_cache_clear(sd_cache *c)
{
    while (c->oldest)
        drop(c, c->oldest);
}

size_t sd_cache_bytes(const sd_cache *c)
{
    return c->bytes;
}

void sd_cache_close(sd_cache *c)
{
    if (c)
        sd_cache_clear(c);
    free(c);
}
