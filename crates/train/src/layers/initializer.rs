//! How the first weights are drawn.
use crate::random::Random;
use crate::recipe::Initializer;

/// Inputs and outputs of one unit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Fans {
    /// Inputs that a unit sums over.
    pub fan_in: usize,
    /// Outputs that an input feeds.
    pub fan_out: usize,
}

impl Fans {
    /// Those of a weight `[inputs, units]`, or of filters `[units, inputs, ...]`; of a vector both are its length.
    #[must_use]
    pub fn of(shape: &[usize]) -> Self {
        match *shape {
            [inputs, units] => Self { fan_in: inputs, fan_out: units },
            [units, inputs, ref window @ ..] => {
                let window: usize = window.iter().product();
                Self { fan_in: inputs * window, fan_out: units * window }
            }
            [length] => Self { fan_in: length, fan_out: length },
            [] => Self { fan_in: 1, fan_out: 1 },
        }
    }
}

/// How first weights are drawn. Any function of a shape that gives that many numbers, in row-major order, is one; it should draw from
/// nothing but `random`, so that equal seeds give equal networks.
///
/// ```
/// use barograph_train::{layers::{Fans, Initialize}, random::Random};
/// // Uniform, as the first layer of a network of sines wants it (Sitzmann et al., 2020).
/// let siren = |shape: &[usize], fans: Fans, random: &mut Random| {
///     let mut weights = vec![0.0; shape.iter().product()];
///     random.fill_uniform(&mut weights, -1.0 / fans.fan_in as f64, 1.0 / fans.fan_in as f64);
///     weights
/// };
/// # fn is_initializer(_: impl Initialize) {}
/// # is_initializer(siren);
/// ```
pub trait Initialize: Send {
    /// The weights of this shape.
    fn draw(&self, shape: &[usize], fans: Fans, random: &mut Random) -> Vec<f32>;
}

impl<F: Fn(&[usize], Fans, &mut Random) -> Vec<f32> + Send> Initialize for F {
    fn draw(&self, shape: &[usize], fans: Fans, random: &mut Random) -> Vec<f32> {
        self(shape, fans, random)
    }
}

impl Initialize for Initializer {
    fn draw(&self, shape: &[usize], fans: Fans, random: &mut Random) -> Vec<f32> {
        initialize(*self, shape.iter().product(), fans, random)
    }
}

/// Draws `count` weights.
///
/// `orthogonal` fills a `[fan_in, count / fan_in]` matrix with orthonormal rows or columns, whichever are fewer.
#[must_use]
pub fn initialize(initializer: Initializer, count: usize, fans: Fans, random: &mut Random) -> Vec<f32> {
    let (fan_in, fan_out) = (fans.fan_in.max(1) as f64, fans.fan_out.max(1) as f64);
    match initializer {
        Initializer::GlorotUniform => uniform(count, (6.0 / (fan_in + fan_out)).sqrt(), random),
        Initializer::GlorotNormal => normal(count, (2.0 / (fan_in + fan_out)).sqrt(), random),
        Initializer::HeUniform => uniform(count, (6.0 / fan_in).sqrt(), random),
        Initializer::HeNormal => normal(count, (2.0 / fan_in).sqrt(), random),
        Initializer::LecunUniform => uniform(count, (3.0 / fan_in).sqrt(), random),
        Initializer::LecunNormal => normal(count, (1.0 / fan_in).sqrt(), random),
        Initializer::Normal { std } => normal(count, std, random),
        Initializer::Uniform { bound } => uniform(count, bound, random),
        Initializer::Constant { value } => vec![value as f32; count],
        Initializer::TruncatedNormal { std } => truncated_normal(count, std, random),
        Initializer::Zeros => vec![0.0; count],
        Initializer::Orthogonal => orthogonal(count, fans.fan_in.max(1), random),
    }
}

fn uniform(count: usize, bound: f64, random: &mut Random) -> Vec<f32> {
    let mut weights = vec![0.0; count];
    random.fill_uniform(&mut weights, -bound, bound);
    weights
}

fn normal(count: usize, std: f64, random: &mut Random) -> Vec<f32> {
    let mut weights = vec![0.0; count];
    random.fill_normal(&mut weights, 0.0, std);
    weights
}

/// Normal numbers, each drawn again until it is within two standard deviations.
fn truncated_normal(count: usize, std: f64, random: &mut Random) -> Vec<f32> {
    let mut draw = || loop {
        let number = random.normal();
        if number.abs() <= 2.0 {
            return (number * std) as f32;
        }
    };
    (0..count).map(|_| draw()).collect()
}

/// Gram-Schmidt over random normal vectors; a vector that is left without a direction of its own is drawn again.
fn orthogonal(count: usize, rows: usize, random: &mut Random) -> Vec<f32> {
    let columns = count / rows;
    let (vectors, length) = if rows <= columns { (rows, columns) } else { (columns, rows) };
    let mut basis: Vec<Vec<f64>> = Vec::with_capacity(vectors);
    while basis.len() < vectors {
        let mut vector: Vec<f64> = (0..length).map(|_| random.normal()).collect();
        // Twice, because one pass loses orthogonality to rounding when vectors are nearly parallel.
        for _ in 0..2 {
            for other in &basis {
                let along: f64 = vector.iter().zip(other).map(|(x, y)| x * y).sum();
                vector.iter_mut().zip(other).for_each(|(x, y)| *x -= along * y);
            }
        }
        let norm = vector.iter().map(|x| x * x).sum::<f64>().sqrt();
        if norm > 1e-6 {
            for x in &mut vector {
                *x /= norm;
            }
            basis.push(vector);
        }
    }
    let at = |row: usize, column: usize| if rows <= columns { basis[row][column] } else { basis[column][row] };
    (0..rows * columns).map(|index| at(index / columns, index % columns) as f32).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::random::Purpose;

    fn draw(initializer: Initializer, rows: usize, columns: usize) -> Vec<f64> {
        let fans = Fans { fan_in: rows, fan_out: columns };
        let mut random = Random::new(7, Purpose::Weight, 0, 0);
        initialize(initializer, rows * columns, fans, &mut random).into_iter().map(f64::from).collect()
    }

    fn std(values: &[f64]) -> f64 {
        (values.iter().map(|x| x * x).sum::<f64>() / values.len() as f64).sqrt()
    }

    #[test]
    fn the_spread_follows_the_formula() {
        // The standard error of the standard deviation of 60,000 draws is 0.3 %; 2 % is seven of them.
        let near = |initializer, expected: f64| {
            let seen = std(&draw(initializer, 200, 300));
            assert!((seen / expected - 1.0).abs() < 0.02, "{initializer:?}: {seen} instead of {expected}");
        };
        near(Initializer::HeNormal, (2.0_f64 / 200.0).sqrt());
        near(Initializer::HeUniform, (2.0_f64 / 200.0).sqrt());
        near(Initializer::GlorotUniform, (2.0_f64 / 500.0).sqrt());
        near(Initializer::GlorotNormal, (2.0_f64 / 500.0).sqrt());
        near(Initializer::LecunUniform, (1.0_f64 / 200.0).sqrt());
        near(Initializer::LecunNormal, (1.0_f64 / 200.0).sqrt());
        near(Initializer::Normal { std: 0.3 }, 0.3);
        // The standard deviation of a normal distribution that is cut at twice its own is 0.8796 of it.
        near(Initializer::TruncatedNormal { std: 0.3 }, 0.3 * 0.8796);
        assert!(draw(Initializer::TruncatedNormal { std: 0.3 }, 200, 300).iter().all(|weight| weight.abs() <= 0.6001));
    }

    #[test]
    fn orthogonal_is_orthonormal_whichever_side_is_longer() {
        for (rows, columns) in [(5, 9), (9, 5), (6, 6)] {
            let matrix = draw(Initializer::Orthogonal, rows, columns);
            let (vectors, length) = (rows.min(columns), rows.max(columns));
            let at = |vector: usize, index: usize| {
                if rows <= columns { matrix[vector * columns + index] } else { matrix[index * columns + vector] }
            };
            for a in 0..vectors {
                for b in 0..vectors {
                    let dot: f64 = (0..length).map(|index| at(a, index) * at(b, index)).sum();
                    let expected = if a == b { 1.0 } else { 0.0 };
                    assert!((dot - expected).abs() < 1e-5, "{rows}x{columns}: {a}.{b} = {dot}");
                }
            }
        }
    }
}
