use crate::{checkpoint, farthest, golden, model, runs::request, settings};
use candle_core::{DType, Device};
use klieg_diffusion::{
    Error,
    pipeline::{Checkpoint, Model, Overlay},
    schedule::Method,
};

#[test]
fn one_file_gives_the_folders_picture() {
    for (name, words) in [("sd", vec!["sd/tokenizer"]), ("sdxl", vec!["sdxl/tokenizer", "sdxl/tokenizer_2"])] {
        let mut configs = checkpoint(name).configs;
        configs.scheduler = settings(name);
        let words: Vec<_> = words.into_iter().map(golden).collect();
        let file = golden(&format!("{name}.safetensors"));
        let single = Checkpoint::single(&file, Some(configs), &words, DType::F32, &Device::Cpu).unwrap();
        let single = Model::new(&single, Overlay::default()).unwrap();
        let wish = [request(3, Method::Euler)];
        let (ours, theirs) = (
            single.generate(&wish, &mut |_| true).unwrap(),
            model(name, Overlay::default()).generate(&wish, &mut |_| true).unwrap(),
        );
        assert_eq!(farthest(&ours[0], &theirs[0]), 0.0, "{name}");
        // Without its own configuration it is taken for the true size, which its tensors are not.
        let Err(Error::Weights { tensor, .. }) = Checkpoint::single(&file, None, &words, DType::F32, &Device::Cpu)
            .and_then(|checkpoint| Model::new(&checkpoint, Overlay::default()))
        else {
            panic!("{name}: tiny weights taken for the true size")
        };
        println!("{name}: {tensor}");
    }
}

#[test]
fn what_is_no_checkpoint_is_refused() {
    let other = golden("runs.safetensors");
    assert!(matches!(Checkpoint::single(&other, None, &[], DType::F32, &Device::Cpu), Err(Error::Weights { .. })));
    assert!(Checkpoint::open(&golden("nothing"), DType::F32, &Device::Cpu).is_err());
}
