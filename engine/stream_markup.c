/* What the markup of the text asks of the sound: silences, and cues at places
 * in a segment. */
#include "engine/internal.h"

#include <limits.h>
#include <string.h>

enum { NATIVE = 24000 };

/* Silence before a segment, in 24 kHz samples; `natural` where the markup asks
 * for none. */
int stream_lead(const cbx_segment *segment, int natural)
{
    return segment->break_before < 0 ? natural
                                     : segment->break_before * (NATIVE / 1000);
}

/* A cue as an event. */
static void tell_cue(cbx_stream *s, const cbx_cue *c, uint64_t at)
{
    cbx_event e = {.kind = c->kind == CBX_CUE_MARK ? CBX_EVENT_MARK
                                                   : CBX_EVENT_NOTICE,
                   .text_from = c->from,
                   .text_to = c->from};
    _Static_assert(sizeof e.text >= sizeof c->text, "a name fits");
    memcpy(e.text, c->text, sizeof c->text);
    stream_tell(s, e, at);
}

/* The cues at its first character are told with its beginning. */
void stream_begin_cues(cbx_stream *s, const cbx_segment *segment, uint64_t at)
{
    struct stream_cues *c = &s->cues;
    c->n = 0;
    for (int i = 0; i < segment->n_cues; i++) {
        const cbx_cue *cue = &segment->cues[i];
        if (cue->at == 0 || cue->kind == CBX_CUE_NOTICE)
            tell_cue(s, cue, at);
        else
            c->cues[c->n++] = *cue;
    }
}

/* The others with the word that they stand before or in. */
void stream_cues_before(cbx_stream *s, int character, uint64_t at)
{
    struct stream_cues *c = &s->cues;
    int told = 0;
    while (told < c->n && c->cues[told].at < character)
        tell_cue(s, &c->cues[told++], at);
    c->n -= told;
    memmove(c->cues, c->cues + told, (size_t)c->n * sizeof *c->cues);
}

/* Those behind its last word. */
void stream_end_cues(cbx_stream *s, uint64_t end)
{
    stream_cues_before(s, INT_MAX, end);
}

/* A piece of the silence that is left. */
size_t stream_silence(cbx_stream *s, size_t most)
{
    static const float zeros[NATIVE / 10];
    size_t n = s->silence;
    n = n < most ? n : most;
    n = n < NATIVE / 10 ? n : NATIVE / 10;
    stream_out_put(s, zeros, n);
    s->silence -= n;
    return n;
}
