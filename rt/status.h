#ifndef CBX_RT_STATUS_H
#define CBX_RT_STATUS_H

#include "chatterbox/status.h"
#include "rt/annotate.h"

/* [any] Writes the sentence into *e (NULL is allowed) and returns `status`, so
 * that a function can end with `return cbx_fail(e, CBX_E_FILE, "...", ...)`.
 * The sentence names what is wrong, where, and what to do about it. */
CBX_PRINTF(3, 4)
cbx_status cbx_fail(cbx_error *e, cbx_status status, const char *fmt, ...);

#endif
