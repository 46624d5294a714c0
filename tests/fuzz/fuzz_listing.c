/* What a hub says. */
#include "daemon/fetch/listing.h"
#include "tests/fuzz/fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    listing l;
    cbx_error err;
    (void)!listing_read((const char *)data, size, "fuzz", catalog, &l, &err);
    return 0;
}
