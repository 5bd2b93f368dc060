// PDQ's perceptual hash (Facebook 2019, github.com/facebook/ThreatExchange, pdq/) from the 64 × 64 means of a picture on: luma, the 16 × 16
// low frequencies of its cosine transform, and which of them are above their median.
#include "math.h"
#include "record.h"

#define MEANS 64
#define LOWS 16
struct HashView {
    const float* rgb;     // 64 × 64 pixels, 0–255
    const float* wave;    // [k][i]: frequency i + 1 at sample k
    float *luma, *half;   // 64 × 64; 16 frequencies down × 64 across
    float* low;           // 16 × 16
    float* gradient;      // of each row of luma: the sum of steps, to the right and down, in 255ths
    uint8_t* bits;        // 32 bytes, the highest first
    uint32_t width;       // columns of what a kernel writes
};
K_RECORDS(hash, sizeof(HashView), (uint32_t)offsetof(HashView, width))

// BT.601's luma, as PDQ has it.
K_DEVICE void hash_luma_pixels(const HashView& v, uint32_t y, uint32_t x0, uint32_t x1) {
    for (uint32_t x = x0; x < x1; x++) {
        const float* c = v.rgb + (y * MEANS + x) * 3u;
        v.luma[y * MEANS + x] = c[0] * 0.299f + c[1] * 0.587f + c[2] * 0.114f;
    }
}
K_PIXELS(hash_luma, HashView)

// The transform down the columns; y is the frequency.
K_DEVICE void hash_half_pixels(const HashView& v, uint32_t y, uint32_t x0, uint32_t x1) {
    for (uint32_t x = x0; x < x1; x += K_LANES) {
        lanes sum = lanes_of(0.0f);
        for (uint32_t k = 0; k < MEANS; k++) sum += lanes_load(v.luma + k * MEANS + x) * v.wave[k * LOWS + y];
        lanes_store(v.half + y * MEANS + x, sum);
    }
}
K_PIXELS(hash_half, HashView)

// And across.
K_DEVICE void hash_low_pixels(const HashView& v, uint32_t y, uint32_t x0, uint32_t x1) {
    for (uint32_t x = x0; x < x1; x += K_LANES) {
        lanes sum = lanes_of(0.0f);
        for (uint32_t k = 0; k < MEANS; k++) sum += lanes_load(v.wave + k * LOWS + x) * v.half[y * MEANS + k];
        lanes_store(v.low + y * LOWS + x, sum);
    }
}
K_PIXELS(hash_low, HashView)

// Eight bits: a frequency is above the median where at least half of them are smaller.
K_DEVICE void hash_bits_item(const HashView& v, uint32_t i) {
    uint32_t byte = 0;
    for (uint32_t j = 0; j < 8; j++) {
        float own = v.low[i * 8 + j];
        uint32_t smaller = 0;
        for (uint32_t k = 0; k < LOWS * LOWS; k++) smaller += v.low[k] < own ? 1u : 0u;
        byte |= (smaller >= LOWS * LOWS / 2 ? 1u : 0u) << j;
    }
    v.bits[LOWS * LOWS / 8 - 1 - i] = (uint8_t)byte;
}
K_ITEMS(hash_bits, HashView)

K_DEVICE void hash_gradient_item(const HashView& v, uint32_t y) {
    const float* row = v.luma + y * MEANS;
    float sum = 0.0f;
    for (uint32_t x = 0; x + 1 < MEANS; x++) sum += k_abs((row[x] - row[x + 1]) / 255.0f);
    if (y + 1 < MEANS)
        for (uint32_t x = 0; x < MEANS; x++) sum += k_abs((row[x] - row[x + MEANS]) / 255.0f);
    v.gradient[y] = sum;
}
K_ITEMS(hash_gradient, HashView)
