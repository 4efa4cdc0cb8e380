// Included before everything, in the runtime and in the model: text that a model prints goes to its own buffer.
#ifndef VERILATED_RS_PRELUDE_H_
#define VERILATED_RS_PRELUDE_H_
#include <cstdarg>
int verilated_rs_printf(const char* format, ...);
int verilated_rs_vprintf(const char* format, va_list args);
#define VL_PRINTF verilated_rs_printf
#define VL_VPRINTF verilated_rs_vprintf
#define VL_USER_FINISH 1
#define VL_USER_STOP 1
#define VL_USER_FATAL 1
#define VL_TIME_CONTEXT 1
#endif
