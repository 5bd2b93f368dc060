use crate::{model, runs::request, tensors};
use candle_core::{DType, Device, Tensor};
use klieg_diffusion::{
    pipeline::{Init, Overlay, Request},
    schedule::Method,
};

#[test]
fn bad_wishes_are_refused_before_any_work() {
    let model = model("sd", Overlay::default());
    let zeros = |dims: &[usize]| Tensor::zeros(dims, DType::F32, &Device::Cpu).unwrap();
    let picture = tensors("runs.safetensors")["picture"].clone();
    let base = || request(1, Method::Ddim);
    let init = |pixels: &Tensor, strength, mask| Some(Init { pixels: pixels.clone(), strength, mask });
    let cases = [
        (Request { height: 60, ..base() }, "use height = 60: a multiple of 8 from 8 to 8192"),
        (Request { width: 0, ..base() }, "use width = 0: a multiple of 8 from 8 to 8192"),
        (Request { width: 80_000, ..base() }, "use width = 80000: a multiple of 8 from 8 to 8192"),
        (Request { steps: 0, ..base() }, "use steps = 0: from 1 to 1000"),
        (Request { guidance: f64::NAN, ..base() }, "use guidance = NaN: from 0 to 100"),
        (Request { guidance_rescale: 1.5, ..base() }, "use guidance rescale = 1.5: from 0 to 1"),
        (Request { prompt: "x".repeat(100_000), ..base() }, "use prompt = 100000 characters: at most 20000"),
        (Request { prompt: "a (b".into(), ..base() }, "understand the prompt at bytes 2..3"),
        (Request { negative: Some("b]".into()), ..base() }, "understand the prompt at bytes 1..2"),
        (Request { init: init(&picture, 0.0, None), ..base() }, "use strength = 0"),
        (Request { init: init(&picture, 1.5, None), ..base() }, "use strength = 1.5"),
        (Request { init: init(&picture, 0.1, None), ..base() }, "use strength = 0.1: at least 10 steps"),
        (Request { init: init(&zeros(&[1, 3, 64, 64]), 0.5, None), ..base() }, "use image = [1, 3, 64, 64]"),
        (Request { init: init(&picture, 0.5, Some(zeros(&[1, 1, 32, 24]))), ..base() }, "use mask = [1, 1, 32, 24]"),
        (Request { controls: crate::runs::controls(), ..base() }, "use controls = 2"),
    ];
    for (wish, expected) in cases {
        let error = model.check(&wish).unwrap_err().to_string();
        assert!(error.starts_with(expected), "{error}, not {expected}");
        assert!(model.prepare(&wish).is_err());
    }
}
