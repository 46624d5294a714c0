#include "engine/stream_map.h"

#include <math.h>

void stream_map_init(stream_map *m)
{
    pthread_mutex_init(&m->lock, NULL);
}

void stream_map_destroy(stream_map *m)
{
    pthread_mutex_destroy(&m->lock);
}

static void add(stream_map *m, stream_anchor a)
{
    m->anchors[m->n++ % STREAM_ANCHORS] = a;
}

void stream_map_begin(stream_map *m, uint32_t epoch, uint64_t frames_before,
                      uint64_t sample, double slope)
{
    pthread_mutex_lock(&m->lock);
    m->epoch = epoch;
    m->frames_before = frames_before;
    m->n = 0;
    add(m, (stream_anchor){0, (double)sample, slope, true});
    pthread_mutex_unlock(&m->lock);
}

void stream_map_add(stream_map *m, stream_anchor anchor)
{
    pthread_mutex_lock(&m->lock);
    add(m, anchor);
    pthread_mutex_unlock(&m->lock);
}

static const stream_anchor *anchor(const stream_map *m, uint64_t i)
{
    return &m->anchors[i % STREAM_ANCHORS];
}

static uint64_t oldest(const stream_map *m)
{
    return m->n > STREAM_ANCHORS ? m->n - STREAM_ANCHORS : 0;
}

/* The anchor behind i, where a line leads to it. */
static const stream_anchor *next(const stream_map *m, uint64_t i)
{
    return i + 1 < m->n && !anchor(m, i + 1)->begins ? anchor(m, i + 1) : NULL;
}

static double slope_behind(const stream_map *m, uint64_t i)
{
    const stream_anchor *a = anchor(m, i), *b = next(m, i);
    return b && b->frame > a->frame
               ? (b->sample - a->sample) / (b->frame - a->frame)
               : a->slope;
}

uint64_t stream_map_sample(const stream_map *m, uint64_t frame)
{
    uint64_t i = m->n - 1;
    while (i > oldest(m) && anchor(m, i)->frame > (double)frame)
        i--;
    const stream_anchor *a = anchor(m, i);
    const double past = fmax((double)frame - a->frame, 0);
    return (uint64_t)(a->sample + past * slope_behind(m, i));
}

uint64_t stream_map_frame(const stream_map *m, uint64_t sample, uint64_t place)
{
    uint64_t i = m->n - 1;
    while (i > oldest(m) && (anchor(m, i)->sample > (double)sample ||
                             anchor(m, i)->frame > (double)place))
        i--;
    const stream_anchor *a = anchor(m, i);
    const double past = fmax((double)sample - a->sample, 0);
    const double slope = slope_behind(m, i);
    return (uint64_t)(a->frame + (slope > 0 ? past / slope : 0));
}
