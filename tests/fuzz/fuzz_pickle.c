/* The pickle alone: in a .pt file the zip's checksum would stop what is
 * changed. */
#include "models/checkpoint/pickle.h"
#include "tests/fuzz/fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    pickle_tree tree;
    cbx_error err;
    if (!pickle_parse(data, size, "fuzz", &tree, &err))
        pickle_free(&tree);
    return 0;
}
