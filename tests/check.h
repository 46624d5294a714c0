#ifndef CBX_TESTS_CHECK_H
#define CBX_TESTS_CHECK_H

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

/* CTest shows a test that exits with this code as skipped. */
enum { TEST_SKIPPED = 77 };

#define CHECK(cond)                                                    \
    do {                                                               \
        if (!(cond)) {                                                 \
            fprintf(stderr, "%s:%d: %s\n", __FILE__, __LINE__, #cond); \
            exit(1);                                                   \
        }                                                              \
    } while (0)

/* Written as !(diff <= tol): with diff > tol a NaN would pass. */
#define CHECK_NEAR(got, want, tol) \
    CHECK(fabs((double)(got) - (double)(want)) <= (tol))

#define SKIP(why)                              \
    do {                                       \
        fprintf(stderr, "skipped: %s\n", why); \
        exit(TEST_SKIPPED);                    \
    } while (0)

#endif
