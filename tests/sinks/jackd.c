#define _GNU_SOURCE
#include "tests/sinks/jackd.h"

#include "tests/check.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

/* libdb, in which libjack keeps the names of ports, takes its own locks in two
 * orders. */
const char *__tsan_default_suppressions(void);
const char *__tsan_default_suppressions(void)
{
    return "deadlock:libdb-5.3.so\n";
}

static pid_t server;

/* Everything ends with the test, however the test ends. A server is asked, not
 * killed: only then does it give back its place among the eight that a machine
 * can have. */
static pid_t spawn(char *const argv[], int out, int end_with)
{
    const pid_t pid = fork();
    CHECK(pid >= 0);
    if (pid)
        return pid;
    prctl(PR_SET_PDEATHSIG, end_with);
    const int null = open("/dev/null", O_RDWR);
    dup2(out >= 0 ? out : null, 1);
    if (!getenv("CBX_TEST_VERBOSE"))
        dup2(null, 2);
    execvp(argv[0], argv);
    _exit(127);
}

static void end_server_with(int signal_number)
{
    int status;
    CHECK(server > 0);
    const pid_t pid = server;
    server = 0;
    CHECK(!kill(pid, signal_number));
    CHECK(waitpid(pid, &status, 0) == pid);
    /* it had not died before */
    CHECK(signal_number == SIGTERM || WIFSIGNALED(status));
}

void jackd_kill(void)
{
    end_server_with(SIGKILL);
}

void jackd_stop(void)
{
    end_server_with(SIGTERM);
}

static void stop_at_exit(void)
{
    if (server > 0)
        jackd_stop();
}

/* The same name for each run of a test in a folder: a server that was killed
 * keeps its place until one of its name comes. */
static void make_name(char *name, size_t room)
{
    char here[400];
    unsigned hash = 5381;
    CHECK(getcwd(here, sizeof here));
    for (const char *c = here; *c; c++)
        hash = hash * 33 + (unsigned char)*c;
    snprintf(name, room, "%s-%u", program_invocation_short_name, hash);
}

void jackd_start(uint32_t rate, uint32_t period)
{
    static char name[64], rate_text[16], period_text[16];
    if (system("command -v jackd >/dev/null 2>&1"))
        SKIP("jackd is not installed");
    if (!name[0])
        atexit(stop_at_exit);
    make_name(name, sizeof name);
    snprintf(rate_text, sizeof rate_text, "%u", (unsigned)rate);
    snprintf(period_text, sizeof period_text, "%u", (unsigned)period);
    setenv("JACK_DEFAULT_SERVER", name, 1);
    setenv("JACK_NO_START_SERVER", "1", 1);
    /* -S: a machine that is busy makes the clock late, not the sound broken */
    char *const argv[] = {"jackd",   "-n",   name,        "-r",    "-S",
                          "-t",      "5000", "-d",        "dummy", "-r",
                          rate_text, "-p",   period_text, NULL};
    server = spawn(argv, -1, SIGTERM);
}

static void expect_line(ear *e, const char *want)
{
    char line[64];
    size_t n = 0;
    while (n < sizeof line - 1 && read(e->out, line + n, 1) == 1 &&
           line[n] != '\n')
        n++;
    line[n] = 0;
    if (strcmp(line, want))
        fprintf(stderr, "the ear said '%s', not '%s'\n", line, want);
    CHECK(!strcmp(line, want));
}

void ear_start(ear *e, const char *port)
{
    static int serial;
    int fds[2];
    memset(e, 0, sizeof *e);
    snprintf(e->path, sizeof e->path, "ear-%ld-%d.f32", (long)getpid(),
             serial++);
    CHECK(!pipe2(fds, O_CLOEXEC));
    char *const argv[] = {JACK_EAR, e->path, (char *)port, NULL};
    e->pid = spawn(argv, fds[1], SIGKILL);
    e->out = fds[0];
    close(fds[1]);
    expect_line(e, "ready");
}

void ear_wait_connected(ear *e)
{
    expect_line(e, "connected");
}

static void read_recording(ear *e)
{
    struct stat st;
    FILE *f = fopen(e->path, "rb");
    CHECK(f && !fstat(fileno(f), &st));
    const size_t n = (size_t)st.st_size / sizeof(float);
    e->frames = malloc(n * sizeof(float) + 1);
    CHECK(e->frames && fread(e->frames, sizeof(float), n, f) == n);
    fclose(f);
    unlink(e->path);
    size_t first = 0, last = n;
    while (first < n && e->frames[first] == 0.0f)
        first++;
    while (last > first && e->frames[last - 1] == 0.0f)
        last--;
    e->n = (uint32_t)(last - first);
    memmove(e->frames, e->frames + first, e->n * sizeof(float));
}

void ear_finish(ear *e)
{
    int status;
    kill(e->pid, SIGTERM);
    CHECK(waitpid(e->pid, &status, 0) == e->pid);
    CHECK(WIFEXITED(status) && WEXITSTATUS(status) == 0);
    close(e->out);
    read_recording(e);
}

void ear_free(ear *e)
{
    free(e->frames);
}
