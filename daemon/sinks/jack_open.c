#define _GNU_SOURCE
#include "daemon/sinks/internal.h"

#include <dlfcn.h>
#include <jack/jack.h>
#include <stdarg.h>

/* Stands before libjack's function of this name for the whole program,
 * libportaudio included, and calls it unless this thread is to do without. */

static _Thread_local bool refused;

void sink_refuse_jack(bool refuse)
{
    refused = refuse;
}

jack_client_t *jack_client_open(const char *name, jack_options_t options,
                                jack_status_t *status, ...)
{
    jack_client_t *(*open)(const char *, jack_options_t, jack_status_t *, ...);
    jack_status_t ignored;
    const char *server = NULL;
    if (!status)
        status = &ignored;
    if (options & JackServerName) {
        va_list args;
        va_start(args, status);
        server = va_arg(args, const char *);
        va_end(args);
    }
    *(void **)&open = dlsym(RTLD_NEXT, "jack_client_open");
    if (refused || !open) {
        *status = JackFailure | JackServerFailed;
        return NULL;
    }
    return server ? open(name, options, status, server)
                  : open(name, options, status);
}
