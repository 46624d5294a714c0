#ifndef CBX_TESTS_FUZZ_FUZZ_H
#define CBX_TESTS_FUZZ_FUZZ_H

#include <stddef.h>
#include <stdint.h>

/* One target each: libFuzzer calls it (make fuzz), or corpus.c with the files
 * of tests/fuzz/corpus (ctest -R fuzz). Returns 0. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* The bytes as a file in memory, for readers that want a path; good until the
 * next call with this slot. */
enum { FUZZ_FILES = 2 };
const char *fuzz_file(int slot, const uint8_t *data, size_t size);

#endif
