#include "rt/status.h"

#include <stdarg.h>
#include <stdio.h>

cbx_status cbx_fail(cbx_error *e, cbx_status status, const char *fmt, ...)
{
    if (!e)
        return status;
    va_list args;
    va_start(args, fmt);
    vsnprintf(e->text, sizeof e->text, fmt, args);
    va_end(args);
    e->status = status;
    return status;
}
