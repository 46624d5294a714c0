#ifndef CBX_DSP_AUDIO_FILE_H
#define CBX_DSP_AUDIO_FILE_H

#include "rt/status.h"

#include <stddef.h>
#include <stdint.h>

/* A recording, read whole: any file that libsndfile reads, any number of
 * channels (their mean, as librosa.load has it), brought to one rate. */
typedef struct cbx_audio {
    float *v; /* [n] mono; a file of that rate with one channel is unchanged */
    size_t n; /* seconds * rate, rounded up */
    double seconds;
    uint32_t file_rate;
    int file_channels;
    /* Share of the file's frames that lie on a flat top near the loudest
     * sample: what a microphone or a converter cut off. */
    double clipped;
} cbx_audio;

/* [setup] rate: 0 leaves the file's own. A file of more than `most` seconds, or
 * with a sample that is not a number, is refused. Close accepts an empty
 * struct. */
CBX_CHECK cbx_status cbx_audio_read(const char *path, uint32_t rate,
                                    double most, cbx_audio *out,
                                    cbx_error *err);
void cbx_audio_close(cbx_audio *a);

#endif
