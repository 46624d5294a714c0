#ifndef CBX_RT_ANNOTATE_H
#define CBX_RT_ANNOTATE_H

/* CBX_RT: may run on the audio thread. It does not allocate, lock, log, wait
 * or call the system. Clang 20 and later check it (-Wfunction-effects,
 * -fsanitize=realtime); tests/rt checks it at run time for every compiler. */
#if defined(__clang__) && __clang_major__ >= 20
#define CBX_RT __attribute__((nonblocking))
#else
#define CBX_RT
#endif

#define CBX_CHECK __attribute__((warn_unused_result))
#define CBX_PRINTF(fmt, args) __attribute__((format(printf, fmt, args)))

#endif
