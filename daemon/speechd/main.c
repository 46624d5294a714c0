/* sd_chatterbox: the module that speech-dispatcher starts. It speaks the module
 * protocol on its standard streams, keeps no model, and has the daemon speak.
 */
#include "daemon/speechd/module.h"
#include "daemon/speechd/voices.h"

#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <unistd.h>

/* Standard error is the module's log, which the server opens. */
static void log_line(const char *sentence)
{
    fprintf(stderr, "sd_chatterbox: %s\n", sentence);
}

static void turn(sd_module *m, sd_input *in, cbx_buffer *line)
{
    struct pollfd p[] = {
        {.fd = in->fd, .events = POLLIN},
        {.fd = m->out.fd,
         .events = sd_output_waits(&m->out) ? (short)POLLOUT : (short)0},
        {.fd = sd_voice_fd(m->voice), .events = POLLIN},
    };
    /* While the server takes no more, the daemon is not asked for more. */
    if (m->speaking != SD_IDLE && sd_output_waits(&m->out))
        p[2].fd = -1;
    poll(p, 3, sd_voice_timeout(m->voice));
    if (p[0].revents) {
        sd_input_fill(in);
        while (sd_input_line(in, line))
            sd_module_line(m, line->data, line->n);
    }
    sd_output_write(&m->out);
    sd_module_speak(m);
    sd_voice_idle(m->voice);
}

static int serve(const sd_config *config, sd_voice *voice)
{
    sd_module m;
    sd_input in;
    cbx_buffer line = {0};
    sd_module_init(&m, config, voice, STDOUT_FILENO);
    m.list_voices = sd_list_voices;
    m.log = log_line;
    sd_input_init(&in, STDIN_FILENO);
    while (!m.quit && !in.ended && !m.out.broken)
        turn(&m, &in, &line);
    sd_output_flush(&m.out, 200);
    sd_input_free(&in);
    cbx_buffer_free(&line);
    sd_module_free(&m);
    return 0;
}

static void cannot_start(const cbx_error *err)
{
    log_line(err->text);
    printf("399-%s\n399 ERR CANT INIT MODULE\n", err->text);
    fflush(stdout);
}

int main(int argc, char **argv)
{
    sd_config config;
    sd_voice *voice;
    cbx_error err;
    signal(SIGPIPE, SIG_IGN);
    sd_config_init(&config);
    if (argc > 1)
        sd_config_read(&config, argv[1], log_line);
    if (sd_voice_open(&config, log_line, &voice, &err)) {
        cannot_start(&err);
        return 1;
    }
    const int code = serve(&config, voice);
    sd_voice_close(voice);
    return code;
}
