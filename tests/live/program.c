#define _GNU_SOURCE
#include "tests/live/program.h"

#include "tests/check.h"

#include <fcntl.h>
#include <signal.h>
#include <sndfile.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static double seconds(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

static void run(const char *err_path, const char *const *words)
{
    char *argv[PROGRAM_WORDS + 2] = {(char *)CHATTERBOX};
    for (int i = 0; words[i] && i < PROGRAM_WORDS; i++)
        argv[i + 1] = (char *)words[i];
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    const int err = open(err_path, O_WRONLY | O_CREAT | O_TRUNC, 0600);
    const int null = open("/dev/null", O_RDWR);
    dup2(null, 0);
    dup2(null, 1);
    dup2(err, 2);
    execv(argv[0], argv);
    _exit(127);
}

void program_start(program *p, const char *const *words)
{
    static int serial;
    memset(p, 0, sizeof *p);
    snprintf(p->stderr_path, sizeof p->stderr_path, "program-%ld-%d.txt",
             (long)getpid(), serial++);
    p->pid = fork();
    CHECK(p->pid >= 0);
    if (p->pid == 0)
        run(p->stderr_path, words);
}

static void read_said(program *p)
{
    FILE *f = fopen(p->stderr_path, "rb");
    CHECK(f);
    p->said[fread(p->said, 1, sizeof p->said - 1, f)] = 0;
    fclose(f);
    unlink(p->stderr_path);
}

int program_wait(program *p, double most_seconds)
{
    const double until = seconds() + most_seconds;
    int status;
    while (waitpid(p->pid, &status, WNOHANG) == 0) {
        if (seconds() > until) {
            kill(p->pid, SIGKILL);
            waitpid(p->pid, &status, 0);
            read_said(p);
            fprintf(stderr, "still running after %.1f s:\n%s", most_seconds,
                    p->said);
            CHECK(!"the program ended in time");
        }
        nanosleep(&(struct timespec){.tv_nsec = 1000000}, NULL);
    }
    read_said(p);
    return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

uint64_t program_number(const program *p, const char *label)
{
    const char *at = strstr(p->said, label);
    if (!at)
        fprintf(stderr, "no '%s' in:\n%s", label, p->said);
    CHECK(at);
    return strtoull(at + strlen(label), NULL, 10);
}

static rendering read_wav(const char *path, uint32_t rate)
{
    SF_INFO info = {0};
    SNDFILE *f = sf_open(path, SFM_READ, &info);
    CHECK(f && info.channels == 1 && (uint32_t)info.samplerate == rate);
    rendering r = {.n = (uint32_t)info.frames};
    r.x = malloc(r.n * sizeof *r.x);
    CHECK(r.x && sf_readf_float(f, r.x, r.n) == info.frames);
    sf_close(f);
    unlink(path);
    return r;
}

rendering program_render(uint32_t rate, const char *seed, const char *text)
{
    char path[64], rate_text[16];
    program p;
    snprintf(path, sizeof path, "render-%ld.wav", (long)getpid());
    snprintf(rate_text, sizeof rate_text, "%u", (unsigned)rate);
    program_start(&p, (const char *[]){"render", "--rate", rate_text, "--seed",
                                       seed, "-o", path, text, NULL});
    const int code = program_wait(&p, 60);
    if (code)
        fprintf(stderr, "render: %s", p.said);
    CHECK(code == 0);
    rendering r = read_wav(path, rate);
    uint32_t first = 0;
    while (first < r.n && r.x[first] == 0.0f)
        first++;
    while (r.n > first && r.x[r.n - 1] == 0.0f)
        r.n--;
    r.n -= first;
    memmove(r.x, r.x + first, r.n * sizeof *r.x);
    CHECK(r.n > rate / 4);
    return r;
}
