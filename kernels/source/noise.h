// Value noise on an integer lattice.
#pragma once
#include "sample.h"

K_HOT float cell_random(int32_t x, int32_t y, uint32_t salt) {
    return unit_of(hash_mix((uint32_t)x * 0x8da6b343u ^ (uint32_t)y * 0xd8163841u ^ salt * 0xcb1ab31fu));
}
K_HOT float lattice(uint32_t h) {
    h ^= h >> 15;
    h *= 0x2c1b3c6du;
    h ^= h >> 13;
    h *= 0x297a2d39u;
    return (float)(h >> 8) * (1.0f / 16777216.0f);
}
// 0–1, mean 0.5, features of size 1.
K_DEVICE float noise3(V3 p, uint32_t salt) {
    float fx = k_floor(p.x), fy = k_floor(p.y), fz = k_floor(p.z);
    uint32_t x = (uint32_t)(int32_t)fx * 0x8da6b343u, y = (uint32_t)(int32_t)fy * 0xd8163841u;
    uint32_t z = (uint32_t)(int32_t)fz * 0xcb1ab31fu + salt * 0x9e3779b9u;
    float tx = p.x - fx, ty = p.y - fy, tz = p.z - fz;
    tx = tx * tx * (3.0f - 2.0f * tx);
    ty = ty * ty * (3.0f - 2.0f * ty);
    tz = tz * tz * (3.0f - 2.0f * tz);
    uint32_t x1 = x + 0x8da6b343u, y1 = y + 0xd8163841u, z1 = z + 0xcb1ab31fu;
    uint32_t h[8] = {x ^ y ^ z, x1 ^ y ^ z, x ^ y1 ^ z, x1 ^ y1 ^ z, x ^ y ^ z1, x1 ^ y ^ z1, x ^ y1 ^ z1, x1 ^ y1 ^ z1};
    float n[8];
    for (int i = 0; i < 8; i++) n[i] = lattice(h[i]);
    float a = k_mix(k_mix(n[0], n[1], tx), k_mix(n[2], n[3], tx), ty);
    float b = k_mix(k_mix(n[4], n[5], tx), k_mix(n[6], n[7], tx), ty);
    return k_mix(a, b, tz);
}
K_DEVICE float noise2(V2 p, uint32_t salt) {
    float fx = k_floor(p.x), fy = k_floor(p.y);
    uint32_t x = (uint32_t)(int32_t)fx * 0x8da6b343u, y = (uint32_t)(int32_t)fy * 0xd8163841u + salt * 0x9e3779b9u;
    float tx = p.x - fx, ty = p.y - fy;
    tx = tx * tx * (3.0f - 2.0f * tx);
    ty = ty * ty * (3.0f - 2.0f * ty);
    uint32_t x1 = x + 0x8da6b343u, y1 = y + 0xd8163841u;
    return k_mix(k_mix(lattice(x ^ y), lattice(x1 ^ y), tx), k_mix(lattice(x ^ y1), lattice(x1 ^ y1), tx), ty);
}
// How much of a feature of the given size survives a pixel of the given width: 1 when it is resolved, 0 when it is averaged out.
K_HOT float resolved(float feature, float pixel) { return 1.0f - k_smooth(0.35f, 1.1f, pixel / feature); }
