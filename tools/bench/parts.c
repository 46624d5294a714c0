#include "tools/bench/parts.h"

#include <limits.h>
#include <stdio.h>

cbx_status parts_open(const bench *b, parts_file which, parts *p,
                      cbx_error *err)
{
    char folder[PATH_MAX], path[2 * PATH_MAX];
    *p = (parts){0};
    cbx_status st = bench_folder(b, folder, sizeof folder, err);
    if (st || (st = cbx_config_open(folder, &p->config, err)))
        return st;
    const cbx_config_files *f = &p->config.files;
    if (!f->conds[0])
        return cbx_fail(err, CBX_E_FILE, "%s: no voice (conds.pt) in it",
                        folder);
    snprintf(path, sizeof path, "%s/%s", folder, f->conds);
    if ((st = cbx_conds_open(path, &p->conds, err)))
        return st;
    snprintf(path, sizeof path, "%s/%s", folder,
             which == PARTS_T3 ? f->t3 : f->s3gen);
    if ((st = cbx_tensor_file_open(path, &p->file, err)))
        return st;
    return cbx_cpu_open(b->threads, b->kernels, &p->dev, err);
}

void parts_close(parts *p)
{
    cbx_dev_close(p->dev);
    cbx_tensor_file_close(p->file);
    cbx_conds_close(p->conds);
    *p = (parts){0};
}
