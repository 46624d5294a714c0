/* When playing starts, on simulated machines: cells come as fast as the machine
 * is, and are played from the moment that start_now says so. */
#include "engine/start.h"
#include "tests/check.h"

/* tokens: models/pipeline/grid.c */
static const int grids[][6] = {
    {6, 8, 12, 18, 25, 50}, {10, 12, 18, 25, 50, 50}, {30, 30, 50, 50, 50, 50}};

typedef struct machine {
    const int *grid;
    int made; /* cells */
} machine;

static double cell(const void *user, int k)
{
    const machine *m = user;
    const int i = m->made + k;
    return m->grid[i < 6 ? i : 5] / 25.0;
}

typedef struct result {
    double start;    /* seconds until playing starts */
    double first;    /* until the first cell is there */
    double total;    /* until the last one is */
    double underrun; /* seconds of silence in the midst */
    double latest;   /* the least wait that has no underrun */
} result;

/* A sentence of that many seconds on a machine that needs `slowness` seconds
 * for one of them, and `more` for the first cell. */
static result simulate(const int *grid, double seconds, double slowness,
                       double speed, double more)
{
    machine m = {.grid = grid};
    result r = {.start = -1};
    double now = more, made = 0, work = more;
    while (made < seconds - 1e-9) {
        const double c = cell(&m, 0);
        const double next = c < seconds - made ? c : seconds - made;
        const double before = made / speed; /* heard until then, if at all */
        now += slowness * next;
        work += slowness * next;
        if (r.start >= 0 && now - r.start > before + r.underrun)
            r.underrun = now - r.start - before;
        if (made > 0 && now - before > r.latest)
            r.latest = now - before;
        made += next;
        m.made++;
        if (m.made == 1)
            r.first = r.latest = now;
        const start_view v = {.slowness = work / made,
                              .queued = made / speed,
                              .left = seconds - made,
                              .speed = speed,
                              .cell = cell,
                              .user = &m};
        if (r.start < 0 && start_now(&v))
            r.start = now;
    }
    r.total = now;
    return r;
}

static void no_machine_runs_dry(void)
{
    int cases = 0;
    for (int g = 0; g < 3; g++)
        for (double slowness = 0.05; slowness < 3; slowness += 0.05)
            for (double seconds = 0.5; seconds < 30; seconds *= 1.3)
                for (double speed = 0.5; speed <= 4; speed *= 2) {
                    const result r =
                        simulate(grids[g], seconds, slowness, speed, 0.1);
                    CHECK(r.start >= 0 && r.underrun < 1e-9);
                    CHECK(r.start <= r.total + 1e-9);
                    cases++;
                }
    CHECK(cases > 5000);
}

/* Twice as fast as real time: it starts with the first cell, whatever the
 * grid; and nowhere much later than it has to. */
static void a_fast_machine_starts_at_once(void)
{
    for (int g = 0; g < 3; g++) {
        const result fast = simulate(grids[g], 10, 0.3, 1, 0.02);
        CHECK(fast.start == fast.first);
        const result slow = simulate(grids[g], 10, 1.5, 1, 0.02);
        CHECK(slow.start > slow.first && slow.start >= slow.latest - 1e-9);
        CHECK(slow.start < slow.total);
    }
}

/* The old way, the first cell at once below 0.8: it would have run dry. */
static void starting_at_once_would_run_dry(void)
{
    const result r = simulate(grids[0], 10, 0.79, 1, 0.02);
    CHECK(r.latest > r.first + 0.01 && r.start >= r.latest - 1e-9);
}

int main(void)
{
    no_machine_runs_dry();
    a_fast_machine_starts_at_once();
    starting_at_once_would_run_dry();
    return 0;
}
