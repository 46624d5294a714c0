#define _GNU_SOURCE
/* The checker catches each function it lists, and finds none of them in what
 * the audio thread calls. */
#include "rt/clock.h"
#include "rt/counter.h"
#include "rt/log.h"
#include "rt/priority.h"
#include "rt/queue.h"
#include "rt/ring.h"
#include "tests/check.h"
#include "tests/rt/rtcheck.h"

#include <fcntl.h>
#include <linux/futex.h>
#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <semaphore.h>
#include <stdarg.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

/* Kept from the optimiser, which removes a malloc that is only freed. */
static void *volatile kept;

/* Runs the statement in a section and sees that the function was noted. */
#define CAUGHT(name, statement)                                        \
    do {                                                               \
        rtcheck_reset();                                               \
        rtcheck_enter();                                               \
        statement;                                                     \
        rtcheck_leave();                                               \
        if (rtcheck_count(#name) < 1)                                  \
            fprintf(stderr, "not caught: %s\n", #name);                \
        CHECK(rtcheck_count(#name) >= 1 && rtcheck_violations() >= 1); \
    } while (0)

static void memory_is_caught(void)
{
    void *p = NULL;
    CAUGHT(malloc, kept = malloc(10));
    CAUGHT(realloc, kept = realloc(kept, 20));
    CAUGHT(free, free(kept));
    CAUGHT(calloc, kept = calloc(2, 10));
    free(kept);
    CAUGHT(posix_memalign, CHECK(posix_memalign(&p, 64, 64) == 0));
    free(p);
    CAUGHT(aligned_alloc, kept = aligned_alloc(64, 64));
    free(kept);
    CAUGHT(strdup, kept = strdup("text"));
    free(kept);
    CAUGHT(mmap,
           p = mmap(NULL, 4096, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0));
    CAUGHT(munmap, munmap(p, 4096));
}

static void *nothing(void *arg)
{
    return arg;
}

static void locks_and_threads_are_caught(void)
{
    pthread_mutex_t m = PTHREAD_MUTEX_INITIALIZER;
    pthread_cond_t c = PTHREAD_COND_INITIALIZER;
    pthread_rwlock_t rw = PTHREAD_RWLOCK_INITIALIZER;
    const struct timespec past = {1, 0};
    sem_t s;
    CHECK(sem_init(&s, 0, 0) == 0);
    CAUGHT(pthread_mutex_lock, pthread_mutex_lock(&m));
    CAUGHT(pthread_cond_timedwait, pthread_cond_timedwait(&c, &m, &past));
    pthread_mutex_unlock(&m);
    CAUGHT(pthread_mutex_trylock, CHECK(pthread_mutex_trylock(&m) == 0));
    pthread_mutex_unlock(&m);
    CAUGHT(pthread_cond_signal, pthread_cond_signal(&c));
    CAUGHT(pthread_cond_broadcast, pthread_cond_broadcast(&c));
    CAUGHT(pthread_rwlock_rdlock, pthread_rwlock_rdlock(&rw));
    pthread_rwlock_unlock(&rw);
    CAUGHT(pthread_rwlock_wrlock, pthread_rwlock_wrlock(&rw));
    pthread_rwlock_unlock(&rw);
    CAUGHT(sem_post, sem_post(&s));
    CAUGHT(sem_wait, sem_wait(&s));
    CAUGHT(sem_timedwait, sem_timedwait(&s, &past));
    sem_destroy(&s);
    pthread_t t;
    CAUGHT(pthread_create, CHECK(!pthread_create(&t, NULL, nothing, NULL)));
    CAUGHT(pthread_join, pthread_join(t, NULL));
}

typedef struct meeting {
    pthread_mutex_t lock;
    pthread_cond_t cond;
    int go;
} meeting;

static void *let_go(void *arg)
{
    meeting *m = arg;
    pthread_mutex_lock(&m->lock);
    m->go = 1;
    pthread_cond_signal(&m->cond);
    pthread_mutex_unlock(&m->lock);
    return NULL;
}

static void a_condition_wait_is_caught(void)
{
    meeting m = {PTHREAD_MUTEX_INITIALIZER, PTHREAD_COND_INITIALIZER, 0};
    pthread_t t;
    pthread_mutex_lock(&m.lock);
    CHECK(pthread_create(&t, NULL, let_go, &m) == 0);
    CAUGHT(pthread_cond_wait,
           while (!m.go) pthread_cond_wait(&m.cond, &m.lock));
    pthread_mutex_unlock(&m.lock);
    pthread_join(t, NULL);
}

static void waiting_is_caught(void)
{
    const struct timespec none = {0, 0};
    int word = 0;
    struct pollfd p = {.fd = -1};
    CAUGHT(sched_yield, sched_yield());
    CAUGHT(sleep, sleep(0));
    CAUGHT(usleep, usleep(1));
    CAUGHT(nanosleep, nanosleep(&none, NULL));
    CAUGHT(clock_nanosleep, clock_nanosleep(CLOCK_MONOTONIC, 0, &none, NULL));
    CAUGHT(clock_nanosleep, cbx_sleep_until(1)); /* inside our library */
    CAUGHT(syscall, syscall(SYS_futex, &word, FUTEX_WAKE, 1, NULL, NULL, 0));
    CAUGHT(poll, poll(&p, 1, 0));
}

static void files_and_sockets_are_caught(void)
{
    char byte = 0;
    int fd = -1, arg = 0;
    CAUGHT(open, fd = open("/dev/null", O_RDWR));
    CHECK(fd >= 0);
    CAUGHT(write, CHECK(write(fd, &byte, 1) == 1));
    CAUGHT(read, CHECK(read(fd, &byte, 1) == 0));
    CAUGHT(ioctl, ioctl(fd, FIONREAD, &arg));
    CAUGHT(close, close(fd));
    CAUGHT(openat, fd = openat(AT_FDCWD, "/dev/null", O_RDONLY));
    close(fd);
    CAUGHT(open64, fd = open64("/dev/null", O_RDONLY));
    close(fd);
    CAUGHT(openat64, fd = openat64(AT_FDCWD, "/dev/null", O_RDONLY));
    close(fd);
    const struct sockaddr nowhere = {.sa_family = AF_UNIX};
    CAUGHT(socket, fd = socket(AF_UNIX, SOCK_DGRAM, 0));
    CAUGHT(connect, connect(fd, &nowhere, sizeof nowhere));
    CAUGHT(send, send(fd, &byte, 1, MSG_DONTWAIT));
    CAUGHT(sendto, sendto(fd, &byte, 1, MSG_DONTWAIT, &nowhere, 2));
    CAUGHT(recv, recv(fd, &byte, 1, MSG_DONTWAIT));
    CAUGHT(recvfrom, recvfrom(fd, &byte, 1, MSG_DONTWAIT, NULL, NULL));
    close(fd);
}

static void print_v(FILE *f, const char *fmt, ...)
{
    va_list args;
    va_start(args, fmt);
    vfprintf(f, fmt, args);
    va_end(args);
}

/* The compiler and _FORTIFY_SOURCE may turn one function into another. */
#define CAUGHT_AS_ANY(statement)          \
    do {                                  \
        rtcheck_reset();                  \
        rtcheck_enter();                  \
        statement;                        \
        rtcheck_leave();                  \
        CHECK(rtcheck_violations() >= 1); \
    } while (0)

static void printing_is_caught(void)
{
    FILE *f = NULL;
    char text[64];
    volatile int n = 3;
    CAUGHT(fopen, f = fopen("/dev/null", "r+"));
    CHECK(f);
    CAUGHT_AS_ANY(fprintf(f, "%d\n", n));
    CAUGHT_AS_ANY(print_v(f, "%d\n", n));
    CAUGHT_AS_ANY(printf("%d lines like this one are expected\n", n));
    CAUGHT_AS_ANY(printf("they come from printf\n"));
    CAUGHT_AS_ANY(putchar('\n'));
    CAUGHT_AS_ANY(fputs("text", f));
    CAUGHT_AS_ANY(fputc('x', f));
    CAUGHT_AS_ANY(snprintf(text, sizeof text, "%d", n));
    CHECK(strcmp(text, "3") == 0);
    CAUGHT_AS_ANY(CHECK(cbx_fail(&(cbx_error){CBX_OK, ""}, CBX_E_ARG, "%d",
                                 n) == CBX_E_ARG)); /* inside our library */
    CAUGHT(fwrite, fwrite(text, 1, 2, f));
    CAUGHT(fflush, fflush(f));
    CAUGHT(fread, CHECK(fread(text, 1, 2, f) == 0));
    CAUGHT(fclose, fclose(f));
}

static void outside_a_section_nothing_is_counted(void)
{
    rtcheck_reset();
    kept = malloc(10);
    free(kept);
    rtcheck_enter();
    rtcheck_enter();
    rtcheck_leave();
    rtcheck_leave();
    usleep(1);
    CHECK(rtcheck_violations() == 0);
    CHECK(rtcheck_count("no_such_function") == -1);
}

static void *allocate(void *arg)
{
    kept = malloc(10);
    free(kept);
    return arg;
}

static void another_threads_calls_are_its_own(void)
{
    pthread_t t;
    rtcheck_reset();
    CHECK(pthread_create(&t, NULL, allocate, NULL) == 0);
    rtcheck_enter();
    const int64_t until = cbx_clock_ns() + CBX_NS_PER_MS;
    while (cbx_clock_ns() < until)
        continue;
    rtcheck_leave();
    CHECK(pthread_join(t, NULL) == 0);
    CHECK(rtcheck_violations() == 0);
}

static _Alignas(64) unsigned char block[1 << 16];

/* New frames in place of queued ones: the jump is inside a read. */
static uint64_t splice_at(cbx_ring *r, uint32_t epoch, int i)
{
    const uint64_t before = cbx_ring_skipped(r, epoch);
    if (i % 29 == 0)
        cbx_ring_splice(r, epoch, cbx_ring_place(r, epoch), 0.5f);
    if (i % 29 == 7)
        cbx_ring_arm(r);
    return before;
}

/* Cancels, pauses, underruns, gates, splices: every path of a read. */
static void what_the_audio_thread_calls_is_clean(void)
{
    cbx_arena arena = {block, sizeof block, 0};
    cbx_ring *r;
    cbx_queue *q;
    cbx_counter reads = 0;
    CHECK(cbx_ring_new(&arena, 1024, 64, &r, NULL) == CBX_OK);
    CHECK(cbx_queue_new(&arena, 8, sizeof(int), &q, NULL) == CBX_OK);
    float pcm[256] = {0}, out[256];
    uint32_t used = 0, jumps = 0;
    rtcheck_reset();
    for (int i = 0; i < 20000; i++) {
        const uint32_t e = cbx_ring_epoch(r);
        cbx_ring_begin(r, e);
        if (i % 3)
            cbx_ring_open_gate(r, e);
        const uint64_t skipped = splice_at(r, e, i);
        cbx_ring_write(r, e, pcm, (uint32_t)(i * 7 % 256));
        if (i % 41 == 0)
            cbx_ring_finish(r, e);
        if (i % 97 == 0)
            cbx_ring_cancel(r);
        if (i % 53 == 0)
            cbx_ring_pause(r, i % 2);
        rtcheck_enter();
        const uint64_t before = cbx_denormals_off();
        used += cbx_ring_read(r, out, (uint32_t)(i * 11 % 256)).frames;
        cbx_queue_push(q, &i);
        cbx_counter_add(&reads, 1);
        CBX_LOG_RT(CBX_LOG_DEBUG, "{}", cbx_log_int(i));
        cbx_denormals_restore(before);
        rtcheck_leave();
        jumps += cbx_ring_skipped(r, e) > skipped;
    }
    rtcheck_report(stderr);
    CHECK(rtcheck_violations() == 0);
    CHECK(jumps > 100);
    CHECK(used > 100000 && cbx_ring_underrun_events(r) > 0);
    CHECK(cbx_counter_get(&reads) == 20000);
}

static void no_sink(void *arg, cbx_log_level level, const char *line)
{
    (void)arg, (void)level, (void)line;
}

int main(void)
{
    cbx_log_set_sink(no_sink, NULL, CBX_LOG_DEBUG);
    memory_is_caught();
    locks_and_threads_are_caught();
    a_condition_wait_is_caught();
    waiting_is_caught();
    files_and_sockets_are_caught();
    printing_is_caught();
    outside_a_section_nothing_is_counted();
    another_threads_calls_are_its_own();
    what_the_audio_thread_calls_is_clean();
    return 0;
}
