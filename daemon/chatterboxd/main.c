/* chatterboxd: the daemon. Listens first, and loads what it needs behind. */
#include "chatterbox/chatterbox.h"
#include "daemon/chatterboxd/config.h"
#include "daemon/chatterboxd/listen.h"
#include "daemon/chatterboxd/server.h"
#include "rt/log.h"
#include "rt/status.h"

#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const struct option options[] = {
    {"config", required_argument, NULL, 'c'},
    {"socket", required_argument, NULL, 's'},
    {"exit-when-idle", required_argument, NULL, 'e'},
    {"check-config", no_argument, NULL, 'k'},
    {"sample-config", no_argument, NULL, 'p'},
    {"version", no_argument, NULL, 'v'},
    {"help", no_argument, NULL, 'h'},
    {0},
};

static const char help[] =
    "Usage: chatterboxd [OPTION ...]\n"
    "Speaks what its clients ask for; see docs/DAEMON.md.\n\n"
    "  -c, --config FILE      configuration (default: "
    "~/.config/chatterbox/daemon.ini)\n"
    "  -s, --socket PATH      control socket (default: "
    "$XDG_RUNTIME_DIR/chatterbox/control.sock)\n"
    "      --exit-when-idle S ends after S seconds without client and speech\n"
    "      --check-config     reads the configuration, says what is wrong, and "
    "ends\n"
    "      --sample-config    prints a configuration with all keys\n"
    "      --version, --help\n";

static int complain(const cbx_error *err)
{
    fprintf(stderr, "chatterboxd: %s\n", err->text);
    return err->status == CBX_E_ARG ? 2 : 1;
}

/* systemd's journal reads a level in front of a line. */
static void print_log(void *arg, cbx_log_level level, const char *line)
{
    static const char *const names[] = {"error", "warning", "info", "debug"};
    static const int journal[] = {3, 4, 6, 7};
    if (arg)
        fprintf(stderr, "<%d>%s\n", journal[level], line);
    else
        fprintf(stderr, "chatterboxd: %s: %s\n", names[level], line);
}

typedef struct {
    const char *config, *socket;
    double exit_when_idle; /* negative: not given */
    bool check;
} command_line;

/* The exit code, or -1: go on. */
static int parse(int argc, char **argv, command_line *out)
{
    char *end;
    *out = (command_line){.exit_when_idle = -1};
    for (int c; (c = getopt_long(argc, argv, "c:s:h", options, NULL)) != -1;) {
        switch (c) {
        case 'c':
            out->config = optarg;
            break;
        case 's':
            out->socket = optarg;
            break;
        case 'e':
            out->exit_when_idle = strtod(optarg, &end);
            if (end == optarg || *end || !(out->exit_when_idle >= 0)) {
                fprintf(stderr,
                        "chatterboxd: --exit-when-idle %s: it must be a number "
                        "of seconds\n",
                        optarg);
                return 2;
            }
            break;
        case 'k':
            out->check = true;
            break;
        case 'p':
            daemon_config_print_sample(stdout);
            return 0;
        case 'v':
            printf("chatterboxd %s\n", cbx_version());
            return 0;
        case 'h':
            fputs(help, stdout);
            return 0;
        default:
            fputs("chatterboxd: see chatterboxd --help\n", stderr);
            return 2;
        }
    }
    if (optind < argc) {
        fprintf(stderr, "chatterboxd: '%s' is no option\n", argv[optind]);
        return 2;
    }
    return -1;
}

static int run(server_options *o, const char *path)
{
    cbx_error err;
    listening l;
    server *s;
    if (listen_open(path, &l, &err))
        return complain(&err);
    o->listener = l.fd;
    if (server_open(o, &s, &err)) {
        listen_close(&l);
        return complain(&err);
    }
    const int code = server_run(s);
    listen_close(&l); /* before the slow part, so that the next can start */
    server_close(s);
    cbx_log_drain();
    return code;
}

int main(int argc, char **argv)
{
    static server_options o;
    static char found[1024];
    command_line line;
    cbx_error err;
    const int code = parse(argc, argv, &line);
    if (code >= 0)
        return code;
    daemon_config_init(&o.config);
    if (!line.config && daemon_config_find(found, sizeof found))
        line.config = found;
    if (line.config && daemon_config_read(line.config, &o.config, &err))
        return complain(&err);
    if (line.check) {
        printf("%s: no fault found\n",
               line.config ? line.config : "no configuration file");
        return 0;
    }
    o.config_file = line.config;
    if (line.exit_when_idle >= 0)
        o.config.exit_when_idle = line.exit_when_idle;
    cbx_log_set_sink(print_log, getenv("JOURNAL_STREAM"),
                     (cbx_log_level)o.config.log);
    return run(&o, line.socket);
}
