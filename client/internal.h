#ifndef CBX_CLIENT_INTERNAL_H
#define CBX_CLIENT_INTERNAL_H

#include "chatterbox/client.h"
#include "client/lines.h"
#include "client/say_json.h"
#include "client/shring.h"
#include "rt/clock.h"

#include <pthread.h>

/* What the parts of the client library share. One lock for everything but the
 * rings; it is held for microseconds, and sockets are only tried, never waited
 * for, while it is held. */

typedef struct event_queue {
    cbx_client_event *events; /* [room], in a circle */
    size_t first, n, room;
} event_queue;
enum { EVENTS_MOST = 1024 };

/* A line on its way, and the descriptor that goes with it. */
typedef struct out_line {
    struct out_line *next;
    char *data;
    size_t n, sent;
    int fd; /* -1: none; never closed here */
} out_line;

typedef struct job {
    struct job *next; /* oldest first */
    uint64_t number;
    json_t *say; /* the request but for text, job, from, more and audio */
    char *text;  /* [n]; [sent, n) is not on its way yet */
    size_t n, room, sent;
    char tail[4]; /* the beginning of a character that append cut */
    size_t tail_n;
    bool more;               /* the caller will append */
    bool told, told_more;    /* say was sent; and that more comes */
    bool stopped, kept;      /* the caller ended it; say.keep */
    cbx_client_audio *audio; /* or NULL */
    cbx_priority priority;
    uint64_t frame;     /* where the listener is, on a sink */
    event_queue *queue; /* where its events go */
} job;

/* A question that waits for its answer. */
typedef struct question {
    struct question *next;
    int64_t id;
    json_t *answer; /* NULL: none yet */
    bool lost;
} question;

struct cbx_client_audio {
    cbx_client *client;
    cbx_client_audio *next;
    int64_t number;
    int fd;
    cbx_shring_map map;
    cbx_shring_reader reader; /* the [audio] thread's */
    _Atomic uint64_t newest;  /* job that was said to it last */
    _Atomic int pending;      /* jobs that are not over */
    bool asked;               /* an AUDIO event is wanted */
    bool told;                /* the daemon has its memory */
};

struct cbx_client {
    char *name, *path, *program, *config;
    bool spawn;

    pthread_t thread;
    pthread_mutex_t lock;
    pthread_cond_t changed; /* events, answers, frames, the connection */
    int wake;               /* eventfd: the thread has to look */
    int ready;              /* eventfd: there are events */
    bool quit;

    int fd; /* -1: not connected */
    bool greeted;
    bool refused; /* this daemon does not want us: no hurry */
    char why[256];
    cbx_line_reader in;
    out_line *out, **out_end;

    event_queue events;
    job *jobs;
    uint64_t last_job;
    int n_jobs;
    size_t text_bytes; /* of all jobs */
    question *questions;
    int64_t last_id;
    cbx_client_audio *audios;
    int64_t last_audio;
};

/* -- events.c -- all [lock] */
void client_events_add(cbx_client *c, event_queue *q,
                       const cbx_client_event *e);
bool client_events_take(cbx_client *c, event_queue *q, cbx_client_event *out);
void client_events_free(event_queue *q);
/* Waits for `changed`, up to that time on the monotonic clock. */
void client_wait_until(cbx_client *c, int64_t until_ns);

/* -- link.c -- all [lock] */
/* Tries to connect; greets. False: nobody is there (c->why). */
bool client_link_open(cbx_client *c);
/* Forgets the connection; jobs are to be sent again. */
void client_link_lose(cbx_client *c, const char *why);
/* Queues a line (takes the reference) and tries to send. */
void client_link_send(cbx_client *c, json_t *object, int fd);
void client_link_flush(cbx_client *c);
/* Reads what is there and does what it says. */
void client_link_receive(cbx_client *c);

/* -- jobs.c -- all [lock] */
/* Sends what of the job was not sent on this connection. */
void client_job_send(cbx_client *c, job *j);
/* All jobs, on a new connection. */
void client_jobs_send_again(cbx_client *c);
job *client_job_find(cbx_client *c, uint64_t number);
/* Adds its last event and forgets it. */
void client_job_over(cbx_client *c, job *j, const cbx_client_event *last);
void client_jobs_free(cbx_client *c);
cbx_status client_job_say(cbx_client *c, const cbx_say *say, event_queue *q,
                          uint64_t *number, cbx_error *err);
void client_job_stop(cbx_client *c, job *j);

/* -- audio.c -- [lock] */
void client_audio_send(cbx_client *c, cbx_client_audio *a);
cbx_client_audio *client_audio_numbered(cbx_client *c, int64_t number);
/* Frames came, or a job of it is over. */
void client_audio_signal(cbx_client *c, cbx_client_audio *a);

/* -- spawn.c -- waits for fork only */
void client_spawn(const cbx_client *c);

#endif
