#include "models/checkpoint/table.h"

#include <stdlib.h>
#include <string.h>

const char *show_text(const char *s, size_t n, char out[SHOW])
{
    size_t len = 0;
    for (size_t i = 0; i < n && len < SHOW - 4; i++) {
        const unsigned char c = (unsigned char)s[i];
        out[len++] = c < 32 || c > 126 ? '?' : (char)c;
    }
    if (len < n) {
        memcpy(out + len, "...", 3);
        len += 3;
    }
    out[len] = 0;
    return out;
}

cbx_status tensor_table_open(const char *path, cbx_tensor_file **out,
                             cbx_error *err)
{
    cbx_tensor_file *f = calloc(1, sizeof *f);
    if (!f || !(f->path = strdup(path))) {
        free(f);
        return cbx_fail(err, CBX_E_NOMEM, "no memory to open %s", path);
    }
    const cbx_status st = file_map_open(path, &f->map, err);
    if (st) {
        cbx_tensor_file_close(f);
        return st;
    }
    *out = f;
    return CBX_OK;
}

void cbx_tensor_file_close(cbx_tensor_file *f)
{
    if (!f)
        return;
    for (size_t i = 0; i < f->n; i++)
        free((char *)f->tensors[i].name);
    for (size_t i = 0; i < f->n_meta; i++) {
        free(f->meta[i].key);
        free(f->meta[i].value);
    }
    for (size_t i = 0; i < f->n_copies; i++)
        free(f->copies[i]);
    free(f->copies);
    free(f->meta);
    free(f->slots);
    free(f->tensors);
    free(f->path);
    file_map_close(&f->map);
    free(f);
}

static int printable(const char *s, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if ((unsigned char)s[i] < 32 || s[i] == 127)
            return 0;
    return 1;
}

cbx_status tensor_table_add(cbx_tensor_file *f, const cbx_file_tensor *t,
                            const char *name, size_t n, cbx_error *err)
{
    char text[SHOW];
    if (n == 0 || n > TABLE_MAX_NAME || !printable(name, n))
        return cbx_fail(err, CBX_E_FORMAT,
                        "%s: tensor name '%s' is empty, longer than %d bytes "
                        "or has control characters",
                        f->path, show_text(name, n, text), TABLE_MAX_NAME);
    if (f->n == TABLE_MAX_TENSORS)
        return cbx_fail(err, CBX_E_LIMIT, "%s has more than %d tensors",
                        f->path, TABLE_MAX_TENSORS);
    if (f->n == f->room) {
        const size_t room = f->room ? 2 * f->room : 256;
        cbx_file_tensor *p = realloc(f->tensors, room * sizeof *p);
        if (!p)
            return cbx_fail(err, CBX_E_NOMEM, "no memory to open %s", f->path);
        f->tensors = p;
        f->room = room;
    }
    char *own = strndup(name, n);
    if (!own)
        return cbx_fail(err, CBX_E_NOMEM, "no memory to open %s", f->path);
    f->tensors[f->n] = *t;
    f->tensors[f->n].name = own;
    f->tensors[f->n].file = f->path;
    f->n++;
    return CBX_OK;
}

/* FNV-1a */
static uint64_t hash(const char *s)
{
    uint64_t h = UINT64_C(14695981039346656037);
    for (; *s; s++)
        h = (h ^ (unsigned char)*s) * UINT64_C(1099511628211);
    return h ^ h >> 32;
}

static size_t slot_of(const cbx_tensor_file *f, const char *name)
{
    size_t at = (size_t)hash(name) & (f->n_slots - 1);
    while (f->slots[at] && strcmp(f->tensors[f->slots[at] - 1].name, name))
        at = (at + 1) & (f->n_slots - 1);
    return at;
}

static int by_name(const void *a, const void *b)
{
    const cbx_file_tensor *const *x = a, *const *y = b;
    return strcmp((*x)->name, (*y)->name);
}

/* Sorted, so that names chosen to collide cost n log n and not n * n. */
static cbx_status check_unique(const cbx_tensor_file *f, cbx_error *err)
{
    const cbx_file_tensor **sorted = malloc((f->n + 1) * sizeof(void *));
    if (!sorted)
        return cbx_fail(err, CBX_E_NOMEM, "no memory to open %s", f->path);
    for (size_t i = 0; i < f->n; i++)
        sorted[i] = &f->tensors[i];
    qsort(sorted, f->n, sizeof(void *), by_name);

    cbx_status st = CBX_OK;
    char text[SHOW];
    for (size_t i = 1; i < f->n && !st; i++)
        if (strcmp(sorted[i - 1]->name, sorted[i]->name) == 0)
            st = cbx_fail(
                err, CBX_E_FORMAT, "%s: tensor '%s' is there twice", f->path,
                show_text(sorted[i]->name, strlen(sorted[i]->name), text));
    free(sorted);
    return st;
}

cbx_status tensor_table_index(cbx_tensor_file *f, cbx_error *err)
{
    const cbx_status st = check_unique(f, err);
    if (st)
        return st;
    f->n_slots = 64;
    while (f->n_slots < 4 * f->n)
        f->n_slots *= 2;
    f->slots = calloc(f->n_slots, sizeof *f->slots);
    if (!f->slots)
        return cbx_fail(err, CBX_E_NOMEM, "no memory to open %s", f->path);
    for (size_t i = 0; i < f->n; i++)
        f->slots[slot_of(f, f->tensors[i].name)] = (uint32_t)i + 1;
    return CBX_OK;
}

void *tensor_table_copy(cbx_tensor_file *f, size_t bytes)
{
    void **p = realloc(f->copies, (f->n_copies + 1) * sizeof *p);
    if (!p)
        return NULL;
    f->copies = p;
    void *copy = malloc(bytes ? bytes : 1);
    if (copy)
        f->copies[f->n_copies++] = copy;
    return copy;
}

int tensor_table_numel(int ndim, const int64_t *dims, size_t *out)
{
    size_t n = 1;
    for (int i = 0; i < ndim; i++)
        if (dims[i] < 0 || __builtin_mul_overflow(n, (size_t)dims[i], &n))
            return 0;
    *out = n;
    return 1;
}

const char *cbx_tensor_file_path(const cbx_tensor_file *f)
{
    return f->path;
}

size_t cbx_tensor_count(const cbx_tensor_file *f)
{
    return f->n;
}

const cbx_file_tensor *cbx_tensor_at(const cbx_tensor_file *f, size_t i)
{
    return &f->tensors[i];
}

const cbx_file_tensor *cbx_tensor_find(const cbx_tensor_file *f,
                                       const char *name)
{
    const uint32_t found = f->slots[slot_of(f, name)];
    return found ? &f->tensors[found - 1] : NULL;
}

const char *cbx_tensor_file_metadata(const cbx_tensor_file *f, const char *key)
{
    for (size_t i = 0; i < f->n_meta; i++)
        if (strcmp(f->meta[i].key, key) == 0)
            return f->meta[i].value;
    return NULL;
}

int cbx_tensor_file_metadata_at(const cbx_tensor_file *f, size_t i,
                                const char **key, const char **value)
{
    if (i >= f->n_meta)
        return 0;
    *key = f->meta[i].key;
    *value = f->meta[i].value;
    return 1;
}
