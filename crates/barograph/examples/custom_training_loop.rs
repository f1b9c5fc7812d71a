//! A training loop of one's own, observed: each step first looks for the worst inputs nearby, and then learns from those
//! (adversarial training by the fast gradient sign method; Goodfellow, Shlens and Szegedy, 2015).
use barograph::{Options, cpu, from_slice, ops, tap, to_vec, watch};
use burn::module::Module;
use burn::nn::{Linear, LinearConfig};
use burn::optim::{GradientsParams, SgdConfig};
use burn::prelude::*;

/// How far an attacker moves each number.
const REACH: f64 = 0.3;

const ROWS: usize = 500;

#[derive(Module, Debug)]
struct Classifier {
    output: Linear,
}

impl Classifier {
    /// `[batch, 2]` to a score `[batch, 1]`, which says yes above 0.
    fn forward(&self, x: Tensor<2>) -> Tensor<2> {
        tap("output", self.output.forward(x))
    }

    /// The logistic loss, with `sign` 1 for yes and -1 for no: `softplus(-sign * score)`.
    fn loss(&self, x: Tensor<2>, sign: Tensor<2>) -> Tensor<1> {
        ops::mean(ops::softplus(ops::neg(ops::mul(self.forward(x), sign)), 1.0))
    }

    /// The inputs within reach that the model does worst at: a step up the slope of the loss.
    fn attacked(&self, x: &Tensor<2>, sign: &Tensor<2>) -> Tensor<2> {
        let x = x.clone().detach().require_grad();
        let gradients = self.loss(x.clone(), sign.clone()).backward();
        let Some(slope) = x.grad(&gradients) else { return x };
        x.detach() + Tensor::from_inner(slope.sign().mul_scalar(REACH))
    }

    fn accuracy(&self, x: Tensor<2>, sign: &Tensor<2>) -> f64 {
        let right =
            to_vec(&self.forward(x)).iter().zip(to_vec(sign)).filter(|(score, sign)| **score * sign > 0.0).count();
        right as f64 / ROWS as f64
    }
}

/// Trains, and returns the accuracy on the inputs as they are, and under attack.
fn train(adversarial: bool, x: &Tensor<2>, sign: &Tensor<2>) -> Result<[f64; 2], Box<dyn std::error::Error>> {
    let rate = 0.5;
    let mut model = Classifier { output: LinearConfig::new(2, 1).init(&x.device()) };
    let mut optimizer = SgdConfig::new().init();
    let name = if adversarial { "adversarial" } else { "plain" };
    let mut run = watch(&model, Options { name: name.to_owned(), ..Options::default() })?;
    for step in 0..400 {
        // Before the step begins, so that what the attacker computes is not taken for a part of it.
        let batch = if adversarial { model.attacked(x, sign) } else { x.clone() };
        run.begin_step(rate);
        let loss = model.loss(batch, sign.clone());
        let value = to_vec(&loss)[0];
        let gradients = GradientsParams::from_grads(loss.backward(), &model);
        if !run.observe(&model, &loss, &gradients) {
            return Err("the loss is not finite".into());
        }
        model = optimizer.step(rate, model, gradients);
        run.end_step(&model);
        if step % 100 == 99 {
            println!("  {name:<11}  step {step:3}  loss {value:.3}");
        }
    }
    let diagnosis = run.finish();
    println!("  {name:<11}  {} rules looked on at {} steps", diagnosis.checked.len(), diagnosis.steps);
    assert!(diagnosis.incident.is_none() && diagnosis.steps == 400, "{:?}", diagnosis.findings);
    Ok([model.accuracy(x.clone(), sign), model.accuracy(model.attacked(x, sign), sign)])
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    // The first number is right for nine rows in ten, by far; the second always is, by little.
    let device = cpu(true);
    let signs: Vec<f32> = (0..ROWS).map(|i| if i % 2 == 0 { 1.0 } else { -1.0 }).collect();
    let x =
        signs.iter().enumerate().flat_map(|(i, sign)| [if i % 10 < 9 { *sign } else { -sign }, 0.1 * sign]).collect();
    let (x, sign) = (from_slice(x, [ROWS, 2], &device), from_slice(signs, [ROWS, 1], &device));

    let [plain, plain_attacked] = train(false, &x, &sign)?;
    let [ours, ours_attacked] = train(true, &x, &sign)?;
    println!("accuracy        as they are  under attack");
    println!("plain                {plain:.3}         {plain_attacked:.3}");
    println!("adversarial          {ours:.3}         {ours_attacked:.3}");
    assert!(ours_attacked > 0.85 && ours_attacked >= plain_attacked, "{ours_attacked}, {plain_attacked}");
    Ok(())
}
