#ifndef CBX_TESTS_RTCHECK_H
#define CBX_TESTS_RTCHECK_H

#include <stdio.h>

/* Counts what must not happen on the audio thread. A test links cbx_rtcheck,
 * which wraps the functions of rtcheck_list.def (ld --wrap) in everything that
 * is linked statically: our libraries and the test. Calls inside shared
 * libraries are not seen, and neither are those the compiler made inline.
 * Between enter and leave, on the thread that entered, each call is counted
 * and then carried out. Sections nest. */
void rtcheck_enter(void);
void rtcheck_leave(void);

/* Since the start or the last reset, of all threads. */
int rtcheck_violations(void);

/* Calls of one function by its name in rtcheck_list.def; -1 for a name that is
 * not in it. */
int rtcheck_count(const char *name);

/* One line for each function that was called. */
void rtcheck_report(FILE *to);

void rtcheck_reset(void);

#endif
