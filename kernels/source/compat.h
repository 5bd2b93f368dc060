// What a kernel may ask of its target. One header per target stands behind this one; nothing else in this folder names a target.
#pragma once
#if defined(__CUDACC__) || defined(__CUDACC_RTC__)
#include "compat_cuda.h"
#else
#include "compat_cpu.h"
#endif
