#include "models/checkpoint/safetensors.h"

#include "models/checkpoint/table.h"

#include <errno.h>
#include <fcntl.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static const char *const dtype_names[] = {
    [CBX_FILE_F32] = "F32", [CBX_FILE_F16] = "F16", [CBX_FILE_BF16] = "BF16",
    [CBX_FILE_I64] = "I64", [CBX_FILE_I32] = "I32", [CBX_FILE_I16] = "I16",
    [CBX_FILE_U8] = "U8",
};

static int item_bytes(const cbx_safetensors_item *item, size_t *bytes)
{
    return item->dtype < CBX_FILE_OTHER && item->ndim >= 0 &&
           item->ndim <= CBX_TENSOR_MAX_DIMS &&
           tensor_table_numel(item->ndim, item->dims, bytes) &&
           !__builtin_mul_overflow(*bytes, cbx_file_dtype_size(item->dtype),
                                   bytes);
}

/* The header as text; NULL when an item is wrong or memory ran out. */
static char *header_text(const cbx_safetensors_item *items, size_t n)
{
    json_t *header = json_object();
    size_t at = 0, bytes;
    for (size_t i = 0; i < n; i++) {
        if (!item_bytes(&items[i], &bytes) ||
            json_object_get(header, items[i].name)) {
            json_decref(header);
            return NULL;
        }
        json_t *shape = json_array();
        for (int d = 0; d < items[i].ndim; d++)
            json_array_append_new(shape, json_integer(items[i].dims[d]));
        json_object_set_new(header, items[i].name,
                            json_pack("{s:s, s:o, s:[I, I]}", "dtype",
                                      dtype_names[items[i].dtype], "shape",
                                      shape, "data_offsets", (json_int_t)at,
                                      (json_int_t)(at + bytes)));
        at += bytes;
    }
    char *text = json_dumps(header, JSON_COMPACT);
    json_decref(header);
    return text;
}

static int write_all(FILE *f, const char *header,
                     const cbx_safetensors_item *items, size_t n)
{
    const size_t len = strlen(header), pad = -len & 7;
    const uint64_t total = len + pad;
    int ok = fwrite(&total, 8, 1, f) == 1;
    ok = ok && fwrite(header, 1, len, f) == len;
    ok = ok && fwrite("        ", 1, pad, f) == pad;
    for (size_t i = 0; i < n && ok; i++) {
        size_t bytes = 0;
        item_bytes(&items[i], &bytes);
        ok = !bytes || fwrite(items[i].data, 1, bytes, f) == bytes;
    }
    ok = ok && fflush(f) == 0 && fsync(fileno(f)) == 0;
    return ok;
}

static cbx_status write_file(const char *path, const char *part,
                             const char *header,
                             const cbx_safetensors_item *items, size_t n,
                             cbx_error *err)
{
    const int fd = open(part, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
    FILE *f = fd < 0 ? NULL : fdopen(fd, "wb");
    if (!f) {
        const int why = errno;
        if (fd >= 0)
            close(fd);
        return cbx_fail(err, CBX_E_FILE, "cannot write %s: %s", path,
                        strerror(why));
    }
    int ok = write_all(f, header, items, n);
    int why = errno;
    if (fclose(f) && ok) {
        ok = 0;
        why = errno;
    }
    if (ok && rename(part, path)) {
        ok = 0;
        why = errno;
    }
    if (ok)
        return CBX_OK;
    unlink(part);
    return cbx_fail(err, CBX_E_FILE, "cannot write %s: %s", path,
                    strerror(why));
}

cbx_status cbx_safetensors_write(const char *path,
                                 const cbx_safetensors_item *items, size_t n,
                                 cbx_error *err)
{
    char *header = header_text(items, n);
    if (!header)
        return cbx_fail(err, CBX_E_ARG,
                        "cannot write %s: a tensor's type, shape or name "
                        "cannot be stored",
                        path);
    const size_t room = strlen(path) + 32;
    char *part = malloc(room);
    cbx_status st;
    if (part) {
        snprintf(part, room, "%s.part-%ld", path, (long)getpid());
        st = write_file(path, part, header, items, n, err);
    } else {
        st = cbx_fail(err, CBX_E_NOMEM, "no memory to write %s", path);
    }
    free(part);
    free(header);
    return st;
}
