#ifndef CBX_RT_RING_H
#define CBX_RT_RING_H

#include "rt/annotate.h"
#include "rt/arena.h"
#include "rt/status.h"

#include <stdbool.h>
#include <stdint.h>

/* Mono frames from the decode thread to the audio thread, in epochs.
 * One writer [decode], one reader [audio], no locks.
 *
 * An epoch is one stretch of speech that is cancelled as a whole. Its way:
 *
 *   e = cbx_ring_epoch(r)          the wanted epoch; a new ring wants 1
 *   cbx_ring_begin(r, e)           the writer starts it
 *   cbx_ring_write(r, e, ...)      ... and fills it
 *   cbx_ring_open_gate(r, e)       from here on the reader plays it
 *   cbx_ring_finish(r, e)          running dry is now the end, no underrun
 *   cbx_ring_cancel(r)             any thread, at any point: e is over and
 *                                  the epoch returned is wanted
 *
 * A cancel needs nothing from the writer: the reader notices it at its next
 * read, fades what it was playing out, drops the rest and is silent until the
 * writer has begun the wanted epoch and its gate is open. A stream that ended
 * and speaks again cancels the ended epoch (nothing is left to fade) and
 * begins the next, or simply writes on in the same one. */
typedef struct cbx_ring cbx_ring;

/* [setup] Room for at least min_frames (1 ... 2^30); fades last fade_frames
 * (0: hard cuts). Memory comes from `arena` and lives as long as it does.
 * CBX_E_ARG, CBX_E_NOMEM. */
CBX_CHECK cbx_status cbx_ring_new(cbx_arena *arena, uint32_t min_frames,
                                  uint32_t fade_frames, cbx_ring **out,
                                  cbx_error *err);

/* [setup] Bytes that a ring of min_frames takes from its arena. */
size_t cbx_ring_bytes(uint32_t min_frames);

/* --- writer ------------------------------------------------------------- */

/* [decode] Starts the epoch where the last one stopped. False when it is not
 * (or no longer) the wanted one. Beginning it twice changes nothing. */
CBX_RT bool cbx_ring_begin(cbx_ring *r, uint32_t epoch);

/* [decode] Returns how many of the n frames fitted; never waits. Takes none
 * when the epoch was not begun or was cancelled: see cbx_ring_stale. */
CBX_RT uint32_t cbx_ring_write(cbx_ring *r, uint32_t epoch, const float *pcm,
                               uint32_t n);

/* [decode] Frames that a write would take now. */
CBX_RT uint32_t cbx_ring_space(const cbx_ring *r);

/* [decode] What is written is all there is. A later write takes that back. A
 * gate that is still closed stays closed: open it for short utterances. */
CBX_RT void cbx_ring_finish(cbx_ring *r, uint32_t epoch);

/* [decode] What is queued is to be heard in another way: the frames written
 * from now on stand for those behind `place` (cbx_ring_place, taken just
 * before), of which `ratio` new ones take the time of one. Once armed, the
 * reader goes over at its next read, with a cross-fade as long as a fade, to
 * the new frame that stands for the old one it is at. It does so unarmed when
 * the old ones have run out. One at a time: false while one waits, or when the
 * epoch is over. */
CBX_RT bool cbx_ring_splice(cbx_ring *r, uint32_t epoch, uint64_t place,
                            float ratio);
/* [decode] Enough was written. */
CBX_RT void cbx_ring_arm(cbx_ring *r);
/* [any] The reader has not gone over yet. */
CBX_RT bool cbx_ring_splicing(const cbx_ring *r);

/* --- reader ------------------------------------------------------------- */

typedef struct cbx_ring_got {
    uint32_t frames; /* queued frames that were used */
    uint32_t
        underrun; /* frames that should have been there: the gate is open,
                     and the epoch neither finished, cancelled nor paused */
} cbx_ring_got;

/* [audio] Fills all of out[0..n), with silence where there is nothing to play.
 * Waits for nothing and calls nothing that could. */
CBX_RT cbx_ring_got cbx_ring_read(cbx_ring *r, float *out, uint32_t n);

/* --- any thread --------------------------------------------------------- */

/* [any] Ends the wanted epoch and returns the new one (never 0 within the
 * first 2^32 cancels). The fade is a raised cosine over the frames set, or
 * over what the reader knew to be queued if that is less, and ends in zero. */
CBX_RT uint32_t cbx_ring_cancel(cbx_ring *r);

/* [any] The wanted epoch; whether `epoch` is another one. */
CBX_RT uint32_t cbx_ring_epoch(const cbx_ring *r);
CBX_RT bool cbx_ring_stale(const cbx_ring *r, uint32_t epoch);

/* [any] Lets the epoch be heard. Until then it is silent, without underrun. */
CBX_RT void cbx_ring_open_gate(cbx_ring *r, uint32_t epoch);
CBX_RT bool cbx_ring_gate_is_open(const cbx_ring *r, uint32_t epoch);

/* [any] The reader fades out and holds; it fades in again where it stopped.
 * No frame is skipped or repeated. A cancel drops a held epoch too; the pause
 * itself stays until it is taken back. */
CBX_RT void cbx_ring_pause(cbx_ring *r, bool paused);
CBX_RT bool cbx_ring_is_paused(const cbx_ring *r);

/* [any] Length of the fades that start from now on, for a new sample rate. */
CBX_RT void cbx_ring_set_fade(cbx_ring *r, uint32_t frames);

/* [any] Frames of the wanted epoch that are written and not yet read. Exact on
 * the writer's thread but for what the reader takes meanwhile. */
CBX_RT uint32_t cbx_ring_queued(const cbx_ring *r);

/* [any] The listener's sample clock: frames of `epoch` played so far, 0 unless
 * it is the epoch that the reader is at. */
CBX_RT uint64_t cbx_ring_played(const cbx_ring *r, uint32_t epoch);

/* [any] Frames that splices left out; and the place among the frames written,
 * which is both together. */
CBX_RT uint64_t cbx_ring_skipped(const cbx_ring *r, uint32_t epoch);
CBX_RT uint64_t cbx_ring_place(const cbx_ring *r, uint32_t epoch);

/* [any] The epoch is finished, not cancelled, and all of it was played. A first
 * epoch without frames has ended even before anybody reads. */
CBX_RT bool cbx_ring_ended(const cbx_ring *r, uint32_t epoch);

/* [any] Since the ring was made. An event is a run of reads with underrun. */
CBX_RT uint64_t cbx_ring_underrun_frames(const cbx_ring *r);
CBX_RT uint64_t cbx_ring_underrun_events(const cbx_ring *r);

#endif
