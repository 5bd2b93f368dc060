// Attention without the matrix of scores: softmax(Q·Kᵀ·scale + mask)·V, a query at a time, with a running maximum and sum over blocks of
// keys (Milakov and Gimelshein 2018; Dao et al. 2022). Several heads of queries may share one of keys and values (Ainslie et al. 2023).
#include "record.h"
#include "vector.h"

#define KEYS 32      // a block
#define DIM_MAX 256

struct AttentionView {
    const void *q, *k, *v;  // batch × heads × length × dim, as stored; k and v have their own heads and length
    const float* mask;      // added to scores: planes of queries × keys; or null
    void* out;              // like q
    uint32_t heads, key_heads, queries, keys, dim;
    uint32_t mask_batch, mask_head; // planes of the mask from one batch and one head to the next; 0 where they share it
    uint32_t causal;        // a query sees the keys up to its own place, the last query all
    float scale;
};
K_RECORDS(attention, sizeof(AttentionView), (uint32_t)offsetof(AttentionView, scale))

// sum = sum · keep + v · share
template <typename Stored> K_HOT void blend(float* sum, float keep, const Stored* v, float share, uint32_t count) {
    for (uint32_t i = 0; i < count; i++) sum[i] = sum[i] * keep + value(v[i]) * share;
}
K_HOT void blend(float* sum, float keep, const float* v, float share, uint32_t count) {
    uint32_t i = 0;
    for (; i + K_LANES <= count; i += K_LANES) lanes_store(sum + i, lanes_load(sum + i) * keep + lanes_load(v + i) * share);
    for (; i < count; i++) sum[i] = sum[i] * keep + v[i] * share;
}

// One query's place: its batch, head and number.
struct Query {
    uint32_t batch, head, at;
};
K_HOT uint32_t keys_seen(const AttentionView& v, Query q) {
    if (!v.causal) return v.keys;
    uint32_t ahead = v.queries - q.at - 1; // queries that see more
    return v.keys > ahead ? v.keys - ahead : 0u;
}

// Scores of a block of keys and their maximum.
template <typename Stored>
K_HOT float score(const AttentionView& v, Query q, const Stored* query, const Stored* keys, uint32_t from, uint32_t count, float* scores) {
    const float* mask = v.mask ? v.mask + ((size_t)q.batch * v.mask_batch + (size_t)q.head * v.mask_head) * v.queries * v.keys + (size_t)q.at * v.keys : nullptr;
    float most = -K_INF;
    for (uint32_t j = 0; j < count; j++) {
        float s = product(query, keys + (size_t)(from + j) * v.dim, v.dim) * v.scale;
        scores[j] = mask ? s + mask[from + j] : s;
        most = k_max(most, scores[j]);
    }
    return most;
}

template <typename Stored> K_HOT void attend(const AttentionView& v, uint32_t i) {
    Query q = {i / v.queries / v.heads, i / v.queries % v.heads, i % v.queries};
    size_t shared = ((size_t)q.batch * v.key_heads + q.head / (v.heads / v.key_heads)) * v.keys * v.dim;
    const Stored *query = (const Stored*)v.q + (size_t)i * v.dim, *keys = (const Stored*)v.k + shared, *values = (const Stored*)v.v + shared;
    float sum[DIM_MAX], scores[KEYS], most = -K_INF, weight = 0.0f;
    for (uint32_t d = 0; d < v.dim; d++) sum[d] = 0.0f;
    uint32_t seen = keys_seen(v, q);
    for (uint32_t from = 0; from < seen; from += KEYS) {
        uint32_t count = seen - from < KEYS ? seen - from : KEYS;
        float higher = k_max(most, score(v, q, query, keys, from, count, scores));
        // Nothing but masked keys so far.
        if (higher == -K_INF) continue;
        float keep = most == -K_INF ? 0.0f : k_exp(most - higher);
        most = higher;
        weight *= keep;
        for (uint32_t j = 0; j < count; j++) {
            float share = scores[j] == -K_INF ? 0.0f : k_exp(scores[j] - most);
            weight += share;
            blend(sum, keep, values + (size_t)(from + j) * v.dim, share, v.dim);
            keep = 1.0f;
        }
    }
    float share = weight > 0.0f ? 1.0f / weight : 0.0f;
    for (uint32_t d = 0; d < v.dim; d++) put((Stored*)v.out + (size_t)i * v.dim + d, sum[d] * share);
}
K_DEVICE void attention_item(const AttentionView& v, uint32_t i) { attend<float>(v, i); }
K_ITEMS(attention, AttentionView)
K_DEVICE void attention_half_item(const AttentionView& v, uint32_t i) { attend<Half>(v, i); }
K_ITEMS(attention_half, AttentionView)
K_DEVICE void attention_brain_item(const AttentionView& v, uint32_t i) { attend<Brain>(v, i); }
K_ITEMS(attention_brain, AttentionView)
