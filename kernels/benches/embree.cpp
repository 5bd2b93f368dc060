// The other side of the tracer benchmark: reads triangles and rays, walks them with Embree on one thread, prints rays a second.
//
// Input (native floats): triangle count u32, triangles of nine floats; then batches: ray count u32 (0 ends), rays of eight floats
// (origin, near, direction, far). One line of output a batch: seconds, and how many rays hit.
#include <embree3/rtcore.h>
#include <stdint.h>
#include <stdio.h>
#include <time.h>
#include <vector>
#include <xmmintrin.h>
#include <pmmintrin.h>

static double now() {
    timespec t;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

static double walk(RTCScene scene, const std::vector<float>& rays, bool coherent, size_t* hits) {
    RTCIntersectContext context;
    rtcInitIntersectContext(&context);
    context.flags = coherent ? RTC_INTERSECT_CONTEXT_FLAG_COHERENT : RTC_INTERSECT_CONTEXT_FLAG_INCOHERENT;
    double from = now();
    for (size_t i = 0; i < rays.size(); i += 8) {
        RTCRayHit r = {};
        const float* f = &rays[i];
        r.ray.org_x = f[0], r.ray.org_y = f[1], r.ray.org_z = f[2], r.ray.tnear = f[3];
        r.ray.dir_x = f[4], r.ray.dir_y = f[5], r.ray.dir_z = f[6], r.ray.tfar = f[7];
        r.ray.mask = 0xffffffffu;
        r.hit.geomID = RTC_INVALID_GEOMETRY_ID;
        r.hit.instID[0] = RTC_INVALID_GEOMETRY_ID;
        rtcIntersect1(scene, &context, &r);
        *hits += r.hit.geomID != RTC_INVALID_GEOMETRY_ID;
    }
    return now() - from;
}

int main(int count, char** args) {
    _MM_SET_FLUSH_ZERO_MODE(_MM_FLUSH_ZERO_ON);
    _MM_SET_DENORMALS_ZERO_MODE(_MM_DENORMALS_ZERO_ON);
    FILE* in = count > 1 ? fopen(args[1], "rb") : nullptr;
    uint32_t triangles = 0;
    if (!in || fread(&triangles, 4, 1, in) != 1) return 1;
    RTCDevice device = rtcNewDevice("threads=1");
    RTCScene scene = rtcNewScene(device);
    RTCGeometry mesh = rtcNewGeometry(device, RTC_GEOMETRY_TYPE_TRIANGLE);
    float* corners = (float*)rtcSetNewGeometryBuffer(mesh, RTC_BUFFER_TYPE_VERTEX, 0, RTC_FORMAT_FLOAT3, 12, triangles * 3);
    uint32_t* index = (uint32_t*)rtcSetNewGeometryBuffer(mesh, RTC_BUFFER_TYPE_INDEX, 0, RTC_FORMAT_UINT3, 12, triangles);
    if (fread(corners, 36, triangles, in) != triangles) return 1;
    for (uint32_t i = 0; i < triangles * 3; i++) index[i] = i;
    rtcSetGeometryBuildQuality(mesh, RTC_BUILD_QUALITY_MEDIUM);
    rtcCommitGeometry(mesh);
    rtcAttachGeometry(scene, mesh);
    rtcSetSceneBuildQuality(scene, RTC_BUILD_QUALITY_MEDIUM);
    double from = now();
    rtcCommitScene(scene);
    fprintf(stderr, "embree build: %.1f ms\n", (now() - from) * 1e3);
    uint32_t rays = 0;
    for (int batch = 0; fread(&rays, 4, 1, in) == 1 && rays; batch++) {
        std::vector<float> data((size_t)rays * 8);
        if (fread(data.data(), 32, rays, in) != rays) return 1;
        double best = 1e30;
        size_t hits = 0;
        for (int i = 0; i < 3; i++) {
            hits = 0;
            double took = walk(scene, data, batch == 0, &hits);
            best = took < best ? took : best;
        }
        printf("%.9f %zu\n", best, hits);
    }
    rtcReleaseGeometry(mesh);
    rtcReleaseScene(scene);
    rtcReleaseDevice(device);
    return 0;
}
