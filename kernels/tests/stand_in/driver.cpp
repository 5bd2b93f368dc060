// A driver without a GPU: as much of CUDA's as klieg asks for, on the CPU. It takes host memory for device memory, with a page
// behind each allocation that nothing may touch, and runs the threads of a launch one after another, far from their order.
// Environment: STAND_IN_MEMORY (bytes of its device), STAND_IN_VERSION, STAND_IN_DEVICES, STAND_IN_FAILS (a kernel that crashes),
// STAND_IN_ONCE (a file: the kernel crashes only for whoever can make it).
#include "cuda_on_host.h"
#include <fcntl.h>
#include <map>
#include <mutex>
#include <stdlib.h>
#include <sys/mman.h>
#include <time.h>

thread_local Three blockIdx, blockDim, threadIdx;
extern const Entry* const tables[];

namespace {
enum { OK = 0, INVALID_VALUE = 1, OUT_OF_MEMORY = 2, NO_DEVICE = 100, NOT_FOUND = 500, ILLEGAL_ADDRESS = 700, INVALID_CONTEXT = 201 };
const size_t PAGE = 4096, ALIGN = 256;
std::mutex lock;
std::map<uintptr_t, size_t> allocations;
size_t taken = 0;
int lost = OK; // once a kernel has crashed, nothing works
thread_local bool current = false; // each thread has to say which context it means
int state() { return !current ? INVALID_CONTEXT : lost; }

size_t number(const char* name, size_t otherwise) {
    const char* text = getenv(name);
    return text ? strtoull(text, nullptr, 10) : otherwise;
}
size_t memory() { return number("STAND_IN_MEMORY", (size_t)4 << 30); }
size_t pages(size_t bytes) { return (bytes + PAGE - 1) / PAGE * PAGE; }

// The allocation ends at the page that nothing may touch, but for what the alignment leaves.
int take(uintptr_t* out, size_t bytes) {
    std::lock_guard<std::mutex> guard(lock);
    if (state()) return state();
    if (bytes == 0) return INVALID_VALUE;
    if (bytes > memory() - taken) return OUT_OF_MEMORY;
    size_t size = pages(bytes);
    char* base = (char*)mmap(nullptr, size + PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (base == MAP_FAILED) return OUT_OF_MEMORY;
    mprotect(base + size, PAGE, PROT_NONE);
    *out = (uintptr_t)base + (size - bytes) / ALIGN * ALIGN;
    allocations[*out] = bytes;
    taken += bytes;
    return OK;
}
int give(uintptr_t at) {
    std::lock_guard<std::mutex> guard(lock);
    auto found = allocations.find(at);
    if (found == allocations.end()) return INVALID_VALUE;
    munmap((void*)(at / PAGE * PAGE), pages(found->second) + PAGE);
    taken -= found->second;
    allocations.erase(found);
    return OK;
}
// Whether all of a stretch lies within one allocation.
bool within(uintptr_t at, size_t bytes) {
    std::lock_guard<std::mutex> guard(lock);
    auto after = allocations.upper_bound(at);
    if (after == allocations.begin()) return false;
    auto here = --after;
    return at + bytes <= here->first + here->second;
}
void run(const Entry* kernel, Three grid, Three block, void** arguments) {
    uint64_t threads = (uint64_t)grid.x * grid.y * block.x * block.y, step = 7919;
    while (threads % step == 0) step += 2; // 7919 is prime
    blockDim = block;
    for (uint64_t i = 0, at = 0; i < threads; i++, at = (at + step) % threads) {
        uint64_t within = at % ((uint64_t)block.x * block.y), which = at / ((uint64_t)block.x * block.y);
        threadIdx = {(unsigned)(within % block.x), (unsigned)(within / block.x), 0};
        blockIdx = {(unsigned)(which % grid.x), (unsigned)(which / grid.x), 0};
        kernel->call(arguments);
    }
}
// Milliseconds since the first was asked for: a float since the machine's start would lose single launches.
float now() {
    static timespec first = [] {
        timespec t;
        clock_gettime(CLOCK_MONOTONIC, &t);
        return t;
    }();
    timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (float)((double)(t.tv_sec - first.tv_sec) * 1e3 + (double)(t.tv_nsec - first.tv_nsec) * 1e-6);
}
} // namespace

#define DRIVER extern "C" __attribute__((visibility("default"))) int
typedef uintptr_t Pointer;
typedef void* Handle;

DRIVER cuInit(unsigned) { return number("STAND_IN_DEVICES", 1) ? OK : NO_DEVICE; }
DRIVER cuDriverGetVersion(int* v) { *v = (int)number("STAND_IN_VERSION", 13000); return OK; }
DRIVER cuDeviceGetCount(int* n) { *n = (int)number("STAND_IN_DEVICES", 1); return OK; }
DRIVER cuDeviceGet(int* device, int ordinal) { *device = ordinal; return OK; }
DRIVER cuDeviceGetName(char* name, int size, int) { strncpy(name, "stand-in", (size_t)size); return OK; }
DRIVER cuDeviceTotalMem_v2(size_t* bytes, int) { *bytes = memory(); return OK; }
// Compute capability 9.0; pools are supported.
DRIVER cuDeviceGetAttribute(int* value, int which, int) { *value = which == 75 ? 9 : which == 76 ? 0 : which == 36 ? 1000000 : which == 37 ? 1024 : which == 115; return OK; }
DRIVER cuDeviceGetDefaultMemPool(Handle* pool, int) { *pool = (Handle)1; return OK; }
DRIVER cuMemPoolSetAttribute(Handle, int which, const uint64_t*) { return which == 4 ? OK : INVALID_VALUE; }
DRIVER cuMemPoolTrimTo(Handle, size_t) { return OK; }
DRIVER cuDevicePrimaryCtxRetain(Handle* context, int) { *context = (Handle)1; return OK; }
DRIVER cuDevicePrimaryCtxRelease_v2(int) { return OK; }
DRIVER cuCtxSetCurrent(Handle context) { current = context; return OK; }
DRIVER cuCtxGetCurrent(Handle* context) { *context = (Handle)(uintptr_t)current; return OK; }
DRIVER cuCtxSynchronize() { return state(); }
DRIVER cuStreamCreate(Handle* stream, unsigned) { *stream = (Handle)1; return OK; }
DRIVER cuStreamDestroy_v2(Handle) { return OK; }
DRIVER cuStreamSynchronize(Handle) { return state(); }
DRIVER cuStreamWaitEvent(Handle, Handle, unsigned) { return state(); }
DRIVER cuEventCreate(float** event, unsigned) { *event = new float(0); return OK; }
DRIVER cuEventDestroy_v2(float* event) { delete event; return OK; }
DRIVER cuEventRecord(float* event, Handle) { *event = now(); return state(); }
DRIVER cuEventSynchronize(float*) { return state(); }
static int elapsed(float* ms, const float* from, const float* to) { *ms = *to - *from; return state(); }
DRIVER cuEventElapsedTime(float* ms, const float* from, const float* to) { return elapsed(ms, from, to); }
DRIVER cuEventElapsedTime_v2(float* ms, const float* from, const float* to) { return elapsed(ms, from, to); }
DRIVER cuMemAllocAsync(Pointer* out, size_t bytes, Handle) { return take(out, bytes); }
DRIVER cuMemFreeAsync(Pointer at, Handle) { return give(at); }
DRIVER cuMemHostAlloc(void** out, size_t bytes, unsigned) { *out = aligned_alloc(PAGE, pages(bytes)); return *out ? OK : OUT_OF_MEMORY; }
DRIVER cuMemFreeHost(void* at) { free(at); return OK; }
DRIVER cuMemGetInfo_v2(size_t* free, size_t* total) {
    std::lock_guard<std::mutex> guard(lock);
    *total = memory();
    *free = *total - taken;
    return OK;
}
DRIVER cuMemsetD8Async(Pointer at, unsigned char value, size_t bytes, Handle) {
    if (state() || !within(at, bytes)) return state() ? state() : INVALID_VALUE;
    memset((void*)at, value, bytes);
    return OK;
}
DRIVER cuMemcpyHtoDAsync_v2(Pointer to, const void* from, size_t bytes, Handle) {
    if (state() || !within(to, bytes)) return state() ? state() : INVALID_VALUE;
    memcpy((void*)to, from, bytes);
    return OK;
}
DRIVER cuMemcpyDtoHAsync_v2(void* to, Pointer from, size_t bytes, Handle) {
    if (state() || !within(from, bytes)) return state() ? state() : INVALID_VALUE;
    memcpy(to, (const void*)from, bytes);
    return OK;
}
DRIVER cuModuleLoadData(Handle* module, const void* image) { *module = (Handle)1; return image ? state() : INVALID_VALUE; }
DRIVER cuModuleUnload(Handle) { return OK; }
DRIVER cuModuleGetFunction(const Entry** function, Handle, const char* name) {
    for (const Entry* const* table = tables; *table; table++)
        for (const Entry* e = *table; e->name; e++)
            if (!strcmp(e->name, name)) return *function = e, OK;
    return NOT_FOUND;
}
DRIVER cuLaunchKernel(const Entry* f, unsigned gx, unsigned gy, unsigned gz, unsigned bx, unsigned by, unsigned bz, unsigned, Handle, void** a, void**) {
    if (state()) return state();
    if (!gx || !gy || gy > 65535 || gz != 1 || bz != 1 || bx * by == 0 || bx * by > 1024) return INVALID_VALUE;
    const char *fails = getenv("STAND_IN_FAILS"), *once = getenv("STAND_IN_ONCE");
    if (fails && !strcmp(fails, f->name) && (!once || open(once, O_CREAT | O_EXCL, 0600) >= 0)) lost = ILLEGAL_ADDRESS; // known when someone waits, as on a GPU
    else run(f, {gx, gy, 1}, {bx, by, 1}, a);
    return OK;
}
static const char* name_of(int e) { return e == OUT_OF_MEMORY ? "out of memory" : e == ILLEGAL_ADDRESS ? "an illegal memory access" : "an error"; }
DRIVER cuGetErrorName(int e, const char** out) { *out = name_of(e); return OK; }
DRIVER cuGetErrorString(int e, const char** out) { *out = name_of(e); return OK; }
