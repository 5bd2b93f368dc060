use crate::{close, golden, model, tensors};
use candle_core::{DType, Device, Tensor};
use klieg_diffusion::{
    Weights,
    adapters::{Control, ControlNet},
    pipeline::{Init, Model, Overlay, Request},
    schedule::Method,
};

pub fn request(seed: u64, method: Method) -> Request {
    let negative = Some("low quality".into());
    Request { negative, steps: 4, method, guidance: 2.0, ..Request::new("a temple at dusk", 64, 48, seed) }
}

pub fn latents(model: &Model, request: &Request) -> Tensor {
    let mut running = model.prepare(request).unwrap();
    while !running.done() {
        model.denoise_step(&mut [&mut running]).unwrap();
    }
    running.latents().clone()
}

fn word(method: Method) -> String {
    serde_json::to_value(method).unwrap().as_str().unwrap().to_owned()
}

#[test]
fn text_to_picture_by_every_method() {
    let golden = tensors("runs.safetensors");
    let model = model("sd", Overlay::default());
    for method in Method::ALL {
        close(&word(method), &latents(&model, &request(3, method)), &golden[&format!("sd.{}", word(method))]);
    }
    let plain = Request { guidance: 1.0, ..request(4, Method::Ddim) };
    close("without guidance", &latents(&model, &plain), &golden["sd.plain"]);
    let rescaled = Request { guidance: 7.5, guidance_rescale: 0.7, ..request(4, Method::Ddim) };
    close("rescaled guidance", &latents(&model, &rescaled), &golden["sd.rescaled"]);
    let picture = model.generate(&[request(3, Method::Ddim)], &mut |_| true).unwrap().remove(0);
    close("the picture", &picture.clamp(-1f32, 1f32).unwrap(), &golden["sd.picture"]);
}

#[test]
fn sdxl_from_the_prompt_on() {
    let golden = tensors("runs.safetensors");
    let model = model("sdxl", Overlay::default());
    close("sdxl", &latents(&model, &request(3, Method::Euler)), &golden["sdxl.euler"]);
    let none = Request { negative: None, ..request(5, Method::DpmPlusPlus2MKarras) };
    close("sdxl without a negative prompt", &latents(&model, &none), &golden["sdxl.none"]);
}

fn init(strength: f64, masked: bool) -> Init {
    let golden = tensors("runs.safetensors");
    Init { pixels: golden["picture"].clone(), strength, mask: masked.then(|| golden["mask"].clone()) }
}

#[test]
fn picture_to_picture() {
    let golden = tensors("runs.safetensors");
    let model = model("sd", Overlay::default());
    for method in [Method::Ddim, Method::Euler, Method::DpmPlusPlus2M] {
        let wish = Request { init: Some(init(0.6, false)), ..request(8, method) };
        close(&word(method), &latents(&model, &wish), &golden[&format!("i2i.{}", word(method))]);
    }
}

#[test]
fn masks_are_filled() {
    let golden_runs = tensors("runs.safetensors");
    let blended = model("sd", Overlay::default());
    for strength in ["1.0", "0.5"] {
        let wish = Request { init: Some(init(strength.parse().unwrap(), true)), ..request(9, Method::Euler) };
        close(&format!("blended, strength {strength}"), &latents(&blended, &wish), &golden_runs[&format!("fill.{strength}")]);
    }
    let mut checkpoint = crate::checkpoint("sd");
    checkpoint.configs.scheduler = crate::settings("sd");
    checkpoint.configs.unet.in_channels = 9;
    checkpoint.unet = Weights::open("the UNet", &[golden("unet_fill.safetensors")], DType::F32, &Device::Cpu).unwrap();
    let nine = Model::new(&checkpoint, Overlay::default()).unwrap();
    assert!(nine.fills() && !blended.fills());
    let wish = Request { init: Some(init(1.0, true)), ..request(9, Method::Ddim) };
    close("nine channels", &latents(&nine, &wish), &golden_runs["fill.nine"]);
    let unmasked = Request { init: Some(init(1.0, false)), ..request(9, Method::Ddim) };
    assert!(nine.prepare(&unmasked).is_err() && nine.prepare(&request(9, Method::Ddim)).is_err());
}

pub fn control_net(i: usize) -> ControlNet {
    let folder = golden(&format!("control_{i}"));
    let config = serde_json::from_slice(&std::fs::read(folder.join("config.json")).unwrap()).unwrap();
    let file = folder.join("diffusion_pytorch_model.safetensors");
    let weights = Weights::open("the ControlNet", &[file], DType::F32, &Device::Cpu).unwrap();
    ControlNet::new(&weights, &config).unwrap()
}

pub fn controls() -> Vec<Control> {
    let pictures = &tensors("runs.safetensors")["controls"];
    let control = |i, scale, start, end| Control { picture: pictures.narrow(0, i, 1).unwrap(), scale, start, end };
    vec![control(0, 0.8, 0.0, 0.75), control(1, 0.5, 0.25, 1.0)]
}

#[test]
fn two_control_networks_with_scales_and_times() {
    let golden = tensors("runs.safetensors");
    let model = model("sd", Overlay { controls: vec![control_net(0), control_net(1)], ..Overlay::default() });
    let wish = Request { controls: controls(), ..request(3, Method::Ddim) };
    close("control", &latents(&model, &wish), &golden["control"]);
}
