/* Opening the CPU: which variants this processor can run, and which one is
 * taken. */
#include "kernels/cpu/cpu.h"

#include "kernels/cpu/detect.h"
#include "kernels/cpu/host.h"
#include "kernels/ref/ref.h"
#include "kernels/ref/voice_ops.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static void close_cpu(cbx_dev *d)
{
    cpu_dev *c = cpu_of(d);
    cbx_pool_close(c->pool);
    free(c->scratch);
    free(c);
}

static const cbx_kernels plain = {
    .name = "ref",
    .close = close_cpu,
    .mem_new = host_mem_new,
    .mem_free = host_mem_free,
    .reserve = host_reserve,
    .weight_new = ref_weight_new,
    .weight_free = host_weight_free,
    .weight_bytes = host_weight_bytes,
    .table_new = host_table_new,
    .table_free = host_table_free,
    .kv_new = host_wide_kv_new,
    .kv_free = host_kv_free,
    .sampler_new = host_sampler_new,
    .sampler_free = host_sampler_free,
    .upload = host_copy_in,
    .download = host_copy_in,
    .sync = host_sync,
    .zero = ref_zero,
    .copy = ref_copy,
    .linear = ref_linear,
    .normalize = ref_normalize,
    .activate = ref_activate,
    .attention = ref_attention,
    .attention_kv = ref_attention_kv,
    .look = ref_look,
    .kv_len = host_kv_len,
    .kv_set_len = host_kv_set_len,
    .kv_copy = host_kv_copy,
    .gather = ref_gather,
    .euler = ref_euler,
    .normal = ref_normal,
    .sine_source = ref_sine_source,
    .istft = ref_istft,
    .sampler_reset = host_sampler_reset,
    .sampler_mark = host_sampler_mark,
    .sample = ref_sample,
    .muladd = ref_muladd,
    .time_stats = ref_time_stats,
};

/* -- variants -------------------------------------------------------------- */

typedef struct {
    const char *name;
    bool (*runs_here)(void);
    void (*fill)(cbx_kernels *table); /* NULL: the plain table as it is */
} variant;

static bool always(void)
{
    return true;
}

/* The best first. */
static const variant variants[] = {
#if defined(CBX_X86)
    {"amx", cpu_has_amx, amx_fill},
    {"avx512bf16", cpu_has_avx512bf16, avx512bf16_fill},
    {"avx512vnni", cpu_has_avx512vnni, avx512vnni_fill},
    {"avx512", cpu_has_avx512, avx512_fill},
    {"avxvnni", cpu_has_avxvnni, avxvnni_fill},
    {"avx2", cpu_has_avx2, avx2_fill},
#elif defined(CBX_ARM64)
    {"neon", always, neon_fill},
#endif
    {"ref", always, NULL},
};
enum { N_VARIANTS = sizeof variants / sizeof *variants };

static const char *names[N_VARIANTS + 1]; /* those that run here, then NULL */
static pthread_once_t names_once = PTHREAD_ONCE_INIT;

static void fill_names(void)
{
    int n = 0;
    for (int i = 0; i < N_VARIANTS; i++)
        if (variants[i].runs_here())
            names[n++] = variants[i].name;
}

const char *const *cbx_cpu_variants(void)
{
    pthread_once(&names_once, fill_names);
    return names;
}

static cbx_status find_variant(const char *name, const variant **out,
                               cbx_error *e)
{
    const char *forced = getenv("CBX_KERNELS");
    const bool automatic = !name || strcmp(name, "auto") == 0;
    if (automatic)
        name = forced && *forced ? forced : NULL;
    for (int i = 0; i < N_VARIANTS; i++) {
        const bool named = name && strcmp(variants[i].name, name) == 0;
        if (named && !variants[i].runs_here())
            return cbx_fail(e, CBX_E_DEVICE,
                            "this processor cannot run the %s kernels", name);
        if (named || (!name && variants[i].runs_here())) {
            *out = &variants[i];
            return CBX_OK;
        }
    }
    char all[128] = "";
    for (int i = 0; i < N_VARIANTS; i++) {
        strcat(all, i ? ", " : "");
        strcat(all, variants[i].name);
    }
    return cbx_fail(e, CBX_E_ARG,
                    "unknown kernels '%.32s'%s; this build has %s", name,
                    automatic ? " in CBX_KERNELS" : "", all);
}

cbx_status cbx_cpu_open(int threads, const char *name, cbx_dev **out,
                        cbx_error *e)
{
    const variant *v = NULL;
    const long cores = sysconf(_SC_NPROCESSORS_ONLN);
    cbx_status st = find_variant(name, &v, e);
    if (st)
        return st;
    if (threads == 0)
        threads = cores > 0 ? (int)cores : 1;
    if (threads < 0 || threads > CBX_POOL_MAX_THREADS)
        return cbx_fail(e, CBX_E_ARG, "%d threads: it must be 1 to %d, or 0",
                        threads, (int)CBX_POOL_MAX_THREADS);
    cpu_dev *c = calloc(1, sizeof *c);
    if (!c)
        return cbx_fail(e, CBX_E_NOMEM, "no memory for a device");
    c->table = plain;
    c->table.name = v->name;
    if (v->fill)
        v->fill(&c->table);
    c->dev.k = &c->table;
    c->dev.threads = v->fill ? threads : 1; /* the plain kernels have one */
    if ((st = cbx_pool_open(c->dev.threads, &c->pool, e))) {
        free(c);
        return st;
    }
    *out = &c->dev;
    return CBX_OK;
}

void cbx_dev_close(cbx_dev *d)
{
    if (d)
        d->k->close(d);
}

float *cbx_vec_new(cbx_dev *d, const float *host, size_t n)
{
    float *p = d->k->mem_new(d, n * sizeof *p);
    if (p)
        d->k->upload(d, p, host, n * sizeof *p);
    return p;
}
