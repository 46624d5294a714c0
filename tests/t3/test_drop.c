#include "models/checkpoint/tensor.h"
#include "models/t3/drop.h"
#include "tests/check.h"

#include <string.h>

/* Usage: test_t3_drop GOLDENS */

static cbx_error err;

static void cases_equal_the_goldens(const char *goldens, cbx_family family)
{
    char path[512], name[32];
    cbx_tensor_file *f;
    cbx_config config;
    int i = 0;

    cbx_config_init(&config, family);
    snprintf(path, sizeof path, "%s/golden_%s.safetensors", goldens,
             cbx_family_name(family));
    CHECK(!cbx_tensor_file_open(path, &f, &err));
    for (;; i++) {
        int32_t in[64], want[64];
        size_t n = 0;
        snprintf(name, sizeof name, "drop.%d.in", i);
        const cbx_file_tensor *from = cbx_tensor_find(f, name);
        snprintf(name, sizeof name, "drop.%d.out", i);
        const cbx_file_tensor *to = cbx_tensor_find(f, name);
        if (!from)
            break;
        CHECK(to && from->numel <= 32 && to->numel <= 64);
        CHECK(!cbx_tensor_i32(from, in, &err));
        CHECK(!cbx_tensor_i32(to, want, &err));
        CHECK(!t3_drop_invalid(&config, in, from->numel, in, &n, &err));
        CHECK(n == to->numel && !memcmp(in, want, n * sizeof *in));
    }
    CHECK(i >= 6);
    cbx_tensor_file_close(f);
}

static void two_starts_or_stops_are_errors(void)
{
    static const int32_t starts[] = {1, 6561, 2, 6561, 3};
    static const int32_t stops[] = {6562, 1, 6562};
    int32_t out[8];
    size_t n = 7;
    cbx_config config;

    cbx_config_init(&config, CBX_FAMILY_ORIGINAL);
    CHECK(t3_drop_invalid(&config, starts, 5, out, &n, &err) == CBX_E_ARG);
    CHECK(strstr(err.text, "6561"));
    CHECK(t3_drop_invalid(&config, stops, 3, out, &n, &err) == CBX_E_ARG);
    CHECK(strstr(err.text, "6562") && n == 7);
}

/* The reference's slice is then empty. */
static void a_stop_before_the_start_leaves_nothing(void)
{
    static const int32_t in[] = {6562, 1, 6561, 2};
    int32_t out[8];
    size_t n = 7;
    cbx_config config;

    cbx_config_init(&config, CBX_FAMILY_MULTILINGUAL);
    CHECK(!t3_drop_invalid(&config, in, 4, out, &n, &err) && n == 0);
    CHECK(!t3_drop_invalid(&config, in, 0, out, &n, &err) && n == 0);
}

int main(int argc, char **argv)
{
    CHECK(argc > 1);
    for (cbx_family f = CBX_FAMILY_ORIGINAL; f <= CBX_FAMILY_NANO; f++)
        cases_equal_the_goldens(argv[1], f);
    two_starts_or_stops_are_errors();
    a_stop_before_the_start_leaves_nothing();
    return 0;
}
