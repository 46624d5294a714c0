#include "tests/checkpoint/zips.h"

#include "tests/check.h"

#include <string.h>

void put_u16(unsigned char *p, unsigned v)
{
    p[0] = (unsigned char)v;
    p[1] = (unsigned char)(v >> 8);
}

void put_u32(unsigned char *p, uint32_t v)
{
    put_u16(p, v & 0xffff);
    put_u16(p + 2, v >> 16);
}

static uint32_t crc32_of(const unsigned char *p, size_t n)
{
    uint32_t crc = 0xffffffff;
    for (size_t i = 0; i < n; i++) {
        crc ^= p[i];
        for (int bit = 0; bit < 8; bit++)
            crc = crc & 1 ? crc >> 1 ^ 0xedb88320 : crc >> 1;
    }
    return ~crc;
}

void zip_start(zip_maker *z)
{
    z->n = z->n_central = z->entries = 0;
}

static void append(zip_maker *z, const void *p, size_t n)
{
    CHECK(z->n + n <= sizeof z->bytes);
    if (n)
        memcpy(z->bytes + z->n, p, n);
    z->n += n;
}

void zip_add(zip_maker *z, const char *name, const void *data, size_t n)
{
    const size_t len = strlen(name);
    const uint32_t crc = crc32_of(data, n);
    unsigned char local[30] = "PK\3\4", c[46] = "PK\1\2";
    put_u32(local + 14, crc);
    put_u32(local + 18, (uint32_t)n);
    put_u32(local + 22, (uint32_t)n);
    put_u16(local + 26, (unsigned)len);
    put_u32(c + 16, crc);
    put_u32(c + 20, (uint32_t)n);
    put_u32(c + 24, (uint32_t)n);
    put_u16(c + 28, (unsigned)len);
    put_u32(c + 42, (uint32_t)z->n);
    z->last_local = z->n;
    z->last_central = z->n_central;
    append(z, local, sizeof local);
    append(z, name, len);
    append(z, data, n);
    CHECK(z->n_central + sizeof c + len <= sizeof z->central);
    memcpy(z->central + z->n_central, c, sizeof c);
    memcpy(z->central + z->n_central + sizeof c, name, len);
    z->n_central += sizeof c + len;
    z->entries++;
}

void zip_finish(zip_maker *z)
{
    unsigned char end[22] = "PK\5\6";
    put_u16(end + 8, z->entries);
    put_u16(end + 10, z->entries);
    put_u32(end + 12, (uint32_t)z->n_central);
    put_u32(end + 16, (uint32_t)z->n);
    append(z, z->central, z->n_central);
    append(z, end, sizeof end);
}
