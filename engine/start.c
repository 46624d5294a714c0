#include "engine/start.h"

/* The measure is taken over little, and later cells can be dearer. */
#define MARGIN 1.25

bool start_now(const start_view *v)
{
    double left = v->left, need = 0, have = v->queued;
    for (int k = 0; left > 0; k++) {
        const double cell = v->cell(v->user, k);
        const double next = cell < left ? cell : left;
        need += MARGIN * v->slowness * next;
        if (need > have)
            return false;
        have += next / v->speed;
        left -= next;
    }
    return true;
}
