//! The keys that both transformer blocks share.
use super::layers::LARGEST_LAYER;
use super::visit::{Counts, Limits, Visitor, words};
use super::{Activation, WeightSpec};

words! {
    /// Where a transformer block has its layer norms.
    NormPlace, "norm", {
        /// Before attention and feed-forward network: trains without a warm-up (Xiong et al. 2020).
        Pre = "pre",
        /// Behind the residual connections, as it was published first (Vaswani et al. 2017).
        Post = "post",
    }
}

/// What both transformer blocks have.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct TransformerSpec {
    /// `heads`: of the attention; they must divide the features. Required.
    pub heads: u64,
    /// `hidden`: units of the feed-forward network. Default four times the features.
    pub hidden: Option<u64>,
    /// `activation`: of the feed-forward network. Default `relu`.
    pub activation: Activation,
    /// `dropout`: share that is zeroed after the attention and after each layer of the feed-forward network. Default 0.1; below 1.
    pub dropout: f64,
    /// `norm`. Default `pre`.
    pub norm: NormPlace,
    /// `epsilon`: added to the variance in the layer norms. Default 1e-5.
    pub epsilon: f64,
    /// `initializer` and the other keys of weights, below.
    pub weights: WeightSpec,
}

impl Default for TransformerSpec {
    fn default() -> Self {
        Self {
            heads: 0,
            hidden: None,
            activation: Activation::Relu,
            dropout: 0.1,
            norm: NormPlace::Pre,
            epsilon: 1e-5,
            weights: WeightSpec::default(),
        }
    }
}

impl TransformerSpec {
    pub(crate) fn visit<V: Visitor>(&mut self, visitor: &mut V) {
        let sizes = Counts::between(1, LARGEST_LAYER);
        visitor.count("heads", &mut self.heads, sizes, true);
        visitor.count_or_none("hidden", &mut self.hidden, sizes);
        visitor.word("activation", &mut self.activation);
        visitor.number("dropout", &mut self.dropout, Limits::BELOW_ONE);
        visitor.word("norm", &mut self.norm);
        visitor.number("epsilon", &mut self.epsilon, Limits::NOT_NEGATIVE);
        self.weights.visit(visitor);
    }

    /// Units of the feed-forward network of a block that takes so many features.
    #[must_use]
    pub const fn hidden_units(&self, features: u64) -> u64 {
        match self.hidden {
            Some(hidden) => hidden,
            None => features.saturating_mul(4),
        }
    }
}
