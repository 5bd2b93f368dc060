// What compat_cuda.h takes from CUDA's compiler, for g++: the CUDA form of the kernels, run by the CPU one thread after another.
#pragma once
#include <math.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#define __CUDACC__
#define __device__
#define __global__
#define __grid_constant__
#define __forceinline__ inline __attribute__((always_inline))
#define __noinline__ __attribute__((noinline))
#define __align__(n) alignas(n)

struct Three { unsigned x, y, z; };
extern thread_local Three blockIdx, blockDim, threadIdx;

static inline float __fsqrt_rn(float x) { return sqrtf(x); }
static inline uint32_t __float_as_uint(float x) { uint32_t u; memcpy(&u, &x, 4); return u; }
static inline float __uint_as_float(uint32_t u) { float x; memcpy(&x, &u, 4); return x; }
static inline int __clz(int x) { return x ? __builtin_clz((unsigned)x) : 32; }
static inline int __popc(unsigned x) { return __builtin_popcount(x); }
static inline int __ffs(int x) { return __builtin_ffs(x); }

// A kernel as the driver launches it: arguments by address.
struct Entry {
    const char* name;
    void (*call)(void** arguments);
};
template <typename View> void launch(void (*kernel)(const View, uint32_t, uint32_t), void** a) {
    kernel(*(const View*)a[0], *(const uint32_t*)a[1], *(const uint32_t*)a[2]);
}
