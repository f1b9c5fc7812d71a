//! Watches a training loop of one's own on burn. The learning rate is too high on purpose; Barograph says so.
use barograph::report::{Curves, Report, TerminalOptions, terminal};
use barograph::{Options, cpu, from_slice, tap, watch};
use burn::{
    module::Module,
    nn::{Linear, LinearConfig},
    optim::{GradientsParams, SgdConfig},
    prelude::*,
    tensor::activation::relu,
};

const LEARNING_RATE: f64 = 3.0;

#[derive(Module, Debug)]
struct TwoLayers {
    hidden: Linear,
    output: Linear,
}

impl TwoLayers {
    fn forward(&self, x: Tensor<2>) -> Tensor<2> {
        let x = tap("hidden", relu(self.hidden.forward(x)));
        tap("output", self.output.forward(x))
    }
}

fn main() -> Result<(), Box<dyn std::error::Error + Send + Sync>> {
    let device = cpu(true);
    let x: Vec<f32> = (0..128u8).map(|i| f32::from(i) / 64.0 - 1.0).collect();
    let y = x.iter().map(|x| (3.0 * x).sin()).collect();
    let (x, y) = (from_slice(x, [128, 1], &device), from_slice(y, [128, 1], &device));

    let mut model =
        TwoLayers { hidden: LinearConfig::new(1, 32).init(&device), output: LinearConfig::new(32, 1).init(&device) };
    let mut optimizer = SgdConfig::new().init();

    let mut run = watch(&model, Options { name: "sine".to_owned(), ..Options::default() })?;
    for _ in 0..100 {
        run.begin_step(LEARNING_RATE);
        let loss = (model.forward(x.clone()) - y.clone()).powf_scalar(2.0).mean();
        let gradients = GradientsParams::from_grads(loss.backward(), &model);
        if !run.observe(&model, &loss, &gradients) {
            // Not finite: the step is not done, and the loop is over.
            run.end_step(&model);
            break;
        }
        model = optimizer.step(LEARNING_RATE, model, gradients);
        for finding in run.end_step(&model) {
            println!("step {}: {}", finding.step, finding.message);
        }
    }

    let report = Report { diagnosis: &run.finish(), curves: &Curves::default(), samples: &[] };
    print!("\n{}", terminal(&report, &TerminalOptions::default()));
    Ok(())
}
