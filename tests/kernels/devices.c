#include "tests/kernels/devices.h"

#include "tests/check.h"

#include <string.h>

static const float guard = 1e30f;
enum { MARGIN = 64 };

cbx_dev *open_device(int threads, const char *variant)
{
    cbx_error e = {0};
    cbx_dev *d = NULL;
    CHECK(cbx_cpu_open(threads, variant, &d, &e) == CBX_OK);
    return d;
}

void for_each_variant(void (*test)(cbx_dev *ref, cbx_dev *fast))
{
    const char *const *name = cbx_cpu_variants();
    CHECK(name[0]);
    if (!strcmp(name[0], "ref"))
        SKIP("no-avx2: this processor runs the plain kernels only");
    cbx_dev *ref = open_device(1, "ref");
    for (; strcmp(*name, "ref") != 0; name++)
        for (int threads = 1; threads <= 3; threads += 2) {
            cbx_dev *fast = open_device(threads, *name);
            test(ref, fast);
            cbx_dev_close(fast);
        }
    cbx_dev_close(ref);
}

void for_each_device(void (*test)(cbx_dev *d))
{
    for (const char *const *name = cbx_cpu_variants(); *name; name++)
        for (int threads = 1; threads <= MAX_THREADS; threads++) {
            cbx_dev *d = open_device(threads, *name);
            test(d);
            cbx_dev_close(d);
        }
}

static uint32_t state = 2463534242u;

static uint32_t next(void)
{
    state ^= state << 13;
    state ^= state >> 17;
    return state ^= state << 5;
}

int pick(int low, int high)
{
    return low + (int)(next() % (uint32_t)(high - low + 1));
}

float real(float low, float high)
{
    return low + (high - low) * ((float)(next() >> 8) * 0x1p-24f);
}

matrix matrix_new(int rows, int cols, int gap, float size)
{
    matrix a;
    const int ld = cols + gap;
    a.n = (size_t)(rows - 1) * (size_t)ld + (size_t)cols + 2 * MARGIN;
    CHECK(rows > 0 && ld > 0 && (a.block = malloc(a.n * sizeof(float))));
    a.m = (cbx_mat){a.block + MARGIN, rows, cols, ld};
    for (size_t i = 0; i < a.n; i++)
        a.block[i] = guard;
    for (int r = 0; r < rows; r++)
        for (int c = 0; c < cols; c++)
            a.m.p[r * ld + c] = real(-size, size);
    return a;
}

matrix matrix_like(const matrix *a)
{
    matrix b = *a;
    CHECK((b.block = malloc(b.n * sizeof(float))));
    memcpy(b.block, a->block, b.n * sizeof(float));
    b.m.p = b.block + MARGIN;
    return b;
}

void matrix_free(matrix *a)
{
    free(a->block);
    a->block = NULL;
}

void check_guards(const matrix *a)
{
    const int last = a->m.rows - 1;
    for (int i = 1; i <= MARGIN; i++) {
        CHECK(a->m.p[-i] == guard);
        CHECK(a->m.p[last * a->m.ld + a->m.cols + i - 1] == guard);
    }
    for (int r = 0; r < last; r++)
        for (int c = a->m.cols; c < a->m.ld; c++)
            CHECK(a->m.p[r * a->m.ld + c] == guard);
}

void check_same(const matrix *a, const matrix *b)
{
    CHECK(a->n == b->n && !memcmp(a->block, b->block, a->n * sizeof(float)));
}

void check_close(const matrix *got, const matrix *want, double bound,
                 double relative)
{
    for (int r = 0; r < want->m.rows; r++)
        for (int c = 0; c < want->m.cols; c++) {
            const double x = got->m.p[r * got->m.ld + c];
            const double y = want->m.p[r * want->m.ld + c];
            CHECK_NEAR(x, y, bound + relative * fabs(y));
        }
}

float *numbers(int n, float size)
{
    float *x = malloc((size_t)n * sizeof *x);
    CHECK(x);
    for (int i = 0; i < n; i++)
        x[i] = real(-size, size);
    return x;
}
