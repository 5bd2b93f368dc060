// Vectors of any length.
#pragma once
#include "math.h"

K_HOT float product(const float* a, const float* b, uint32_t count) {
    lanes sum = lanes_of(0.0f);
    uint32_t i = 0;
    for (; i + K_LANES <= count; i += K_LANES) sum += lanes_load(a + i) * lanes_load(b + i);
    float whole = lanes_sum(sum);
    for (; i < count; i++) whole += a[i] * b[i];
    return whole;
}
