#include "models/s3gen/cfm.h"

static void show_input(const unet *m, const cfm_run *r, cbx_mat in)
{
    static const char *const names[4] = {"z", "mu", "spks", "cond"};
    const cbx_kernels *k = r->dev->k;
    const size_t mark = space_mark(r->mem);
    cbx_mat t = space_mat(r->mem, 1, m->steps + 1);

    for (int i = 0; i < 4; i++)
        cbx_probe_seef(r->probe,
                       cbx_rows(cbx_cols(in, i * m->mels, m->mels), UNET_PAST,
                                i == 2 ? 1 : in.rows - UNET_PAST),
                       "flow.cfm.%s", names[i]);
    k->upload(r->dev, t.p, m->t, sizeof(float) * (size_t)(m->steps + 1));
    cbx_probe_see(r->probe, "flow.cfm.t", cbx_cols(t, 0, m->steps));
    if (m->meanflow)
        cbx_probe_see(r->probe, "flow.cfm.r", cbx_cols(t, 1, m->steps));
    space_rewind(r->mem, mark);
}

/* v0 absent without guidance. */
static void show_velocity(const cfm_run *r, int step, cbx_mat v, cbx_mat v0,
                          float cfg)
{
    const cbx_kernels *k = r->dev->k;
    const size_t mark = space_mark(r->mem);
    cbx_mat guided = space_mat(r->mem, v.rows, v.cols);

    k->zero(r->dev, guided);
    k->euler(r->dev, guided, v, v0, 1, cfg);
    cbx_probe_seef(r->probe, guided, "flow.cfm.step%d.dphi", step);
    if (v0.p) {
        cbx_probe_seef(r->probe, v, "flow.cfm.step%d.dphi_cond", step);
        cbx_probe_seef(r->probe, v0, "flow.cfm.step%d.dphi_uncond", step);
    }
    space_rewind(r->mem, mark);
}

/* row 0: with guidance's conditions, 1: without */
static past *past_of(const cfm_run *r, float cfg, int step, int row)
{
    return r->past ? &r->past[cfg != 0 ? 2 * step + row : step] : NULL;
}

void cfm_solve(const unet *m, float cfg, const cfm_run *r, cbx_mat in)
{
    const cbx_kernels *k = r->dev->k;
    const int frames = in.rows - UNET_PAST;
    const size_t mark = space_mark(r->mem);
    cbx_mat x = cbx_rows(cbx_cols(in, 0, m->mels), UNET_PAST, frames);
    cbx_mat v = space_mat(r->mem, frames, m->mels), v0 = {0}, in0 = {0};

    if (r->probe)
        show_input(m, r, in);
    if (cfg != 0) {
        v0 = space_mat(r->mem, frames, m->mels);
        in0 = space_mat(r->mem, in.rows, in.cols);
        k->zero(r->dev, in0);
    }
    for (int i = 0; i < m->steps; i++) {
        /* the goldens show the estimator's first call */
        const unet_run run = {r->dev, r->mem, i == 0 ? r->probe : NULL, i,
                              past_of(r, cfg, i, 0)};
        if (i)
            cbx_probe_seef(r->probe, x, "flow.cfm.step%d.x", i);
        unet_velocity(m, &run, in, v);
        if (v0.p) {
            const unet_run run0 = {r->dev, r->mem, NULL, i,
                                   past_of(r, cfg, i, 1)};
            k->copy(r->dev,
                    &(cbx_copy){.src = x,
                                .dst = cbx_rows(cbx_cols(in0, 0, m->mels),
                                                UNET_PAST, frames)});
            unet_velocity(m, &run0, in0, v0);
        }
        if (r->probe)
            show_velocity(r, i, v, v0, cfg);
        k->euler(r->dev, x, v, v0, m->t[i + 1] - m->t[i], cfg);
    }
    space_rewind(r->mem, mark);
}
