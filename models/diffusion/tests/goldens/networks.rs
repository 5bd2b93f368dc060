use crate::{GATE, carried, checkpoint, close, cosine, farthest, golden, tensors};
use candle_core::{DType, Device, Tensor};
use klieg_diffusion::{
    Weights,
    adapters::Adapters,
    pipeline::Checkpoint,
    unet::{Config, Context, Unet},
    vae::{Tiling, Vae},
};
use std::collections::HashMap;

fn context(golden: &HashMap<String, Tensor>, name: &str) -> Context {
    let sizes = |all: &Tensor| all.to_vec2::<f32>().unwrap().into_iter().map(|row| row.try_into().unwrap()).collect();
    Context {
        timesteps: golden[&format!("{name}.t")].to_vec1().unwrap(),
        text: golden[&format!("{name}.text")].clone(),
        added: golden.get(&format!("{name}.pooled")).map(|pooled| (pooled.clone(), sizes(&golden[&format!("{name}.sizes")]))),
        image: None,
    }
}

/// Whether every block gives what diffusers' gives.
fn blocks(name: &str, unet: &Unet) {
    let golden = tensors("unets.safetensors");
    let mut seen = 0;
    let sample = &golden[&format!("{name}.x")];
    unet.probed(sample, &context(&golden, name), None, &mut |block, out| {
        let out = out.permute((0, 3, 1, 2)).unwrap();
        close(&format!("{name}.{block}"), &out, &golden[&format!("{name}.{block}")]);
        seen += 1;
        Ok(())
    })
    .unwrap();
    assert_eq!(seen, 3 + 2 * unet.config().block_out_channels.len());
}

#[test]
fn unets_are_diffusers_block_by_block() {
    for name in ["sd", "sdxl"] {
        let checkpoint = checkpoint(name);
        let unet = Unet::new(&checkpoint.unet, &checkpoint.configs.unet, &Adapters::default()).unwrap();
        blocks(name, &unet);
        if name == "sd" {
            blocks("odd", &unet);
        }
    }
    let config: Config = serde_json::from_value(carried("unet_2.safetensors", "config")).unwrap();
    let weights = Weights::open("the UNet", &[golden("unet_2.safetensors")], DType::F32, &Device::Cpu).unwrap();
    blocks("two", &Unet::new(&weights, &config, &Adapters::default()).unwrap());
}

#[test]
fn half_precision_stays_near() {
    let golden_tensors = tensors("unets.safetensors");
    for name in ["sd", "sdxl"] {
        let checkpoint = Checkpoint::open(&golden(name), DType::F16, &Device::Cpu).unwrap();
        let unet = Unet::new(&checkpoint.unet, &checkpoint.configs.unet, &Adapters::default()).unwrap();
        let out = unet.forward(&golden_tensors[&format!("{name}.x")], &context(&golden_tensors, name), None).unwrap();
        let near = cosine(&out, &golden_tensors[&format!("{name}.conv_out")]);
        println!("{name} in f16: cosine {near:.6}");
        assert!(near >= 0.999, "{name}: {near}");
        // SDXL's says force_upcast, the other one says not.
        assert_eq!(checkpoint.vae.dtype(), if name == "sdxl" { DType::F32 } else { DType::F16 });
    }
}

#[test]
fn vaes_are_diffusers() {
    let golden = tensors("vaes.safetensors");
    for name in ["sd", "sdxl"] {
        let checkpoint = checkpoint(name);
        let vae = Vae::new(&checkpoint.vae, &checkpoint.configs.vae).unwrap();
        let (mean, deviation) = vae.encode(&golden["picture"]).unwrap();
        close(&format!("{name} mean"), &mean, &golden[&format!("{name}.mean")]);
        close(&format!("{name} deviation"), &deviation, &golden[&format!("{name}.std")]);
        close(&format!("{name} decoded"), &vae.decode(&golden["latents"], None).unwrap(), &golden[&format!("{name}.decoded")]);
    }
}

#[test]
fn tiles_are_diffusers_and_nearly_the_whole() {
    let golden = tensors("vaes.safetensors");
    let checkpoint = checkpoint("sd");
    let vae = Vae::new(&checkpoint.vae, &checkpoint.configs.vae).unwrap();
    let tiling = Tiling::of(vae.config());
    assert_eq!(tiling, Tiling { edge: 4, overlap: 0.25 });
    close("tiled", &vae.decode(&golden["large"], Some(tiling)).unwrap(), &golden["sd.tiled"]);
    // One tile that holds all of it is the whole.
    let whole = vae.decode(&golden["large"], None).unwrap();
    assert_eq!(farthest(&whole, &vae.decode(&golden["large"], Some(Tiling { edge: 9, overlap: 0.25 })).unwrap()), 0.0);
    assert!(vae.decode(&golden["large"], Some(Tiling { edge: 4, overlap: 0.9 })).is_err());
    // Larger tiles see more of the picture: they come nearer to the whole.
    let away = |edge| {
        let tiled = vae.decode(&golden["large"], Some(Tiling { edge, overlap: 0.25 })).unwrap();
        (tiled - &whole).unwrap().abs().unwrap().mean_all().unwrap().to_scalar::<f32>().unwrap()
    };
    println!("mean distance of tiles from the whole: edge 4 {}, edge 8 {}", away(4), away(8));
    assert!(away(8) < away(4) && away(8) > GATE / 100.0);
}
