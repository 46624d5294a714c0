#ifndef CBX_ENGINE_START_H
#define CBX_ENGINE_START_H

#include <stdbool.h>

/* When to start playing: as soon as what is queued lasts until each of the
 * cells to come will be there, at the speed that was measured. On a machine
 * that is faster than real time that is soon; on a slower one when all that is
 * known to come cannot run dry any more. */
typedef struct start_view {
    double slowness; /* seconds that a second of speech takes to make */
    double queued;   /* seconds of sound that wait to be heard */
    double left;     /* seconds of speech that are still to be made */
    double speed;    /* of the sound against the speech: 1 */
    /* Seconds of speech in the cell after k more; above 0. */
    double (*cell)(const void *user, int k);
    const void *user;
} start_view;

/* [any] */
bool start_now(const start_view *v);

#endif
