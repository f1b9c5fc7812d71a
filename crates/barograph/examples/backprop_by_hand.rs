//! Backpropagation written out: a network of two layers learns XOR with matrices and derivatives by hand, and at every step autodiff
//! computes the same gradients.
//!
//! With x `[4, 2]` and the targets t `[4, 1]`, the network and its loss are
//!
//! ```text
//! z = x W + b      h = tanh(z)      y = sigmoid(h V + c)      L = mean((y - t)^2)
//! ```
//!
//! and the chain rule, from the loss backwards, gives
//!
//! ```text
//! dL/dy = 2 (y - t) / 4
//! dL/ds = dL/dy * y (1 - y)              s = h V + c
//! dL/dV = h^T dL/ds                      dL/dc = the sum of dL/ds over the rows
//! dL/dh = dL/ds V^T
//! dL/dz = dL/dh * (1 - h^2)
//! dL/dW = x^T dL/dz                      dL/db = the sum of dL/dz over the rows
//! ```
use barograph::{cpu, from_slice, ops, to_vec};
use burn::prelude::*;

const HIDDEN: usize = 4;
const RATE: f32 = 2.0;
const STEPS: usize = 1000;

const X: [[f32; 2]; 4] = [[0.0, 0.0], [0.0, 1.0], [1.0, 0.0], [1.0, 1.0]];
const T: [[f32; 1]; 4] = [[0.0], [1.0], [1.0], [0.0]];

type Matrix<const ROWS: usize, const COLUMNS: usize> = [[f32; COLUMNS]; ROWS];

/// A matrix whose element at row r and column c is `element(r, c)`.
fn matrix<const R: usize, const C: usize>(element: impl Fn(usize, usize) -> f32) -> Matrix<R, C> {
    std::array::from_fn(|r| std::array::from_fn(|c| element(r, c)))
}

/// The product of two matrices.
fn product<const R: usize, const N: usize, const C: usize>(a: &Matrix<R, N>, b: &Matrix<N, C>) -> Matrix<R, C> {
    matrix(|r, c| (0..N).map(|n| a[r][n] * b[n][c]).sum())
}

/// Rows become columns.
fn transposed<const R: usize, const C: usize>(a: &Matrix<R, C>) -> Matrix<C, R> {
    matrix(|c, r| a[r][c])
}

/// The sum of each column.
fn sum_of_rows<const R: usize, const C: usize>(a: &Matrix<R, C>) -> Matrix<1, C> {
    matrix(|_, c| a.iter().map(|row| row[c]).sum())
}

/// The weights, or their gradients.
#[derive(Clone, Copy)]
struct Weights {
    w: Matrix<2, HIDDEN>,
    b: Matrix<1, HIDDEN>,
    v: Matrix<HIDDEN, 1>,
    c: Matrix<1, 1>,
}

impl Weights {
    /// Small numbers of both signs, none like another.
    fn first() -> Self {
        let number = |seed: usize| ((seed * 7919 + 104_729) % 2003) as f32 / 1001.5 - 1.0;
        Self {
            w: matrix(|r, c| number(r * HIDDEN + c)),
            b: matrix(|_, c| number(20 + c)),
            v: matrix(|r, _| number(40 + r)),
            c: [[0.0]],
        }
    }

    fn updated(self, gradient: &Self) -> Self {
        Self {
            w: matrix(|r, c| self.w[r][c] - RATE * gradient.w[r][c]),
            b: matrix(|r, c| self.b[r][c] - RATE * gradient.b[r][c]),
            v: matrix(|r, c| self.v[r][c] - RATE * gradient.v[r][c]),
            c: matrix(|r, c| self.c[r][c] - RATE * gradient.c[r][c]),
        }
    }

    fn flat(&self) -> Vec<f32> {
        [self.w.concat(), self.b.concat(), self.v.concat(), self.c.concat()].concat()
    }
}

/// The answers, the loss and its gradients, by hand.
fn by_hand(weights: &Weights) -> (Matrix<4, 1>, f32, Weights) {
    let Weights { w, b, v, c } = weights;
    // Forward.
    let z = product(&X, w);
    let h: Matrix<4, HIDDEN> = matrix(|r, k| (z[r][k] + b[0][k]).tanh());
    let s = product(&h, v);
    let y: Matrix<4, 1> = matrix(|r, _| 1.0 / (1.0 + (-(s[r][0] + c[0][0])).exp()));
    let loss = (0..4).map(|r| (y[r][0] - T[r][0]).powi(2)).sum::<f32>() / 4.0;
    // Backward.
    let dy: Matrix<4, 1> = matrix(|r, _| 2.0 * (y[r][0] - T[r][0]) / 4.0);
    let ds: Matrix<4, 1> = matrix(|r, _| dy[r][0] * y[r][0] * (1.0 - y[r][0]));
    let dh = product(&ds, &transposed(v));
    let dz: Matrix<4, HIDDEN> = matrix(|r, k| dh[r][k] * (1.0 - h[r][k].powi(2)));
    let gradients = Weights {
        w: product(&transposed(&X), &dz),
        b: sum_of_rows(&dz),
        v: product(&transposed(&h), &ds),
        c: sum_of_rows(&ds),
    };
    (y, loss, gradients)
}

/// The loss and its gradients, by autodiff. Only the forward pass is written.
fn by_autodiff(weights: &Weights) -> (f32, Vec<f32>) {
    let device = cpu(true);
    let learned = |values: Vec<f32>, shape| from_slice::<2>(values, shape, &device).require_grad();
    let w = learned(weights.w.concat(), [2, HIDDEN]);
    let b = learned(weights.b.concat(), [1, HIDDEN]);
    let v = learned(weights.v.concat(), [HIDDEN, 1]);
    let c = learned(weights.c.concat(), [1, 1]);
    let (x, t) = (from_slice(X.concat(), [4, 2], &device), from_slice(T.concat(), [4, 1], &device));

    let h = ops::tanh(ops::add(ops::matmul(x, w.clone()), b.clone()));
    let y = ops::sigmoid(ops::add(ops::matmul(h, v.clone()), c.clone()));
    let loss = ops::mean(ops::square(ops::sub(y, t)));

    let gradients = loss.backward();
    let gradient = |weight: &Tensor<2>| weight.grad(&gradients).map(|gradient| to_vec(&gradient)).unwrap_or_default();
    (to_vec(&loss)[0], [&w, &b, &v, &c].into_iter().flat_map(gradient).collect())
}

fn main() {
    let mut weights = Weights::first();
    let mut farthest = 0.0_f32;
    for step in 0..STEPS {
        let (_, loss, gradients) = by_hand(&weights);
        let (auto_loss, auto_gradients) = by_autodiff(&weights);
        if step % 100 == 0 {
            println!("step {step:4}  loss {loss:.6}");
        }
        assert!((loss - auto_loss).abs() < 1e-6, "step {step}: loss {loss} by hand, {auto_loss} by autodiff");
        assert_eq!(gradients.flat().len(), auto_gradients.len());
        for (hand, auto) in gradients.flat().into_iter().zip(auto_gradients) {
            farthest = farthest.max((hand - auto).abs());
            assert!((hand - auto).abs() < 1e-6, "step {step}: gradient {hand} by hand, {auto} by autodiff");
        }
        weights = weights.updated(&gradients);
    }
    let (answers, loss, _) = by_hand(&weights);
    println!("step {STEPS:4}  loss {loss:.6}");
    println!("\nOf {STEPS} steps, no gradient by hand was farther than {farthest:.1e} from autodiff's.\nXOR:");
    for ((x, answer), target) in X.iter().zip(answers).zip(T) {
        println!("  {} and {}: {:.3}", x[0], x[1], answer[0]);
        assert!((answer[0] - target[0]).abs() < 0.2, "XOR was not learned: {answer:?} for {x:?}");
    }
}
