#ifndef CBX_DAEMON_CHATTERBOXD_JOBS_H
#define CBX_DAEMON_CHATTERBOXD_JOBS_H

#include "daemon/chatterboxd/library.h"
#include "daemon/chatterboxd/service.h"

#include <pthread.h>
#include <stdatomic.h>

/* What the parts of the service share; nothing here is for its users.
 *
 * One lock for all queues and jobs, held for microseconds. Each outlet has a
 * thread, which speaks one job at a time and calls all of its jobs' callbacks
 * (without the lock). */

typedef enum { JOB_WAITING, JOB_SPEAKING, JOB_OVER } job_state;

enum { JOB_STRINGS = 5 }; /* voice, model, language, sampling, sink */

struct service_job {
    service *service;
    service_outlet *outlet;
    service_job *next; /* in the service's list, oldest first */
    int holds;
    uint64_t owner, number, from, serial;
    char name[64];
    cbx_say say; /* its strings are ours */
    char *strings[JOB_STRINGS];
    service_consumer consumer;

    job_state state;
    const char *why; /* it is to end, and why; NULL: it is not */
    _Atomic bool cancelled;
    bool paused, told_paused;
    bool last_progress; /* the last one of a series: to be heard */

    char *text; /* [n]; [given, n) is not in the stream yet */
    size_t n, room, given;
    bool more, finished; /* more may come; the stream knows the end */

    float live[3]; /* speed, pitch, gain: as cbx_live */
    bool live_changed, live_told;
    cbx_stream *stream;     /* while it is speaking */
    _Atomic uint64_t frame; /* as last told */
    _Atomic uint32_t rate;
    cbx_error late; /* a fault of the text, told when what is before it was
                     * spoken */
    bool owns_outlet;
};

/* How an outlet's sound gets on; called by its thread. */
typedef struct outlet_ops {
    /* Ready to play; *rate: what streams have to give. */
    cbx_status (*open)(service_outlet *o, uint32_t *rate, cbx_error *err);
    void (*begin)(service_outlet *o, service_job *j, cbx_stream *stream);
    /* Waits a moment for something to do, and does it; tells events. */
    cbx_status (*move)(service_outlet *o, service_job *j, cbx_stream *stream,
                       cbx_error *err);
    /* Every frame was taken, or, after a cancel, may be forgotten. */
    bool (*over)(service_outlet *o, service_job *j, cbx_stream *stream);
    void (*end)(service_outlet *o, service_job *j, cbx_stream *stream,
                bool complete);
    /* Nothing was said for that many seconds. Returns seconds to the next
     * call, negative: never. */
    double (*idle)(service_outlet *o, double seconds);
    void (*close)(service_outlet *o);
} outlet_ops;

struct service_outlet {
    service *service;
    service_outlet *next; /* in the service's list */
    const outlet_ops *ops;
    pthread_t thread;
    pthread_cond_t wake;
    service_job *current;
    bool quit, once; /* once: ends with its first job */
    int64_t idle_since;

    service_consumer consumer; /* of outlet_consumer_ops */
    uint32_t rate;
    float *block;      /* [OUTLET_BLOCK] */
    uint64_t position; /* frames of the current job that were taken */

    struct device *device; /* of outlet_device_ops */
    config_sink sink;      /* name: "" for a consumer */
};
enum { OUTLET_BLOCK = 1024 };

struct service {
    pthread_mutex_t lock;
    daemon_config config;
    library *library;
    service_job *jobs;
    service_outlet *outlets;
    uint64_t serials, owners;
    bool refusing;
    pthread_t warmer;
    bool has_warmer;
    int64_t started_ns;
    double audio_seconds;
    uint64_t accepted, spoken, cancelled, failed, underruns;
};

extern const outlet_ops outlet_consumer_ops, outlet_device_ops;

/* -- job.c ----------------------------------------------------------------- */

/* A copy of the request, with one hold, in no list. */
CBX_CHECK cbx_status job_new(service *s, const service_request *r,
                             service_job **out, cbx_error *err);
void job_unhold(service_job *j); /* [lock] frees with the last hold */
/* [lock] Marks it as to be ended, and silences it. */
void job_cancel(service_job *j, const char *why);
/* Calls back; not with the lock. `kind` and what fits it are the caller's. */
void job_tell(service_job *j, cbx_client_event event);
/* [lock] Text and its end into the stream, as far as it takes them. */
cbx_status job_feed(service_job *j, cbx_error *err);
/* Engine events that are due. CBX_E_DEVICE etc.: decoding failed. */
cbx_status job_tell_engine(service_job *j, cbx_stream *stream, cbx_error *err);
/* Checks and applies what was asked for. */
cbx_status job_params(const service_job *j, cbx_params *p, uint32_t rate,
                      cbx_error *err);
cbx_status job_check(const cbx_say *say, cbx_error *err);

/* -- priorities.c ---------------------------------------------------------- */

/* [lock] Before `j` joins its outlet's queue: whom it ends, or whether it is
 * ended itself (docs/DAEMON.md has the table). */
void priorities_arrive(service_job *j);
/* [lock] Who speaks next on the outlet, or NULL. */
service_job *priorities_next(const service_outlet *o);

/* -- outlet.c -------------------------------------------------------------- */

/* [setup] Starts its thread. */
CBX_CHECK cbx_status outlet_start(service *s, service_outlet *o,
                                  cbx_error *err);
/* [setup] Ends the thread and frees it. */
void outlet_close(service_outlet *o);
/* [lock] */
void outlet_wake(service_outlet *o);
/* [lock, released meanwhile] Sleeps up to `seconds`. */
void outlet_sleep(service_outlet *o, double seconds);

/* -- device.c -------------------------------------------------------------- */

/* [setup] Of a sink; not started. NULL: no memory. */
service_outlet *device_outlet_new(const config_sink *c);
void device_outlet_free(service_outlet *o); /* one that was never started */
/* [any] *out only where it is open. */
void device_info(const service_outlet *o, bool *open, cbx_sink_info *out);

/* -- speak.c --------------------------------------------------------------- */

/* [outlet's thread] The whole life of a job that was picked, with its last
 * event. */
void speak(service_outlet *o, service_job *j);
/* [outlet's thread] The last event of a job that never spoke. */
void speak_never(service_job *j);

#endif
