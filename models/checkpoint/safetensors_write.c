#include "models/checkpoint/safetensors.h"

#include "models/checkpoint/put_file.h"
#include "models/checkpoint/table.h"

#include <jansson.h>
#include <stdlib.h>
#include <string.h>

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

/* False when a note is no UTF-8 or has the name of another. */
static int add_notes(json_t *header, const cbx_safetensors_note *notes,
                     size_t n)
{
    json_t *map = json_object();
    int ok = 1;
    for (size_t i = 0; i < n && ok; i++)
        ok = !json_object_get(map, notes[i].key) &&
             json_object_set_new(map, notes[i].key,
                                 json_string(notes[i].value)) == 0;
    return json_object_set_new(header, "__metadata__", map) == 0 && ok;
}

/* The header as text; NULL when an item is wrong or memory ran out. */
static char *header_text(const cbx_safetensors_item *items, size_t n,
                         const cbx_safetensors_note *notes, size_t n_notes)
{
    json_t *header = json_object();
    if (n_notes && !add_notes(header, notes, n_notes)) {
        json_decref(header);
        return NULL;
    }
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

/* Length, header, padding, data. */
static cbx_status write_file(const char *path, const char *header,
                             const cbx_safetensors_item *items, size_t n,
                             cbx_error *err)
{
    const size_t len = strlen(header), pad = -len & 7;
    const uint64_t total = len + pad;
    cbx_file_part *parts = calloc(n + 3, sizeof *parts);
    if (!parts)
        return cbx_fail(err, CBX_E_NOMEM, "no memory to write %s", path);
    parts[0] = (cbx_file_part){&total, sizeof total};
    parts[1] = (cbx_file_part){header, len};
    parts[2] = (cbx_file_part){"        ", pad};
    for (size_t i = 0; i < n; i++) {
        parts[i + 3].data = items[i].data;
        item_bytes(&items[i], &parts[i + 3].size);
    }
    const cbx_status st = cbx_file_put(path, parts, n + 3, err);
    free(parts);
    return st;
}

cbx_status cbx_safetensors_write_noted(const char *path,
                                       const cbx_safetensors_item *items,
                                       size_t n,
                                       const cbx_safetensors_note *notes,
                                       size_t n_notes, cbx_error *err)
{
    char *header = header_text(items, n, notes, n_notes);
    if (!header)
        return cbx_fail(err, CBX_E_ARG,
                        "cannot write %s: a tensor's type, shape or name, or a "
                        "note, cannot be stored",
                        path);
    const cbx_status st = write_file(path, header, items, n, err);
    free(header);
    return st;
}

cbx_status cbx_safetensors_write(const char *path,
                                 const cbx_safetensors_item *items, size_t n,
                                 cbx_error *err)
{
    return cbx_safetensors_write_noted(path, items, n, NULL, 0, err);
}
