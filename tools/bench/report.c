/* Rows, timing, and small helpers of every part. */
#include "rt/clock.h"
#include "tools/bench/bench.h"

#include <stdio.h>
#include <stdlib.h>

static void print_value(const json_t *v)
{
    if (json_is_string(v))
        printf("%s", json_string_value(v));
    else if (json_is_integer(v))
        printf("%lld", (long long)json_integer_value(v));
    else if (json_is_real(v))
        printf("%.4g", json_real_value(v));
    else
        printf("%s", json_is_true(v) ? "yes" : "no");
}

void bench_row(bench *b, const char *part, json_t *row)
{
    const char *key;
    json_t *v;
    json_t *rows = json_object_get(b->report, part);
    if (!rows) {
        rows = json_array();
        json_object_set_new(b->report, part, rows);
    }
    printf("  %s:", part);
    json_object_foreach(row, key, v)
    {
        printf("  %s ", key);
        print_value(v);
    }
    putchar('\n');
    fflush(stdout);
    json_array_append_new(rows, row);
}

static int ascending(const void *a, const void *b)
{
    const double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

timing bench_summary(double *s, int n)
{
    qsort(s, (size_t)n, sizeof *s, ascending);
    const double mid = n % 2 ? s[n / 2] : 0.5 * (s[n / 2 - 1] + s[n / 2]);
    return (timing){.median = mid, .min = s[0], .max = s[n - 1], .n = n};
}

timing bench_time(const bench *b, double seconds, void (*fn)(void *arg),
                  void *arg)
{
    enum { LEAST = 3, MOST = 1000 };
    double s[MOST];
    int n = 0;
    fn(arg);
    const int64_t begin = cbx_clock_ns();
    int64_t now = begin;
    do {
        const int64_t t0 = now;
        fn(arg);
        now = cbx_clock_ns();
        s[n++] = 1e-9 * (double)(now - t0);
    } while (!b->quick && n < MOST &&
             (n < LEAST || (double)(now - begin) < 1e9 * seconds));
    return bench_summary(s, n);
}

void bench_fill(float *p, size_t n)
{
    uint32_t x = 1;
    for (size_t i = 0; i < n; i++) {
        x = x * 1664525u + 1013904223u;
        p[i] = (float)(x >> 8) * (0.2f / (1 << 24)) - 0.1f;
    }
}
