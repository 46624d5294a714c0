#include "models/checkpoint/safetensors.h"

#include "models/checkpoint/table.h"

#include <jansson.h>
#include <stdlib.h>
#include <string.h>

enum { MAX_HEADER = 64 << 20 };

typedef struct dtype_row {
    const char *name;
    cbx_file_dtype dtype;
    size_t size;
} dtype_row;

static const dtype_row dtypes[] = {
    {"F32", CBX_FILE_F32, 4},       {"F16", CBX_FILE_F16, 2},
    {"BF16", CBX_FILE_BF16, 2},     {"I64", CBX_FILE_I64, 8},
    {"I32", CBX_FILE_I32, 4},       {"I16", CBX_FILE_I16, 2},
    {"U8", CBX_FILE_U8, 1},         {"F64", CBX_FILE_OTHER, 8},
    {"U64", CBX_FILE_OTHER, 8},     {"U32", CBX_FILE_OTHER, 4},
    {"U16", CBX_FILE_OTHER, 2},     {"I8", CBX_FILE_OTHER, 1},
    {"BOOL", CBX_FILE_OTHER, 1},    {"F8_E4M3", CBX_FILE_OTHER, 1},
    {"F8_E5M2", CBX_FILE_OTHER, 1},
};

static const dtype_row *dtype_find(const char *name)
{
    for (size_t i = 0; i < sizeof dtypes / sizeof *dtypes; i++)
        if (strcmp(dtypes[i].name, name) == 0)
            return &dtypes[i];
    return NULL;
}

/* What is wrong with one tensor's entry; the caller adds file and name. */
static const char *parse_shape(const json_t *shape, cbx_file_tensor *t)
{
    if (!json_is_array(shape))
        return "has no 'shape' list";
    if (json_array_size(shape) > CBX_TENSOR_MAX_DIMS)
        return "has more than 8 dimensions";
    t->ndim = (int)json_array_size(shape);
    for (int i = 0; i < t->ndim; i++) {
        const json_t *d = json_array_get(shape, (size_t)i);
        if (!json_is_integer(d) || json_integer_value(d) < 0)
            return "has a dimension that is not a whole number";
        t->dims[i] = json_integer_value(d);
    }
    if (!tensor_table_numel(t->ndim, t->dims, &t->numel))
        return "has a shape too large to exist";
    return NULL;
}

static const char *parse_range(const json_t *range, const file_map *block,
                               size_t elem_size, cbx_file_tensor *t)
{
    const json_t *b = json_array_get(range, 0), *e = json_array_get(range, 1);
    if (json_array_size(range) != 2 || !json_is_integer(b) ||
        !json_is_integer(e))
        return "has no pair of 'data_offsets'";
    const json_int_t begin = json_integer_value(b), end = json_integer_value(e);
    if (begin < 0 || end < begin)
        return "has 'data_offsets' that run backwards";
    if ((uintmax_t)end > block->size)
        return "lies past the end of the file (is the file cut short?)";
    size_t bytes;
    if (__builtin_mul_overflow(t->numel, elem_size, &bytes) ||
        bytes != (size_t)(end - begin))
        return "has 'data_offsets' that do not match its type and shape";
    t->bytes = bytes;
    t->data = block->data + begin;
    return NULL;
}

static cbx_status parse_tensor(cbx_tensor_file *f, const file_map *block,
                               const char *name, const json_t *entry,
                               cbx_error *err)
{
    char shown[SHOW], type[SHOW];
    cbx_file_tensor t = {0};
    const char *dtype = json_string_value(json_object_get(entry, "dtype"));
    const dtype_row *row = dtype ? dtype_find(dtype) : NULL;
    if (dtype && !row)
        return cbx_fail(err, CBX_E_FORMAT,
                        "%s: tensor '%s' has the unknown type '%s'", f->path,
                        show_text(name, strlen(name), shown),
                        show_text(dtype, strlen(dtype), type));

    const char *wrong = row ? NULL : "has no 'dtype'";
    if (!wrong)
        wrong = parse_shape(json_object_get(entry, "shape"), &t);
    if (!wrong)
        wrong = parse_range(json_object_get(entry, "data_offsets"), block,
                            row->size, &t);
    if (wrong)
        return cbx_fail(err, CBX_E_FORMAT, "%s: tensor '%s' %s", f->path,
                        show_text(name, strlen(name), shown), wrong);
    t.dtype = row->dtype;
    t.dtype_name = row->name;
    return tensor_table_add(f, &t, name, strlen(name), err);
}

static cbx_status parse_metadata(cbx_tensor_file *f, json_t *map,
                                 cbx_error *err)
{
    const char *key;
    json_t *value;
    f->meta = calloc(json_object_size(map) + 1, sizeof *f->meta);
    if (!f->meta)
        return cbx_fail(err, CBX_E_NOMEM, "no memory to open %s", f->path);
    if (!json_is_object(map))
        return cbx_fail(err, CBX_E_FORMAT, "%s: '__metadata__' is not a map",
                        f->path);
    json_object_foreach(map, key, value)
    {
        if (!json_is_string(value))
            return cbx_fail(err, CBX_E_FORMAT,
                            "%s: '__metadata__' holds something that is not "
                            "a string",
                            f->path);
        metadata *m = &f->meta[f->n_meta++];
        m->key = strdup(key);
        m->value = strdup(json_string_value(value));
        if (!m->key || !m->value)
            return cbx_fail(err, CBX_E_NOMEM, "no memory to open %s", f->path);
    }
    return CBX_OK;
}

static int by_place(const void *a, const void *b)
{
    const cbx_file_tensor *x = *(const cbx_file_tensor *const *)a;
    const cbx_file_tensor *y = *(const cbx_file_tensor *const *)b;
    if (x->data != y->data)
        return x->data < y->data ? -1 : 1;
    return (x->bytes > y->bytes) - (x->bytes < y->bytes);
}

/* The tensors cover the block exactly. */
static cbx_status check_cover(const cbx_tensor_file *f, const file_map *block,
                              cbx_error *err)
{
    char shown[SHOW];
    const cbx_file_tensor **sorted = malloc((f->n + 1) * sizeof(void *));
    if (!sorted)
        return cbx_fail(err, CBX_E_NOMEM, "no memory to open %s", f->path);
    for (size_t i = 0; i < f->n; i++)
        sorted[i] = &f->tensors[i];
    qsort(sorted, f->n, sizeof(void *), by_place);

    cbx_status st = CBX_OK;
    const unsigned char *at = block->data;
    for (size_t i = 0; i < f->n && !st; i++) {
        const cbx_file_tensor *t = sorted[i];
        if (t->data != at)
            st = cbx_fail(err, CBX_E_FORMAT, "%s: tensor '%s' %s", f->path,
                          show_text(t->name, strlen(t->name), shown),
                          t->data < at ? "overlaps another one"
                                       : "has unused bytes before it");
        at = t->data + t->bytes;
    }
    free(sorted);
    if (!st && at != block->data + block->size)
        st = cbx_fail(err, CBX_E_FORMAT,
                      "%s: %zu bytes follow the last tensor; the file does "
                      "not match its header",
                      f->path, (size_t)(block->data + block->size - at));
    return st;
}

static cbx_status parse_header(cbx_tensor_file *f, json_t *header,
                               const file_map *block, cbx_error *err)
{
    const char *name;
    json_t *entry;
    cbx_status st = CBX_OK;
    if (!json_is_object(header))
        return cbx_fail(err, CBX_E_FORMAT, "%s: the header is not a map",
                        f->path);
    json_object_foreach(header, name, entry)
    {
        st = strcmp(name, "__metadata__") == 0
                 ? parse_metadata(f, entry, err)
                 : parse_tensor(f, block, name, entry, err);
        if (st)
            return st;
    }
    if ((st = tensor_table_index(f, err)))
        return st;
    return check_cover(f, block, err);
}

static cbx_status read_safetensors(cbx_tensor_file *f, cbx_error *err)
{
    uint64_t n;
    if (f->map.size < 8 + 2)
        return cbx_fail(err, CBX_E_FORMAT,
                        "%s is too short to be a safetensors file", f->path);
    memcpy(&n, f->map.data, 8);
    if (n > MAX_HEADER)
        return cbx_fail(err, CBX_E_FORMAT,
                        "%s does not look like a safetensors file: its header "
                        "would be %llu bytes long",
                        f->path, (unsigned long long)n);
    if (n > f->map.size - 8)
        return cbx_fail(err, CBX_E_FORMAT,
                        "%s is cut short: its header alone needs %llu bytes",
                        f->path, (unsigned long long)n);

    json_error_t why;
    json_t *header = json_loadb((const char *)f->map.data + 8, (size_t)n,
                                JSON_REJECT_DUPLICATES, &why);
    if (!header) {
        char text[SHOW];
        return cbx_fail(err, CBX_E_FORMAT,
                        "%s: the header is not valid JSON: %s", f->path,
                        show_text(why.text, strlen(why.text), text));
    }
    const file_map block = {f->map.data + 8 + n, f->map.size - 8 - (size_t)n};
    const cbx_status st = parse_header(f, header, &block, err);
    json_decref(header);
    return st;
}

cbx_status cbx_safetensors_open(const char *path, cbx_tensor_file **out,
                                cbx_error *err)
{
    cbx_tensor_file *f = NULL;
    cbx_status st = tensor_table_open(path, &f, err);
    if (st)
        return st;
    if ((st = read_safetensors(f, err))) {
        cbx_tensor_file_close(f);
        return st;
    }
    *out = f;
    return CBX_OK;
}
