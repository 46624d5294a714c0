#include "tests/voice/golden.h"

#include "tests/check.h"

#include <string.h>
#include <unistd.h>

bool golden_open(golden *g, int argc, char **argv, const char *family)
{
    const char *folder = getenv("CBX_GOLDENS");
    char path[1200];
    cbx_error err;

    if (!folder && argc > 1)
        folder = argv[1];
    if (!folder)
        SKIP("no folder with goldens given");
    snprintf(path, sizeof path, "%s/golden_%s.safetensors", folder, family);
    if (access(path, R_OK))
        return false;
    CHECK(!cbx_tensor_file_open(path, &g->file, &err));
    snprintf(g->folder, sizeof g->folder, "%s/checkpoints/%s", folder, family);
    return true;
}

void golden_close(golden *g)
{
    cbx_tensor_file_close(g->file);
}

bool golden_has(const golden *g, const char *key)
{
    return cbx_tensor_find(g->file, key) != NULL;
}

static const cbx_file_tensor *need(const golden *g, const char *key)
{
    const cbx_file_tensor *t = cbx_tensor_find(g->file, key);
    if (!t)
        fprintf(stderr, "no %s\n", key);
    CHECK(t);
    return t;
}

float *golden_floats(const golden *g, const char *key, size_t *n)
{
    const cbx_file_tensor *t = need(g, key);
    float *p = malloc((t->numel + 1) * sizeof *p);
    CHECK(p && !cbx_tensor_f32(t, p, NULL));
    *n = t->numel;
    return p;
}

int32_t *golden_ids(const golden *g, const char *key, size_t *n)
{
    const cbx_file_tensor *t = need(g, key);
    int32_t *p = malloc((t->numel + 1) * sizeof *p);
    CHECK(p && !cbx_tensor_i32(t, p, NULL));
    *n = t->numel;
    return p;
}

float golden_number(const golden *g, const char *key)
{
    const cbx_file_tensor *t = need(g, key);
    int32_t id = 0;
    float x = 0;
    CHECK(t->numel == 1);
    if (t->dtype != CBX_FILE_I32)
        CHECK(!cbx_tensor_f32(t, &x, NULL));
    else
        CHECK(!cbx_tensor_i32(t, &id, NULL));
    return t->dtype == CBX_FILE_I32 ? (float)id : x;
}

float *golden_wav24(const golden *g, size_t *n)
{
    int32_t *ids = golden_ids(g, "voice.in.wav24_i16", n);
    float *x = malloc(*n * sizeof *x);
    CHECK(x);
    for (size_t i = 0; i < *n; i++)
        x[i] = (float)ids[i] / 32768.0f;
    free(ids);
    return x;
}

void golden_near(const golden *g, const char *key, const float *got, size_t n,
                 double tolerance)
{
    size_t n_want;
    float *want = golden_floats(g, key, &n_want);
    double sum = 0, norm = 0;

    if (n_want != n)
        fprintf(stderr, "%s: %zu values, not %zu\n", key, n, n_want);
    CHECK(n_want == n);
    for (size_t i = 0; i < n; i++) {
        const double d = (double)got[i] - (double)want[i];
        sum += d * d;
        norm += (double)want[i] * (double)want[i];
    }
    const double error = sqrt(sum / fmax(norm, 1e-30));
    if (getenv("CBX_SHOW") || !(error <= tolerance))
        printf("%-32s %.2e\n", key, error);
    CHECK(error <= tolerance);
    free(want);
}
