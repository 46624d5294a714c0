/* Starting the daemon where none listens. */
#define _GNU_SOURCE /* execvpe, close_range */
#include "client/internal.h"

#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

/* $CHATTERBOXD, the one beside the running program, or what PATH has. */
static void find_program(const cbx_client *c, char *out, size_t size)
{
    const char *set = getenv("CHATTERBOXD");
    char self[400];
    if (c->program || (set && *set)) {
        snprintf(out, size, "%s", c->program ? c->program : set);
        return;
    }
    const ssize_t n = readlink("/proc/self/exe", self, sizeof self - 1);
    self[n > 0 ? n : 0] = 0;
    char *slash = strrchr(self, '/');
    if (slash) {
        *slash = 0;
        snprintf(out, size, "%s/chatterboxd", self);
        if (access(out, X_OK) == 0)
            return;
    }
    snprintf(out, size, "chatterboxd");
}

/* In the grandchild: only calls that are safe after a fork of a program with
 * threads. It must not be ours: no terminal, no descriptors, no signals. */
static void become(char *const *argv)
{
    const int null = open("/dev/null", O_RDWR);
    sigset_t none;
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, NULL);
    setsid();
    for (int fd = 0; null >= 0 && fd <= 2; fd++)
        dup2(null, fd);
    close_range(3, ~0U, 0);
    if (chdir("/") == 0)
        execvp(argv[0], argv);
    _exit(127);
}

/* Two clients may do so at once: the second daemon finds the first one's lock,
 * and ends. */
void client_spawn(const cbx_client *c)
{
    char program[512];
    char *argv[8] = {program, "--socket", c->path, "--exit-when-idle", "600"};
    if (c->config) {
        argv[5] = "--config";
        argv[6] = c->config;
    }
    find_program(c, program, sizeof program);
    const pid_t child = fork();
    if (child == 0) {
        if (fork() == 0)
            become(argv);
        _exit(0);
    }
    if (child > 0)
        waitpid(child, NULL, 0);
}
