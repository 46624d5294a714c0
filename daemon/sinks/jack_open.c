#define _GNU_SOURCE
#include <dlfcn.h>
#include <jack/jack.h>
#include <stdarg.h>
#include <string.h>

/* Stands before libjack's function of this name for the whole program,
 * libportaudio included, and refuses PortAudio's own client (pa_jack.c gives it
 * this name), because that one ends the process when its server dies: even
 * Pa_Terminate asserts then (pa_jack.c: Terminate, CleanUpStream). All others
 * pass, so ALSA's jack plugin works. */
static const char refused[] = "PortAudio";

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
    if (!open || !strcmp(name, refused)) {
        *status = JackFailure | JackServerFailed;
        return NULL;
    }
    return server ? open(name, options, status, server)
                  : open(name, options, status);
}
