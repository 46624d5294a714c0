#include "rt/ring.h"
#include "tests/check.h"

#include <string.h>

enum { FADE = 32 };

static _Alignas(64) unsigned char block[1 << 16];
static float ones[4096], out[4096];

static cbx_ring *bare_ring(uint32_t frames)
{
    cbx_arena arena = {block, sizeof block, 0};
    cbx_ring *r = NULL;
    CHECK(cbx_ring_new(&arena, frames, FADE, &r, NULL) == CBX_OK);
    CHECK(arena.used <= cbx_ring_bytes(frames));
    return r;
}

/* A ring whose first epoch has begun and may be heard. */
static cbx_ring *new_ring(uint32_t frames)
{
    cbx_ring *r = bare_ring(frames);
    CHECK(cbx_ring_epoch(r) == 1 && cbx_ring_begin(r, 1));
    cbx_ring_open_gate(r, 1);
    return r;
}

static void write_ramp(cbx_ring *r, uint32_t epoch, uint32_t from, uint32_t n)
{
    float x[4096];
    for (uint32_t i = 0; i < n; i++)
        x[i] = (float)(from + i + 1);
    CHECK(cbx_ring_write(r, epoch, x, n) == n);
}

static void check_ramp(const float *x, uint32_t from, uint32_t n)
{
    for (uint32_t i = 0; i < n; i++)
        CHECK_NEAR(x[i], from + i + 1, 0);
}

static void check_silence(const float *x, uint32_t n)
{
    for (uint32_t i = 0; i < n; i++)
        CHECK_NEAR(x[i], 0, 0);
}

/* A fade of ones over `frames`: falls, ends in zero, and never by more than
 * the steepest step of a raised cosine. */
static void check_fade(const float *x, uint32_t frames)
{
    const double steepest = 1.5708 / frames + 1e-6;
    float before = 1;
    for (uint32_t i = 0; i < frames; i++) {
        CHECK(x[i] <= before);
        CHECK_NEAR(x[i], before, steepest);
        before = x[i];
    }
    CHECK_NEAR(x[frames - 1], 0, 0);
    if (frames > 1)
        CHECK(x[frames / 2 - 1] > 0.4f);
}

static uint32_t read_n(cbx_ring *r, uint32_t n)
{
    memset(out, 0x7f, sizeof out);
    const cbx_ring_got got = cbx_ring_read(r, out, n);
    CHECK(got.frames + got.underrun <= n);
    return got.frames;
}

static void bad_sizes_are_errors(void)
{
    cbx_arena arena = {block, sizeof block, 0};
    cbx_ring *r;
    cbx_error e;
    CHECK(cbx_ring_new(&arena, 0, FADE, &r, &e) == CBX_E_ARG);
    CHECK(cbx_ring_new(&arena, UINT32_MAX, FADE, &r, &e) == CBX_E_ARG);
    CHECK(cbx_ring_new(&arena, 1 << 30, FADE, &r, &e) == CBX_E_NOMEM);
}

static void frames_come_out_as_they_went_in(void)
{
    cbx_ring *r = new_ring(64);
    for (uint32_t at = 0; at < 10000; at += 37) {
        write_ramp(r, 1, at, 37);
        CHECK(cbx_ring_queued(r) == 37);
        CHECK(read_n(r, 37) == 37);
        check_ramp(out, at, 37);
        CHECK(cbx_ring_played(r, 1) == at + 37);
    }
    CHECK(cbx_ring_underrun_frames(r) == 0);
}

static void write_takes_only_what_fits(void)
{
    cbx_ring *r = new_ring(4);
    CHECK(cbx_ring_write(r, 1, ones, 6) == 4);
    CHECK(cbx_ring_write(r, 1, ones, 1) == 0 && !cbx_ring_stale(r, 1));
    CHECK(cbx_ring_space(r) == 0 && cbx_ring_queued(r) == 4);
}

static void an_underrun_is_silence_and_is_counted(void)
{
    cbx_ring *r = new_ring(64);
    write_ramp(r, 1, 0, 3);
    const cbx_ring_got got = cbx_ring_read(r, out, 5);
    CHECK(got.frames == 3 && got.underrun == 2);
    check_ramp(out, 0, 3);
    check_silence(out + 3, 2);
    read_n(r, 5);
    CHECK(cbx_ring_underrun_frames(r) == 7);
    CHECK(cbx_ring_underrun_events(r) == 1);
    write_ramp(r, 1, 3, 5);
    CHECK(read_n(r, 5) == 5);
    read_n(r, 1);
    CHECK(cbx_ring_underrun_events(r) == 2);
}

static void a_closed_gate_is_silence_without_underrun(void)
{
    cbx_ring *r = bare_ring(64);
    CHECK(read_n(r, 8) == 0);
    CHECK(cbx_ring_begin(r, 1));
    write_ramp(r, 1, 0, 10);
    CHECK(read_n(r, 8) == 0);
    check_silence(out, 8);
    CHECK(cbx_ring_queued(r) == 10 && cbx_ring_played(r, 1) == 0);
    cbx_ring_open_gate(r, 7);
    CHECK(!cbx_ring_gate_is_open(r, 7) && !cbx_ring_gate_is_open(r, 1));
    cbx_ring_open_gate(r, 1);
    CHECK(read_n(r, 10) == 10);
    check_ramp(out, 0, 10);
    CHECK(cbx_ring_underrun_frames(r) == 0);
}

static void the_end_is_no_underrun(void)
{
    cbx_ring *r = new_ring(64);
    write_ramp(r, 1, 0, 10);
    cbx_ring_finish(r, 1);
    CHECK(!cbx_ring_ended(r, 1));
    CHECK(read_n(r, 9) == 9 && !cbx_ring_ended(r, 1));
    CHECK(read_n(r, 9) == 1 && cbx_ring_ended(r, 1));
    read_n(r, 9);
    CHECK(cbx_ring_underrun_frames(r) == 0);

    write_ramp(r, 1, 10, 5); /* there is more after all */
    CHECK(!cbx_ring_ended(r, 1));
    CHECK(read_n(r, 6) == 5);
    CHECK(cbx_ring_underrun_frames(r) == 1 && !cbx_ring_ended(r, 1));
    cbx_ring_finish(r, 1);
    CHECK(cbx_ring_ended(r, 1));
    CHECK(cbx_ring_cancel(r) == 2);
    CHECK(!cbx_ring_ended(r, 1) && !cbx_ring_ended(r, 2));
}

static void an_empty_epoch_ends(void)
{
    cbx_ring *r = new_ring(64);
    cbx_ring_finish(r, 1);
    read_n(r, 4);
    CHECK(cbx_ring_ended(r, 1) && cbx_ring_underrun_frames(r) == 0);
}

static void a_cancel_fades_and_drops_at_the_next_read(void)
{
    cbx_ring *r = new_ring(256);
    CHECK(cbx_ring_write(r, 1, ones, 200) == 200);
    CHECK(read_n(r, 50) == 50);
    CHECK(cbx_ring_cancel(r) == 2);
    CHECK(cbx_ring_stale(r, 1) && cbx_ring_queued(r) == 0);
    CHECK(cbx_ring_write(r, 1, ones, 1) == 0);
    CHECK(read_n(r, 64) == FADE);
    check_fade(out, FADE);
    check_silence(out + FADE, 64 - FADE);
    CHECK(cbx_ring_space(r) == 256);
    CHECK(cbx_ring_underrun_frames(r) == 0);
}

static void a_fade_spans_short_reads(void)
{
    cbx_ring *r = new_ring(256);
    CHECK(cbx_ring_write(r, 1, ones, 200) == 200);
    read_n(r, 50);
    cbx_ring_cancel(r);
    CHECK(cbx_ring_begin(r, 2));
    cbx_ring_open_gate(r, 2);
    write_ramp(r, 2, 0, 20);
    float x[FADE + 20];
    for (uint32_t i = 0; i < FADE + 20; i += 4)
        CHECK(cbx_ring_read(r, x + i, 4).frames == 4);
    check_fade(x, FADE);
    check_ramp(x + FADE, 0, 20); /* the next epoch follows at once */
    CHECK(cbx_ring_played(r, 2) == 20 && cbx_ring_played(r, 1) == 0);
}

static void a_fade_is_shortened_to_what_is_queued(void)
{
    for (uint32_t queued = 0; queued < FADE; queued++) {
        cbx_ring *r = new_ring(256);
        CHECK(cbx_ring_write(r, 1, ones, 20 + queued) == 20 + queued);
        read_n(r, 20);
        cbx_ring_cancel(r);
        CHECK(read_n(r, 64) == queued);
        if (queued)
            check_fade(out, queued);
        check_silence(out + queued, 64 - queued);
    }
}

/* The writer may have begun the next epoch, or several, before the reader
 * looks: the fade never reaches into their frames. */
static void a_fade_uses_frames_of_its_own_epoch_only(void)
{
    cbx_ring *r = new_ring(256);
    CHECK(cbx_ring_write(r, 1, ones, 30) == 30);
    read_n(r, 20);
    CHECK(cbx_ring_cancel(r) == 2 && cbx_ring_begin(r, 2));
    write_ramp(r, 2, 0, 50);
    CHECK(cbx_ring_cancel(r) == 3 && cbx_ring_begin(r, 3));
    cbx_ring_open_gate(r, 3);
    write_ramp(r, 3, 100, 50);
    CHECK(read_n(r, 60) == 60);
    check_fade(out, 10);
    check_ramp(out + 10, 100, 50);
}

static void what_was_not_heard_goes_without_a_fade(void)
{
    cbx_ring *r = bare_ring(256);
    CHECK(cbx_ring_begin(r, 1));
    CHECK(cbx_ring_write(r, 1, ones, 100) == 100);
    read_n(r, 10); /* the gate is closed */
    cbx_ring_cancel(r);
    CHECK(read_n(r, 64) == 0);
    check_silence(out, 64);

    r = new_ring(256); /* dry, then cancelled as frames come in */
    CHECK(cbx_ring_write(r, 1, ones, 10) == 10);
    read_n(r, 20);
    CHECK(cbx_ring_write(r, 1, ones, 100) == 100);
    cbx_ring_cancel(r);
    CHECK(read_n(r, 64) == 0);
    check_silence(out, 64);
}

static void cancels_in_a_row_leave_only_the_last_epoch(void)
{
    cbx_ring *r = new_ring(256);
    CHECK(cbx_ring_write(r, 1, ones, 100) == 100);
    for (uint32_t e = 2; e < 6; e++)
        CHECK(cbx_ring_cancel(r) == e);
    CHECK(!cbx_ring_begin(r, 4));
    CHECK(cbx_ring_begin(r, 5));
    CHECK(cbx_ring_begin(r, 5));
    write_ramp(r, 5, 0, 40);
    CHECK(read_n(r, 20) == 0); /* its gate is closed */
    cbx_ring_open_gate(r, 5);
    CHECK(read_n(r, 40) == 40);
    check_ramp(out, 0, 40);
}

static void a_cancel_before_begin_or_of_an_empty_ring_is_harmless(void)
{
    cbx_ring *r = bare_ring(64);
    CHECK(cbx_ring_cancel(r) == 2);
    CHECK(!cbx_ring_begin(r, 1));
    CHECK(cbx_ring_write(r, 2, ones, 1) == 0); /* not begun */
    CHECK(read_n(r, 8) == 0);
    CHECK(cbx_ring_begin(r, 2));
    cbx_ring_open_gate(r, 2);
    read_n(r, 8);
    CHECK(cbx_ring_cancel(r) == 3);
    read_n(r, 8);
    check_silence(out, 8);
    CHECK(cbx_ring_begin(r, 3));
    cbx_ring_open_gate(r, 3);
    write_ramp(r, 3, 0, 8);
    CHECK(read_n(r, 8) == 8);
    check_ramp(out, 0, 8);
}

static void an_epoch_without_frames_ends_for_who_waits_for_frames(void)
{
    cbx_ring *r = new_ring(256);
    CHECK(!cbx_ring_ended(r, 1));
    cbx_ring_finish(r, 1);
    CHECK(cbx_ring_ended(r, 1));
    CHECK(!cbx_ring_ended(r, 2));
    r = new_ring(256);
    write_ramp(r, 1, 0, 10);
    cbx_ring_finish(r, 1);
    CHECK(!cbx_ring_ended(r, 1));
}

static void a_pause_fades_holds_and_goes_on_where_it_stopped(void)
{
    cbx_ring *r = new_ring(512);
    CHECK(cbx_ring_write(r, 1, ones, 200) == 200);
    write_ramp(r, 1, 0, 100);
    read_n(r, 50);
    cbx_ring_pause(r, true);
    CHECK(read_n(r, 64) == FADE);
    check_fade(out, FADE);
    check_silence(out + FADE, 64 - FADE);
    CHECK(read_n(r, 64) == 0);
    check_silence(out, 64);
    CHECK(cbx_ring_queued(r) == 300 - 50 - FADE);
    cbx_ring_pause(r, false);
    const uint32_t rest = 200 - 50 - FADE;
    CHECK(read_n(r, rest) == rest);
    CHECK(out[0] > 0 && out[0] < 0.01f);
    for (uint32_t i = 1; i < FADE; i++)
        CHECK(out[i] > out[i - 1]);
    for (uint32_t i = FADE - 1; i < rest; i++)
        CHECK_NEAR(out[i], 1, 1e-6);
    CHECK(read_n(r, 100) == 100);
    check_ramp(out, 0, 100);
    CHECK(cbx_ring_played(r, 1) == 300 && cbx_ring_underrun_frames(r) == 0);
}

static void a_pause_turned_round_in_its_fade_has_no_jump(void)
{
    cbx_ring *r = new_ring(512);
    CHECK(cbx_ring_write(r, 1, ones, 300) == 300);
    read_n(r, 10);
    cbx_ring_pause(r, true);
    float x[128];
    CHECK(cbx_ring_read(r, x, 12).frames == 12);
    cbx_ring_pause(r, false);
    CHECK(cbx_ring_read(r, x + 12, 10).frames == 10);
    cbx_ring_cancel(r);
    CHECK(cbx_ring_read(r, x + 22, 100).frames == FADE);
    for (int i = 1; i < 122; i++)
        CHECK_NEAR(x[i], x[i - 1], 1.5708 / FADE + 1e-6);
    CHECK_NEAR(x[22 + FADE - 1], 0, 0);
}

static void a_cancel_drops_what_a_pause_holds(void)
{
    cbx_ring *r = new_ring(512);
    CHECK(cbx_ring_write(r, 1, ones, 300) == 300);
    read_n(r, 10);
    cbx_ring_pause(r, true);
    read_n(r, 100);
    cbx_ring_cancel(r);
    CHECK(read_n(r, 100) == 0);
    CHECK(cbx_ring_begin(r, 2));
    cbx_ring_open_gate(r, 2);
    CHECK(cbx_ring_write(r, 2, ones, 100) == 100);
    CHECK(read_n(r, 10) == 0); /* the pause is still on */
    cbx_ring_pause(r, false);
    CHECK(read_n(r, 100) == 100);
    CHECK_NEAR(out[99], 1, 1e-6);
}

static void the_fade_length_can_be_changed(void)
{
    cbx_ring *r = new_ring(512);
    CHECK(cbx_ring_write(r, 1, ones, 300) == 300);
    read_n(r, 10);
    cbx_ring_set_fade(r, 100);
    cbx_ring_cancel(r);
    CHECK(read_n(r, 200) == 100);
    check_fade(out, 100);
    CHECK(cbx_ring_begin(r, 2));
    cbx_ring_open_gate(r, 2);
    CHECK(cbx_ring_write(r, 2, ones, 100) == 100);
    read_n(r, 10);
    cbx_ring_set_fade(r, 0);
    cbx_ring_cancel(r);
    CHECK(read_n(r, 10) == 0);
    check_silence(out, 10);
}

/* Frames 1000, 1001, ... in place of those from `place` on, two for one. */
static void splice(cbx_ring *r, uint64_t place, uint32_t n)
{
    CHECK(cbx_ring_splice(r, 1, place, 2));
    CHECK(cbx_ring_splicing(r) && !cbx_ring_splice(r, 1, place, 2));
    write_ramp(r, 1, 1000, n);
}

static void a_splice_goes_over_where_the_reader_is(void)
{
    cbx_ring *r = new_ring(4096);
    write_ramp(r, 1, 0, 1000);
    CHECK(cbx_ring_read(r, out, 100).frames == 100);
    splice(r, 100, 500);
    /* not armed: the old ones go on */
    CHECK(cbx_ring_read(r, out, 50).frames == 50);
    check_ramp(out, 100, 50);
    cbx_ring_arm(r);
    /* 50 old ones were played meanwhile: on to the hundredth new one */
    CHECK(cbx_ring_read(r, out, 200).frames == 200);
    CHECK(!cbx_ring_splicing(r));
    CHECK_NEAR(out[0], 151, 10);
    check_ramp(out + FADE, 1100 + FADE, 200 - FADE);
    for (int i = 1; i < FADE; i++)
        CHECK(out[i] > out[i - 1]);
    CHECK(cbx_ring_played(r, 1) == 350 && cbx_ring_place(r, 1) == 1300);
    CHECK(cbx_ring_queued(r) == 200 && cbx_ring_underrun_frames(r) == 0);
}

static void a_splice_takes_over_when_the_old_frames_run_out(void)
{
    cbx_ring *r = new_ring(4096);
    write_ramp(r, 1, 0, 100);
    splice(r, 0, 300);
    CHECK(cbx_ring_read(r, out, 60).frames == 60);
    CHECK(cbx_ring_read(r, out, 60).frames == 40);
    cbx_ring_read(r, out, 20); /* over to 1200 */
    CHECK(!cbx_ring_splicing(r) && cbx_ring_queued(r) == 80);
    CHECK(out[0] >= 0 && out[0] < 10); /* it was silent before */
}

static void a_cancel_drops_a_splice(void)
{
    cbx_ring *r = new_ring(4096);
    write_ramp(r, 1, 0, 100);
    CHECK(cbx_ring_read(r, out, 10).frames == 10);
    splice(r, 10, 300);
    cbx_ring_arm(r);
    const uint32_t e = cbx_ring_cancel(r);
    CHECK(!cbx_ring_splice(r, 1, 10, 1));
    cbx_ring_read(r, out, FADE);
    CHECK(cbx_ring_begin(r, e));
    cbx_ring_open_gate(r, e);
    write_ramp(r, e, 5000, 50);
    CHECK(cbx_ring_read(r, out, 50).frames == 50);
    check_ramp(out, 5000, 50);
    CHECK(!cbx_ring_splicing(r) && cbx_ring_place(r, e) == 50);
}

int main(void)
{
    for (size_t i = 0; i < sizeof ones / sizeof *ones; i++)
        ones[i] = 1;
    bad_sizes_are_errors();
    frames_come_out_as_they_went_in();
    write_takes_only_what_fits();
    an_underrun_is_silence_and_is_counted();
    a_closed_gate_is_silence_without_underrun();
    the_end_is_no_underrun();
    an_empty_epoch_ends();
    a_cancel_fades_and_drops_at_the_next_read();
    a_fade_spans_short_reads();
    a_fade_is_shortened_to_what_is_queued();
    a_fade_uses_frames_of_its_own_epoch_only();
    what_was_not_heard_goes_without_a_fade();
    cancels_in_a_row_leave_only_the_last_epoch();
    a_cancel_before_begin_or_of_an_empty_ring_is_harmless();
    an_epoch_without_frames_ends_for_who_waits_for_frames();
    a_pause_fades_holds_and_goes_on_where_it_stopped();
    a_pause_turned_round_in_its_fade_has_no_jump();
    a_cancel_drops_what_a_pause_holds();
    the_fade_length_can_be_changed();
    a_splice_goes_over_where_the_reader_is();
    a_splice_takes_over_when_the_old_frames_run_out();
    a_cancel_drops_a_splice();
    return 0;
}
