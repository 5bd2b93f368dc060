// The other side of the pixel benchmark: libswscale on one thread. Input file: width, height, output width and height of the scaling
// (u32 each), then packed RGB. A line a case: its name, and the CPU seconds of the fastest of several runs.
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <vector>
extern "C" {
#include <libavutil/mem.h>
#include <libavutil/pixdesc.h>
#include <libswscale/swscale.h>
}

static double now() {
    timespec t;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

struct Size {
    int width, height;
};

static double run(const std::vector<uint8_t>& rgb, Size from, Size to, AVPixelFormat format, int flags) {
    SwsContext* context = sws_getContext(from.width, from.height, AV_PIX_FMT_RGB24, to.width, to.height, format, flags, nullptr, nullptr, nullptr);
    const int* bt709 = sws_getCoefficients(SWS_CS_ITU709);
    if (!context || sws_setColorspaceDetails(context, bt709, 1, bt709, format == AV_PIX_FMT_RGB24, 0, 1 << 16, 1 << 16) < 0) exit(1);
    std::vector<uint8_t*> planes(4, nullptr);
    int strides[4] = {0, 0, 0, 0};
    size_t row = ((size_t)to.width * 6 + 63) / 64 * 64;
    for (int i = 0; i < 3; i++) planes[(size_t)i] = (uint8_t*)av_mallocz(row * (size_t)to.height), strides[i] = (int)row;
    const uint8_t* source[4] = {rgb.data(), nullptr, nullptr, nullptr};
    int stride[4] = {from.width * 3, 0, 0, 0};
    double best = 1e30;
    for (int i = 0; i < 15; i++) {
        double start = now();
        if (sws_scale(context, source, stride, 0, from.height, planes.data(), strides) != to.height) exit(1);
        double took = now() - start;
        best = took < best ? took : best;
    }
    for (int i = 0; i < 3; i++) av_free(planes[(size_t)i]);
    sws_freeContext(context);
    return best;
}

int main(int count, char** args) {
    FILE* in = count > 1 ? fopen(args[1], "rb") : nullptr;
    uint32_t size[4];
    if (!in || fread(size, 4, 4, in) != 4) return 1;
    Size from = {(int)size[0], (int)size[1]}, to = {(int)size[2], (int)size[3]};
    std::vector<uint8_t> rgb((size_t)size[0] * size[1] * 3 + 64);
    if (fread(rgb.data(), 1, rgb.size() - 64, in) != rgb.size() - 64) return 1;
    const int exact = SWS_ACCURATE_RND | SWS_FULL_CHR_H_INT | SWS_FULL_CHR_H_INP | SWS_BITEXACT;
    const AVPixelFormat formats[3] = {AV_PIX_FMT_NV12, AV_PIX_FMT_P010LE, AV_PIX_FMT_YUV422P10LE};
    for (AVPixelFormat format : formats) {
        printf("%s exact %.9f\n", av_get_pix_fmt_name(format), run(rgb, from, from, format, SWS_BICUBIC | exact));
        printf("%s fast %.9f\n", av_get_pix_fmt_name(format), run(rgb, from, from, format, SWS_FAST_BILINEAR));
    }
    printf("lanczos exact %.9f\n", run(rgb, from, to, AV_PIX_FMT_RGB24, SWS_LANCZOS | exact));
    printf("lanczos fast %.9f\n", run(rgb, from, to, AV_PIX_FMT_RGB24, SWS_LANCZOS));
    printf("lanczos-up exact %.9f\n", run(rgb, from, Size{from.width * 2, from.height * 2}, AV_PIX_FMT_RGB24, SWS_LANCZOS | exact));
    printf("lanczos-up fast %.9f\n", run(rgb, from, Size{from.width * 2, from.height * 2}, AV_PIX_FMT_RGB24, SWS_LANCZOS));
    return 0;
}
