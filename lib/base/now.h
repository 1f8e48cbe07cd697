/* What time it is: real time since 1970, UTC, as the machine has it; steady time from anywhere on, never set back;
 * and the processor time that this process has used. */
#ifndef LIB_BASE_NOW_H
#define LIB_BASE_NOW_H

#include <stdint.h>

int64_t real_now_us(void);
int64_t real_now_ms(void);
int64_t steady_now_us(void);
int64_t steady_now_ms(void);
int64_t processor_now_us(void);

#endif
