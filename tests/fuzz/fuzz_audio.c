#include "dsp/audio_file.h"
#include "dsp/hearing.h"
#include "tests/fuzz/fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    cbx_audio audio;
    cbx_hearing heard;
    cbx_error err;
    if (!cbx_audio_read(fuzz_file(0, data, size), 24000, 2, &audio, &err)) {
        (void)!cbx_hear(audio.v, audio.n, 24000, &heard, &err);
        cbx_audio_close(&audio);
    }
    return 0;
}
