#ifndef CBX_TOOLS_PARITY_WATCH_H
#define CBX_TOOLS_PARITY_WATCH_H

#include "models/probe.h"
#include "tools/parity/report.h"

/* Keeps every matrix that a model shows through its probe, on the host. It can
 * also put the reference's values in the place of what was shown, so that the
 * stages behind it run from those. */

typedef struct watch_swap {
    const char *name;
    const float *v; /* host, in our order; NULL: none */
    size_t n;
} watch_swap;

enum { WATCH_SWAPS = 2 };

typedef struct watch_entry {
    char name[128];
    float *v;
    size_t rows, cols;
} watch_entry;

typedef struct watch {
    cbx_probe probe; /* to be handed to the model */
    cbx_dev *dev;
    bool append; /* a name seen again brings further rows; else the first one
                  * counts */
    const char *ignore; /* names with this pattern, or NULL */
    const char *prefix; /* of the golden's keys, in front of the names; those
                         * that the golden lacks are left out then. Or NULL */
    watch_swap swaps[WATCH_SWAPS];
    watch_entry *entries;
    size_t n, room;
} watch;

/* The watch must stay where it is while a model has its probe. */
void watch_open(watch *w, cbx_dev *dev, bool append);
void watch_close(watch *w);

/* NULL when nothing of that name was shown. */
const watch_entry *watch_find(const watch *w, const char *name);

/* Compares all that was shown with the golden tensors of the same names, in
 * the order in which it was shown; names to be ignored left out. */
void watch_report(const watch *w, report *r);

#endif
