#include "models/s3gen/space.h"

/* -- the device that does nothing ------------------------------------------ */

static void dry_upload(cbx_dev *d, void *dst, const void *host, size_t bytes)
{
    (void)d, (void)dst, (void)host, (void)bytes;
}

static void dry_download(cbx_dev *d, void *host, const void *src, size_t bytes)
{
    (void)d, (void)host, (void)src, (void)bytes;
}

static void dry_zero(cbx_dev *d, cbx_mat m)
{
    (void)d, (void)m;
}

static void dry_copy(cbx_dev *d, const cbx_copy *op)
{
    (void)d, (void)op;
}

static void dry_linear(cbx_dev *d, const cbx_linear *op)
{
    (void)d, (void)op;
}

static void dry_normalize(cbx_dev *d, const cbx_normalize *op)
{
    (void)d, (void)op;
}

static void dry_activate(cbx_dev *d, cbx_mat x, cbx_act act, cbx_mat out)
{
    (void)d, (void)x, (void)act, (void)out;
}

static void dry_attention(cbx_dev *d, const cbx_attention *op)
{
    (void)d, (void)op;
}

static void dry_gather(cbx_dev *d, const cbx_table *t, const int32_t *ids,
                       int n, cbx_mat add, cbx_mat out)
{
    (void)d, (void)t, (void)ids, (void)n, (void)add, (void)out;
}

static void dry_euler(cbx_dev *d, cbx_mat x, cbx_mat v, cbx_mat v0, float dt,
                      float cfg)
{
    (void)d, (void)x, (void)v, (void)v0, (void)dt, (void)cfg;
}

static void dry_normal(cbx_dev *d, cbx_mat out, uint64_t key, uint64_t row0)
{
    (void)d, (void)out, (void)key, (void)row0;
}

static void dry_sine_source(cbx_dev *d, const cbx_sine_source *op)
{
    (void)d, (void)op;
}

static void dry_istft(cbx_dev *d, const cbx_istft *op)
{
    (void)d, (void)op;
}

static cbx_status dry_weight_new(cbx_dev *d, const cbx_weight_spec *spec,
                                 cbx_weight **out, cbx_error *err)
{
    (void)d, (void)spec, (void)err;
    *out = NULL;
    return CBX_OK;
}

static void dry_weight_free(cbx_dev *d, cbx_weight *w)
{
    (void)d, (void)w;
}

static void dry_sync(cbx_dev *d)
{
    (void)d;
}

static void dry_see(void *user, const char *name, cbx_mat m)
{
    (void)user, (void)name, (void)m;
}

static const cbx_kernels dry_kernels = {
    .name = "dry",
    .weight_new = dry_weight_new,
    .weight_free = dry_weight_free,
    .sync = dry_sync,
    .upload = dry_upload,
    .download = dry_download,
    .zero = dry_zero,
    .copy = dry_copy,
    .linear = dry_linear,
    .normalize = dry_normalize,
    .activate = dry_activate,
    .attention = dry_attention,
    .gather = dry_gather,
    .euler = dry_euler,
    .normal = dry_normal,
    .sine_source = dry_sine_source,
    .istft = dry_istft,
};

cbx_dev *space_dry_device(void)
{
    static cbx_dev dev = {.k = &dry_kernels, .threads = 1};
    return &dev;
}

const cbx_probe *space_dry_probe(void)
{
    static const cbx_probe probe = {.see = dry_see};
    return &probe;
}

/* -- space ----------------------------------------------------------------- */

void space_init_dry(space *s)
{
    *s = (space){0};
}

cbx_status space_open(cbx_dev *dev, const space *dry, space *out,
                      cbx_error *err)
{
    space s = {0};
    cbx_status st = cbx_dmem_open(dev, dry->peak, &s.mem, err);
    if (st)
        return st;
    *out = s;
    return CBX_OK;
}

void space_close(cbx_dev *dev, space *s)
{
    cbx_dmem_close(dev, &s->mem);
}

void *space_take(space *s, size_t bytes)
{
    /* Views of a counting space must not be NULL, which means absent. */
    static _Alignas(64) unsigned char nowhere[64];
    void *p = cbx_dmem_take(&s->mem, bytes);

    if (s->mem.used > s->peak)
        s->peak = s->mem.used;
    return p ? p : nowhere;
}

cbx_mat space_mat(space *s, int rows, int cols)
{
    float *p = space_take(s, (size_t)rows * (size_t)cols * sizeof *p);
    return (cbx_mat){p, rows, cols, cols};
}
