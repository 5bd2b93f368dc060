// Transfer curves: from linear light to what is stored. In and out 0–1.
#pragma once
#include "math.h"

enum { TRANSFER_NONE, TRANSFER_SRGB, TRANSFER_BT709 };

K_HOT float srgb_of(float x) { return x <= 0.0031308f ? 12.92f * x : 1.055f * k_pow(x, 1.0f / 2.4f) - 0.055f; }
// ITU-R BT.709-6, item 1.2.
K_HOT float bt709_of(float x) { return x < 0.018f ? 4.5f * x : 1.099f * k_pow(x, 0.45f) - 0.099f; }
