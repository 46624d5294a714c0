#include "models/t3/internal.h"

#include <stdlib.h>

static void lay_out(const t3 *m, t3_work *w)
{
    const t3_info *i = &m->info;
    cbx_dmem *mem = &w->mem;

    w->ids = cbx_dmem_take(mem, (size_t)w->rows * sizeof *w->ids);
    w->speaker = cbx_dmem_mat(mem, 1, i->speaker_dim);
    w->embeds = cbx_dmem_mat(mem, w->rows, i->width);
    w->x = cbx_dmem_mat(mem, w->rows, i->width);
    w->qkv = cbx_dmem_mat(mem, w->rows, 3 * i->width);
    w->context = cbx_dmem_mat(mem, w->rows, i->width);
    w->inner = cbx_dmem_mat(mem, w->rows, m->inner);
    w->last = cbx_dmem_mat(mem, T3_ROWS, i->width);
    w->logits = cbx_dmem_mat(mem, T3_ROWS, i->speech_vocab);
}

cbx_status t3_work_open(const t3 *m, int rows, int keys, t3_work *out,
                        cbx_error *err)
{
    t3_work w = {.rows = rows};
    const int widest =
        m->inner > 3 * m->info.width ? m->inner : 3 * m->info.width;
    cbx_status st = m->dev->k->reserve(m->dev, rows, widest, keys, err);

    if (st)
        return st;
    lay_out(m, &w);
    if ((st = cbx_dmem_open(m->dev, w.mem.used, &w.mem, err)))
        return st;
    lay_out(m, &w);
    *out = w;
    return CBX_OK;
}

void t3_work_close(const t3 *m, t3_work *w)
{
    cbx_dmem_close(m->dev, &w->mem);
}

cbx_status t3_kv_open(const t3 *m, int positions, cbx_kv **out, cbx_error *err)
{
    return m->dev->k->kv_new(
        m->dev, m->info.layers, m->info.width, positions,
        m->format == CBX_FMT_F32 ? CBX_FMT_F32 : CBX_FMT_BF16, out, err);
}

static cbx_status check_config(const t3 *m, cbx_error *err)
{
    const t3_info *i = &m->info;

    if (i->heads < 1 || i->width % i->heads)
        return cbx_fail(err, CBX_E_SHAPE,
                        "a T3 of width %d cannot have %d heads: set t3.n_head "
                        "in config.json",
                        i->width, i->heads);
    if (i->start < 0 || i->start >= i->speech_vocab || i->stop < 0 ||
        i->stop >= i->speech_vocab)
        return cbx_fail(err, CBX_E_SHAPE,
                        "start and stop tokens %d and %d are outside the "
                        "speech vocabulary of %d",
                        i->start, i->stop, i->speech_vocab);
    return CBX_OK;
}

cbx_status t3_open(cbx_dev *dev, const cbx_tensor_file *file,
                   const cbx_config *config, cbx_format format, t3 **out,
                   cbx_error *err)
{
    cbx_status st;

    t3 *m = calloc(1, sizeof *m);
    if (!m)
        return cbx_fail(err, CBX_E_NOMEM, "no memory for T3");
    m->dev = dev;
    m->format = format;
    m->backbone = config->t3.gpt2 ? &t3_gpt2 : &t3_llama;
    m->config = config->t3;
    m->info.heads = config->t3.heads;
    m->info.start = config->t3.start_speech;
    m->info.stop = config->t3.stop_speech;
    if ((st = m->backbone->open(m, file, format, err)))
        goto close;
    if ((st = check_config(m, err)))
        goto close;
    if ((st = t3_watch_open(m, err)))
        goto close;
    if ((st = t3_work_open(m, T3_ROWS, m->info.positions, &m->work, err)))
        goto close;
    *out = m;
    return CBX_OK;

close:
    m->backbone->close(m);
    free(m->aligned);
    free(m);
    return st;
}

void t3_close(t3 *m)
{
    if (!m)
        return;
    t3_work_close(m, &m->work);
    m->backbone->close(m);
    free(m->aligned);
    free(m);
}

const t3_info *t3_get_info(const t3 *m)
{
    return &m->info;
}

void t3_run(const t3 *m, const t3_work *w, const cbx_seq *seqs, int n_seqs,
            const cbx_probe *probe)
{
    const cbx_kernels *k = m->dev->k;

    m->backbone->layers(m, w, seqs, n_seqs, probe);
    for (int i = 0; i < n_seqs; i++)
        k->kv_set_len(m->dev, seqs[i].kv, k->kv_len(seqs[i].kv) + seqs[i].rows);
}
