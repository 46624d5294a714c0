#ifndef CBX_KERNELS_CPU_DETECT_H
#define CBX_KERNELS_CPU_DETECT_H

#include <stdbool.h>

/* [any] What this processor and its system can run, by its feature bits: never
 * by its name, which virtual machines change. */
bool cpu_has_avx2(void); /* with FMA and F16C */
bool cpu_has_avxvnni(void);
bool cpu_has_avx512(void); /* F, BW, DQ, VL, and AVX2 */
bool cpu_has_avx512vnni(void);
bool cpu_has_avx512bf16(void); /* and VNNI */
/* AMX of bf16, and AVX-512 with VNNI. The system is asked for its registers, so
 * to be called before threads are made. */
bool cpu_has_amx(void);

#endif
