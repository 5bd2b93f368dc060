// The denoiser: an edge-avoiding à-trous wavelet over illumination (colour without albedo), guided by normal, depth and albedo,
// with a stop on luminance that follows the variance (Dammertz et al. 2010; Schied et al. 2017, SVGF, its spatial part).
//
// Planes are padded on each side and lie one after another, so that each tap is a straight vector loop over x.
#include "math.h"

enum {
    PLANE_R, PLANE_G, PLANE_B, PLANE_VARIANCE,          // what is filtered
    PLANE_NX, PLANE_NY, PLANE_NZ, PLANE_DEPTH, PLANE_DX, PLANE_DY, PLANE_AR, PLANE_AG, PLANE_AB, // what guides
    PLANE_COUNT
};
#define PAD 32
#define CHUNK 64u
#define FAR_AWAY 1e7f

struct DenoiseView {
    const float *color, *clear, *albedo, *normal, *depth, *variance;
    float* result;      // filtered colour, three floats a pixel
    float* planes[PLANE_COUNT];
    float* other[4];    // the other half of the ping-pong
    uint32_t width, height, stride;
};

K_HOT uint32_t row_at(const DenoiseView& v, int32_t y) {
    y = y < 0 ? 0 : (y >= (int32_t)v.height ? (int32_t)v.height - 1 : y);
    return (uint32_t)y * v.stride + PAD;
}
K_HOT void pad_row(const DenoiseView& v, float* plane, uint32_t y) {
    float* row = plane + row_at(v, (int32_t)y);
    float first = row[0], last = row[v.width - 1];
    for (int i = 1; i <= PAD; i++) row[-i] = first;
    for (uint32_t i = v.width; i < v.stride - PAD; i++) row[i] = last;
}

// Splits colour into illumination and albedo.
K_LAUNCH(denoise_split)(const DenoiseView* view, uint32_t y0, uint32_t y1) {
    const DenoiseView& v = *view;
    for (uint32_t y = y0; y < y1; y++) {
        size_t from = (size_t)y * v.width;
        uint32_t to = row_at(v, (int32_t)y);
        for (uint32_t x = 0; x < v.width; x++) {
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
        for (int p = PLANE_NX; p <= PLANE_DEPTH; p++) pad_row(v, v.planes[p], y);
        for (int p = PLANE_AR; p <= PLANE_AB; p++) pad_row(v, v.planes[p], y);
        for (int p = PLANE_R; p <= PLANE_B; p++) pad_row(v, v.planes[p], y);
    }
}

// Depth gradients, lone bright pixels, and a smoothed variance. Reads the split planes, writes gradients and the other half.
K_LAUNCH(denoise_prepare)(const DenoiseView* view, uint32_t y0, uint32_t y1) {
    const DenoiseView& v = *view;
    const float* z = v.planes[PLANE_DEPTH];
    for (uint32_t y = y0; y < y1; y++) {
        uint32_t at = row_at(v, (int32_t)y), up = row_at(v, (int32_t)y - 1), down = row_at(v, (int32_t)y + 1);
        for (uint32_t x = 0; x < v.width; x++) {
            float here = z[at + x];
            float l = here - z[at + x - 1], r = z[at + x + 1] - here, u = here - z[up + x], d = z[down + x] - here;
            v.planes[PLANE_DX][at + x] = k_abs(l) < k_abs(r) ? l : r;
            v.planes[PLANE_DY][at + x] = k_abs(u) < k_abs(d) ? u : d;
        }
        uint32_t rows[3] = {up, at, down};
        for (uint32_t x = 0; x < v.width; x++) {
            float most = 0.0f, var = 0.0f, weight = 0.0f;
            for (int j = 0; j < 3; j++)
                for (int i = -1; i <= 1; i++) {
                    uint32_t o = rows[j] + x + (uint32_t)i;
                    float lum = 0.2126f * v.planes[PLANE_R][o] + 0.7152f * v.planes[PLANE_G][o] + 0.0722f * v.planes[PLANE_B][o];
                    if (j != 1 || i != 0) most = k_max(most, lum);
                    int32_t px = (int32_t)x + i, py = (int32_t)y + j - 1;
                    px = px < 0 ? 0 : (px >= (int32_t)v.width ? (int32_t)v.width - 1 : px);
                    py = py < 0 ? 0 : (py >= (int32_t)v.height ? (int32_t)v.height - 1 : py);
                    float k = (j == 1 ? 2.0f : 1.0f) * (i == 0 ? 2.0f : 1.0f);
                    var += k * v.variance[(size_t)py * v.width + (uint32_t)px];
                    weight += k;
                }
            float lum = 0.2126f * v.planes[PLANE_R][at + x] + 0.7152f * v.planes[PLANE_G][at + x] + 0.0722f * v.planes[PLANE_B][at + x];
            float keep = lum > most ? most / k_max(lum, 1e-6f) : 1.0f;
            for (int i = 0; i < 3; i++) v.other[i][at + x] = v.planes[PLANE_R + i][at + x] * keep;
            v.other[3][at + x] = var / weight;
        }
        for (int i = 0; i < 4; i++) pad_row(v, v.other[i], y);
    }
}

// One pass of the wavelet over rows y0–y1, taps `step` pixels apart. `from_other` says which half of the ping-pong is read.
K_LAUNCH(denoise_pass)(const DenoiseView* view, uint32_t step, uint32_t from_other, float luminance_stop, uint32_t y0, uint32_t y1) {
    const DenoiseView& v = *view;
    float* const* in = from_other ? v.other : v.planes;
    float* const* out = from_other ? v.planes : v.other;
    const float spline[3] = {0.375f, 0.25f, 0.0625f};
    for (uint32_t y = y0; y < y1; y++) {
        uint32_t row = row_at(v, (int32_t)y);
        for (uint32_t x0 = 0; x0 < v.width; x0 += CHUNK) {
            uint32_t at = row + x0;
            float r[CHUNK], g[CHUNK], b[CHUNK], var[CHUNK], sum[CHUNK], lum[CHUNK], stop[CHUNK], near_z[CHUNK];
            for (int i = 0; i < (int)CHUNK; i++) {
                uint32_t o = at + (uint32_t)i;
                float k = 0.375f * 0.375f;
                r[i] = in[0][o] * k;
                g[i] = in[1][o] * k;
                b[i] = in[2][o] * k;
                var[i] = in[3][o] * k * k;
                sum[i] = k;
                lum[i] = 0.2126f * in[0][o] + 0.7152f * in[1][o] + 0.0722f * in[2][o];
                stop[i] = 1.0f / (luminance_stop * k_sqrt(k_max(in[3][o], 0.0f)) + 0.02f * lum[i] + 1e-3f);
                near_z[i] = 1.0f / (0.012f * v.planes[PLANE_DEPTH][o] + 1e-4f);
            }
            for (int dy = -2; dy <= 2; dy++)
                for (int dx = -2; dx <= 2; dx++) {
                    if (dx == 0 && dy == 0) continue;
                    float kernel = spline[dx < 0 ? -dx : dx] * spline[dy < 0 ? -dy : dy];
                    float sx = (float)(dx * (int32_t)step), sy = (float)(dy * (int32_t)step);
                    uint32_t there = row_at(v, (int32_t)y + dy * (int32_t)step) + x0 + (uint32_t)(dx * (int32_t)step);
                    const float *K_RESTRICT pr = in[0] + there, *K_RESTRICT pg = in[1] + there, *K_RESTRICT pb = in[2] + there, *K_RESTRICT pv = in[3] + there;
                    const float *nx = v.planes[PLANE_NX], *ny = v.planes[PLANE_NY], *nz = v.planes[PLANE_NZ], *z = v.planes[PLANE_DEPTH];
                    const float *ar = v.planes[PLANE_AR], *ag = v.planes[PLANE_AG], *ab = v.planes[PLANE_AB];
                    const float *gx = v.planes[PLANE_DX], *gy = v.planes[PLANE_DY];
                    for (int i = 0; i < (int)CHUNK; i++) {
                        uint32_t o = at + (uint32_t)i, q = there + (uint32_t)i;
                        float l = 0.2126f * pr[i] + 0.7152f * pg[i] + 0.0722f * pb[i];
                        float ex = nx[o] - nx[q], ey = ny[o] - ny[q], ez = nz[o] - nz[q];
                        float cx = ar[o] - ar[q], cy = ag[o] - ag[q], cz = ab[o] - ab[q];
                        float dz = k_abs(z[q] - z[o] - (gx[o] * sx + gy[o] * sy));
                        float s = k_abs(l - lum[i]) * stop[i];
                        s += 6.0f * (ex * ex + ey * ey + ez * ez);
                        s += 6.0f * (cx * cx + cy * cy + cz * cz);
                        s += dz * near_z[i];
                        float w = k_max(1.0f - s * 0.125f, 0.0f);
                        w *= w;
                        w *= w;
                        w *= w * kernel;
                        r[i] += w * pr[i];
                        g[i] += w * pg[i];
                        b[i] += w * pb[i];
                        var[i] += w * w * pv[i];
                        sum[i] += w;
                    }
                }
            uint32_t end = v.width - x0 < CHUNK ? v.width - x0 : CHUNK;
            for (uint32_t i = 0; i < end; i++) {
                float share = 1.0f / sum[i];
                out[0][at + i] = r[i] * share;
                out[1][at + i] = g[i] * share;
                out[2][at + i] = b[i] * share;
                out[3][at + i] = var[i] * share * share;
            }
        }
        for (int i = 0; i < 4; i++) pad_row(v, out[i], y);
    }
}

// Puts illumination, albedo and what is clear together again.
K_LAUNCH(denoise_join)(const DenoiseView* view, uint32_t from_other, uint32_t y0, uint32_t y1) {
    const DenoiseView& v = *view;
    float* const* in = from_other ? v.other : v.planes;
    for (uint32_t y = y0; y < y1; y++) {
        uint32_t at = row_at(v, (int32_t)y);
        for (uint32_t x = 0; x < v.width; x++) {
            size_t o = ((size_t)y * v.width + x) * 3;
            for (int i = 0; i < 3; i++) v.result[o + (size_t)i] = in[i][at + x] * v.planes[PLANE_AR + i][at + x] + v.clear[o + (size_t)i];
        }
    }
}
