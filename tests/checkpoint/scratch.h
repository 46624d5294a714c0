#ifndef CBX_TESTS_CHECKPOINT_SCRATCH_H
#define CBX_TESTS_CHECKPOINT_SCRATCH_H

#include "rt/status.h"

#include <stddef.h>

/* A folder of this test's own below the working directory, gone at exit. */
const char *scratch_folder(void);

/* folder + "/" + name; valid until four more calls. */
const char *scratch_path(const char *name);

/* Writes a file into the folder and returns its path. */
const char *scratch_write(const char *name, const void *data, size_t n);
void scratch_remove(const char *name);

/* Fails the test unless st is `want` and the sentence holds `part`, is one
 * line, and is not cut off. `what` names the case. */
void check_refused(const char *what, cbx_status st, const cbx_error *err,
                   cbx_status want, const char *part);

#endif
