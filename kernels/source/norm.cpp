// Normalisations with what follows or precedes them: GroupNorm with SiLU (Wu and He 2018; Elfwing et al. 2018), and LayerNorm of a sum (Ba et
// al. 2016). Means and variances are of stretches first, which are then put together (Chan et al. 1983), so that long rows lose nothing.
#include "math.h"
#include "record.h"

#define STRETCH 512

struct Moments {
    float count, mean, square; // square: the sum of squares of differences from the mean
};
K_HOT Moments moments_of(const float* p, uint32_t count) {
    lanes sum = lanes_of(0.0f), square = lanes_of(0.0f);
    float rest = 0.0f, rest_square = 0.0f;
    uint32_t i = 0;
    for (; i + K_LANES <= count; i += K_LANES) sum += lanes_load(p + i);
    for (uint32_t j = i; j < count; j++) rest += p[j];
    float mean = (lanes_sum(sum) + rest) / (float)count;
    for (i = 0; i + K_LANES <= count; i += K_LANES) {
        lanes d = lanes_load(p + i) - lanes_of(mean);
        square += d * d;
    }
    for (; i < count; i++) rest_square += (p[i] - mean) * (p[i] - mean);
    Moments m = {(float)count, mean, lanes_sum(square) + rest_square};
    return m;
}
K_HOT Moments together(Moments a, Moments b) {
    float count = a.count + b.count, apart = b.mean - a.mean, share = b.count / count;
    Moments m = {count, a.mean + apart * share, a.square + b.square + apart * apart * a.count * share};
    return m;
}

struct GroupView {
    const float* in;        // batch × channels × space
    const float *gain, *shift; // a channel each
    float* out;
    Moments* moments;       // of each stretch, group by group; the first of a group in the end of the whole group
    uint32_t channels, groups, space, stretches; // stretches of a group
    float least;            // added to the variance
};
struct LayerView {
    const float *in, *residual; // rows × width
    const float *gain, *shift;  // a column each
    float *sum, *out;           // in + residual, and its norm; `sum` may be `in` or `residual`
    uint32_t width;
    float least;
};
K_RECORDS(norm, sizeof(GroupView), (uint32_t)offsetof(GroupView, least), sizeof(LayerView), (uint32_t)offsetof(LayerView, least), sizeof(Moments))

K_DEVICE void group_stretch_item(const GroupView& v, uint32_t i) {
    uint32_t length = v.channels / v.groups * v.space, from = i % v.stretches * STRETCH;
    const float* group = v.in + (size_t)(i / v.stretches) * length;
    v.moments[i] = moments_of(group + from, length - from < STRETCH ? length - from : STRETCH);
}
K_ITEMS(group_stretch, GroupView)
K_DEVICE void group_moments_item(const GroupView& v, uint32_t i) {
    Moments* all = v.moments + (size_t)i * v.stretches;
    for (uint32_t s = 1; s < v.stretches; s++) all[0] = together(all[0], all[s]);
}
K_ITEMS(group_moments, GroupView)
// A stretch of up to STRETCH values of one channel.
K_DEVICE void group_norm_silu_item(const GroupView& v, uint32_t i) {
    uint32_t parts = (v.space + STRETCH - 1) / STRETCH, row = i / parts, channel = row % v.channels, from = i % parts * STRETCH;
    Moments m = v.moments[(size_t)(row / (v.channels / v.groups)) * v.stretches];
    float scale = v.gain[channel] / k_sqrt(m.square / m.count + v.least), shift = v.shift[channel];
    const float* in = v.in + (size_t)row * v.space + from;
    float* out = v.out + (size_t)row * v.space + from;
    uint32_t count = v.space - from < STRETCH ? v.space - from : STRETCH;
    for (uint32_t x = 0; x < count; x++) {
        float y = (in[x] - m.mean) * scale + shift;
        out[x] = y / (1.0f + k_exp(-y));
    }
}
K_ITEMS(group_norm_silu, GroupView)

K_DEVICE void layer_norm_item(const LayerView& v, uint32_t row) {
    size_t at = (size_t)row * v.width;
    float* sum = v.sum + at;
    for (uint32_t x = 0; x < v.width; x++) sum[x] = v.in[at + x] + v.residual[at + x];
    Moments m = moments_of(sum, v.width < STRETCH ? v.width : STRETCH);
    for (uint32_t from = STRETCH; from < v.width; from += STRETCH) m = together(m, moments_of(sum + from, v.width - from < STRETCH ? v.width - from : STRETCH));
    float scale = 1.0f / k_sqrt(m.square / m.count + v.least);
    for (uint32_t x = 0; x < v.width; x++) v.out[at + x] = (sum[x] - m.mean) * scale * v.gain[x] + v.shift[x];
}
K_ITEMS(layer_norm, LayerView)
