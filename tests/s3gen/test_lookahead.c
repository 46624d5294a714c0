/* The vocoder with a shorter look-ahead: any pieces of the same cells give the
 * bits of the definition (hift_cells.h). */

#include "tests/s3gen/fixture.h"

#include "models/s3gen/hift_cells.h"
#include "rt/random.h"

enum { FRAMES = 90, MELS = 80, DELAY = 20 };

static const hift_segment segment = {.phase_key = 3, .noise_key = 4};

typedef struct subject {
    const fixture *f;
    const hift *h;
    cbx_mat mel;
    int samples;              /* for each frame */
    float *whole[FRAMES + 1]; /* sounds of segments that end there, or NULL */
} subject;

static int random_below(uint64_t key, uint64_t i, int n)
{
    return (int)(cbx_random_uniform(key, i) * n);
}

static void subject_open(const fixture *f, subject *x)
{
    const size_t n = (size_t)FRAMES * MELS;
    float *host = malloc(n * sizeof *host);
    float *p = f->dev->k->mem_new(f->dev, n * sizeof *p);

    *x = (subject){.f = f, .h = s3gen_hift(f->model)};
    x->samples = s3gen_get_info(f->model)->samples_per_frame;
    CHECK(host && p);
    cbx_random_normals(8, 0, n, host);
    for (size_t i = 0; i < n; i++)
        host[i] = 2 * host[i] - 5;
    f->dev->k->upload(f->dev, p, host, n * sizeof *p);
    f->dev->k->sync(f->dev);
    free(host);
    x->mel = (cbx_mat){p, FRAMES, MELS, MELS};
}

static void subject_close(subject *x)
{
    for (int i = 0; i <= FRAMES; i++)
        free(x->whole[i]);
    x->f->dev->k->mem_free(x->f->dev, x->mel.p);
}

/* V of the definition for a segment of so many frames. */
static const float *whole(subject *x, int frames)
{
    hift_state *s;
    cbx_error err;

    if (x->whole[frames])
        return x->whole[frames];
    x->whole[frames] =
        malloc(sizeof(float) * (size_t)(frames * x->samples + 1));
    CHECK(x->whole[frames]);
    CHECK(!hift_state_open(x->h, FRAMES, false, &s, &err));
    hift_begin(x->h, s, &segment);
    hift_run(x->h, s, cbx_rows(x->mel, 0, frames), true, NULL,
             x->whole[frames]);
    hift_state_close(s);
    return x->whole[frames];
}

typedef struct cells {
    int lookahead, n;
    int ends[FRAMES]; /* the last is the segment's */
} cells;

static cells random_cells(uint64_t key)
{
    static const int lookaheads[] = {0, 1, 4, 8, 12, 16, 19, 20};
    cells c = {.lookahead = lookaheads[random_below(key, 0, 8)]};
    const int frames = 1 + random_below(key, 1, FRAMES);
    const int widest = 1 + random_below(key, 2, 40);
    int at = 0;

    for (uint64_t i = 3; at < frames; i++) {
        at += 1 + random_below(key, i, widest);
        c.ends[c.n++] = at < frames ? at : frames;
    }
    return c;
}

/* As the definition says, cell by cell from sounds made at once. */
static float *defined(subject *x, const cells *c)
{
    const int frames = c->ends[c->n - 1];
    const int64_t all = (int64_t)frames * x->samples;
    int64_t wait = (int64_t)c->lookahead * x->samples, from = 0;
    float *y = malloc(sizeof *y * (size_t)all);

    CHECK(y);
    if (wait < HIFT_BLEND)
        wait = HIFT_BLEND;
    for (int k = 0; k < c->n; k++) {
        const bool last = k == c->n - 1;
        int64_t to = last ? all : (int64_t)c->ends[k] * x->samples - wait;
        const float *v = whole(x, c->ends[k]);
        if (to <= 0)
            continue;
        for (int64_t i = from; i < to; i++) {
            y[i] = v[i];
            if (c->lookahead < DELAY && from && i < from + HIFT_BLEND) {
                const float old = whole(x, c->ends[k - 1])[i];
                const float w = (float)(i - from + 1) / (HIFT_BLEND + 1);
                y[i] = old + w * (v[i] - old);
            }
        }
        from = to;
    }
    if (c->lookahead == DELAY)
        memcpy(y, whole(x, frames), sizeof *y * (size_t)all);
    return y;
}

static float *in_pieces(const subject *x, hift_cells *s, const cells *c,
                        uint64_t key)
{
    const int frames = c->ends[c->n - 1];
    const int most = 1 + random_below(key, 99, 30);
    float *y = malloc(sizeof *y * (size_t)(frames * x->samples)), *to = y;
    uint64_t draw = 100;

    CHECK(y);
    hift_cells_begin(x->h, s, &segment);
    for (int k = 0, at = 0; k < c->n; k++)
        for (bool done = false; !done;) {
            int n = random_below(key, draw++, most + 1);
            hift_end end = HIFT_MORE;
            n = n < c->ends[k] - at ? n : c->ends[k] - at;
            done = at + n == c->ends[k] && random_below(key, draw++, 2);
            if (done)
                end = k == c->n - 1 ? HIFT_SEGMENT : HIFT_CELL;
            const int64_t samples = hift_cells_samples(x->h, s, n, end);
            CHECK(samples >= 0 && to - y + samples <= frames * x->samples);
            hift_cells_run(x->h, s, cbx_rows(x->mel, at, n), end, to);
            to += samples;
            at += n;
        }
    CHECK(to - y == (ptrdiff_t)frames * x->samples);
    return y;
}

static void pieces_are_the_definition(subject *x)
{
    double energy = 0;

    for (uint64_t key = 1; key <= 60; key++) {
        const cells c = random_cells(key);
        const int step = 1 + random_below(key, 98, 24);
        const size_t n = (size_t)(c.ends[c.n - 1] * x->samples);
        float *want = defined(x, &c), *got;
        hift_cells *s;
        cbx_error err;

        CHECK(!hift_cells_open(x->h, step, c.lookahead, &s, &err));
        for (uint64_t again = 0; again < 2; again++) {
            got = in_pieces(x, s, &c, 1000 * key + again);
            CHECK(!memcmp(got, want, n * sizeof *got));
            free(got);
        }
        hift_cells_close(s);
        for (size_t i = 0; i < n; i++)
            energy += (double)want[i] * want[i];
        free(want);
    }
    CHECK(energy > 1 && isfinite(energy));
}

/* A cell's sound is there R frames behind its end; with R = 0, 10 ms. */
static void sound_comes_the_stated_time_later(const subject *x)
{
    static const int wait[][2] = {{0, 240}, {1, 480}, {8, 8 * 480}};
    cbx_error err;
    hift_cells *s;

    for (int i = 0; i < 3; i++) {
        CHECK(!hift_cells_open(x->h, 8, wait[i][0], &s, &err));
        hift_cells_begin(x->h, s, &segment);
        CHECK(hift_cells_samples(x->h, s, 24, HIFT_CELL) ==
              24 * 480 - wait[i][1]);
        CHECK(hift_cells_samples(x->h, s, 24, HIFT_MORE) == 4 * 480);
        CHECK(hift_cells_samples(x->h, s, 24, HIFT_SEGMENT) == 24 * 480);
        hift_cells_close(s);
    }
}

static void other_look_aheads_are_refused(const subject *x)
{
    hift_cells *s;
    cbx_error err;

    CHECK(hift_cells_open(x->h, 8, -1, &s, &err) == CBX_E_ARG);
    CHECK(hift_cells_open(x->h, 8, DELAY + 1, &s, &err) == CBX_E_ARG);
    CHECK(strstr(err.text, "0 to 20"));
    CHECK(hift_cells_open(x->h, 0, 8, &s, &err) == CBX_E_ARG);
}

int main(int argc, char **argv)
{
    fixture f;
    subject x;

    fixture_open(argc, argv, "turbo", &f);
    subject_open(&f, &x);
    pieces_are_the_definition(&x);
    sound_comes_the_stated_time_later(&x);
    other_look_aheads_are_refused(&x);
    subject_close(&x);
    fixture_close(&f);
    return 0;
}
