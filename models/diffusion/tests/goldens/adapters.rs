use crate::{
    close, farthest, golden, model,
    runs::{latents, request},
    tensors,
};
use candle_core::{DType, Device, Tensor};
use klieg_diffusion::{
    Error, Weights,
    adapters::{IpAdapter, Lora},
    pipeline::{ImagePrompt, Overlay, Request},
    schedule::Method,
};

fn lora(name: &str) -> Lora {
    Lora::open(name, &golden(&format!("{name}.safetensors"))).unwrap()
}

#[test]
fn stacks_merged_and_beside_are_one_picture() {
    let golden = tensors("runs.safetensors");
    let (kohya, diffusers) = (lora("lora_kohya"), lora("lora_diffusers"));
    let wish = request(3, Method::Ddim);
    let stack = |merge| model("sd", Overlay { loras: vec![(&kohya, 0.7), (&diffusers, -0.4)], merge, ..Overlay::default() });
    let (merged, beside) = (latents(&stack(true), &wish), latents(&stack(false), &wish));
    close("merged", &merged, &golden["lora.stack"]);
    close("beside", &beside, &golden["lora.stack"]);
    close("merged and beside", &merged, &beside);
    let one = model("sd", Overlay { loras: vec![(&diffusers, 0.5)], ..Overlay::default() });
    close("through diffusers' loader", &latents(&one, &wish), &golden["lora.diffusers"]);
    let none = latents(&model("sd", Overlay::default()), &wish);
    assert!(farthest(&merged, &none) > 0.01, "a LoRA that changes nothing shows nothing");
    let zero = model("sd", Overlay { loras: vec![(&kohya, 0.0)], merge: true, ..Overlay::default() });
    assert_eq!(farthest(&latents(&zero, &wish), &none), 0.0);
}

#[test]
fn sdxl_adapters_in_the_authors_names() {
    let golden = tensors("runs.safetensors");
    let xl = lora("lora_sdxl");
    for merge in [true, false] {
        let model = model("sdxl", Overlay { loras: vec![(&xl, 0.6)], merge, ..Overlay::default() });
        close(&format!("merged: {merge}"), &latents(&model, &request(3, Method::Euler)), &golden["lora.sdxl"]);
    }
}

#[test]
fn adapters_for_another_base_are_refused_by_tensor() {
    let (kohya, xl) = (lora("lora_kohya"), lora("lora_sdxl"));
    let refused = |name: &str, lora: &Lora| {
        let mut checkpoint = crate::checkpoint(name);
        checkpoint.configs.scheduler = crate::settings(name);
        let overlay = Overlay { loras: vec![(lora, 1.0)], ..Overlay::default() };
        klieg_diffusion::pipeline::Model::new(&checkpoint, overlay).err().unwrap()
    };
    for (name, lora) in [("sd", &xl), ("sdxl", &kohya)] {
        let Error::Weights { part, tensor, what } = refused(name, lora) else { panic!("{name}") };
        println!("{part}: {tensor}: {what}");
        assert!(
            tensor.starts_with("lora_") && what.contains("another base") || what.contains("two text encoders"),
            "{tensor}: {what}"
        );
    }
    let bad = |name: &str, dims: &[usize]| [(name.to_owned(), Tensor::zeros(dims, DType::F32, &Device::Cpu).unwrap())].into();
    assert!(Lora::new("x", bad("lora_unet_mid_block.hada_w1_a", &[2, 2])).is_err());
    assert!(Lora::new("x", bad("lora_unet_mid_block_attentions_0_proj_in.lora_down.weight", &[2, 2])).is_err());
    assert!(Lora::new("x", bad("model.weight", &[2])).is_err());
}

fn ip_adapter() -> IpAdapter {
    IpAdapter::new(Weights::open("the IP-Adapter", &[golden("ip_adapter.safetensors")], DType::F32, &Device::Cpu).unwrap()).unwrap()
}

#[test]
fn image_prompts_are_diffusers() {
    let golden = tensors("runs.safetensors");
    let model = model("sd", Overlay { image: Some(ip_adapter()), ..Overlay::default() });
    let image = Some(ImagePrompt { embedding: golden["ip.embedding"].clone(), scale: 0.6 });
    let wish = Request { image, ..request(3, Method::Ddim) };
    close("image prompt", &latents(&model, &wish), &golden["ip"]);
    // Without an image the adapter changes nothing.
    close("no image prompt", &latents(&model, &request(3, Method::Ddim)), &golden["sd.ddim"]);
    let wide = ImagePrompt { embedding: Tensor::zeros((1, 13), DType::F32, &Device::Cpu).unwrap(), scale: 1.0 };
    assert!(model.prepare(&Request { image: Some(wide), ..request(3, Method::Ddim) }).is_err());
}
