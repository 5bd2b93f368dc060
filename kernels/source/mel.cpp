// The log-mel spectrogram that Whisper hears (Radford et al. 2022; openai/whisper, audio.py): Hann windows of 400 samples every 160,
// power spectrum, Slaney's mel filters, decimal logarithm, the lowest eight decades below the peak cut off, (x + 4)/4.
//
// The window is even about its middle, so a frame is folded there first: cosines see the sum of both halves, sines the difference.
#include "math.h"
#include "record.h"

#define WINDOW 400
#define HOP 160
#define FOLDED (WINDOW / 2 + 1)
#define BINS 208           // 201, rounded up; waves of those past the end are zero

struct MelView {
    const float* samples;
    const float* window;    // [n], n = 0–200
    const float *cosine, *sine; // [n][bin]
    const float* filters;   // `taps` for each mel
    const uint32_t* first;  // the first bin of each
    float *folded, *power;  // of each frame: 201 sums and 201 differences; BINS powers
    float *out, *peaks;     // mels × frames; the largest of each mel
    uint32_t count, width, taps, frames;
    float least;            // levels below it are raised to it
};
K_RECORDS(mel, sizeof(MelView), (uint32_t)offsetof(MelView, least))

// Past its ends the sound is mirrored, the last sample not repeated.
K_HOT float sample(const MelView& v, int32_t at) {
    if (v.count == 1) return v.samples[0];
    int32_t last = (int32_t)v.count - 1;
    at = at < 0 ? -at : at;
    at %= 2 * last;
    return v.samples[at > last ? 2 * last - at : at];
}
// Rows are frames, x is n.
K_DEVICE void mel_fold_pixels(const MelView& v, uint32_t y, uint32_t x0, uint32_t x1) {
    int32_t from = (int32_t)y * HOP - WINDOW / 2;
    float* out = v.folded + (size_t)y * 2 * FOLDED;
    for (uint32_t n = x0; n < x1; n++) {
        float a = sample(v, from + n), b = n == FOLDED - 1 ? 0.0f : sample(v, from + WINDOW - n);
        out[n] = (a + b) * v.window[n];
        out[FOLDED + n] = (a - b) * v.window[n];
    }
}
K_PIXELS(mel_fold, MelView)

template <int COUNT> K_HOT void powers(const MelView& v, const float* folded, uint32_t x, float* out) {
    lanes re[COUNT], im[COUNT];
    for (int i = 0; i < COUNT; i++) re[i] = im[i] = lanes_of(0.0f);
    for (uint32_t n = 0; n < FOLDED; n++)
        for (int i = 0; i < COUNT; i++) {
            re[i] += lanes_load(v.cosine + n * BINS + x + i * K_LANES) * folded[n];
            im[i] += lanes_load(v.sine + n * BINS + x + i * K_LANES) * folded[FOLDED + n];
        }
    for (int i = 0; i < COUNT; i++) lanes_store(out + x + i * K_LANES, re[i] * re[i] + im[i] * im[i]);
}
// Rows are frames, x is the bin.
K_DEVICE void mel_power_pixels(const MelView& v, uint32_t y, uint32_t x0, uint32_t x1) {
    const float* folded = v.folded + (size_t)y * 2 * FOLDED;
    float* out = v.power + (size_t)y * BINS;
    uint32_t x = x0;
    for (; x + 4 * K_LANES <= x1; x += 4 * K_LANES) powers<4>(v, folded, x, out);
    for (; x < x1; x += K_LANES) powers<1>(v, folded, x, out);
}
K_PIXELS(mel_power, MelView)

// Rows are mels, x is the frame.
K_DEVICE void mel_log_pixels(const MelView& v, uint32_t y, uint32_t x0, uint32_t x1) {
    const float* filter = v.filters + (size_t)y * v.taps;
    for (uint32_t x = x0; x < x1; x++) {
        const float* power = v.power + (size_t)x * BINS + v.first[y];
        float sum = 0.0f;
        for (uint32_t t = 0; t < v.taps; t++) sum += power[t] * filter[t];
        v.out[(size_t)y * v.frames + x] = k_log2(k_max(sum, 1e-10f)) * 0.301029996f;
    }
}
K_PIXELS(mel_log, MelView)
K_DEVICE void mel_peak_item(const MelView& v, uint32_t i) {
    const float* row = v.out + (size_t)i * v.frames;
    float most = row[0];
    for (uint32_t x = 1; x < v.frames; x++) most = k_max(most, row[x]);
    v.peaks[i] = most;
}
K_ITEMS(mel_peak, MelView)
K_DEVICE void mel_level_pixels(const MelView& v, uint32_t y, uint32_t x0, uint32_t x1) {
    float* row = v.out + (size_t)y * v.frames;
    for (uint32_t x = x0; x < x1; x++) row[x] = (k_max(row[x], v.least) + 4.0f) * 0.25f;
}
K_PIXELS(mel_level, MelView)
