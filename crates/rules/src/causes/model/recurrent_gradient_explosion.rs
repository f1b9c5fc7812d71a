use crate::clues::{self, UNLIKELY};
use crate::prelude::*;
use crate::remedies as remedy;

rule! {
    /// ## What it means
    /// Backpropagation through time multiplies by the recurrent weight once a time step. If its spectral radius is above 1, the gradient grows
    /// geometrically with the length of the sequence.
    ///
    /// ## How it is weighed
    /// The gradient of a weight of a recurrent layer that jumps to `JUMP` times its size and is then the largest of all
    /// speaks for it, if the run diverges or breaks. Without a recurrent layer it is out of the question.
    ///
    /// ## Example
    /// ```trace
    /// facts: steps=60 rnn.layer=rnn out.layer=dense
    /// sites: rnn rnn.weight_hh out out.weight
    /// step    loss      rnn.weight_hh/gradient.rms  out.weight/gradient.rms
    /// 0..29   2.3       0.1|0.11                    0.1
    /// 30..49  2.3=>20   0.1=>1e5                    0.1
    /// 50      NaN       1e9                         0.1
    /// cause
    /// ```
    /// ```trace
    /// facts: steps=60 fc.layer=dense out.layer=dense
    /// sites: fc fc.weight out out.weight
    /// step    loss      fc.weight/gradient.rms  out.weight/gradient.rms
    /// 0..29   2.3       0.1|0.11                0.1
    /// 30..49  2.3=>20   0.1=>1e5                0.1
    /// 50      NaN       1e9                     0.1
    /// no cause
    /// ```
    /// ```trace
    /// facts: steps=60 rnn.layer=rnn out.layer=dense
    /// sites: rnn rnn.weight_hh out out.weight
    /// step    loss      rnn.weight_hh/gradient.rms  out.weight/gradient.rms  accuracy   chance_loss
    /// 0..59   2.3->0.1  0.1|0.2                     0.1                      0.1->0.97  2.3
    /// no cause
    /// ```
    ///
    /// ## Fix
    /// Clip the global gradient norm at 1; use an LSTM or GRU, or orthogonal initial recurrent weights.
    ///
    /// ## References
    /// - Pascanu, Mikolov, Bengio, *On the Difficulty of Training Recurrent Neural Networks*, 2013, arXiv:1211.5063
    pub(crate) static RECURRENT_GRADIENT_EXPLOSION: CauseRule = CauseRule {
        slug: "recurrent-gradient-explosion",
        title: "Backpropagation through time multiplies without bound",
        explains: &[
            "gradient-exploding", "gradient-not-finite", "weight-not-finite", "activation-not-finite",
            "loss-not-finite", "loss-diverging", "loss-spike", "loss-oscillating",
        ],
        since: "0.1.0",
        weigh,
        remedies,
    };
}

/// Largest gradient over that of the first steps. Our choice: single batches reach ten.
const JUMP: f64 = 100.0;

fn weigh(case: &Case<'_>) -> Weighing {
    let recurrent = clues::layers_of_kind(case, clues::is_recurrent).count();
    let explosion = clues::recurrent_jump(case).filter(|(_, jump)| *jump > JUMP);
    let clipped = case.digest.clipped.mean().is_some();
    case.weigh(UNLIKELY)
        .first_symptom(&[
            ("gradient-not-finite", 2.0),
            ("loss-diverging", 1.5),
            ("loss-not-finite", 1.5),
            ("activation-not-finite", 1.5),
            ("weight-not-finite", 1.5),
            ("loss-oscillating", 1.0),
        ])
        .symptom("gradient-exploding", 1.5)
        .symptom("loss-spike", 0.5)
        .given(
            explosion.map(|(_, jump)| {
                Evidence::against("growth of the gradient of a recurrent layer, the largest of all", jump, JUMP)
            }),
            3.0,
        )
        .when(recurrent == 0, -9.0, || Evidence::plain("no recurrent layer is known", 0.0))
        .when(explosion.is_none(), -3.0, || Evidence::plain("no gradient of a recurrent layer jumps", 0.0))
        .when(clipped, -1.0, || Evidence::plain("gradients are clipped", 1.0))
        .symptom("inputs-not-finite", -4.0)
        .at(explosion.map(|(site, _)| site))
        .unless_in_trouble(5.0)
        .done()
}

fn remedies(case: &Case<'_>) -> Vec<Remedy> {
    vec![remedy::clip(1.0), remedy::scale_rate(case, 0.1)]
}
