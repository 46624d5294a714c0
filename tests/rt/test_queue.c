#include "rt/queue.h"
#include "tests/check.h"

#include <pthread.h>
#include <string.h>

enum { TOTAL = 200000 };

typedef struct message {
    uint32_t number;
    uint32_t twice;
    char pad[5];
} message;

static _Alignas(64) unsigned char block[1 << 16];

static cbx_queue *new_queue(uint32_t n)
{
    cbx_arena a = {block, sizeof block, 0};
    cbx_queue *q = NULL;
    CHECK(cbx_queue_new(&a, n, sizeof(message), &q, NULL) == CBX_OK);
    return q;
}

static bool push(cbx_queue *q, uint32_t i)
{
    const message m = {i, 2 * i, "four"};
    return cbx_queue_push(q, &m);
}

static void a_full_queue_refuses_and_keeps_what_it_has(void)
{
    cbx_queue *q = new_queue(4);
    for (uint32_t i = 0; i < 4; i++)
        CHECK(push(q, i));
    CHECK(!push(q, 9));
    CHECK(cbx_queue_count(q) == 4);
    message m;
    for (uint32_t i = 0; i < 4; i++)
        CHECK(cbx_queue_pop(q, &m) && m.number == i);
    CHECK(!cbx_queue_pop(q, &m));
    CHECK(cbx_queue_count(q) == 0);
}

static void bad_sizes_are_errors(void)
{
    cbx_arena a = {block, sizeof block, 0};
    cbx_queue *q;
    cbx_error e;
    CHECK(cbx_queue_new(&a, 0, 4, &q, &e) == CBX_E_ARG);
    CHECK(cbx_queue_new(&a, 4, 0, &q, &e) == CBX_E_ARG);
    CHECK(cbx_queue_new(&a, UINT32_MAX, 4, &q, &e) == CBX_E_ARG);
    CHECK(cbx_queue_new(&a, 1 << 20, 4096, &q, &e) == CBX_E_NOMEM);
}

static void *push_all(void *q)
{
    for (uint32_t i = 0; i < TOTAL;)
        if (push(q, i))
            i++;
        else
            sched_yield();
    return NULL;
}

static void every_message_crosses_threads_in_order(void)
{
    cbx_queue *q = new_queue(64);
    pthread_t pusher;
    CHECK(pthread_create(&pusher, NULL, push_all, q) == 0);
    for (uint32_t i = 0; i < TOTAL;) {
        message m;
        CHECK(cbx_queue_count(q) <= 64);
        if (!cbx_queue_pop(q, &m)) {
            sched_yield();
            continue;
        }
        CHECK(m.number == i && m.twice == 2 * i && !strcmp(m.pad, "four"));
        i++;
    }
    CHECK(pthread_join(pusher, NULL) == 0);
}

int main(void)
{
    a_full_queue_refuses_and_keeps_what_it_has();
    bad_sizes_are_errors();
    every_message_crosses_threads_in_order();
    return 0;
}
