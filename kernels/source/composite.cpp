// One picture over another (Porter and Duff 1984, "over"). Bytes are worked out as floats and rounded.
#include "math.h"
#include "record.h"

struct OverView {
    const void* top;    // four parts a pixel: red, green, blue, opacity
    void* under;        // three, which are opaque, or four; the result is put here
    uint32_t width;
    uint32_t straight;  // whether colours of four parts aren't yet multiplied by their opacity
};
K_RECORDS(composite, sizeof(OverView), (uint32_t)offsetof(OverView, straight))

K_HOT float unit_part(uint8_t x) { return (float)x * (1.0f / 255.0f); }
K_HOT float unit_part(float x) { return x; }
K_HOT void store_part(uint8_t* p, float x) { *p = (uint8_t)(k_unit(x) * 255.0f + 0.5f); }
K_HOT void store_part(float* p, float x) { *p = x; }

template <typename Part, int PARTS> K_HOT void over(const OverView& v, uint32_t y, uint32_t x0, uint32_t x1) {
    for (uint32_t x = x0; x < x1; x++) {
        size_t i = (size_t)y * v.width + x;
        const Part* t = (const Part*)v.top + i * 4;
        Part* u = (Part*)v.under + i * PARTS;
        float a = unit_part(t[3]), b = PARTS == 4 ? unit_part(u[PARTS - 1]) : 1.0f;
        float whole = a + b * (1.0f - a);
        float top = v.straight ? a : 1.0f, below = v.straight ? b * (1.0f - a) : 1.0f - a;
        float share = !v.straight || PARTS == 3 ? 1.0f : whole > 0.0f ? 1.0f / whole : 0.0f;
        for (int c = 0; c < 3; c++) store_part(u + c, (unit_part(t[c]) * top + unit_part(u[c]) * below) * share);
        if (PARTS == 4) store_part(u + (PARTS - 1), whole);
    }
}
#define OVER(name, Part, PARTS) \
    K_DEVICE void name##_pixels(const OverView& v, uint32_t y, uint32_t x0, uint32_t x1) { over<Part, PARTS>(v, y, x0, x1); }
OVER(over_rgb_bytes, uint8_t, 3)
K_PIXELS(over_rgb_bytes, OverView)
OVER(over_rgba_bytes, uint8_t, 4)
K_PIXELS(over_rgba_bytes, OverView)
OVER(over_rgb_floats, float, 3)
K_PIXELS(over_rgb_floats, OverView)
OVER(over_rgba_floats, float, 4)
K_PIXELS(over_rgba_floats, OverView)
