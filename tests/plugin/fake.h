#ifndef CBX_TESTS_PLUGIN_FAKE_H
#define CBX_TESTS_PLUGIN_FAKE_H

#include "plugin/core/plug.h"

/* A renderer without a model: its sound is a function of the request and the
 * frame, in pieces of changing size. A test can make it slow, take it away or
 * let it fail. */

enum { FAKE_FRAMES_PER_BYTE = 240 };

extern const plug_source fake_source;

/* What follows may be changed by a test while nothing is rendered, or at any
 * time where it is atomic. */
extern _Atomic bool fake_away;      /* nobody answers, jobs are lost */
extern _Atomic uint64_t fake_salt;  /* another model: another sound */
extern _Atomic uint32_t fake_most;  /* frames a read gives at most */
extern _Atomic int64_t fake_budget; /* frames until it goes away; -1: never */
extern _Atomic int fake_opened, fake_open_now, fake_users;

/* Frame i of what this request sounds like, at 24 kHz, within 24 bits. */
float fake_frame(const plug_request *r, uint64_t i);
uint64_t fake_length(const plug_request *r);
/* The whole of it at another rate, by one call of the resampler. The caller
 * frees it. */
float *fake_rendered(const plug_request *r, uint32_t rate, size_t *n);

/* Waits until all phrases are rendered or have failed. */
void fake_settle(plug *p);

#endif
