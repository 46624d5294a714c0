#ifndef CBX_TESTS_LIVE_PROGRAM_H
#define CBX_TESTS_LIVE_PROGRAM_H

#include <stdint.h>
#include <sys/types.h>

enum { PROGRAM_WORDS = 24 };

/* One run of the chatterbox program that was built with the tests. */
typedef struct program {
    pid_t pid;
    char stderr_path[64];
    char said[8192]; /* after program_wait: what it wrote to standard error */
} program;

/* `words`: its arguments, up to a NULL. It ends with the test. */
void program_start(program *p, const char *const *words);

/* Its exit code. It is killed, and the test fails, if it runs longer. */
int program_wait(program *p, double most_seconds);

/* The number after `label` in what it said ("underruns: "). */
uint64_t program_number(const program *p, const char *label);

/* What `chatterbox render --rate RATE --seed SEED TEXT` writes: the frames
 * between its first and last one that is not zero. */
typedef struct rendering {
    float *x;
    uint32_t n;
} rendering;
rendering program_render(uint32_t rate, const char *seed, const char *text);

#endif
