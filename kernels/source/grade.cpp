// The grade alone, of pictures in floats: the decision list, then the table.
#include "grade.h"
#include "record.h"

struct GradeView {
    const float* in;
    float* out; // three floats a pixel, both; they may be the same
    Grade grade;
    uint32_t width;
};
K_RECORDS(grade, sizeof(GradeView), (uint32_t)offsetof(GradeView, width), sizeof(Grade), (uint32_t)offsetof(Grade, scale))

K_DEVICE void grade_pixels(const GradeView& v, uint32_t y, uint32_t x0, uint32_t x1) {
    for (uint32_t x = x0; x < x1; x++) {
        size_t i = ((size_t)y * v.width + x) * 3;
        V3 c = cdl(v.grade, v3(v.in + i));
        if (v.grade.lut) c = looked_up(v.grade, c);
        v.out[i] = c.x;
        v.out[i + 1] = c.y;
        v.out[i + 2] = c.z;
    }
}
K_PIXELS(grade, GradeView)
