#ifndef CBX_TESTS_CHECKPOINT_ZIPS_H
#define CBX_TESTS_CHECKPOINT_ZIPS_H

#include <stddef.h>
#include <stdint.h>

/* A zip file as torch.save would write it, grown in memory. */
typedef struct zip_maker {
    unsigned char bytes[1 << 18];
    size_t n;
    unsigned char central[1 << 14];
    size_t n_central;
    unsigned entries;
    size_t last_local, last_central; /* where the last entry's records are */
} zip_maker;

void zip_start(zip_maker *z);
void zip_add(zip_maker *z, const char *name, const void *data, size_t n);
void zip_finish(zip_maker *z);

/* Little-endian field at p. */
void put_u16(unsigned char *p, unsigned v);
void put_u32(unsigned char *p, uint32_t v);

#endif
