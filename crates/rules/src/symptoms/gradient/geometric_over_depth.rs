use crate::figure::figure;
use crate::prelude::*;

rule! {
    /// ## What it does
    /// Finds deep networks in which a signal decays or grows by the same factor from layer to layer.
    ///
    /// ## Why it matters
    /// A factor of 1.5 is nothing for five layers, and 3,000 for twenty. Without a way around the layers the first or the last
    /// of them stand still.
    ///
    /// ## How it is detected
    /// Over at least `LAYERS` layers in execution order, the size of the weights' gradients, of the activations' gradients or of
    /// the activations (the output left out) changes `TOTAL` times in all, and its logarithm follows a straight line: depth
    /// explains more than `STRAIGHT` of its variance. This holds at step 0, where the
    /// initial weights show undisturbed, or in `READINGS` steps in a row.
    ///
    /// ## Example
    /// ```trace
    /// facts: steps=50
    /// sites: a b c d e f g h i j
    /// step   a/gradient.rms  b/gradient.rms  c/gradient.rms  d/gradient.rms  e/gradient.rms  f/gradient.rms  g/gradient.rms  h/gradient.rms  i/gradient.rms  j/gradient.rms
    /// 0..49  1e-6            3e-6            9e-6            3e-5            9e-5            3e-4            9e-4            3e-3            9e-3            3e-2
    /// finding at 0 a
    /// ```
    /// Layers of different sizes follow no line:
    /// ```trace
    /// facts: steps=50
    /// sites: a b c d e f g h i j
    /// step   a/gradient.rms  b/gradient.rms  c/gradient.rms  d/gradient.rms  e/gradient.rms  f/gradient.rms  g/gradient.rms  h/gradient.rms  i/gradient.rms  j/gradient.rms
    /// 0..49  1e-5            3e-3            9e-3            3e-3            9e-3            3e-3            9e-3            3e-3            9e-3            3e-2
    /// healthy
    /// ```
    ///
    /// ## Fix
    /// Add skip connections or normalization layers, or use fewer layers.
    ///
    /// ## References
    /// - He et al., *Deep Residual Learning for Image Recognition*, 2016, arXiv:1512.03385
    /// - Schoenholz et al., *Deep Information Propagation*, 2017, arXiv:1611.01232
    pub(crate) static GEOMETRIC_OVER_DEPTH: Rule = Rule {
        code: "GRD007",
        name: "geometric-over-depth",
        severity: Severity::Warning,
        needs: &[Need::Reading(Role::Gradient)],
        scope: Scope::Run,
        since: "0.1.0",
        watch: || Box::new(GeometricOverDepth::default()),
    };
}

/// Layers. Our choice: fewer are trained without skip connections every day.
const LAYERS: f64 = 10.0;

/// First layer over last. Our choice: healthy networks of ten layers stay within a factor of thirty.
const TOTAL: f64 = 1e3;

/// Share of the variance of the logarithm. Our choice.
const STRAIGHT: f64 = 0.8;

/// Steps in a row. Our choice.
const READINGS: u64 = 3;

/// Least squares of logarithms of sizes on their number, in sums.
#[derive(Clone, Copy, Default)]
struct Line {
    count: f64,
    x: f64,
    y: f64,
    xx: f64,
    xy: f64,
    yy: f64,
}

impl Line {
    fn push(&mut self, size: f64) {
        let (x, y) = (self.count, size.ln());
        self.count += 1.0;
        self.x += x;
        self.y += y;
        self.xx += x * x;
        self.xy += x * y;
        self.yy += y * y;
    }

    /// The factor from one layer to the next, if the sizes follow a straight line far enough.
    fn factor(&self) -> Option<f64> {
        let n = self.count;
        let (xx, xy, yy) =
            (self.xx - self.x * self.x / n, self.xy - self.x * self.y / n, self.yy - self.y * self.y / n);
        if n < LAYERS || xx <= 0.0 || yy <= 0.0 {
            return None;
        }
        let slope = xy / xx;
        let steep = slope.abs() * (n - 1.0) > TOTAL.ln();
        (steep && xy * xy / (xx * yy) > STRAIGHT).then(|| slope.exp())
    }
}

/// The factor of one role, and the first site that it was seen at.
fn factor(view: &StepView<'_>, role: Role) -> Option<(SiteId, Role, Line, f64)> {
    let size =
        |reading: &barograph_vocab::Reading| if role == Role::Activation { reading.std() } else { reading.rms() };
    let seen = |(site, reading): &(SiteId, &barograph_vocab::Reading)| {
        size(reading) > 0.0 && (role != Role::Gradient || view.is_matrix(*site))
    };
    let mut layers = view.each(role).filter(seen);
    if role == Role::Activation {
        layers.next_back();
    }
    let (mut line, mut first) = (Line::default(), None);
    for (site, reading) in layers {
        first = first.or(Some(site));
        line.push(size(reading));
    }
    Some((first?, role, line, line.factor()?))
}

#[derive(Default)]
struct GeometricOverDepth {
    streak: Streak,
}

impl Watch for GeometricOverDepth {
    fn see(&mut self, view: &StepView<'_>, _site: Option<SiteId>) -> Verdict {
        if view.only(Role::Gradient).is_none() {
            return Verdict::TooEarly;
        }
        let roles = [Role::Gradient, Role::ActivationGradient, Role::Activation];
        let found = roles.into_iter().find_map(|role| factor(view, role));
        let streak = self.streak.push(found.is_some());
        let Some((site, role, line, factor)) = found else { return Verdict::Healthy };
        if view.step() > 0 && streak < READINGS {
            return Verdict::TooEarly;
        }
        let message = format!(
            "the size of the {}s changes by a factor of {} with each of {} layers",
            role.name().replace('_', " "),
            figure(factor),
            line.count
        );
        let total = factor.ln().abs() * (line.count - 1.0);
        let draft = GEOMETRIC_OVER_DEPTH.found(view.step(), message).at(view, Some(site), role);
        draft.against("factor over all layers", total.exp(), TOTAL).into()
    }
}
