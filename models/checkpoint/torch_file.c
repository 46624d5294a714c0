#include "models/checkpoint/torch_file.h"

#include "models/checkpoint/pickle.h"
#include "models/checkpoint/table.h"
#include "models/checkpoint/zip.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { MAX_STEPS = 1 << 16 };

static const struct storage_type {
    const char *name, *dtype_name;
    cbx_file_dtype dtype;
    size_t size;
} storage_types[] = {
    {"FloatStorage", "F32", CBX_FILE_F32, 4},
    {"HalfStorage", "F16", CBX_FILE_F16, 2},
    {"BFloat16Storage", "BF16", CBX_FILE_BF16, 2},
    {"LongStorage", "I64", CBX_FILE_I64, 8},
    {"IntStorage", "I32", CBX_FILE_I32, 4},
    {"ShortStorage", "I16", CBX_FILE_I16, 2},
    {"ByteStorage", "U8", CBX_FILE_U8, 1},
    {"DoubleStorage", "F64", CBX_FILE_OTHER, 8},
    {"CharStorage", "I8", CBX_FILE_OTHER, 1},
    {"BoolStorage", "BOOL", CBX_FILE_OTHER, 1},
};

typedef struct loader {
    cbx_tensor_file *file;
    zip_dir zip;
    pickle_tree tree;
    char prefix[256];              /* "conds/" */
    char name[TABLE_MAX_NAME + 1]; /* dotted path of the node being walked */
    uint32_t steps;
    size_t copied; /* bytes in tensor_table_copy */
    cbx_error *err;
} loader;

typedef struct storage {
    const struct storage_type *type;
    const unsigned char *data;
    size_t numel;
} storage;

static cbx_status bad(loader *l, const char *what)
{
    char text[SHOW];
    return cbx_fail(l->err, CBX_E_FORMAT, "%s: tensor '%s' %s", l->file->path,
                    show_text(l->name, strlen(l->name), text), what);
}

static const pickle_node *item(const loader *l, const pickle_node *n,
                               uint32_t i)
{
    return &l->tree.nodes[n->items[i]];
}

static int is_text(const pickle_node *n, const char *z)
{
    return n->kind == PICKLE_STR && n->text_len == strlen(z) &&
           memcmp(n->text, z, n->text_len) == 0;
}

/* ("storage", type, key, location, numel) */
static cbx_status read_storage(loader *l, const pickle_node *n, storage *out)
{
    if (n->kind != PICKLE_STORAGE || n->n != 5 ||
        !is_text(item(l, n, 0), "storage"))
        return bad(l, "does not have a storage");
    const pickle_node *type = item(l, n, 1), *key = item(l, n, 2),
                      *numel = item(l, n, 4);
    if (type->kind != PICKLE_GLOBAL || key->kind != PICKLE_STR ||
        key->text_len > 64 || numel->kind != PICKLE_INT ||
        numel->value.integer < 0)
        return bad(l, "has a damaged storage");
    out->type = NULL;
    for (size_t i = 0; i < sizeof storage_types / sizeof *storage_types; i++)
        if (strcmp(storage_types[i].name, type->text) == 0)
            out->type = &storage_types[i];
    if (!out->type)
        return bad(l, "has a storage of a type that is none");

    char path[sizeof l->prefix + 80];
    const int len = snprintf(path, sizeof path, "%sdata/%.*s", l->prefix,
                             (int)key->text_len, key->text);
    const zip_entry *e = zip_find(&l->zip, path, (size_t)len);
    if (!e)
        return bad(l, "has a storage that is not in the file");
    if (e->size / out->type->size != (size_t)numel->value.integer ||
        e->size % out->type->size)
        return bad(l, "has a storage of another size than it says");
    out->data = e->data;
    out->numel = (size_t)numel->value.integer;
    return CBX_OK;
}

static int read_dims(const loader *l, const pickle_node *n, int64_t *dims)
{
    if (n->kind != PICKLE_TUPLE || n->n > CBX_TENSOR_MAX_DIMS)
        return 0;
    for (uint32_t i = 0; i < n->n; i++) {
        const pickle_node *d = item(l, n, i);
        if (d->kind != PICKLE_INT || d->value.integer < 0)
            return 0;
        dims[i] = d->value.integer;
    }
    return 1;
}

/* True when every element lies inside the storage. */
static int view_fits(const cbx_file_tensor *t, const int64_t *strides,
                     size_t offset, size_t room)
{
    size_t last = offset, reach;
    if (t->numel == 0)
        return offset <= room;
    for (int i = 0; i < t->ndim; i++)
        if (__builtin_mul_overflow((size_t)t->dims[i] - 1, (size_t)strides[i],
                                   &reach) ||
            __builtin_add_overflow(last, reach, &last))
            return 0;
    return last < room;
}

static int is_row_major(const cbx_file_tensor *t, const int64_t *strides)
{
    uint64_t step = 1;
    if (t->numel == 0)
        return 1;
    for (int i = t->ndim; i-- > 0;) {
        if (t->dims[i] != 1 && (uint64_t)strides[i] != step)
            return 0;
        step *= (uint64_t)t->dims[i];
    }
    return 1;
}

static void gather(const cbx_file_tensor *t, const int64_t *strides,
                   const unsigned char *from, size_t size, unsigned char *to)
{
    int64_t at[CBX_TENSOR_MAX_DIMS] = {0};
    size_t place = 0; /* elements */
    for (size_t i = 0; i < t->numel; i++) {
        memcpy(to + i * size, from + place * size, size);
        for (int d = t->ndim; d-- > 0;) {
            place += (size_t)strides[d];
            if (++at[d] < t->dims[d])
                break;
            place -= (size_t)(strides[d] * t->dims[d]);
            at[d] = 0;
        }
    }
}

static cbx_status place_data(loader *l, cbx_file_tensor *t, const storage *s,
                             const int64_t *strides, size_t offset)
{
    const unsigned char *from = s->data + offset * s->type->size;
    t->data = from;
    if (is_row_major(t, strides))
        return CBX_OK;
    /* an expanded view can be far larger than its storage */
    if (t->bytes > l->file->map.size - l->copied)
        return bad(l, "is a view that is larger than the file");
    unsigned char *copy = tensor_table_copy(l->file, t->bytes);
    if (!copy)
        return cbx_fail(l->err, CBX_E_NOMEM, "no memory to open %s",
                        l->file->path);
    l->copied += t->bytes;
    gather(t, strides, from, s->type->size, copy);
    t->data = copy;
    return CBX_OK;
}

/* torch/_utils.py: _rebuild_tensor_v2(storage, offset, size, stride,
 * requires_grad, backward_hooks[, metadata]) */
static cbx_status add_tensor(loader *l, const pickle_node *n)
{
    storage s = {0};
    cbx_file_tensor t = {0};
    int64_t strides[CBX_TENSOR_MAX_DIMS];
    if (n->n < 6 || n->n > 7)
        return bad(l, "is rebuilt from the wrong number of arguments");
    cbx_status st = read_storage(l, item(l, n, 0), &s);
    if (st)
        return st;
    const pickle_node *offset = item(l, n, 1);
    if (offset->kind != PICKLE_INT || offset->value.integer < 0 ||
        !read_dims(l, item(l, n, 2), t.dims) ||
        !read_dims(l, item(l, n, 3), strides) ||
        item(l, n, 2)->n != item(l, n, 3)->n)
        return bad(l, "has a damaged shape");
    t.ndim = (int)item(l, n, 2)->n;
    if (!tensor_table_numel(t.ndim, t.dims, &t.numel) ||
        __builtin_mul_overflow(t.numel, s.type->size, &t.bytes))
        return bad(l, "has a shape too large to exist");
    if (!view_fits(&t, strides, (size_t)offset->value.integer, s.numel))
        return bad(l, "reaches past the end of its storage");
    t.dtype = s.type->dtype;
    t.dtype_name = s.type->dtype_name;
    st = place_data(l, &t, &s, strides, (size_t)offset->value.integer);
    return st ? st
              : tensor_table_add(l->file, &t, l->name, strlen(l->name), l->err);
}

static cbx_status walk(loader *l, uint32_t node, int depth);

/* Walks a child under the path l->name + "." + key. */
static cbx_status walk_child(loader *l, const char *key, size_t key_len,
                             uint32_t child, int depth)
{
    const size_t len = strlen(l->name), dot = len > 0;
    if (len + dot + key_len > TABLE_MAX_NAME || memchr(key, 0, key_len))
        return bad(l, "holds a key that is too long or damaged");
    if (dot)
        l->name[len] = '.';
    memcpy(l->name + len + dot, key, key_len);
    l->name[len + dot + key_len] = 0;
    const cbx_status st = walk(l, child, depth + 1);
    l->name[len] = 0;
    return st;
}

static cbx_status walk_dict(loader *l, const pickle_node *n, int depth)
{
    for (uint32_t i = 0; i < n->n; i += 2) {
        const pickle_node *key = item(l, n, i);
        if (key->kind != PICKLE_STR)
            return bad(l, "is in a dictionary whose keys are not strings");
        const cbx_status st =
            walk_child(l, key->text, key->text_len, n->items[i + 1], depth);
        if (st)
            return st;
    }
    return CBX_OK;
}

static cbx_status walk_list(loader *l, const pickle_node *n, int depth)
{
    for (uint32_t i = 0; i < n->n; i++) {
        char key[16];
        const int len = snprintf(key, sizeof key, "%u", i);
        const cbx_status st =
            walk_child(l, key, (size_t)len, n->items[i], depth);
        if (st)
            return st;
    }
    return CBX_OK;
}

/* Bounded: a container may hold itself, or be held many times. */
static cbx_status walk(loader *l, uint32_t node, int depth)
{
    const pickle_node *n = &l->tree.nodes[node];
    if (depth > PICKLE_MAX_DEPTH)
        return bad(l, "is nested too deeply");
    if (++l->steps > MAX_STEPS)
        return bad(l, "is one of too many values");
    switch (n->kind) {
    case PICKLE_TENSOR:
        return add_tensor(l, n);
    case PICKLE_DICT:
        return walk_dict(l, n, depth);
    case PICKLE_LIST:
    case PICKLE_TUPLE:
        return walk_list(l, n, depth);
    default: /* plain values beside the tensors are not ours */
        return CBX_OK;
    }
}

/* The one "<folder>/data.pkl". */
static const zip_entry *find_pickle(const zip_dir *z)
{
    static const char tail[] = "/data.pkl";
    const size_t n = sizeof tail - 1;
    const zip_entry *found = NULL;
    for (size_t i = 0; i < z->n; i++) {
        const zip_entry *e = &z->entries[i];
        if (e->name_len < n || memcmp(e->name + e->name_len - n, tail, n))
            continue;
        if (found)
            return NULL;
        found = e;
    }
    return found;
}

static cbx_status check_byteorder(loader *l)
{
    char path[sizeof l->prefix + 16];
    const int len = snprintf(path, sizeof path, "%sbyteorder", l->prefix);
    const zip_entry *e = zip_find(&l->zip, path, (size_t)len);
    if (e && (e->size != 6 || memcmp(e->data, "little", 6)))
        return cbx_fail(l->err, CBX_E_UNSUPPORTED,
                        "%s holds big-endian data; save it again on a "
                        "little-endian machine",
                        l->file->path);
    return CBX_OK;
}

static cbx_status read_torch(loader *l)
{
    const char *path = l->file->path;
    cbx_status st = zip_dir_open(&l->file->map, path, &l->zip, l->err);
    if (st)
        return st;
    const zip_entry *e = find_pickle(&l->zip);
    if (!e || e->name_len - 8 >= sizeof l->prefix ||
        memchr(e->name, 0, e->name_len))
        return cbx_fail(l->err, CBX_E_FORMAT,
                        "%s is not a file of torch.save: it has no single "
                        "data.pkl",
                        path);
    memcpy(l->prefix, e->name, e->name_len - 8); /* keeps the slash */
    if ((st = check_byteorder(l)))
        return st;
    if (!zip_crc_ok(e))
        return cbx_fail(l->err, CBX_E_FORMAT,
                        "%s is damaged: the checksum of data.pkl is wrong",
                        path);
    if ((st = pickle_parse(e->data, e->size, path, &l->tree, l->err)))
        return st;
    if (l->tree.nodes[l->tree.root].kind == PICKLE_TENSOR)
        st = walk_child(l, "tensor", 6, l->tree.root, 0);
    else
        st = walk(l, l->tree.root, 0);
    return st ? st : tensor_table_index(l->file, l->err);
}

cbx_status cbx_torch_file_open(const char *path, cbx_tensor_file **out,
                               cbx_error *err)
{
    loader *l = calloc(1, sizeof *l);
    if (!l)
        return cbx_fail(err, CBX_E_NOMEM, "no memory to open %s", path);
    l->err = err;
    cbx_status st = tensor_table_open(path, &l->file, err);
    if (!st)
        st = read_torch(l);
    pickle_free(&l->tree);
    zip_dir_close(&l->zip);
    if (st)
        cbx_tensor_file_close(l->file);
    else
        *out = l->file;
    free(l);
    return st;
}
