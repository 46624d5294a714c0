/* Memory after many utterances is what it was after a few: streams that are
 * reused through cancel, and streams that are opened and closed. */
#include "chatterbox/chatterbox.h"
#include "tests/check.h"

#include <malloc.h>
#include <string.h>
#include <unistd.h>

enum {
    HEAP_SLACK = 64 << 10, /* bytes */
    RSS_SLACK = 2 << 20,
    FEW = 10,
};

static cbx_engine *engine;
static cbx_model *model;
static cbx_voice *voice;

static const char *const texts[] = {"Hello.", "Good morning to you.",
                                    "One, two.", "Tea caf\xc3\xa9 \xff!"};

static size_t resident(void)
{
    malloc_trim(0); /* what was freed is not ours any more */
    unsigned long pages = 0;
    FILE *f = fopen("/proc/self/statm", "r");
    CHECK(f && fscanf(f, "%*u %lu", &pages) == 1);
    fclose(f);
    return pages * (size_t)sysconf(_SC_PAGESIZE);
}

static size_t heap(void)
{
    const struct mallinfo2 m = mallinfo2();
    return m.uordblks + m.hblkhd;
}

static cbx_stream *open_stream(void)
{
    cbx_params params;
    cbx_stream *s;
    cbx_error err;
    cbx_voice_params(voice, &params);
    CHECK(!cbx_stream_open(voice, &params, &s, &err));
    return s;
}

/* Frames that were read to the end, or until there are `enough`. A cancel is
 * over only when somebody has read its fade. */
static size_t listen_to(cbx_stream *s, size_t enough)
{
    float frames[1024];
    cbx_event event;
    size_t total = 0;
    for (int idle = 0; !cbx_stream_ended(s) && total < enough; idle++) {
        const uint32_t got = cbx_stream_read(s, frames, 1024, NULL);
        total += got;
        idle = got ? 0 : idle;
        CHECK(idle < 6000);
        while (cbx_stream_poll(s, &event))
            CHECK(event.kind != CBX_EVENT_ERROR);
        if (!got)
            cbx_stream_wait(s, 10);
    }
    return total;
}

static void push_text(cbx_stream *s, int i)
{
    const char *text = texts[i % 4];
    size_t taken;
    cbx_error err;
    CHECK(!cbx_stream_push(s, text, strlen(text), &taken, &err));
    CHECK(taken == strlen(text));
    cbx_stream_finish(s);
}

/* Every third one is cut off in the middle. */
static void reuse(cbx_stream *s, int i)
{
    push_text(s, i);
    CHECK(listen_to(s, i % 3 ? SIZE_MAX : 1) > 0);
    cbx_stream_cancel(s);
    listen_to(s, SIZE_MAX);
}

static void once(int i)
{
    cbx_stream *s = open_stream();
    push_text(s, i);
    CHECK(listen_to(s, i % 3 ? SIZE_MAX : 1) > 0);
    cbx_stream_close(s);
}

static void check_growth(const char *what, size_t heap_before,
                         size_t rss_before)
{
    const long h = (long)(heap() - heap_before);
    const long r = (long)(resident() - rss_before);
    printf("%s: heap %+ld bytes, resident %+ld bytes\n", what, h, r);
#ifndef SANITIZED /* they keep what was freed */
    CHECK(h <= HEAP_SLACK);
    CHECK(r <= RSS_SLACK);
#endif
}

static void a_stream_that_is_reused_does_not_grow(int many)
{
    cbx_stream *s = open_stream();
    for (int i = 0; i < FEW; i++)
        reuse(s, i);
    const size_t h = heap(), r = resident();
    for (int i = FEW; i < many; i++)
        reuse(s, i);
    check_growth("one stream", h, r);
    cbx_stream_close(s);
}

static void streams_that_are_closed_leave_nothing(int many)
{
    for (int i = 0; i < FEW; i++)
        once(i);
    const size_t h = heap(), r = resident();
    for (int i = FEW; i < many; i++)
        once(i);
    check_growth("many streams", h, r);
}

/* memory MODEL UTTERANCES STREAMS */
int main(int argc, char **argv)
{
    CHECK(argc == 4);
    cbx_error err;
    CHECK(!cbx_engine_open(NULL, &engine, &err));
    CHECK(!cbx_model_open(engine, argv[1], &model, &err));
    CHECK(!cbx_voice_open(model, NULL, &voice, &err));
    a_stream_that_is_reused_does_not_grow(atoi(argv[2]));
    streams_that_are_closed_leave_nothing(atoi(argv[3]));
    cbx_voice_close(voice);
    cbx_model_close(model);
    cbx_engine_close(engine);
    return 0;
}
