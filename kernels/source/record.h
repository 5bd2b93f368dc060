// For tests: the sizes and offsets of a file's records, which Rust mirrors.
#pragma once
#include "compat.h"

struct Records {
    uint32_t* out;
};
// Makes the kernel `name_records`, whose item i gives the i-th of the numbers.
#define K_RECORDS(name, ...) \
    K_DEVICE void name##_records_item(const Records& r, uint32_t i) { \
        const uint32_t numbers[] = {__VA_ARGS__}; \
        r.out[i] = numbers[i]; \
    } \
    K_ITEMS(name##_records, Records)
