#ifndef CBX_TESTS_SINKS_ALSA_H
#define CBX_TESTS_SINKS_ALSA_H

/* An ALSA world of this test's own, in place of the machine's: `devices` is
 * the text that defines them. A default device that does not open is always
 * there, because PortAudio asserts that one is defined. */
void alsa_world(const char *devices);
void alsa_world_end(void);

#endif
