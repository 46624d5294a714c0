#ifndef CBX_DAEMON_CHATTERBOXD_SERVICE_H
#define CBX_DAEMON_CHATTERBOXD_SERVICE_H

#include "chatterbox/client.h"
#include "daemon/chatterboxd/config.h"
#include "rt/annotate.h"

#include <jansson.h>

/* What the daemon does, without the socket: it speaks texts, each as a job, on
 * a sink (one queue each, SSIP's priorities) or into a consumer of the caller.
 * Every front-end of the process (control socket, HTTP, Wyoming) uses it:
 *
 *   service_consumer to = {.frames = write_pcm, .event = tell, .user = me};
 *   cbx_say say;
 *   cbx_say_init(&say);
 *   say.text = "Good morning.";
 *   service_speak(service, &(service_request){.say = &say, .rate = 24000,
 *                 .consumer = &to, .name = "http"}, &job, &err);
 *   ... write_pcm and tell are called on the job's thread, until tell has got
 *       ENDED, CANCELLED or ERROR: the last call ...
 *   service_release(job);          cancels, if it is not over yet
 *
 * A job's way: WAITING (accepted; its model may still be loading), SPEAKING,
 * over. The sound equals that of `chatterbox render`. All functions may be
 * called by any thread but the callbacks' own, unless they say so; none waits
 * for a model, a device or a reader, unless it says so. */
typedef struct service service;
typedef struct service_job service_job; /* counted; see service_release */
typedef struct service_outlet service_outlet;

/* -- the service ----------------------------------------------------------- */

/* [setup] Returns at once; models are loaded in the background. */
CBX_CHECK cbx_status service_open(const daemon_config *c, service **out,
                                  cbx_error *err);
/* [setup] Cancels what is there ("shutdown"), waits for threads and devices. */
void service_close(service *s);

/* Another configuration for what comes from now on. Sinks that changed are
 * closed when they are idle. */
void service_configure(service *s, const daemon_config *c);

/* No new job is taken from here on (CBX_E_DEVICE: the daemon is stopping). */
void service_refuse(service *s);
/* Jobs that are not over. */
int service_busy(service *s);
/* From the main loop, now and then: idle unloading. Returns the seconds until
 * the next time, at most 60. */
double service_tick(service *s);

/* -- jobs ------------------------------------------------------------------ */

/* Where a job's sound goes. NULL: that call is not wanted. `user` must live
 * until service_release (or, for an outlet, service_outlet_close) returned. */
typedef struct service_consumer {
    /* [job's thread] The job begins; its sound starts at its frame `from`. */
    void (*begin)(void *user, service_job *job, uint64_t from);
    /* [job's thread] Takes all n mono frames, at the request's rate; may wait:
     * the job is held meanwhile, and should look at service_cancelled. Events
     * that belong to these frames were given before. False: the reader has
     * gone; the job is cancelled ("client"). */
    bool (*frames)(void *user, service_job *job, const float *frames,
                   uint32_t n);
    /* [job's thread] Asked now and then while there are no frames: whether
     * somebody still wants them. False: as with `frames`. */
    bool (*wanted)(void *user, service_job *job);
    /* [job's thread] No more frames; complete: all there were. Comes before the
     * last event. */
    void (*end)(void *user, service_job *job, bool complete);
    /* [job's thread] Every event, with the kinds and the meaning of
     * include/chatterbox/client.h; event->job is request.number. QUEUED, and on
     * a sink the CANCELLED of a job that never spoke, come on the thread that
     * asked for it, with the service's lock: call nothing of the service then;
     * else service_cancel and service_number are allowed. */
    void (*event)(void *user, service_job *job, const cbx_client_event *event);
    /* [job's thread] Where the listener is; on a sink, some 5 times a second.
     */
    void (*progress)(void *user, service_job *job, uint64_t frame,
                     uint32_t rate);
    void *user;
} service_consumer;

typedef struct service_request {
    const cbx_say *say; /* copied; `audio` does not count */
    /* Where to: an outlet, or `consumer.frames`, or (neither) say->sink. */
    service_outlet *outlet;
    const service_consumer *consumer; /* copied; on a sink, frames is unused */
    uint32_t rate;                    /* with consumer.frames */
    uint64_t from;                    /* frames of it that were heard already */
    uint64_t owner;   /* whose job: 0, or a number of service_owner */
    uint64_t number;  /* the owner's name for it */
    const char *name; /* of the owner, for the queue's list */
} service_request;

/* A new number, for the jobs of one connection. */
uint64_t service_owner(service *s);

/* Accepts a text: CBX_OK, and the job will end with exactly one of ENDED,
 * CANCELLED and ERROR. Refuses: CBX_E_ARG (a value out of range, no such
 * sink), CBX_E_LIMIT, CBX_E_TEXT (not UTF-8, or a NUL byte). `out` may be NULL
 * where the owner needs no hold on it. */
CBX_CHECK cbx_status service_speak(service *s, const service_request *r,
                                   service_job **out, cbx_error *err);

/* Drops the hold of service_speak. Of a job with consumer.frames: cancels it if
 * it is not over, and returns when no callback runs nor will: waits for a
 * callback that runs. [not in a callback] Accepts NULL. */
void service_release(service_job *job);
/* The owner's job of that number that is not over, or NULL; for
 * service_unhold. */
service_job *service_find(service *s, uint64_t owner, uint64_t number);
void service_unhold(service_job *job);

/* With say->more: more text, and its end. CBX_E_LIMIT, CBX_E_ARG (it ended). */
CBX_CHECK cbx_status service_append(service_job *job, const char *text,
                                    size_t bytes, cbx_error *err);
void service_finish(service_job *job);
/* CBX_E_ARG: out of range. */
CBX_CHECK cbx_status service_set(service_job *job, cbx_live what, float value,
                                 cbx_error *err);
/* why: a literal: "stop", "client", ... */
void service_cancel(service_job *job, const char *why);
/* [any] Whether it is to end: for consumers that wait. */
bool service_cancelled(const service_job *job);
uint64_t service_number(const service_job *job);

/* Several jobs at a time. Zero or NULL: any. */
typedef struct service_target {
    uint64_t owner, number;
    const char *sink;
    service_outlet *outlet;
    bool has_priority;
    cbx_priority priority;
    bool spare_kept; /* not those with say->keep */
} service_target;
/* How many there were. */
int service_stop(service *s, const service_target *which, const char *why);
int service_pause(service *s, const service_target *which, bool on);

/* -- outlets --------------------------------------------------------------- */

/* A queue of its own whose jobs' sound goes to one consumer: an audio of the
 * control socket. [setup] */
CBX_CHECK cbx_status service_outlet_open(service *s,
                                         const service_consumer *consumer,
                                         uint32_t rate, service_outlet **out,
                                         cbx_error *err);
/* [setup, waits for a callback that runs] Cancels its jobs ("client"). */
void service_outlet_close(service_outlet *o);

/* -- lists, as docs/PROTOCOL.md has them; the caller's -------------------- */

json_t *service_queue(service *s);
json_t *service_sinks(service *s);
json_t *service_models(service *s);
json_t *service_voices(service *s);
json_t *service_stats(service *s);
/* [may wait for a model] NULL: err. */
json_t *service_parameters(service *s, const char *model, const char *voice,
                           cbx_error *err);

#endif
