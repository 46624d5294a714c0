#include "models/checkpoint/conds.h"
#include "tests/fuzz/fuzz.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const char *path = fuzz_file(0, data, size);
    cbx_tensor_file *f;
    cbx_conds *conds;
    cbx_error err;
    if (!cbx_safetensors_open(path, &f, &err)) {
        for (size_t i = 0; i < cbx_tensor_count(f); i++) {
            const cbx_file_tensor *t = cbx_tensor_at(f, i);
            float *v = malloc(t->numel * sizeof *v + 1);
            if (v && !cbx_tensor_f32(t, v, &err) && t->numel)
                v[0] += v[t->numel - 1];
            free(v);
        }
        cbx_tensor_file_close(f);
    }
    if (!cbx_conds_open(path, &conds, &err))
        cbx_conds_close(conds);
    return 0;
}
