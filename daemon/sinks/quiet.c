#define _GNU_SOURCE
#include "daemon/sinks/internal.h"

#include <dlfcn.h>
#include <fcntl.h>
#include <jack/jack.h>
#include <unistd.h>

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

int sink_mute_begin(void)
{
    const int null = open("/dev/null", O_WRONLY | O_CLOEXEC);
    const int saved = null < 0 ? -1 : fcntl(2, F_DUPFD_CLOEXEC, 3);
    if (saved >= 0)
        dup2(null, 2);
    if (null >= 0)
        close(null);
    return saved;
}

void sink_mute_end(int token)
{
    if (token < 0)
        return;
    dup2(token, 2);
    close(token);
}
