#ifndef CBX_TOOLS_PARITY_REPORT_H
#define CBX_TOOLS_PARITY_REPORT_H

#include "tools/parity/golden.h"

/* What is said and counted: one line for each stage with name, shape, largest
 * absolute error, relative L2 error, and ok or FAIL. */

/* Tolerances: relative L2. */
#define TOL_EXACT 0.0
#define TOL_STAGE 1e-4 /* from the reference's inputs */
#define TOL_END 1e-3   /* end to end; log mel bins near the floor */

enum { MAX_ONLY = 32, MAX_GROUPS = 32 };

typedef struct report_group {
    char name[32];
    int stages, failed;
    double worst; /* relative L2 */
    char where[128];
} report_group;

typedef struct report {
    golden *g;
    const char *only[MAX_ONLY]; /* prefixes; none: everything */
    int n_only;
    bool verbose;
    report_group groups[MAX_GROUPS];
    int n_groups;
    int stages, failed, not_run;
} report;

/* How a matrix of ours, one row for each time step, lies in a golden. */
typedef enum layout {
    BY_TIME,    /* [1, T, C], [T, C] */
    BY_CHANNEL, /* [1, C, T], [C, T]: what convolutions give in PyTorch */
} layout;

/* Whether --only lets the key or group of keys through. */
bool report_wants(const report *r, const char *prefix);

/* Ours against the golden tensor `key`. Shapes must agree; a golden vector may
 * stand as one row or one column. */
void report_matrix(report *r, const char *key, const float *got, size_t rows,
                   size_t cols, layout l, double tolerance);
/* The values in order, whatever the shape of the golden. */
void report_floats(report *r, const char *key, const float *got, size_t n,
                   double tolerance);
void report_ids(report *r, const char *key, const int32_t *got, size_t n);
void report_bytes(report *r, const char *key, const char *got, size_t n);

/* A line of its own name: ours against given values. */
void report_named(report *r, const char *name, const float *got,
                  const float *want, size_t n, double tolerance);

void report_named_ids(report *r, const char *name, const int32_t *got,
                      const int32_t *want, size_t n);

/* The same, but not judged: the figures are said, and why they are apart. */
void report_apart(report *r, const char *name, const float *got,
                  const float *want, size_t n, const char *why);

/* A stage that could not be compared. */
CBX_PRINTF(3, 4)
void report_fail(report *r, const char *name, const char *fmt, ...);

/* Every key with this prefix that nothing was said about so far. */
CBX_PRINTF(3, 4)
void report_not_run(report *r, const char *prefix, const char *fmt, ...);

/* A remark that is neither good nor bad. */
CBX_PRINTF(2, 3)
void report_note(report *r, const char *fmt, ...);

/* The table of groups and the counts. True when all is well. */
bool report_end(report *r);

#endif
