/* The watermark's weights: from resemble-perth's file to ours. */
#include "engine/internal.h"

#include "models/checkpoint/safetensors.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { MOST_TENSORS = 256 };
static const char prefix[] = "model.";

/* encoder.* and decoder.* of {"model": ..., "step": ...}. */
static cbx_status convert(const cbx_tensor_file *f, const char *path,
                          cbx_error *err)
{
    static const cbx_safetensors_note notes[] = {
        {"source", "resemble-perth 1.0.1, perth_net_250000 (MIT)"}};
    cbx_safetensors_item items[MOST_TENSORS];
    size_t n = 0;
    for (size_t i = 0; i < cbx_tensor_count(f); i++) {
        const cbx_file_tensor *t = cbx_tensor_at(f, i);
        const char *name = t->name;
        if (!strncmp(name, prefix, sizeof prefix - 1))
            name += sizeof prefix - 1;
        if (strncmp(name, "encoder.", 8) && strncmp(name, "decoder.", 8))
            continue;
        if (n == MOST_TENSORS || t->dtype != CBX_FILE_F32)
            return cbx_fail(err, CBX_E_FORMAT,
                            "%s is not the watermark's checkpoint",
                            cbx_tensor_file_path(f));
        items[n] = (cbx_safetensors_item){
            .name = name, .dtype = t->dtype, .ndim = t->ndim, .data = t->data};
        memcpy(items[n++].dims, t->dims, sizeof t->dims);
    }
    return cbx_safetensors_write_noted(path, items, n, notes, 1, err);
}

/* What was written has to be a network. */
static cbx_status check(const char *path, cbx_error *err)
{
    cbx_tensor_file *f;
    cbx_dev *dev;
    perth *p = NULL;
    cbx_status st = cbx_tensor_file_open(path, &f, err);
    if (st)
        return st;
    if (!(st = cbx_cpu_open(1, NULL, &dev, err))) {
        st = perth_open(dev, f, &p, err);
        if (!st && !perth_hears(p))
            st = cbx_fail(err, CBX_E_FORMAT, "%s: there is no detector in it",
                          path);
        perth_close(p);
        cbx_dev_close(dev);
    }
    cbx_tensor_file_close(f);
    return st;
}

cbx_status cbx_watermark_import(const char *weights, const char *data_folder,
                                cbx_error *err)
{
    char folder[CBX_PATH_MAX], path[CBX_PATH_MAX + 32],
        fresh[CBX_PATH_MAX + 32];
    cbx_tensor_file *f;
    if (snprintf(folder, sizeof folder, "%s/watermark", data_folder) >=
        (int)sizeof folder)
        return cbx_fail(err, CBX_E_ARG, "the data folder's path is too long");
    snprintf(path, sizeof path, "%s/perth.safetensors", folder);
    snprintf(fresh, sizeof fresh, "%s/perth.new", folder);
    cbx_status st = cbx_tensor_file_open(weights, &f, err);
    if (st)
        return st;
    if (mkdir(folder, 0777) && errno != EEXIST)
        st = cbx_fail(err, CBX_E_FILE, "%s: %s", folder, strerror(errno));
    if (!st)
        st = convert(f, fresh, err);
    cbx_tensor_file_close(f);
    if (st)
        return st;
    st = check(fresh, err);
    if (!st && rename(fresh, path))
        st = cbx_fail(err, CBX_E_FILE, "%s: %s", path, strerror(errno));
    if (st)
        unlink(fresh);
    return st;
}
