#ifndef CBX_MODELS_PROBE_H
#define CBX_MODELS_PROBE_H

#include "kernels/kernels.h"

#include <stdarg.h>
#include <stdio.h>

/* Someone who looks at the stages of a model while it runs: the parity tool.
 * A model that is given one runs its operations apart, so that there is
 * something to see; the results stay the same within rounding.
 *
 * `m` is device memory, valid during the call only. Names are those of the
 * golden files ("t3.prefill.layer0.qkv"). */
typedef struct cbx_probe {
    void (*see)(void *user, const char *name, cbx_mat m);
    void *user;
} cbx_probe;

/* [decode] Nothing happens when p is NULL. */
static inline void cbx_probe_see(const cbx_probe *p, const char *name,
                                 cbx_mat m)
{
    if (p)
        p->see(p->user, name, m);
}

/* [decode] The same with a name in the manner of printf. */
CBX_PRINTF(3, 4)
static inline void cbx_probe_seef(const cbx_probe *p, cbx_mat m,
                                  const char *fmt, ...)
{
    char name[128];
    va_list args;

    if (!p)
        return;
    va_start(args, fmt);
    vsnprintf(name, sizeof name, fmt, args);
    va_end(args);
    p->see(p->user, name, m);
}

#endif
