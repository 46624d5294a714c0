#include "models/checkpoint/torch_write.h"

#include "models/checkpoint/put_file.h"
#include "models/checkpoint/table.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    MAX_BYTES = 1 << 30, /* so that no field of the zip overflows */
    ALIGN = 64,          /* of data in the file, as torch.save has it */
    LOCAL_SIZE = 30,
    FLAG_UTF8 = 1 << 11,
    DATE = 1 << 5 | 1, /* 1980-01-01: equal voices make equal files */
};

/* -- bytes ----------------------------------------------------------------- */

/* Grows as it is written; remembers that memory ran out. */
typedef struct bytes {
    unsigned char *p;
    size_t n, room;
    bool failed;
} bytes;

static void put(bytes *b, const void *data, size_t n)
{
    if (!b->failed && n > b->room - b->n) {
        const size_t room = 2 * b->room + n + 256;
        unsigned char *p = realloc(b->p, room);
        b->failed = !p;
        b->p = p ? p : b->p;
        b->room = p ? room : b->room;
    }
    if (b->failed || !n)
        return;
    memcpy(b->p + b->n, data, n);
    b->n += n;
}

static void put_text(bytes *b, const char *text)
{
    put(b, text, strlen(text));
}

static void put_u8(bytes *b, unsigned v)
{
    put(b, &(unsigned char){(unsigned char)v}, 1);
}

static void put_u16(bytes *b, uint32_t v)
{
    put(b, (unsigned char[]){v & 255, v >> 8 & 255}, 2);
}

static void put_u32(bytes *b, uint32_t v)
{
    put_u16(b, v & 0xffff);
    put_u16(b, v >> 16);
}

/* -- pickle ---------------------------------------------------------------- */

static const char *storage_of(cbx_file_dtype dtype)
{
    static const char *const names[] = {
        [CBX_FILE_F32] = "FloatStorage",     [CBX_FILE_F16] = "HalfStorage",
        [CBX_FILE_BF16] = "BFloat16Storage", [CBX_FILE_I64] = "LongStorage",
        [CBX_FILE_I32] = "IntStorage",       [CBX_FILE_I16] = "ShortStorage",
        [CBX_FILE_U8] = "ByteStorage",
    };
    return names[dtype];
}

static void pickle_string(bytes *b, const char *text)
{
    put_u8(b, 'X'); /* BINUNICODE */
    put_u32(b, (uint32_t)strlen(text));
    put_text(b, text);
}

/* The numbers here are below MAX_BYTES. */
static void pickle_int(bytes *b, uint32_t v)
{
    put_u8(b, v < 256 ? 'K' : 'J'); /* BININT1, BININT */
    if (v < 256)
        put_u8(b, v);
    else
        put_u32(b, v);
}

static void pickle_global(bytes *b, const char *module, const char *name)
{
    put_u8(b, 'c');
    put_text(b, module);
    put_u8(b, '\n');
    put_text(b, name);
    put_u8(b, '\n');
}

/* The shape, or the strides of a row-major tensor. */
static void pickle_dims(bytes *b, const cbx_torch_item *item, bool strides)
{
    put_u8(b, '('); /* MARK */
    for (int d = 0; d < item->ndim; d++) {
        uint32_t stride = 1;
        for (int inner = d + 1; inner < item->ndim; inner++)
            stride *= (uint32_t)(item->dims[inner] ? item->dims[inner] : 1);
        pickle_int(b, strides ? stride : (uint32_t)item->dims[d]);
    }
    put_u8(b, 't'); /* TUPLE */
}

/* _rebuild_tensor_v2(storage, 0, shape, strides, False, OrderedDict()) */
static void pickle_tensor(bytes *b, const cbx_torch_item *item, int key,
                          size_t numel)
{
    char text[16];
    snprintf(text, sizeof text, "%d", key);
    pickle_global(b, "torch._utils", "_rebuild_tensor_v2");
    put_text(b, "((");
    pickle_string(b, "storage");
    pickle_global(b, "torch", storage_of(item->dtype));
    pickle_string(b, text);
    pickle_string(b, "cpu");
    pickle_int(b, (uint32_t)numel);
    put_text(b, "tQ"); /* TUPLE, BINPERSID */
    pickle_int(b, 0);
    pickle_dims(b, item, false);
    pickle_dims(b, item, true);
    put_u8(b, 0x89); /* NEWFALSE */
    pickle_global(b, "collections", "OrderedDict");
    put_text(b, ")RtR"); /* EMPTY_TUPLE, REDUCE; TUPLE, REDUCE */
}

/* {group: {name: tensor or None, ...}, ...} */
static void pickle_all(bytes *b, const cbx_torch_item *items, size_t n)
{
    int key = 0;
    put(b, "\x80\x02}(", 4); /* PROTO 2, EMPTY_DICT, MARK */
    for (size_t i = 0; i < n; i++) {
        const bool first = !i || strcmp(items[i].group, items[i - 1].group);
        size_t numel = 0;
        if (first && i)
            put_u8(b, 'u'); /* SETITEMS */
        if (first) {
            pickle_string(b, items[i].group);
            put_text(b, "}(");
        }
        pickle_string(b, items[i].name);
        tensor_table_numel(items[i].ndim, items[i].dims, &numel);
        if (items[i].data)
            pickle_tensor(b, &items[i], key++, numel);
        else
            put_u8(b, 'N');
    }
    put_text(b, n ? "uu." : "u.");
}

/* -- zip ------------------------------------------------------------------- */

static uint32_t crc_of(const unsigned char *p, size_t n)
{
    uint32_t table[256], crc = 0xffffffff;
    for (uint32_t i = 0; i < 256; i++) {
        table[i] = i;
        for (int bit = 0; bit < 8; bit++)
            table[i] = table[i] >> 1 ^ (0xedb88320 & -(table[i] & 1));
    }
    for (size_t i = 0; i < n; i++)
        crc = crc >> 8 ^ table[(crc ^ p[i]) & 255];
    return ~crc;
}

typedef struct archive {
    bytes body, directory;
    const char *folder;
    int entries;
} archive;

/* What local header and directory have in common. */
static void put_header(bytes *b, uint32_t crc, size_t size, size_t name,
                       size_t extra)
{
    put_u16(b, 20); /* version 2.0 reads it */
    put_u16(b, FLAG_UTF8);
    put_u16(b, 0); /* stored */
    put_u16(b, 0); /* midnight */
    put_u16(b, DATE);
    put_u32(b, crc);
    put_u32(b, (uint32_t)size);
    put_u32(b, (uint32_t)size);
    put_u16(b, (uint32_t)name);
    put_u16(b, (uint32_t)extra);
}

/* Data begins at a multiple of ALIGN, behind an extra field as in torch.save
 * (caffe2/serialize/inline_container.cc: getPadding). */
static void add_entry(archive *z, const char *name, const void *data,
                      size_t size)
{
    static const char fill[ALIGN] = {0};
    char path[300];
    snprintf(path, sizeof path, "%s/%s", z->folder, name);
    const size_t local = z->body.n, len = strlen(path);
    const size_t pad = -(local + LOCAL_SIZE + len + 4) & (ALIGN - 1);
    const uint32_t crc = crc_of(data, size);

    put(&z->body, "PK\3\4", 4);
    put_header(&z->body, crc, size, len, pad + 4);
    put_text(&z->body, path);
    put_text(&z->body, "FB");
    put_u16(&z->body, (uint32_t)pad);
    put(&z->body, fill, pad);
    put(&z->body, data, size);

    put(&z->directory, "PK\1\2", 4);
    put_u16(&z->directory, 20);
    put_header(&z->directory, crc, size, len, 0);
    put(&z->directory, fill, 10); /* comment, disk, attributes */
    put_u32(&z->directory, (uint32_t)local);
    put_text(&z->directory, path);
    z->entries++;
}

static void end_archive(archive *z)
{
    const size_t at = z->body.n;
    put(&z->body, z->directory.p, z->directory.n);
    z->body.failed |= z->directory.failed;
    put(&z->body, "PK\5\6\0\0\0\0", 8);
    put_u16(&z->body, (uint32_t)z->entries);
    put_u16(&z->body, (uint32_t)z->entries);
    put_u32(&z->body, (uint32_t)z->directory.n);
    put_u32(&z->body, (uint32_t)at);
    put_u16(&z->body, 0);
}

static void add_storages(archive *z, const cbx_torch_item *items, size_t n)
{
    int key = 0;
    for (size_t i = 0; i < n; i++) {
        char name[32];
        size_t numel = 0;
        if (!items[i].data)
            continue;
        snprintf(name, sizeof name, "data/%d", key++);
        tensor_table_numel(items[i].ndim, items[i].dims, &numel);
        add_entry(z, name, items[i].data,
                  numel * cbx_file_dtype_size(items[i].dtype));
    }
}

/* -- all of it ------------------------------------------------------------- */

static bool can_be_written(const cbx_torch_item *items, size_t n)
{
    size_t total = 0;
    for (size_t i = 0; i < n; i++) {
        const cbx_torch_item *t = &items[i];
        size_t numel;
        if (strlen(t->group) > 255 || strlen(t->name) > 255)
            return false;
        if (!t->data)
            continue;
        if (t->dtype >= CBX_FILE_OTHER || t->ndim < 0 ||
            t->ndim > CBX_TENSOR_MAX_DIMS ||
            !tensor_table_numel(t->ndim, t->dims, &numel) || numel > MAX_BYTES)
            return false;
        for (int d = 0; d < t->ndim; d++)
            if (t->dims[d] > MAX_BYTES)
                return false;
        total += numel * cbx_file_dtype_size(t->dtype);
        if (total > MAX_BYTES)
            return false;
    }
    return n < 10000;
}

cbx_status cbx_torch_write(const char *path, const char *folder,
                           const cbx_torch_item *items, size_t n,
                           cbx_error *err)
{
    archive z = {.folder = folder};
    bytes pickle = {0};
    cbx_status st;
    if (strlen(folder) > 200 || !can_be_written(items, n))
        return cbx_fail(err, CBX_E_ARG,
                        "cannot write %s: a tensor's type, shape or name "
                        "cannot be stored",
                        path);
    pickle_all(&pickle, items, n);
    if (!pickle.failed)
        add_entry(&z, "data.pkl", pickle.p, pickle.n);
    add_entry(&z, "byteorder", "little", 6);
    add_storages(&z, items, n);
    add_entry(&z, "version", "3\n", 2);
    end_archive(&z);
    if (pickle.failed || z.body.failed)
        st = cbx_fail(err, CBX_E_NOMEM, "no memory to write %s", path);
    else
        st = cbx_file_put(path, &(cbx_file_part){z.body.p, z.body.n}, 1, err);
    free(pickle.p);
    free(z.body.p);
    free(z.directory.p);
    return st;
}
