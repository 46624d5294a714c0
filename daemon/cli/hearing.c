/* convert: sound for the stream. */
#include "daemon/cli/speak.h"

#include "dsp/audio_file.h"

#include <stdlib.h>

enum { MOST_SECONDS = 3600 };

cbx_status hearing_open(speech *s, const cbx_params *params, cbx_error *err)
{
    const cli_options *o = s->options;
    cbx_audio audio;
    if (!o->n_words)
        return cbx_fail(err, CBX_E_UNSUPPORTED, "convert needs a recording");
    const cbx_status st =
        cbx_audio_read(o->words[0], 0, MOST_SECONDS, &audio, err);
    if (st)
        return st;
    s->sound.x = audio.v;
    s->sound.n = audio.n;
    s->sound.rate = audio.file_rate;
    return cbx_stream_open_convert(
        s->voice, params,
        &(cbx_convert_options){.rate = s->sound.rate, .live = o->live},
        &s->stream, err);
}

void hearing_close(speech *s)
{
    free(s->sound.x);
}

cbx_status hearing_feed(speech *s, bool *ended, cbx_error *err)
{
    size_t taken;
    const cbx_status st =
        cbx_stream_push_sound(s->stream, s->sound.x + s->sound.at,
                              s->sound.n - s->sound.at, &taken, err);
    s->sound.at += taken;
    *ended = s->sound.at == s->sound.n;
    return st;
}
