#ifndef CBX_TESTS_VOICE_GOLDEN_H
#define CBX_TESTS_VOICE_GOLDEN_H

#include "models/checkpoint/tensor.h"

#include <stdbool.h>

/* The reference's tensors of one family (tests/goldens). */
typedef struct golden {
    cbx_tensor_file *file;
    char folder[1024]; /* of the checkpoint */
} golden;

/* From FOLDER, or from the folder in the variable CBX_GOLDENS. False when the
 * family's file is not there. */
bool golden_open(golden *g, int argc, char **argv, const char *family);
void golden_close(golden *g);

bool golden_has(const golden *g, const char *key);
/* All values; to be freed. A key that is missing ends the test. */
float *golden_floats(const golden *g, const char *key, size_t *n);
int32_t *golden_ids(const golden *g, const char *key, size_t *n);
float golden_number(const golden *g, const char *key);

/* voice.in.wav24_i16 as floats between -1 and 1; to be freed. */
float *golden_wav24(const golden *g, size_t *n);

/* Relative L2 error. Ends the test, with a line about it, above `tolerance`.
 * With CBX_SHOW in the environment every error is printed. */
void golden_near(const golden *g, const char *key, const float *got, size_t n,
                 double tolerance);

#endif
