#ifndef CBX_ENGINE_STREAM_MAP_H
#define CBX_ENGINE_STREAM_MAP_H

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

/* Which 24 kHz sample of the voice a frame in the ring came from, when speed
 * and rate may change: anchors, with straight lines between them. Frames count
 * from the beginning of the ring's epoch. The decode thread adds anchors, any
 * thread asks. */

enum { STREAM_ANCHORS = 2048 };

typedef struct stream_anchor {
    double frame, sample;
    double slope; /* samples for each frame, behind the last anchor */
    bool begins;  /* a take: no line leads here from the one before */
} stream_anchor;

typedef struct stream_map {
    pthread_mutex_t lock;
    uint32_t epoch;
    uint64_t frames_before; /* heard in earlier epochs, at the present rate */
    uint64_t n;             /* anchors since the epoch began */
    stream_anchor anchors[STREAM_ANCHORS]; /* in a circle */
} stream_map;

/* [setup] */
void stream_map_init(stream_map *m);
void stream_map_destroy(stream_map *m);

/* [decode] A new epoch: no anchors, and frame 0 is `sample`. */
void stream_map_begin(stream_map *m, uint32_t epoch, uint64_t frames_before,
                      uint64_t sample, double slope);
/* [decode] */
void stream_map_add(stream_map *m, stream_anchor anchor);

/* [any] With the lock held. The second asks for what was heard already, by a
 * listener at `place`: a take that is not heard yet does not count. */
uint64_t stream_map_sample(const stream_map *m, uint64_t frame);
uint64_t stream_map_frame(const stream_map *m, uint64_t sample, uint64_t place);

#endif
