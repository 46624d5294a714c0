#ifndef CBX_TOOLS_BENCH_BENCH_H
#define CBX_TOOLS_BENCH_BENCH_H

#include "kernels/kernels.h"
#include "rt/status.h"

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

/* bench: how fast this machine is, how fast we are on it. Each part of the
 * program adds rows to one report; a row is printed when it is made and stands
 * in the JSON file under its part's name. docs/PERFORMANCE.md says what the
 * rows mean. */
typedef struct bench {
    const char *model;   /* folder or name, as cbx_model_open takes it */
    const char *kernels; /* NULL: the best */
    const char *weights; /* of T3; NULL: each alone, end to end the default */
    const char *compute; /* of flow and vocoder; NULL: f32 */
    int threads;         /* 0: one for each core */
    int max_tokens;      /* of a segment, end to end; 0: the model's own */
    int repeats;         /* of first audio */
    int sentences;       /* that are spoken one after the other */
    bool profile;        /* what each operation costs, of t3 and s3gen */
    bool quick;          /* one round of everything: that it runs at all */
    json_t *report;
    double peak_gflops; /* f32 multiply-adds, the greatest that was seen */
    double peak_gops;   /* the same of 8-bit products with whole sums */
} bench;

/* Takes `row`, prints it, and adds it to the rows of `part`. */
void bench_row(bench *b, const char *part, json_t *row);

/* The parts; they stop at the first failure. */
cbx_status bench_machine(bench *b, cbx_error *err);
cbx_status bench_kernels(bench *b, cbx_error *err);
cbx_status bench_variants(bench *b, cbx_error *err);
cbx_status bench_t3(bench *b, cbx_error *err);
cbx_status bench_s3gen(bench *b, cbx_error *err);
cbx_status bench_speech(bench *b, cbx_error *err);

/* -- timing ---------------------------------------------------------------- */

typedef struct timing {
    double median, min, max; /* seconds */
    int n;
} timing;

/* Once for nothing, then for `seconds` and at least three times, in a quick run
 * once. */
timing bench_time(const bench *b, double seconds, void (*fn)(void *arg),
                  void *arg);
/* Sorts s[0..n). */
timing bench_summary(double *s, int n);

/* -- neighbours ------------------------------------------------------------ */

typedef struct neighbours {
    double clock, busy, own;
} neighbours;
/* A row: the share of all cores that other processes had in between. */
neighbours bench_neighbours_begin(void);
void bench_neighbours_end(bench *b, const neighbours *n, const char *part);

/* -- machine --------------------------------------------------------------- */

/* Reads a buffer of that many bytes with all threads, one stretch for each;
 * GB/s, median and greatest. */
cbx_status bench_bandwidth(const bench *b, size_t bytes, double *median,
                           double *max, cbx_error *err);
/* Threads that --threads means. */
int bench_threads(const bench *b);

/* -- what is measured ------------------------------------------------------ */

/* Calls of malloc, calloc, realloc and the aligned ones so far, from our code
 * in all threads; not from shared libraries. */
uint64_t bench_allocations(void);

/* The folder of a model, by the rules of cbx_model_open. */
cbx_status bench_folder(const bench *b, char *out, size_t size, cbx_error *err);

/* A folder beside `folder` in the temporary directory, with the same files and
 * max_speech_tokens = n; to be taken away by bench_capped_remove. */
cbx_status bench_capped(const char *folder, int n, char *out, size_t size,
                        cbx_error *err);
void bench_capped_remove(const char *folder);

/* What --weights and --compute mean by a name, or -1. */
int bench_format(const char *name, bool compute);

/* Floats in [-0.1, 0.1) for buffers whose values do not matter. */
void bench_fill(float *p, size_t n);

#endif
