use crate::{carried, floats, tensors};
use klieg_diffusion::schedule::{Config, Method, Schedule, Walk};
use serde::Deserialize;
use std::sync::Arc;

#[derive(Deserialize)]
struct Case {
    method: Method,
    steps: usize,
    config: Config,
}

/// Levels reach 4096 where the training's end is pure noise: the gate is 1e-4 of the larger of 1 and the numbers at hand.
fn far(ours: &[f32], theirs: &[f32]) -> f32 {
    let size = theirs.iter().fold(1f32, |m, x| m.max(x.abs()));
    ours.iter().zip(theirs).map(|(a, b)| if a.is_nan() { f32::INFINITY } else { (a - b).abs() }).fold(0.0, f32::max) / size
}

#[test]
fn whole_trajectories_are_the_references() {
    let golden = tensors("schedules.safetensors");
    let cases: Vec<Case> = serde_json::from_value(carried("schedules.safetensors", "cases")).unwrap();
    let rows = |name: &str| floats(&golden[name]);
    let (start, outputs, noise) = (rows("start"), rows("outputs"), rows("noise"));
    let width = start.len();
    let row = |all: &[f32], i: usize| all[i * width..(i + 1) * width].to_vec();
    let mut worst = (0.0, 0);
    for (number, case) in cases.iter().enumerate() {
        let schedule = Arc::new(Schedule::new(case.method, &case.config, case.steps).unwrap());
        let what = format!("{number}: {:?}, {} steps, {:?}", case.method, case.steps, case.config);
        let times = rows(&format!("{number}.timesteps"));
        assert_eq!(schedule.timesteps.len(), times.len(), "{what}");
        let time_far = schedule.timesteps.iter().zip(&times).map(|(a, b)| (a - b).abs()).fold(0.0, f32::max);
        assert!(time_far < 2e-3, "{what}: {:?} for {times:?}", schedule.timesteps);
        let (trail, scaled) = (rows(&format!("{number}.trail")), rows(&format!("{number}.scaled")));
        let mut walk = Walk::new(schedule.clone(), 0);
        let mut x: Vec<f32> = start.iter().map(|x| x * schedule.init_sigma()).collect();
        for i in 0..times.len() {
            let input: Vec<f32> = x.iter().map(|x| x / schedule.input_divisor(i)).collect();
            let input_far = far(&input, &row(&scaled, i));
            let noise = walk.wants_noise().then(|| row(&noise, i));
            x = walk.step(&x, &row(&outputs, i), noise.as_ref()).unwrap();
            let step_far = far(&x, &row(&trail, i)).max(input_far);
            assert!(step_far <= 1e-4, "{what}: step {i} is {step_far} away");
            worst = if step_far > worst.0 { (step_far, number) } else { worst };
        }
        assert!(walk.done());
        let (of_picture, of_noise) = schedule.mixture(times.len() / 2);
        let noised: Vec<f32> = start.iter().zip(&noise).map(|(x, n)| of_picture * x + of_noise * n).collect();
        let noised_far = far(&noised, &rows(&format!("{number}.noised")));
        assert!(noised_far <= 1e-4, "{what}: noised {noised_far} away");
    }
    println!("{} trajectories, the worst {:.1e} away (number {})", cases.len(), worst.0, worst.1);
}

#[test]
fn bad_schedules_are_refused_early() {
    let refused = |method, config: serde_json::Value, steps| {
        let config: Config = serde_json::from_value(config).unwrap();
        Schedule::new(method, &config, steps).unwrap_err().to_string()
    };
    let none = serde_json::json!({});
    assert_eq!(refused(Method::Euler, none.clone(), 0), "use steps = 0: from 1 to 1000");
    assert_eq!(refused(Method::Euler, none.clone(), 1001), "use steps = 1001: from 1 to 1000");
    assert_eq!(refused(Method::Lcm, none.clone(), 51), "use steps = 51: at most 50 of this model with lcm");
    assert!(refused(Method::Ddim, serde_json::json!({"thresholding": true}), 4).contains("thresholding"));
    assert!(refused(Method::EulerAncestral, serde_json::json!({"prediction_type": "sample"}), 4).contains("euler_a"));
    assert!(refused(Method::UniPc, serde_json::json!({"solver_order": 4}), 4).contains("solver_order"));
    assert!(refused(Method::Euler, serde_json::json!({"beta_start": -1.0}), 4).contains("beta_start"));
    assert!(refused(Method::Euler, serde_json::json!({"num_train_timesteps": 1e9 as u64}), 4).contains("num_train_timesteps"));
    let schedule = Schedule::new(Method::Ddim, &Config::default(), 10).unwrap();
    assert_eq!(schedule.begin(0.6).unwrap(), 4);
    for strength in [0.0, -1.0, 1.1, f64::NAN, 0.05] {
        assert!(schedule.begin(strength).is_err(), "{strength}");
    }
}
