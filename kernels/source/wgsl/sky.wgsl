// The sky, and the light that it gives; as in ../sky.h.
fn sky_gradient(d: vec3f) -> vec3f {
    if (d.y < 0.0) { return mix3(scene.horizon, scene.ground, k_smooth(0.0, 0.25, -d.y)); }
    let h = 1.0 - d.y;
    let h2 = h * h;
    return mix3(scene.zenith, scene.horizon, h2 * h2 * (0.4 + 0.6 * h));
}
// What a surface sees: smooth, without disc, clouds or stars, so that one ray finds all there is.
fn sky_light(d: vec3f) -> vec3f {
    let towards = k_max(dot3(d, scene.sun_direction), 0.0);
    let c = sky_gradient(d) + scene.sun_color * (scene.sun_glow * 0.10 * towards * towards * towards * towards);
    return c * scene.fill;
}
fn sun_halo(d: vec3f, towards: f32) -> vec3f {
    let t2 = towards * towards;
    let t8 = t2 * t2 * t2 * t2;
    var t64 = t8 * t8;
    t64 = t64 * t64;
    t64 = t64 * t64;
    let halo = 0.10 * t2 * t2 + 0.25 * t8 * t8 + 0.9 * t64 * t64;
    let disc_of = scene.sun_color * (scene.sun_glow * 12.0 * k_smooth(0.99988, 0.99996, towards));
    return scene.sun_color * (scene.sun_glow * halo * select(1.0, 0.3, d.y < 0.0)) + disc_of;
}
fn star(d: vec3f, pixel: f32) -> vec3f {
    let p = d * 160.0;
    let cell = floor(p);
    let h = hash_mix((cell_of(cell.x) * 0x8da6b343u) ^ (cell_of(cell.y) * 0xd8163841u) ^ (cell_of(cell.z) * 0xcb1ab31fu));
    if ((h & 255u) >= 6u) { return vec3f(0.0); }
    let at = cell + vec3f(0.25 + 0.5 * unit_of(hash_mix(h + 1u)), 0.25 + 0.5 * unit_of(hash_mix(h + 2u)), 0.25 + 0.5 * unit_of(hash_mix(h + 3u)));
    let size = k_max(0.09, pixel * 160.0 * 0.6);
    let r = length3(p - at) / size;
    let bright = unit_of(hash_mix(h + 4u));
    let fade = k_smooth(0.0, 0.25, d.y) * 0.0081 / (size * size);
    let tone = mix3(vec3f(1.0, 0.85, 0.7), vec3f(0.75, 0.85, 1.0), unit_of(hash_mix(h + 5u)));
    return tone * (scene.stars * 3.0 * bright * bright * fade * k_max(1.0 - r * r, 0.0));
}
// A flat layer, seen in perspective; thinner towards the horizon, lit from the sun's side. Colour and cover.
fn cloud(d: vec3f, towards: f32) -> vec4f {
    let k = 1.0 / (d.y + 0.12);
    let p = vec3f(d.x * k * 1.1, 3.7, d.z * k * 1.1);
    let n = 0.52 * noise3(p, 401u) + 0.26 * noise3(p * 2.13, 402u) + 0.14 * noise3(p * 4.4, 403u) + 0.08 * noise3(p * 9.1, 404u);
    let cover = k_smooth(0.62 - 0.34 * scene.clouds, 0.86 - 0.22 * scene.clouds, n) * k_smooth(0.02, 0.22, d.y);
    let lit = 0.65 + 0.35 * k_max(towards, 0.0) - 0.3 * k_smooth(0.6, 1.0, n);
    let white = (scene.horizon * 0.75 + scene.zenith * 0.25) * 1.15 + scene.sun_color * (0.10 * lit);
    return vec4f(white * (0.85 + 0.3 * lit), 0.85 * cover);
}
// What the camera and mirrors see. `pixel` is the angle of a pixel.
fn sky_seen(d: vec3f, pixel: f32) -> vec3f {
    var c = sky_gradient(d);
    let towards = dot3(d, scene.sun_direction);
    if (scene.sun_glow > 0.0 && towards > 0.0) { c += sun_halo(d, towards); }
    if (scene.stars > 0.0 && d.y > 0.0) { c += star(d, pixel); }
    if (scene.clouds > 0.0 && d.y > 0.02) {
        let over = cloud(d, towards);
        c = mix3(c, over.xyz, over.w);
    }
    return c;
}
