// The denoiser: an edge-avoiding à-trous wavelet over illumination (colour without albedo), guided by normal, depth and albedo,
// with a stop on luminance that follows the variance (Dammertz et al. 2010; Schied et al. 2017, SVGF, its spatial part).
//
// Planes are padded on each side and lie one after another, so that each tap is a straight vector loop over x.
#include "math.h"

enum {
    PLANE_R, PLANE_G, PLANE_B, PLANE_VARIANCE,          // what is filtered
    PLANE_NX, PLANE_NY, PLANE_NZ, PLANE_DEPTH, PLANE_DX, PLANE_DY, PLANE_AR, PLANE_AG, PLANE_AB, // what guides
    PLANE_COMPANY,                                      // how much of its surroundings a pixel was filtered with
    PLANE_COUNT
};
#define PAD 32
#define FAR_AWAY 1e7f

struct DenoiseView {
    const float *color, *clear, *albedo, *normal, *depth, *variance;
    float* result;      // filtered colour, three floats a pixel
    float* planes[PLANE_COUNT];
    float* other[4];    // the other half of the ping-pong
    uint32_t width, height, stride;
    uint32_t step, from_other; // of a pass: how many pixels its taps are apart, which half of the ping-pong it reads
    float stop;                // and how many deviations of luminance it crosses
};

K_HOT uint32_t row_at(const DenoiseView& v, int32_t y) {
    y = y < 0 ? 0 : (y >= (int32_t)v.height ? (int32_t)v.height - 1 : y);
    return (uint32_t)y * v.stride + PAD;
}
// Repeats the ends of a row into the padding, once the stretch that holds them is written.
K_HOT void pad_row(const DenoiseView& v, float* plane, uint32_t y, uint32_t x0, uint32_t x1) {
    float* row = plane + row_at(v, (int32_t)y);
    if (x0 == 0) {
        float first = row[0];
        for (int i = 1; i <= PAD; i++) row[-i] = first;
    }
    if (x1 >= v.width) {
        float last = row[v.width - 1];
        for (uint32_t i = v.width; i < v.stride - PAD; i++) row[i] = last;
    }
}

// Splits colour into illumination and albedo.
K_DEVICE void denoise_split_pixels(const DenoiseView& v, uint32_t y, uint32_t x0, uint32_t x1) {
    size_t from = (size_t)y * v.width;
    uint32_t to = row_at(v, (int32_t)y);
    for (uint32_t x = x0; x < x1; x++) {
        const float *c = v.color + (from + x) * 3, *k = v.clear + (from + x) * 3, *a = v.albedo + (from + x) * 3, *n = v.normal + (from + x) * 3;
        float z = v.depth[from + x];
        for (int i = 0; i < 3; i++) {
            float al = k_max(a[i], 0.01f);
            v.planes[PLANE_R + i][to + x] = k_max(c[i] - k[i], 0.0f) / al;
            v.planes[PLANE_NX + i][to + x] = n[i];
            v.planes[PLANE_AR + i][to + x] = al;
        }
        v.planes[PLANE_DEPTH][to + x] = z < FAR_AWAY ? z : FAR_AWAY;
    }
    for (int p = PLANE_NX; p <= PLANE_DEPTH; p++) pad_row(v, v.planes[p], y, x0, x1);
    for (int p = PLANE_AR; p <= PLANE_AB; p++) pad_row(v, v.planes[p], y, x0, x1);
    for (int p = PLANE_R; p <= PLANE_B; p++) pad_row(v, v.planes[p], y, x0, x1);
}
K_PIXELS(denoise_split, DenoiseView)

// Depth gradients, lone bright pixels, and a smoothed variance. Reads the split planes, writes gradients and the other half.
#define BRIGHTER 4.0f // times its neighbours is too bright; a lower limit takes light away that is only spread unevenly
K_DEVICE void denoise_prepare_pixels(const DenoiseView& v, uint32_t y, uint32_t x0, uint32_t x1) {
    const float* z = v.planes[PLANE_DEPTH];
    uint32_t at = row_at(v, (int32_t)y), up = row_at(v, (int32_t)y - 1), down = row_at(v, (int32_t)y + 1);
    for (uint32_t x = x0; x < x1; x++) {
        float here = z[at + x];
        float l = here - z[at + x - 1], r = z[at + x + 1] - here, u = here - z[up + x], d = z[down + x] - here;
        v.planes[PLANE_DX][at + x] = k_abs(l) < k_abs(r) ? l : r;
        v.planes[PLANE_DY][at + x] = k_abs(u) < k_abs(d) ? u : d;
    }
    uint32_t rows[3] = {up, at, down};
    for (uint32_t x = x0; x < x1; x++) {
        float most = 0.0f, var = 0.0f, weight = 0.0f;
        for (int j = 0; j < 3; j++)
            for (int i = -1; i <= 1; i++) {
                uint32_t o = rows[j] + x + (uint32_t)i;
                float lum = 0.2126f * v.planes[PLANE_R][o] + 0.7152f * v.planes[PLANE_G][o] + 0.0722f * v.planes[PLANE_B][o];
                if (j != 1 || i != 0) most = k_max(most, BRIGHTER * lum);
                int32_t px = (int32_t)x + i, py = (int32_t)y + j - 1;
                px = px < 0 ? 0 : (px >= (int32_t)v.width ? (int32_t)v.width - 1 : px);
                py = py < 0 ? 0 : (py >= (int32_t)v.height ? (int32_t)v.height - 1 : py);
                float k = (j == 1 ? 2.0f : 1.0f) * (i == 0 ? 2.0f : 1.0f);
                var += k * v.variance[(size_t)py * v.width + (uint32_t)px];
                weight += k;
            }
        float lum = 0.2126f * v.planes[PLANE_R][at + x] + 0.7152f * v.planes[PLANE_G][at + x] + 0.0722f * v.planes[PLANE_B][at + x];
        // A lone bright pixel is noise only where its own samples disagree.
        bool doubtful = v.variance[(size_t)y * v.width + x] > 0.02f * lum * lum;
        float keep = lum > most && doubtful ? most / k_max(lum, 1e-6f) : 1.0f;
        for (int i = 0; i < 3; i++) v.other[i][at + x] = v.planes[PLANE_R + i][at + x] * keep;
        v.other[3][at + x] = var / weight;
    }
    for (int i = 0; i < 4; i++) pad_row(v, v.other[i], y, x0, x1);
}
K_PIXELS(denoise_prepare, DenoiseView)

// What the centre of a filter compares its taps with.
struct Centre {
    lanes luminance, stop, nx, ny, nz, depth, near_z, dx, dy, ar, ag, ab;
};
struct Filtered {
    lanes r, g, b, variance, sum;
};
K_HOT lanes luminance_of(lanes r, lanes g, lanes b) { return r * 0.2126f + g * 0.7152f + b * 0.0722f; }

// Adds one tap, `q` floats into the planes and (sx, sy) pixels away. The weight (1 − s/8)⁸ stands for e⁻ˢ and ends at s = 8.
K_HOT void add_tap(const DenoiseView& v, float* const* in, const Centre& c, uint32_t q, float sx, float sy, float kernel, Filtered* f) {
    lanes r = lanes_load(in[0] + q), g = lanes_load(in[1] + q), b = lanes_load(in[2] + q);
    lanes s = lanes_abs(luminance_of(r, g, b) - c.luminance) * c.stop;
    lanes ex = c.nx - lanes_load(v.planes[PLANE_NX] + q), ey = c.ny - lanes_load(v.planes[PLANE_NY] + q), ez = c.nz - lanes_load(v.planes[PLANE_NZ] + q);
    lanes cx = c.ar - lanes_load(v.planes[PLANE_AR] + q), cy = c.ag - lanes_load(v.planes[PLANE_AG] + q), cz = c.ab - lanes_load(v.planes[PLANE_AB] + q);
    lanes dz = lanes_abs(lanes_load(v.planes[PLANE_DEPTH] + q) - c.depth - (c.dx * sx + c.dy * sy));
    s += (ex * ex + ey * ey + ez * ez + cx * cx + cy * cy + cz * cz) * 4.0f + dz * c.near_z;
    lanes w = lanes_max(lanes_of(1.0f) - s * 0.125f, lanes_of(0.0f));
    w = w * w;
    w = w * w;
    w = w * w * kernel;
    f->r += w * r;
    f->g += w * g;
    f->b += w * b;
    f->variance += w * w * lanes_load(in[3] + q);
    f->sum += w;
}

K_HOT Centre centre_at(const DenoiseView& v, float* const* in, uint32_t o) {
    Centre c;
    c.luminance = luminance_of(lanes_load(in[0] + o), lanes_load(in[1] + o), lanes_load(in[2] + o));
    lanes deviation = lanes_sqrt(lanes_max(lanes_load(in[3] + o), lanes_of(0.0f)));
    c.stop = 1.0f / (deviation * v.stop + c.luminance * 0.02f + 1e-3f);
    c.nx = lanes_load(v.planes[PLANE_NX] + o);
    c.ny = lanes_load(v.planes[PLANE_NY] + o);
    c.nz = lanes_load(v.planes[PLANE_NZ] + o);
    c.depth = lanes_load(v.planes[PLANE_DEPTH] + o);
    c.near_z = 1.0f / (c.depth * 0.012f + 1e-4f);
    c.dx = lanes_load(v.planes[PLANE_DX] + o);
    c.dy = lanes_load(v.planes[PLANE_DY] + o);
    c.ar = lanes_load(v.planes[PLANE_AR] + o);
    c.ag = lanes_load(v.planes[PLANE_AG] + o);
    c.ab = lanes_load(v.planes[PLANE_AB] + o);
    return c;
}

// Filters as many pixels side by side as there are lanes.
K_DEVICE void filter_at(const DenoiseView& v, float* const* in, float* const* out, uint32_t x, uint32_t y) {
    const float spline[3] = {0.375f, 0.25f, 0.0625f};
    uint32_t o = row_at(v, (int32_t)y) + x;
    Centre c = centre_at(v, in, o);
    float own = spline[0] * spline[0];
    Filtered f = {lanes_load(in[0] + o) * own, lanes_load(in[1] + o) * own, lanes_load(in[2] + o) * own, lanes_load(in[3] + o) * (own * own), lanes_of(own)};
    for (int dy = -2; dy <= 2; dy++) {
        int32_t sy = dy * (int32_t)v.step;
        uint32_t row = row_at(v, (int32_t)y + sy) + x;
        for (int dx = -2; dx <= 2; dx++) {
            if (dx == 0 && dy == 0) continue;
            int32_t sx = dx * (int32_t)v.step;
            add_tap(v, in, c, row + (uint32_t)sx, (float)sx, (float)sy, spline[dx < 0 ? -dx : dx] * spline[dy < 0 ? -dy : dy], &f);
        }
    }
    if (v.step == 1) lanes_store(v.planes[PLANE_COMPANY] + o, f.sum - own);
    lanes share = 1.0f / f.sum;
    lanes_store(out[0] + o, f.r * share);
    lanes_store(out[1] + o, f.g * share);
    lanes_store(out[2] + o, f.b * share);
    lanes_store(out[3] + o, f.variance * share * share);
}

// One pass of the wavelet.
K_DEVICE void denoise_pass_pixels(const DenoiseView& v, uint32_t y, uint32_t x0, uint32_t x1) {
    float* const* in = v.from_other ? v.other : v.planes;
    float* const* out = v.from_other ? v.planes : v.other;
    for (uint32_t x = x0; x < x1; x += K_LANES) filter_at(v, in, out, x, y);
    for (int i = 0; i < 4; i++) pad_row(v, out[i], y, x0, x1);
    if (v.step == 1) pad_row(v, v.planes[PLANE_COMPANY], y, x0, x1);
}
K_PIXELS(denoise_pass, DenoiseView)

// A pixel on an edge, which resembles no neighbour, was hardly filtered. Its light is between that of the surfaces that meet
// there, so it takes the mean of those neighbours that found company, the more the noisier it is itself.
#define LONELY 0.10f
// The deviation of a pixel's mean, a share of its light.
K_HOT float noise_at(const DenoiseView& v, float* const* in, uint32_t y, uint32_t x) {
    uint32_t at = row_at(v, (int32_t)y) + x;
    float light = 0.2126f * in[0][at] + 0.7152f * in[1][at] + 0.0722f * in[2][at];
    return k_sqrt(k_max(v.variance[(size_t)y * v.width + x], 0.0f)) / k_max(light, 1e-4f);
}
K_DEVICE void denoise_mend_pixels(const DenoiseView& v, uint32_t y, uint32_t x0, uint32_t x1) {
    float* const* in = v.from_other ? v.other : v.planes;
    float* const* out = v.from_other ? v.planes : v.other;
    const float* company = v.planes[PLANE_COMPANY];
    uint32_t rows[3] = {row_at(v, (int32_t)y - 1), row_at(v, (int32_t)y), row_at(v, (int32_t)y + 1)};
    for (uint32_t x = x0; x < x1; x++) {
        uint32_t at = rows[1] + x;
        for (int i = 0; i < 3; i++) out[i][at] = in[i][at];
        if (company[at] >= LONELY || v.planes[PLANE_DEPTH][at] >= FAR_AWAY) continue;
        float sum[3] = {0.0f, 0.0f, 0.0f}, weight = 1e-6f;
        for (int j = 0; j < 3; j++)
            for (int i = 0; i < 3; i++) {
                uint32_t o = rows[j] + x + (uint32_t)i - 1u;
                float w = v.planes[PLANE_DEPTH][o] >= FAR_AWAY ? 0.0f : k_min(company[o], 0.3f);
                for (int c = 0; c < 3; c++) sum[c] += w * in[c][o];
                weight += w;
            }
        float noise = noise_at(v, in, y, x);
        float trust = k_smooth(0.0f, LONELY, company[at]) + 1.0f - k_smooth(0.04f, 0.2f, noise) + (weight < 0.1f ? 1.0f : 0.0f);
        for (int c = 0; c < 3; c++) out[c][at] = k_mix(sum[c] / weight, in[c][at], k_min(trust, 1.0f));
    }
}
K_PIXELS(denoise_mend, DenoiseView)

// A pixel's colour: illumination times albedo, and what is clear.
K_HOT V3 joined(const DenoiseView& v, float* const* in, uint32_t y, uint32_t x) {
    uint32_t at = row_at(v, (int32_t)y) + x;
    const float* clear = v.clear + ((size_t)y * v.width + x) * 3;
    return v3(in[0][at] * v.planes[PLANE_AR][at] + clear[0], in[1][at] * v.planes[PLANE_AG][at] + clear[1], in[2][at] * v.planes[PLANE_AB][at] + clear[2]);
}

// Puts illumination, albedo and what is clear together again. On an edge, and where the lens blurs one, a pixel's few samples say badly
// how much of it each side covers; what lies around says the same, so that the lonelier and noisier a pixel, the more it takes of the mean there.
#define LONELY_JOIN 0.25f
#define JOIN_SHARE 0.9f
K_DEVICE void denoise_join_pixels(const DenoiseView& v, uint32_t y, uint32_t x0, uint32_t x1) {
    float* const* in = v.from_other ? v.other : v.planes;
    const float* company = v.planes[PLANE_COMPANY];
    for (uint32_t x = x0; x < x1; x++) {
        V3 c = joined(v, in, y, x);
        uint32_t at = row_at(v, (int32_t)y) + x;
        float lonely = 1.0f - k_smooth(0.0f, LONELY_JOIN, company[at]);
        if (lonely > 0.0f) lonely = lonely * k_smooth(0.04f, 0.2f, noise_at(v, in, y, x));
        if (lonely > 0.0f) {
            V3 sum = v3(0.0f);
            for (int j = -1; j <= 1; j++)
                for (int i = -1; i <= 1; i++) {
                    int32_t px = (int32_t)x + i, py = (int32_t)y + j;
                    px = px < 0 ? 0 : (px >= (int32_t)v.width ? (int32_t)v.width - 1 : px);
                    py = py < 0 ? 0 : (py >= (int32_t)v.height ? (int32_t)v.height - 1 : py);
                    sum = sum + joined(v, in, (uint32_t)py, (uint32_t)px) * ((i ? 1.0f : 2.0f) * (j ? 1.0f : 2.0f) * 0.0625f);
                }
            c = mix(c, sum, JOIN_SHARE * lonely);
        }
        float* out = v.result + ((size_t)y * v.width + x) * 3;
        out[0] = c.x;
        out[1] = c.y;
        out[2] = c.z;
    }
}
K_PIXELS(denoise_join, DenoiseView)
