#include "kernels/formats.h"
#include "models/checkpoint/config.h"
#include "models/checkpoint/tensor.h"
#include "tools/weights/weights.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { SHOWN = 3 };
static const cbx_format shown[SHOWN] = {CBX_FMT_BF16, CBX_FMT_I8, CBX_FMT_I4};

typedef struct {
    double squares, error[SHOWN], largest[SHOWN];
} sums;

/* w as the format holds it; false: not finite. */
static bool held(cbx_format f, const float w[CBX_GROUP], float out[CBX_GROUP])
{
    int8_t q[CBX_GROUP];
    uint16_t scale = 0;
    if (f == CBX_FMT_I8 && !cbx_quantise_i8(w, q, &scale))
        return false;
    if (f == CBX_FMT_I4 && !cbx_quantise_i4(w, q, &scale))
        return false;
    for (int i = 0; i < CBX_GROUP; i++)
        out[i] = f == CBX_FMT_BF16 ? cbx_bf16_value(cbx_bf16_of(w[i]))
                                   : cbx_bf16_value(scale) * q[i];
    return true;
}

static bool add_group(const float w[CBX_GROUP], sums *s)
{
    for (int i = 0; i < CBX_GROUP; i++)
        s->squares += (double)w[i] * w[i];
    for (int k = 0; k < SHOWN; k++) {
        float h[CBX_GROUP];
        if (!held(shown[k], w, h))
            return false;
        for (int i = 0; i < CBX_GROUP; i++) {
            const double e = fabs((double)h[i] - w[i]);
            s->error[k] += e * e;
            s->largest[k] = fmax(s->largest[k], e);
        }
    }
    return true;
}

/* Layers and head; Conv1D of GPT-2 lies [in][out], the others [out][in]. */
static bool wanted(const char *name, bool *in_out)
{
    const char *end = strrchr(name, '.');
    *in_out = strncmp(name, "tfmr.h.", 7) == 0;
    return end && !strcmp(end, ".weight") && !strstr(name, "emb") &&
           !strstr(name, "wpe") && !strstr(name, "wte") &&
           (!strncmp(name, "tfmr.", 5) || !strncmp(name, "speech_head", 11));
}

static cbx_status show(const cbx_file_tensor *t, bool in_out, sums *all,
                       cbx_error *err)
{
    const size_t rows = (size_t)t->dims[0], cols = (size_t)t->dims[1];
    const size_t in = in_out ? rows : cols, out = in_out ? cols : rows;
    const size_t step = in_out ? cols : 1, next = in_out ? 1 : cols;
    float *w = malloc(t->numel * sizeof *w);
    sums s = {0};
    cbx_status st = CBX_OK;
    if (!w)
        return cbx_fail(err, CBX_E_NOMEM, "no memory for %s", t->name);
    st = cbx_tensor_f32(t, w, err);
    for (size_t o = 0; o < out && !st; o++)
        for (size_t c = 0; c < in && !st; c += CBX_GROUP) {
            float g[CBX_GROUP] = {0};
            for (size_t i = 0; i < CBX_GROUP && c + i < in; i++)
                g[i] = w[(c + i) * step + o * next];
            if (!add_group(g, &s))
                st = cbx_fail(err, CBX_E_ARG,
                              "%s holds a number that is not "
                              "finite",
                              t->name);
        }
    free(w);
    if (st)
        return st;
    printf("%-44s %5zu %5zu", t->name, in, out);
    for (int k = 0; k < SHOWN; k++) {
        printf("  %9.3g %9.3g", sqrt(s.error[k] / s.squares), s.largest[k]);
        all->error[k] += s.error[k];
        all->largest[k] = fmax(all->largest[k], s.largest[k]);
    }
    printf("\n");
    all->squares += s.squares;
    return CBX_OK;
}

cbx_status weights_errors(const char *folder, cbx_error *err)
{
    char path[8192];
    cbx_config config;
    cbx_tensor_file *f;
    sums all = {0};
    cbx_status st = cbx_config_open(folder, &config, err);
    if (st)
        return st;
    snprintf(path, sizeof path, "%s/%s", folder, config.files.t3);
    if ((st = cbx_tensor_file_open(path, &f, err)))
        return st;
    printf("relative error (root of mean squares) and largest error\n");
    printf("%-44s %5s %5s  %19s  %19s  %19s\n", "matrix", "in", "out", "bf16",
           "int8", "int4");
    for (size_t i = 0; i < cbx_tensor_count(f) && !st; i++) {
        const cbx_file_tensor *t = cbx_tensor_at(f, i);
        bool in_out;
        if (wanted(t->name, &in_out) && t->ndim == 2)
            st = show(t, in_out, &all, err);
    }
    printf("%-56s", "all");
    for (int k = 0; k < SHOWN && all.squares > 0; k++)
        printf("  %9.3g %9.3g", sqrt(all.error[k] / all.squares),
               all.largest[k]);
    printf("\n");
    cbx_tensor_file_close(f);
    return st;
}
