"""Builds the bench's stage in Blender and renders it with Cycles on the CPU: blender -b --factory-startup -P render.py -- FOLDER.

FOLDER/stage.json says what to render; for each of its passes this writes NAME.f32 (linear RGBA, rows from the bottom) and adds a line
to times.json: seconds of all threads and of the clock, both with everything that a render call does once the stage is built.
"""
import array
import json
import os
import sys
import time

import bpy
from mathutils import Matrix, Vector

folder = sys.argv[sys.argv.index("--") + 1]
with open(os.path.join(folder, "stage.json")) as f:
    stage = json.load(f)

bpy.ops.wm.read_factory_settings(use_empty=True)
scene = bpy.context.scene


def diffuse(index, color):
    material = bpy.data.materials.new(f"m{index}")
    material.use_nodes = True
    nodes, links = material.node_tree.nodes, material.node_tree.links
    nodes.clear()
    bsdf, out = nodes.new("ShaderNodeBsdfDiffuse"), nodes.new("ShaderNodeOutputMaterial")
    bsdf.inputs["Color"].default_value = (*color, 1.0)
    bsdf.inputs["Roughness"].default_value = 0.0
    links.new(bsdf.outputs[0], out.inputs["Surface"])
    return material


def read(kind, count, file):
    values = array.array(kind)
    values.fromfile(file, count)
    return values


def build_mesh():
    mesh = bpy.data.meshes.new("stage")
    count = stage["triangles"]
    with open(os.path.join(folder, "mesh.bin"), "rb") as f:
        corners, material = read("f", count * 9, f), read("i", count, f)
    mesh.vertices.add(count * 3)
    mesh.vertices.foreach_set("co", corners)
    mesh.loops.add(count * 3)
    mesh.loops.foreach_set("vertex_index", array.array("i", range(count * 3)))
    mesh.polygons.add(count)
    mesh.polygons.foreach_set("loop_start", array.array("i", range(0, count * 3, 3)))
    mesh.polygons.foreach_set("loop_total", array.array("i", [3]) * count)
    mesh.polygons.foreach_set("material_index", material)
    for index, color in enumerate(stage["albedo"]):
        mesh.materials.append(diffuse(index, color))
    mesh.update()
    scene.collection.objects.link(bpy.data.objects.new("stage", mesh))


def turned(x, y, z, at):
    """The matrix of an object whose axes are these."""
    rotation = Matrix((Vector(x).normalized(), Vector(y).normalized(), Vector(z).normalized())).transposed()
    return Matrix.Translation(at) @ rotation.to_4x4()


def light(kind, intensity, per_unit):
    lamp = bpy.data.lights.new(kind, kind)
    most = max(*intensity, 1e-12)
    lamp.color = [c / most for c in intensity]
    lamp.energy = most * per_unit
    thing = bpy.data.objects.new(kind, lamp)
    thing.visible_camera = False
    scene.collection.objects.link(thing)
    return lamp, thing


def build_lights():
    for entry in stage["lights"]:
        (kind, l), = entry.items()
        if kind == "Sun":
            lamp, thing = light("SUN", l["irradiance"], 1.0)
            lamp.angle = l["diameter_degrees"] * 3.14159265358979 / 180.0
            z = Vector(l["direction"]).normalized()
            x = z.orthogonal()
            thing.matrix_world = turned(x, z.cross(x), z, (0, 0, 0))
        elif kind == "Ball":
            lamp, thing = light("POINT", l["intensity"], 4.0 * 3.14159265358979)
            lamp.shadow_soft_size = l["radius"]
            thing.matrix_world = Matrix.Translation(l["position"])
        elif kind == "Panel":
            lamp, thing = light("AREA", l["intensity"], 4.0)
            u, v = Vector(l["u"]), Vector(l["v"])
            lamp.shape, lamp.size, lamp.size_y = "RECTANGLE", 2.0 * u.length, 2.0 * v.length
            thing.matrix_world = turned(u, -v, -u.cross(v), l["position"])
        else:
            raise SystemExit(f"no exact counterpart of {kind}")
    world = bpy.data.worlds.new("sky")
    scene.world = world
    world.use_nodes = True
    world.node_tree.nodes["Background"].inputs["Color"].default_value = (*stage["sky"], 1.0)


def build_camera():
    c = stage["camera"]
    camera = bpy.data.cameras.new("camera")
    thing = bpy.data.objects.new("camera", camera)
    forward = (Vector(c["look_at"]) - Vector(c["position"])).normalized()
    right = forward.cross(Vector((0, 1, 0))).normalized()
    thing.matrix_world = turned(right, right.cross(forward), -forward, c["position"])
    camera.sensor_fit, camera.sensor_width, camera.lens = "HORIZONTAL", 36.0, c["lens_mm"]
    camera.clip_start, camera.clip_end = max(c["near_m"], 1e-3), 1e5
    camera.dof.use_dof = c["aperture_m"] > 0.0
    camera.dof.focus_distance = c["focus_m"]
    camera.dof.aperture_fstop = c["lens_mm"] * 1e-3 / max(c["aperture_m"], 1e-9)
    scene.collection.objects.link(thing)
    scene.camera = thing


def set_up():
    render, cycles = scene.render, scene.cycles
    render.engine, cycles.device = "CYCLES", "CPU"
    render.threads_mode, render.threads = "FIXED", stage["threads"]
    render.resolution_x, render.resolution_y, render.resolution_percentage = stage["width"], stage["height"], 100
    render.use_persistent_data, render.use_compositing, render.use_sequencer = True, False, False
    render.image_settings.file_format, render.image_settings.color_depth = "OPEN_EXR", "32"
    cycles.use_denoising = cycles.use_adaptive_sampling = cycles.use_auto_tile = False
    cycles.pixel_filter_type, cycles.filter_width = "BOX", 1.0
    cycles.sample_clamp_direct = cycles.sample_clamp_indirect = 0.0
    cycles.light_sampling_threshold = stage["light_threshold"]


def render_pass(p):
    scene.cycles.samples, scene.cycles.seed = p["samples"], p["seed"]
    scene.cycles.max_bounces = scene.cycles.diffuse_bounces = p["bounces"]
    wall, cpu = time.perf_counter(), time.process_time()
    bpy.ops.render.render()
    wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
    path = os.path.join(folder, p["name"])
    bpy.data.images["Render Result"].save_render(path + ".exr")
    image = bpy.data.images.load(path + ".exr")
    pixels = array.array("f", [0.0]) * (stage["width"] * stage["height"] * 4)
    image.pixels.foreach_get(pixels)
    with open(path + ".f32", "wb") as f:
        pixels.tofile(f)
    bpy.data.images.remove(image)
    os.remove(path + ".exr")
    return {"name": p["name"], "wall_s": wall, "cpu_s": cpu}


start = time.process_time()
build_mesh()
build_lights()
build_camera()
set_up()
# The first render builds the tree, which later ones keep.
render_pass({"name": "warm-up", "samples": 1, "seed": 9, "bounces": 1})
setup = time.process_time() - start
times = [render_pass(p) for p in stage["passes"]]
with open(os.path.join(folder, "times.json"), "w") as f:
    json.dump({"blender": bpy.app.version_string, "setup_cpu_s": setup, "passes": times}, f)
