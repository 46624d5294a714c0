#include "daemon/sinks/internal.h"

#include <dlfcn.h>
#include <jack/jack.h>

typedef void (*alsa_handler)(const char *file, int line, const char *function,
                             int error, const char *fmt, ...);

CBX_PRINTF(5, 6)
static void ignore_alsa(const char *file, int line, const char *function,
                        int error, const char *fmt, ...)
{
    (void)file;
    (void)line;
    (void)function;
    (void)error;
    (void)fmt;
}

static void ignore_jack(const char *message)
{
    (void)message;
}

static void install(void)
{
    /* ALSA comes in through PortAudio; it is not linked here */
    int (*set_alsa)(alsa_handler);
    *(void **)&set_alsa = dlsym(RTLD_DEFAULT, "snd_lib_error_set_handler");
    if (set_alsa)
        set_alsa(ignore_alsa);
    jack_set_error_function(ignore_jack);
    jack_set_info_function(ignore_jack);
}

void sink_quiet_libraries(void)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    pthread_once(&once, install);
}
