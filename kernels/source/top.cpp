// The largest of many scores, and the vectors nearest to one: each stretch of scores keeps a sorted list of its best, and lists are merged
// in pairs. Of equal scores the first goes first; what isn't a number is left out.
#include "record.h"
#include "vector.h"

#define STRETCH 4096
#define NOWHERE 0xffffffffu

struct TopView {
    const float *query, *vectors; // for scores: one vector, and `count` of them
    float* scores;
    float *best, *merged;         // lists of `most` scores, the largest first; merged: two and two of them
    uint32_t *place, *merged_place; // where each was; NOWHERE past the end of a list
    uint32_t dim, count, most, lists;
};
K_RECORDS(top, sizeof(TopView), (uint32_t)offsetof(TopView, lists))

K_DEVICE void top_scores_item(const TopView& v, uint32_t i) { v.scores[i] = product(v.query, v.vectors + (size_t)i * v.dim, v.dim); }
K_ITEMS(top_scores, TopView)

K_DEVICE void top_stretch_item(const TopView& v, uint32_t i) {
    float* best = v.best + (size_t)i * v.most;
    uint32_t *place = v.place + (size_t)i * v.most, found = 0;
    uint32_t from = i * STRETCH, to = v.count - from < STRETCH ? v.count : from + STRETCH;
    for (uint32_t j = from; j < to; j++) {
        float score = v.scores[j];
        if (!(score == score) || (found == v.most && !(score > best[found - 1]))) continue;
        uint32_t at = found < v.most ? found++ : found - 1;
        for (; at > 0 && score > best[at - 1]; at--) {
            best[at] = best[at - 1];
            place[at] = place[at - 1];
        }
        best[at] = score;
        place[at] = j;
    }
    for (; found < v.most; found++) {
        best[found] = -K_INF;
        place[found] = NOWHERE;
    }
}
K_ITEMS(top_stretch, TopView)

// Merges list 2i with the next, if there is one.
K_DEVICE void top_merge_item(const TopView& v, uint32_t i) {
    size_t left = (size_t)i * 2 * v.most, right = left + v.most, to = (size_t)i * v.most;
    bool two = i * 2 + 1 < v.lists;
    uint32_t a = 0, b = 0;
    for (uint32_t k = 0; k < v.most; k++) {
        bool take_right = two && v.place[right + b] != NOWHERE && (v.place[left + a] == NOWHERE || v.best[right + b] > v.best[left + a]);
        size_t from = take_right ? right + b++ : left + a++;
        v.merged[to + k] = v.best[from];
        v.merged_place[to + k] = v.place[from];
    }
}
K_ITEMS(top_merge, TopView)
