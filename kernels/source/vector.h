// Vectors of any length.
#pragma once
#include "element.h"

template <typename Stored> K_HOT float product(const Stored* a, const Stored* b, uint32_t count) {
    wide sum = wide_of(0.0f);
    uint32_t i = 0;
    for (; i + 8 <= count; i += 8) sum += wide_load(a + i) * wide_load(b + i);
    float whole = wide_sum(sum);
    for (; i < count; i++) whole += value(a[i]) * value(b[i]);
    return whole;
}
