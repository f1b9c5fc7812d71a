//! Activation functions.
use super::visit::words;

words! {
    /// A function applied to each value (or, for the softmaxes, along an axis) of a layer's output.
    Activation, "activation", {
        /// `x`.
        Linear = "linear",
        /// `max(x, 0)`.
        Relu = "relu",
        /// `x` above 0, else `0.01 x`. The layer `leaky_relu` takes another slope.
        LeakyRelu = "leaky_relu",
        /// `x` above 0, else `exp(x) - 1`.
        Elu = "elu",
        /// `elu` as Barron wrote it, 2017: the same where its `alpha` is 1, as it is here.
        Celu = "celu",
        /// Self-normalizing ELU: `1.0507 x` above 0, else `1.7581 (exp(x) - 1)`.
        Selu = "selu",
        /// `x Phi(x)`, with the exact normal distribution function.
        Gelu = "gelu",
        /// `gelu` by the approximation with a hyperbolic tangent.
        GeluTanh = "gelu_tanh",
        /// `x sigmoid(x)`, also called swish.
        Silu = "silu",
        /// `x tanh(softplus(x))`.
        Mish = "mish",
        /// `x / 6 + 1/2`, held between 0 and 1.
        HardSigmoid = "hard_sigmoid",
        /// `x hard_sigmoid(x)`.
        HardSwish = "hard_swish",
        /// `x`, held between -1 and 1.
        HardTanh = "hard_tanh",
        /// `x`, held between 0 and 6.
        Relu6 = "relu6",
        /// `x` above 1, else 0. The layer `threshold` takes another threshold.
        ThresholdedRelu = "thresholded_relu",
        /// `ln(sigmoid(x))`.
        LogSigmoid = "log_sigmoid",
        /// `x / (1 + |x|)`.
        Softsign = "softsign",
        /// `x - tanh(x)`.
        TanhShrink = "tanh_shrink",
        /// `x`, and 0 where its magnitude is at most 0.5.
        HardShrink = "hard_shrink",
        /// `x` moved by 0.5 towards 0, and 0 where its magnitude is at most 0.5.
        SoftShrink = "soft_shrink",
        /// `softmax` of `-x`.
        Softmin = "softmin",
        /// `1 / (1 + exp(-x))`.
        Sigmoid = "sigmoid",
        /// Hyperbolic tangent.
        Tanh = "tanh",
        /// Exponentials over their sum along the outputs of one example.
        Softmax = "softmax",
        /// Exponentials over 1 more than their sum, so that all may be close to 0.
        QuietSoftmax = "quiet_softmax",
        /// Logarithm of `softmax`, computed stably; what `negative_log_likelihood` takes.
        LogSoftmax = "log_softmax",
        /// Softmax along the batch: nearly always a mistake, kept so that it can be studied.
        SoftmaxBatch = "softmax_batch",
        /// `ln(1 + exp(x))`.
        Softplus = "softplus",
        /// `exp(x)`: grows without bound.
        Exponential = "exponential",
    }
}
