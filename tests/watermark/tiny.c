#include "tests/watermark/tiny.h"

#include "models/checkpoint/safetensors.h"
#include "rt/random.h"
#include "tests/check.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

enum { BANDS = 128, HIDDEN = 8, CONVS = 5, TAPS = 7, LAYERS = CONVS + 2 };

typedef struct writing {
    cbx_safetensors_item items[64];
    char names[64][64];
    size_t n;
    uint64_t key;
} writing;

static void add(writing *w, const char *layer, const char *what, int out,
                int in, int taps, float size)
{
    const size_t n = (size_t)out * (size_t)in * (size_t)taps;
    float *v = malloc(n * sizeof *v);
    CHECK(v && w->n < 64);
    cbx_random_normals(w->key++, 0, n, v);
    for (size_t i = 0; i < n; i++)
        v[i] *= size;
    snprintf(w->names[w->n], sizeof w->names[w->n], "%s.conv.%s", layer, what);
    w->items[w->n] = (cbx_safetensors_item){
        .name = w->names[w->n],
        .dtype = CBX_FILE_F32,
        .ndim = in ? 3 : 1,
        .dims = {out, in, taps},
        .data = v,
    };
    w->n++;
}

static void add_stack(writing *w, const char *name, int out, float size)
{
    for (int i = 0; i < LAYERS; i++) {
        char layer[48];
        const bool first = i == 0, last = i == LAYERS - 1;
        const int in = first ? BANDS : HIDDEN, taps = first || last ? 1 : TAPS;
        snprintf(layer, sizeof layer, "%s.%d", name, i);
        add(w, layer, "weight", last ? out : HIDDEN, in, taps,
            (last ? size : 1.4f) / sqrtf((float)(in * taps)));
        add(w, layer, "bias", last ? out : HIDDEN, 1, 1, last ? 0 : 0.1f);
        w->items[w->n - 1].ndim = 1;
    }
}

void tiny_perth_write(const char *path)
{
    writing w = {.key = 7};
    cbx_error err;
    add_stack(&w, "encoder.layers", BANDS, 0.02f);
    add_stack(&w, "decoder.slow_layers", 2, 1);
    add_stack(&w, "decoder.normal_layers", 2, 1);
    add_stack(&w, "decoder.fast_layers", 2, 1);
    CHECK(cbx_safetensors_write(path, w.items, w.n, &err) == CBX_OK);
    for (size_t i = 0; i < w.n; i++)
        free((void *)w.items[i].data);
}

perth *tiny_perth_open(cbx_dev *dev, const char *path)
{
    cbx_tensor_file *file;
    cbx_error err;
    perth *p;
    CHECK(cbx_tensor_file_open(path, &file, &err) == CBX_OK);
    CHECK(perth_open(dev, file, &p, &err) == CBX_OK);
    cbx_tensor_file_close(file);
    return p;
}

void tiny_speech(float *x, size_t n)
{
    cbx_random_normals(99, 0, n, x);
    for (size_t i = 0; i < n; i++) {
        const double t = (double)i / PERTH_SPEECH_RATE;
        const double f = 140 + 30 * sin(2 * t), loud = 0.5 + 0.5 * sin(9 * t);
        double v = 0.01 * (double)x[i];
        for (int h = 1; h < 20; h++)
            v += 0.3 / h * loud * sin(2 * M_PI * f * h * t);
        x[i] = i / 4000 % 5 == 4 ? 0 : (float)(0.3 * v);
    }
}
