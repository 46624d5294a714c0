/* The daemon's side of the ring. */
#include "client/shring.h"

#include <string.h>

static cbx_shring_stretch *stretch_at(const cbx_shring_map *m, uint64_t k)
{
    return &m->memory->stretch[k % RING_STRETCHES];
}

cbx_status cbx_shring_writer_init(cbx_shring_writer *w,
                                  const cbx_shring_map *map, cbx_error *err)
{
    cbx_shring_memory *m = map->memory;
    const uint64_t written = atomic_load(&m->written);
    const uint64_t begun = atomic_load(&m->begun);
    /* counts that no honest ring reaches, and whose sums could overflow */
    if (written > UINT64_MAX / 4 || begun > UINT64_MAX / 4)
        return cbx_fail(err, CBX_E_FORMAT,
                        "audio: the memory's counts make no sense");
    *w = (cbx_shring_writer){.map = *map, .written = written, .begun = begun};
    if (begun > 0) {
        cbx_shring_stretch *s = stretch_at(map, begun - 1);
        w->grows = atomic_load(&s->end) == RING_OPEN;
        cbx_shring_end(w, STRETCH_BROKE_OFF, false);
    }
    return CBX_OK;
}

bool cbx_shring_begin(cbx_shring_writer *w, uint64_t job, uint64_t base)
{
    const uint64_t passed =
        atomic_load_explicit(&w->map.memory->passed, memory_order_acquire);
    if (w->grows || w->begun - passed >= RING_STRETCHES)
        return false;
    cbx_shring_stretch *s = stretch_at(&w->map, w->begun);
    atomic_store_explicit(&s->job, job, memory_order_relaxed);
    atomic_store_explicit(&s->start, w->written, memory_order_relaxed);
    atomic_store_explicit(&s->base, base, memory_order_relaxed);
    atomic_store_explicit(&s->end, RING_OPEN, memory_order_relaxed);
    atomic_store_explicit(&s->done, STRETCH_GROWS, memory_order_relaxed);
    atomic_store_explicit(&s->unwanted, 0, memory_order_relaxed);
    w->grows = true;
    /* release: the stretch is whole before the count says so */
    atomic_store_explicit(&w->map.memory->begun, ++w->begun,
                          memory_order_release);
    return true;
}

uint32_t cbx_shring_space(const cbx_shring_writer *w)
{
    /* acquire: the reader is done with the frames before it */
    const uint64_t read =
        atomic_load_explicit(&w->map.memory->read, memory_order_acquire);
    const uint64_t queued = w->written - read;
    return queued < w->map.frames ? w->map.frames - (uint32_t)queued : 0;
}

uint32_t cbx_shring_write(cbx_shring_writer *w, const float *pcm, uint32_t n)
{
    const uint32_t space = cbx_shring_space(w);
    n = n < space ? n : space;
    const uint32_t at = (uint32_t)(w->written & (w->map.frames - 1));
    const uint32_t head = n < w->map.frames - at ? n : w->map.frames - at;
    memcpy(w->map.memory->pcm + at, pcm, head * sizeof *pcm);
    memcpy(w->map.memory->pcm, pcm + head, (n - head) * sizeof *pcm);
    w->written += n;
    /* release: the frames are visible before the count says so */
    atomic_store_explicit(&w->map.memory->written, w->written,
                          memory_order_release);
    return n;
}

void cbx_shring_end(cbx_shring_writer *w, uint32_t done, bool unwanted)
{
    if (!w->grows)
        return;
    cbx_shring_stretch *s = stretch_at(&w->map, w->begun - 1);
    if (unwanted)
        atomic_store_explicit(&s->unwanted, 1, memory_order_release);
    atomic_store_explicit(&s->done, done, memory_order_release);
    /* release: who sees the end sees how it came, and all frames */
    atomic_store_explicit(&s->end, w->written, memory_order_release);
    w->grows = false;
}

bool cbx_shring_is_unwanted(const cbx_shring_writer *w, uint64_t job)
{
    if (atomic_load_explicit(&w->map.memory->drop, memory_order_acquire) >= job)
        return true;
    if (!w->grows)
        return false;
    cbx_shring_stretch *s = stretch_at(&w->map, w->begun - 1);
    return atomic_load_explicit(&s->unwanted, memory_order_acquire) != 0;
}

bool cbx_shring_take_notify(cbx_shring_writer *w)
{
    return atomic_load_explicit(&w->map.memory->notify, memory_order_relaxed) &&
           atomic_exchange(&w->map.memory->notify, 0);
}
