#ifndef CBX_TESTS_S3GEN_FIXTURE_H
#define CBX_TESTS_S3GEN_FIXTURE_H

#include "models/checkpoint/config.h"
#include "models/s3gen/s3gen.h"
#include "tests/check.h"

#include <string.h>

/* The tiny turbo checkpoint and what the reference computed with it. */
typedef struct fixture {
    cbx_dev *dev;
    cbx_tensor_file *weights, *golden;
    cbx_config config;
    s3gen *model;
} fixture;

enum { FIXTURE_TOKENS = 160 };

/* The folder of goldens: the environment's CBX_GOLDENS, else the test's first
 * argument. Skips the test when there is none. */
void fixture_open(int argc, char **argv, const char *family, fixture *f);
void fixture_close(fixture *f);

/* A golden tensor as floats (for free()); *rows, *cols: its last two sizes. */
float *golden_read(const fixture *f, const char *name, int *rows, int *cols);

/* The golden's inputs as a voice and as one cell; free with inputs_close. */
typedef struct inputs {
    cbx_conds conds;
    int32_t *tokens;
    int n_tokens;
    float *z;      /* [frames of prompt and speech][80] */
    float *phase;  /* [9] */
    float *noise;  /* [samples][9] */
    float *f0;     /* [frames] */
    float *source; /* [samples] */
} inputs;
void inputs_open(const fixture *f, inputs *in);
void inputs_close(inputs *in);

/* Swaps rows and columns of m [rows][cols]; for free(). */
float *transposed(const float *m, int rows, int cols);

/* |a - b| / |b| */
double relative_l2(const float *a, const float *b, size_t n);

#endif
