use crate::{floats, golden, model, runs, runs::request, tensors};
use candle_core::{DType, Device};
use klieg_diffusion::{
    Error, Weights,
    adapters::IpAdapter,
    pipeline::{ImagePrompt, Init, Model, Overlay, Request, Running, rgb8},
    schedule::Method,
};

/// A picture's bits.
fn bits(model: &Model, running: &Running) -> Vec<u32> {
    floats(&model.decode(running).unwrap()).iter().map(|x| x.to_bits()).collect()
}

fn alone(model: &Model, request: &Request) -> Vec<u32> {
    let mut running = model.prepare(request).unwrap();
    while !running.done() {
        model.denoise_step(&mut [&mut running]).unwrap();
    }
    bits(model, &running)
}

/// Requests that join one after the other, each at a step of its own.
fn together(model: &Model, requests: &[Request]) -> Vec<Vec<u32>> {
    let mut running: Vec<Running> = Vec::new();
    let mut waiting = requests.iter();
    loop {
        running.extend(waiting.next().map(|request| model.prepare(request).unwrap()));
        let all = running.len() == requests.len();
        let mut open: Vec<&mut Running> = running.iter_mut().filter(|one| !one.done()).collect();
        if open.is_empty() && all {
            break;
        }
        open.reverse();
        model.denoise_step(&mut open).unwrap();
    }
    running.iter().map(|one| bits(model, one)).collect()
}

/// Other methods, prompts, seeds, guidance and pictures to begin with.
fn mixed() -> Vec<Request> {
    let mask = tensors("runs.safetensors")["mask"].clone();
    let pixels = tensors("runs.safetensors")["picture"].clone();
    let init = |strength, masked: bool| Some(Init { pixels: pixels.clone(), strength, mask: masked.then(|| mask.clone()) });
    vec![
        request(3, Method::Ddim),
        Request { prompt: "a (blue:1.3) lantern".into(), steps: 6, guidance: 1.0, ..request(4, Method::Euler) },
        Request { init: init(0.7, false), guidance: 9.0, guidance_rescale: 0.5, ..request(5, Method::EulerAncestral) },
        Request { negative: None, steps: 5, ..request(u64::MAX, Method::UniPc) },
        Request { init: init(1.0, true), ..request(6, Method::DpmPlusPlus2MKarras) },
    ]
}

#[test]
fn a_batch_gives_the_same_bytes_as_alone() {
    for name in ["sd", "sdxl"] {
        let model = model(name, Overlay::default());
        let requests = mixed();
        for (i, (shared, request)) in together(&model, &requests).iter().zip(&requests).enumerate() {
            assert!(*shared == alone(&model, request), "{name}: request {i} differs in company");
        }
    }
}

#[test]
fn a_batch_with_adapters_too() {
    let weights = Weights::open("the IP-Adapter", &[golden("ip_adapter.safetensors")], DType::F32, &Device::Cpu).unwrap();
    let overlay = Overlay { controls: vec![runs::control_net(0), runs::control_net(1)], ..Overlay::default() };
    let model = model("sd", Overlay { image: Some(IpAdapter::new(weights).unwrap()), ..overlay });
    let embedding = tensors("runs.safetensors")["ip.embedding"].clone();
    let requests: Vec<Request> = mixed()
        .into_iter()
        .enumerate()
        .map(|(i, request)| {
            let mut controls = runs::controls();
            controls[0].scale = 0.2 * i as f32;
            let image = (i % 2 == 0).then(|| ImagePrompt { embedding: embedding.clone(), scale: 0.3 * i as f32 });
            Request { controls, image, ..request }
        })
        .collect();
    for (i, (shared, request)) in together(&model, &requests).iter().zip(&requests).enumerate() {
        assert!(*shared == alone(&model, request), "request {i} differs in company");
    }
}

#[test]
fn previews_progress_and_cancel() {
    let model = model("sd", Overlay::default());
    let mut seen = Vec::new();
    let pictures = model
        .generate(&[request(3, Method::Euler)], &mut |running| {
            let (height, width, rgb) = model.preview(&running[0]).unwrap().unwrap();
            assert_eq!((height, width, rgb.len()), (8, 6, 8 * 6 * 3));
            seen.push(running[0].progress());
            true
        })
        .unwrap();
    assert_eq!(seen, [(1, 4), (2, 4), (3, 4), (4, 4)]);
    let rgb = rgb8(&pictures[0]).unwrap();
    assert_eq!(rgb.len(), 64 * 48 * 3);
    assert!(rgb.iter().max() > rgb.iter().min());
    let mut steps = 0;
    let stopped = model.generate(&[request(3, Method::Euler)], &mut |_| {
        steps += 1;
        steps < 2
    });
    assert!(matches!(stopped, Err(Error::Cancelled)) && steps == 2);
}
