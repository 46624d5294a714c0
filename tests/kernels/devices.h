#ifndef CBX_TESTS_KERNELS_DEVICES_H
#define CBX_TESTS_KERNELS_DEVICES_H

#include "kernels/kernels.h"

/* The CPU variants of this machine, opened for comparison, and matrices of
 * random numbers that show whether an operation stayed inside its views. */

enum { MAX_THREADS = 4 };

/* A device, or the end of the test. */
cbx_dev *open_device(int threads, const char *variant);

/* Calls test(ref, fast, variant) for each variant but ref, on one thread and
 * on several; ends the test as skipped where this machine has none. */
void for_each_variant(void (*test)(cbx_dev *ref, cbx_dev *fast));
/* The same for one device of every variant, ref included, and each number of
 * threads up to MAX_THREADS. */
void for_each_device(void (*test)(cbx_dev *d));

/* -- random numbers and matrices ------------------------------------------- */

int pick(int low, int high); /* both included */
float real(float low, float high);

/* rows x cols of numbers within +-size, ld = cols + gap (gap may be negative:
 * overlapping rows). Around and between the rows lie guards: 1e30f. */
typedef struct {
    cbx_mat m;
    float *block;
    size_t n; /* floats of block */
} matrix;

matrix matrix_new(int rows, int cols, int gap, float size);
matrix matrix_like(const matrix *a); /* a copy, guards included */
void matrix_free(matrix *a);
/* Guards stand where they stood. */
void check_guards(const matrix *a);
/* Bit for bit, guards included. */
void check_same(const matrix *a, const matrix *b);
/* |a - b| <= bound + relative |b| */
void check_close(const matrix *got, const matrix *want, double bound,
                 double relative);

float *numbers(int n, float size); /* malloc'ed */

#endif
