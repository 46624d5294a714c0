#ifndef CBX_CLIENT_SHRING_H
#define CBX_CLIENT_SHRING_H

#include "rt/annotate.h"
#include "rt/status.h"

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Frames of speech in shared memory, from the daemon (one writer) to a client
 * (one reader): the layout and the rules of docs/PROTOCOL.md, "An audio's
 * ring". Both sides take what the other one wrote for hostile: an index is
 * masked or checked at each use, so nonsense costs sound, never memory. */

enum {
    RING_HEADER = 4096,
    RING_STRETCHES = 32,
    RING_MIN_FRAMES = 1 << 8,
    RING_MAX_FRAMES = 1 << 24,
    RING_MIN_RATE = 8000,
    RING_MAX_RATE = 192000,
};
#define RING_OPEN UINT64_MAX /* the end of a stretch that still grows */

enum { STRETCH_GROWS = 0, STRETCH_COMPLETE = 1, STRETCH_BROKE_OFF = 2 };

typedef struct cbx_shring_stretch {
    _Atomic uint64_t job, start, base, end;
    _Atomic uint32_t done, unwanted;
    uint8_t pad[24];
} cbx_shring_stretch;

typedef struct cbx_shring_memory {
    char magic[8];
    uint32_t rate, frames;
    uint8_t pad0[48];
    _Atomic uint64_t read, passed, drop;
    _Atomic uint32_t notify;
    uint8_t pad1[36];
    _Atomic uint64_t written, begun;
    uint8_t pad2[48];
    cbx_shring_stretch stretch[RING_STRETCHES];
    uint8_t pad3[RING_HEADER - 192 - 64 * RING_STRETCHES];
    float pcm[]; /* [frames] */
} cbx_shring_memory;

/* One side's view. What was checked once is kept here, out of the other side's
 * reach. */
typedef struct cbx_shring_map {
    cbx_shring_memory *memory;
    size_t bytes;
    uint32_t rate, frames;
} cbx_shring_map;

/* [setup] A new sealed memfd with its header; *fd is the caller's to close. */
CBX_CHECK cbx_status cbx_shring_create(uint32_t rate, uint32_t min_frames,
                                       cbx_shring_map *out, int *fd,
                                       cbx_error *err);
/* [setup] Maps a descriptor that somebody else made, after checking its kind,
 * its seals, its size and its header: CBX_E_FORMAT. The fd stays the
 * caller's. */
CBX_CHECK cbx_status cbx_shring_attach(int fd, cbx_shring_map *out,
                                       cbx_error *err);
void cbx_shring_unmap(cbx_shring_map *m);

/* -- reader ---------------------------------------------------------------- */

typedef struct cbx_shring_reader {
    cbx_shring_map map;
    uint64_t at;      /* the next frame to read */
    uint64_t stretch; /* the one it stands in, or will */
    uint64_t playing; /* job whose sound was last heard and may need a fade */
    float gain, step; /* of a fade that goes on; step < 0: out, > 0: in */
    _Atomic bool paused;
    bool held; /* faded out for a pause */
} cbx_shring_reader;

typedef struct cbx_shring_got {
    uint32_t frames;
    uint32_t owed;
    uint64_t job, frame; /* of the first one */
} cbx_shring_got;

/* [setup] */
void cbx_shring_reader_init(cbx_shring_reader *r, const cbx_shring_map *map);

/* [audio] Fills all of out[0..n), with silence where there is nothing.
 * one_job: stops at the end of a stretch; the rest of `out` is silence. */
CBX_RT cbx_shring_got cbx_shring_read(cbx_shring_reader *r, float *out,
                                      uint32_t n, bool one_job);

/* [any] Frames that a read could have, at most; whether nothing is there, and
 * no stretch grows that is wanted. */
CBX_RT uint32_t cbx_shring_available(const cbx_shring_map *m);
CBX_RT bool cbx_shring_quiet(const cbx_shring_map *m);

/* [any, client] Jobs up to this number are unwanted; or one job. */
CBX_RT void cbx_shring_drop_up_to(const cbx_shring_map *m, uint64_t job);
void cbx_shring_drop_job(const cbx_shring_map *m, uint64_t job);

/* [any, client] How much of the job is in the ring: its frames (0: none), and
 * whether it is complete. For sending it again. */
void cbx_shring_find_job(const cbx_shring_map *m, uint64_t job,
                         uint64_t *frames, bool *complete);

/* -- writer ---------------------------------------------------------------- */

typedef struct cbx_shring_writer {
    cbx_shring_map map;
    uint64_t written, begun; /* our own; the memory's are for the reader */
    bool grows;
} cbx_shring_writer;

/* [setup] Goes on behind what another writer left, and ends its last stretch.
 * CBX_E_FORMAT: it left nonsense. */
CBX_CHECK cbx_status cbx_shring_writer_init(cbx_shring_writer *w,
                                            const cbx_shring_map *map,
                                            cbx_error *err);
/* [any, one writer] Begins a stretch; false: no place in the table yet. */
bool cbx_shring_begin(cbx_shring_writer *w, uint64_t job, uint64_t base);
/* Frames that fit; how many of n were taken. */
uint32_t cbx_shring_space(const cbx_shring_writer *w);
uint32_t cbx_shring_write(cbx_shring_writer *w, const float *pcm, uint32_t n);
/* Ends the stretch that grows, as STRETCH_COMPLETE or STRETCH_BROKE_OFF. */
void cbx_shring_end(cbx_shring_writer *w, uint32_t done, bool unwanted);
/* Whether the reader has taken back its wish for this job; whether it asked to
 * be told of frames, once for each time. */
bool cbx_shring_is_unwanted(const cbx_shring_writer *w, uint64_t job);
bool cbx_shring_take_notify(cbx_shring_writer *w);

#endif
