// Normalisations with what follows or precedes them: GroupNorm with SiLU (Wu and He 2018; Elfwing et al. 2018), and LayerNorm of a sum (Ba et
// al. 2016). Means and variances are of stretches first, which are then put together (Chan et al. 1983), so that long rows lose nothing.
#include "element.h"
#include "record.h"

#define STRETCH 512

struct Moments {
    float count, mean, square; // square: the sum of squares of differences from the mean
};
template <typename Stored> K_HOT Moments moments_of(const Stored* p, uint32_t count) {
    wide sum = wide_of(0.0f), square = wide_of(0.0f);
    float rest = 0.0f, rest_square = 0.0f;
    uint32_t i = 0;
    for (; i + 8 <= count; i += 8) sum += wide_load(p + i);
    for (uint32_t j = i; j < count; j++) rest += value(p[j]);
    float mean = (wide_sum(sum) + rest) / (float)count;
    for (i = 0; i + 8 <= count; i += 8) {
        wide d = wide_load(p + i) - wide_of(mean);
        square += d * d;
    }
    for (; i < count; i++) {
        float d = value(p[i]) - mean;
        rest_square += d * d;
    }
    Moments m = {(float)count, mean, wide_sum(square) + rest_square};
    return m;
}
K_HOT Moments together(Moments a, Moments b) {
    float count = a.count + b.count, apart = b.mean - a.mean, share = b.count / count;
    Moments m = {count, a.mean + apart * share, a.square + b.square + apart * apart * a.count * share};
    return m;
}

struct GroupView {
    const void* in;         // batch × channels × space, as stored, like the rest
    const void *gain, *shift; // a channel each
    void* out;
    Moments* moments;       // of each stretch, group by group; the first of a group in the end of the whole group
    uint32_t channels, groups, space, stretches; // stretches of a group
    float least;            // added to the variance
};
struct LayerView {
    const void *in, *residual;  // rows × width, as stored, like the rest
    const void *gain, *shift;   // a column each
    void *sum, *out;            // in + residual, and its norm; `sum` may be `in` or `residual`
    uint32_t width;
    float least;
};
K_RECORDS(norm, sizeof(GroupView), (uint32_t)offsetof(GroupView, least), sizeof(LayerView), (uint32_t)offsetof(LayerView, least), sizeof(Moments))

template <typename Stored> K_HOT void stretch(const GroupView& v, uint32_t i) {
    uint32_t length = v.channels / v.groups * v.space, from = i % v.stretches * STRETCH;
    const Stored* group = (const Stored*)v.in + (size_t)(i / v.stretches) * length;
    v.moments[i] = moments_of(group + from, length - from < STRETCH ? length - from : STRETCH);
}
K_DEVICE void group_moments_item(const GroupView& v, uint32_t i) {
    Moments* all = v.moments + (size_t)i * v.stretches;
    for (uint32_t s = 1; s < v.stretches; s++) all[0] = together(all[0], all[s]);
}
K_ITEMS(group_moments, GroupView)
// A stretch of up to STRETCH values of one channel.
template <typename Stored> K_HOT void group_norm(const GroupView& v, uint32_t i) {
    uint32_t parts = (v.space + STRETCH - 1) / STRETCH, row = i / parts, channel = row % v.channels, from = i % parts * STRETCH;
    Moments m = v.moments[(size_t)(row / (v.channels / v.groups)) * v.stretches];
    float scale = value(((const Stored*)v.gain)[channel]) / k_sqrt(m.square / m.count + v.least), shift = value(((const Stored*)v.shift)[channel]);
    const Stored* in = (const Stored*)v.in + (size_t)row * v.space + from;
    Stored* out = (Stored*)v.out + (size_t)row * v.space + from;
    uint32_t count = v.space - from < STRETCH ? v.space - from : STRETCH;
    for (uint32_t x = 0; x < count; x++) {
        float y = (value(in[x]) - m.mean) * scale + shift;
        put(out + x, y / (1.0f + k_exp(-y)));
    }
}

// The sum is rounded as it is stored, and the norm is of what is stored.
template <typename Stored> K_HOT void layer_norm(const LayerView& v, uint32_t row) {
    size_t at = (size_t)row * v.width;
    const Stored *in = (const Stored*)v.in + at, *residual = (const Stored*)v.residual + at;
    const Stored *gain = (const Stored*)v.gain, *shift = (const Stored*)v.shift;
    Stored *sum = (Stored*)v.sum + at, *out = (Stored*)v.out + at;
    for (uint32_t x = 0; x < v.width; x++) put(sum + x, value(in[x]) + value(residual[x]));
    Moments m = moments_of(sum, v.width < STRETCH ? v.width : STRETCH);
    for (uint32_t from = STRETCH; from < v.width; from += STRETCH) m = together(m, moments_of(sum + from, v.width - from < STRETCH ? v.width - from : STRETCH));
    float scale = 1.0f / k_sqrt(m.square / m.count + v.least);
    for (uint32_t x = 0; x < v.width; x++) put(out + x, (value(sum[x]) - m.mean) * scale * value(gain[x]) + value(shift[x]));
}

#define NORM_ITEM(name, View, form) K_DEVICE void name##_item(const View& v, uint32_t i) { form(v, i); }
NORM_ITEM(group_stretch, GroupView, stretch<float>)
K_ITEMS(group_stretch, GroupView)
NORM_ITEM(group_stretch_half, GroupView, stretch<Half>)
K_ITEMS(group_stretch_half, GroupView)
NORM_ITEM(group_stretch_brain, GroupView, stretch<Brain>)
K_ITEMS(group_stretch_brain, GroupView)
NORM_ITEM(group_norm_silu, GroupView, group_norm<float>)
K_ITEMS(group_norm_silu, GroupView)
NORM_ITEM(group_norm_silu_half, GroupView, group_norm<Half>)
K_ITEMS(group_norm_silu_half, GroupView)
NORM_ITEM(group_norm_silu_brain, GroupView, group_norm<Brain>)
K_ITEMS(group_norm_silu_brain, GroupView)
NORM_ITEM(layer_norm, LayerView, layer_norm<float>)
K_ITEMS(layer_norm, LayerView)
NORM_ITEM(layer_norm_half, LayerView, layer_norm<Half>)
K_ITEMS(layer_norm_half, LayerView)
NORM_ITEM(layer_norm_brain, LayerView, layer_norm<Brain>)
K_ITEMS(layer_norm_brain, LayerView)
