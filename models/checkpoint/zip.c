#include "models/checkpoint/zip.h"

#include "models/checkpoint/table.h"

#include <stdlib.h>
#include <string.h>

enum {
    LOCAL_SIZE = 30,
    CENTRAL_SIZE = 46,
    END_SIZE = 22,
    LOCATOR64_SIZE = 20,
    END64_SIZE = 56,
    MAX_COMMENT = 65535,
    MAX_ENTRIES = 1 << 18,
    /* bit 3: sizes also stand behind the data; bit 11: names are UTF-8 */
    FLAGS_ALLOWED = 1 << 3 | 1 << 11,
    EXTRA_ZIP64 = 1,
};

/* Little-endian fields at any address. */
static uint16_t u16(const unsigned char *p)
{
    return (uint16_t)(p[0] | p[1] << 8);
}

static uint32_t u32(const unsigned char *p)
{
    return u16(p) | (uint32_t)u16(p + 2) << 16;
}

static uint64_t u64(const unsigned char *p)
{
    return u32(p) | (uint64_t)u32(p + 4) << 32;
}

static cbx_status bad(cbx_error *err, const char *path, const char *what)
{
    return cbx_fail(err, CBX_E_FORMAT, "%s is not a file of torch.save: %s",
                    path, what);
}

typedef struct central {
    const unsigned char *at;
    size_t size;
    uint64_t entries;
} central;

/* The end record: the last one whose comment reaches the end of the file. */
static const unsigned char *find_end(const file_map *m)
{
    if (m->size < END_SIZE)
        return NULL;
    const size_t last = m->size - END_SIZE;
    const size_t first = last > MAX_COMMENT ? last - MAX_COMMENT : 0;
    for (size_t at = last + 1; at-- > first;) {
        const unsigned char *p = m->data + at;
        if (memcmp(p, "PK\5\6", 4) == 0 &&
            at + END_SIZE + u16(p + 20) == m->size)
            return p;
    }
    return NULL;
}

/* Replaces what the end record could not hold by the zip64 end record. */
static const char *read_end64(const file_map *m, const unsigned char *end,
                              uint64_t *entries, uint64_t *size,
                              uint64_t *offset)
{
    if ((size_t)(end - m->data) < LOCATOR64_SIZE + END64_SIZE)
        return "the zip64 record is missing";
    const unsigned char *locator = end - LOCATOR64_SIZE;
    if (memcmp(locator, "PK\6\7", 4) || u32(locator + 4) ||
        u32(locator + 16) > 1)
        return "the zip64 locator is damaged";
    const uint64_t at = u64(locator + 8);
    if (at > (uint64_t)(locator - m->data) - END64_SIZE)
        return "the zip64 locator points outside the file";
    const unsigned char *e = m->data + at;
    if (memcmp(e, "PK\6\6", 4) || u32(e + 16) || u32(e + 20) ||
        u64(e + 24) != u64(e + 32))
        return "the zip64 record is damaged";
    *entries = u64(e + 32);
    *size = u64(e + 40);
    *offset = u64(e + 48);
    return NULL;
}

static const char *find_central(const file_map *m, central *out)
{
    const unsigned char *end = find_end(m);
    if (!end)
        return "its zip directory is missing (is the file cut short?)";
    if (u16(end + 4) || u16(end + 6) || u16(end + 8) != u16(end + 10))
        return "it is split over several disks";
    uint64_t entries = u16(end + 10), size = u32(end + 12),
             offset = u32(end + 16);
    if (entries == 0xffff || size == 0xffffffff || offset == 0xffffffff) {
        const char *wrong = read_end64(m, end, &entries, &size, &offset);
        if (wrong)
            return wrong;
    }
    const uint64_t room = (uint64_t)(end - m->data);
    if (offset > room || size > room - offset)
        return "its zip directory points outside the file";
    if (entries > MAX_ENTRIES || entries > size / CENTRAL_SIZE)
        return "its zip directory has an impossible number of entries";
    *out = (central){m->data + offset, (size_t)size, entries};
    return NULL;
}

/* Sizes and offset of an entry; zip64 values come in this order, each only
 * when its 32-bit field is full. */
typedef struct extents {
    uint64_t size, stored, local;
} extents;

static const char *read_extra64(const unsigned char *extra, size_t n,
                                extents *x)
{
    while (n >= 4) {
        const size_t len = u16(extra + 2);
        if (len > n - 4)
            return "an extra field is damaged";
        if (u16(extra) != EXTRA_ZIP64) {
            extra += 4 + len;
            n -= 4 + len;
            continue;
        }
        uint64_t *const fields[] = {&x->size, &x->stored, &x->local};
        const unsigned char *p = extra + 4, *const end = p + len;
        for (int i = 0; i < 3; i++) {
            if (*fields[i] != 0xffffffff)
                continue;
            if (end - p < 8)
                return "a zip64 field is damaged";
            *fields[i] = u64(p);
            p += 8;
        }
        return NULL;
    }
    return NULL;
}

static const char *check_local(const file_map *m, const unsigned char *listed,
                               const central *dir, const extents *x,
                               zip_entry *e)
{
    const uint64_t room = (uint64_t)(dir->at - m->data);
    if (x->local > room || room - x->local < LOCAL_SIZE)
        return "an entry points outside the file";
    const unsigned char *p = m->data + x->local;
    if (memcmp(p, "PK\3\4", 4))
        return "an entry has no local header";
    if (u16(p + 6) != u16(listed + 8) || u16(p + 8) != u16(listed + 10) ||
        u16(p + 26) != e->name_len)
        return "a local header contradicts the directory";
    const uint64_t head = LOCAL_SIZE + (uint64_t)e->name_len + u16(p + 28);
    if (head > room - x->local || x->size > room - x->local - head)
        return "an entry reaches past the data";
    if (memcmp(p + LOCAL_SIZE, e->name, e->name_len))
        return "a local header contradicts the directory";
    /* with bit 3 the local sizes may be 0; in zip64 they may be full */
    const uint32_t stored = u32(p + 18), size = u32(p + 22);
    if ((stored != x->size && stored != 0xffffffff && stored != 0) ||
        (size != x->size && size != 0xffffffff && size != 0))
        return "a local header contradicts the directory";
    e->local = p;
    e->data = p + head;
    e->size = (size_t)x->size;
    return NULL;
}

static const char *read_entry(const file_map *m, const central *dir,
                              const unsigned char *p, size_t left, zip_entry *e,
                              size_t *used)
{
    if (left < CENTRAL_SIZE || memcmp(p, "PK\1\2", 4))
        return "its zip directory is damaged";
    const size_t name = u16(p + 28), extra = u16(p + 30), note = u16(p + 32);
    *used = CENTRAL_SIZE + name + extra + note;
    if (*used > left || name == 0)
        return "its zip directory is damaged";
    if (u16(p + 8) & 1)
        return "an entry is encrypted";
    if (u16(p + 8) & ~FLAGS_ALLOWED)
        return "an entry has flags that torch.save does not set";
    if (u16(p + 10) != 0)
        return "an entry is compressed";
    extents x = {u32(p + 24), u32(p + 20), u32(p + 42)};
    const char *wrong = read_extra64(p + CENTRAL_SIZE + name, extra, &x);
    if (wrong)
        return wrong;
    if (x.size != x.stored)
        return "an entry's two sizes differ";
    e->name = (const char *)p + CENTRAL_SIZE;
    e->name_len = name;
    e->crc = u32(p + 16);
    return check_local(m, p, dir, &x, e);
}

static int by_place(const void *a, const void *b)
{
    const zip_entry *x = a, *y = b;
    return (x->local > y->local) - (x->local < y->local);
}

static int compare_names(const char *a, size_t n, const char *b, size_t m)
{
    const int c = memcmp(a, b, n < m ? n : m);
    return c ? c : (n > m) - (n < m);
}

static int by_name(const void *a, const void *b)
{
    const zip_entry *x = a, *y = b;
    return compare_names(x->name, x->name_len, y->name, y->name_len);
}

static const char *check_entries(zip_dir *z)
{
    qsort(z->entries, z->n, sizeof *z->entries, by_place);
    for (size_t i = 1; i < z->n; i++)
        if (z->entries[i].local <
            z->entries[i - 1].data + z->entries[i - 1].size)
            return "two entries overlap";
    qsort(z->entries, z->n, sizeof *z->entries, by_name);
    for (size_t i = 1; i < z->n; i++)
        if (by_name(&z->entries[i - 1], &z->entries[i]) == 0)
            return "two entries have the same name";
    return NULL;
}

cbx_status zip_dir_open(const file_map *map, const char *path, zip_dir *out,
                        cbx_error *err)
{
    central dir;
    const char *wrong = find_central(map, &dir);
    if (wrong)
        return bad(err, path, wrong);
    zip_dir z = {calloc((size_t)dir.entries + 1, sizeof *z.entries), 0};
    if (!z.entries)
        return cbx_fail(err, CBX_E_NOMEM, "no memory to open %s", path);

    size_t at = 0;
    while (z.n < dir.entries && !wrong) {
        size_t used = 0;
        wrong = read_entry(map, &dir, dir.at + at, dir.size - at,
                           &z.entries[z.n], &used);
        at += used;
        z.n++;
    }
    if (!wrong && at != dir.size)
        wrong = "its zip directory has bytes that belong to no entry";
    if (!wrong)
        wrong = check_entries(&z);
    if (wrong) {
        zip_dir_close(&z);
        return bad(err, path, wrong);
    }
    *out = z;
    return CBX_OK;
}

void zip_dir_close(zip_dir *z)
{
    free(z->entries);
    z->entries = NULL;
    z->n = 0;
}

const zip_entry *zip_find(const zip_dir *z, const char *name, size_t len)
{
    const zip_entry key = {.name = name, .name_len = len};
    return bsearch(&key, z->entries, z->n, sizeof key, by_name);
}

int zip_crc_ok(const zip_entry *e)
{
    uint32_t crc = 0xffffffff;
    for (size_t i = 0; i < e->size; i++) {
        crc ^= e->data[i];
        for (int bit = 0; bit < 8; bit++)
            crc = crc >> 1 ^ (0xedb88320 & -(crc & 1));
    }
    return ~crc == e->crc;
}
