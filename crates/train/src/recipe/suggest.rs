//! The name that was probably meant.

/// Jaro-Winkler similarity from which a name counts as meant, as in `flat` for `flatten`: our choice.
const SIMILAR: f64 = 0.88;

/// Slips of the keyboard that a name of this length may hold (a letter too many, too few, wrong, or two swapped): our choice.
const fn slips(length: usize) -> usize {
    length.div_ceil(3)
}

/// Names that other libraries use, and ours.
const KNOWN_AS: &[(&str, &str)] = &[
    ("bce", "binary_cross_entropy"),
    ("bce_with_logits", "binary_cross_entropy_logits"),
    ("bcewithlogitsloss", "binary_cross_entropy_logits"),
    ("binary_crossentropy", "binary_cross_entropy"),
    ("categorical_crossentropy", "categorical_cross_entropy"),
    ("sparse_categorical_crossentropy", "sparse_categorical_cross_entropy"),
    ("cce", "categorical_cross_entropy"),
    ("scce", "sparse_categorical_cross_entropy"),
    ("ce", "cross_entropy"),
    ("crossentropyloss", "cross_entropy"),
    ("nll", "negative_log_likelihood"),
    ("nll_loss", "negative_log_likelihood"),
    ("l1_loss", "mae"),
    ("l2_loss", "mse"),
    ("mean_absolute_error", "mae"),
    ("mean_squared_error", "mse"),
    ("smooth_l1_loss", "smooth_l1"),
    ("huber_loss", "huber"),
    ("logcosh", "log_cosh"),
    ("kl_div", "kl_divergence"),
    ("kldivergence", "kl_divergence"),
    ("kld", "kl_divergence"),
    ("cosine_similarity", "cosine_distance"),
    ("cosine", "cosine_distance"),
    ("pinball", "quantile"),
    ("poisson_nll", "poisson_log"),
    ("mean_absolute_percentage_error", "mape"),
    ("mean_squared_logarithmic_error", "msle"),
    ("binary_focal_crossentropy", "binary_focal"),
    ("categorical_focal_crossentropy", "focal"),
    ("focal_loss", "focal"),
    ("ctc_loss", "ctc"),
    ("multi_margin", "categorical_hinge"),
    ("class_weight", "class_weights"),
    ("pos_weight", "class_weights"),
    ("lr", "learning_rate"),
    ("eta", "learning_rate"),
    ("wd", "weight_decay"),
    ("decay", "weight_decay"),
    ("eps", "epsilon"),
    ("beta_1", "beta1"),
    ("beta_2", "beta2"),
    ("betas", "beta1"),
    ("rho", "alpha"),
    ("clipnorm", "tensor_norm"),
    ("clipvalue", "value"),
    ("global_clipnorm", "global_norm"),
    ("max_norm", "global_norm"),
    ("norm", "global_norm"),
    ("batch_size", "batch"),
    ("num_epochs", "epochs"),
    ("filters", "channels"),
    ("out_channels", "channels"),
    ("kernel_size", "kernel"),
    ("strides", "stride"),
    ("pool_size", "size"),
    ("out_features", "units"),
    ("kernel_initializer", "initializer"),
    ("init", "initializer"),
    ("use_bias", "bias"),
    ("p", "rate"),
    ("type", "kind"),
    ("linear", "dense"),
    ("fc", "dense"),
    ("conv", "conv2d"),
    ("pool", "max_pool2d"),
    ("batchnorm", "batch_norm"),
    ("batch_normalization", "batch_norm"),
    ("batchnorm2d", "batch_norm"),
    ("layernorm", "layer_norm"),
    ("layer_normalization", "layer_norm"),
    ("groupnorm", "group_norm"),
    ("group_normalization", "group_norm"),
    ("rmsnorm", "rms_norm"),
    ("rms_normalization", "rms_norm"),
    ("simplernn", "rnn"),
    ("simple_rnn", "rnn"),
    ("convtranspose2d", "conv2d_transpose"),
    ("conv2dtranspose", "conv2d_transpose"),
    ("deconv", "conv2d_transpose"),
    ("globalaveragepooling2d", "global_average_pool"),
    ("globalaveragepooling1d", "global_average_pool"),
    ("globalmaxpooling2d", "global_max_pool"),
    ("globalmaxpooling1d", "global_max_pool"),
    ("multiheadattention", "multi_head_attention"),
    ("attention", "multi_head_attention"),
    ("transformerencoderlayer", "transformer_encoder"),
    ("transformerdecoderlayer", "transformer_decoder"),
    ("transformer", "transformer_encoder"),
    ("num_heads", "heads"),
    ("nhead", "heads"),
    ("num_groups", "groups"),
    ("dim_feedforward", "hidden"),
    ("num_embeddings", "vocabulary"),
    ("input_dim", "vocabulary"),
    ("embedding_dim", "dimension"),
    ("output_dim", "dimension"),
    ("hidden_size", "units"),
    ("drop", "dropout"),
    ("swish", "silu"),
    ("leakyrelu", "leaky_relu"),
    ("logistic", "sigmoid"),
    ("xavier", "glorot_uniform"),
    ("xavier_uniform", "glorot_uniform"),
    ("xavier_normal", "glorot_normal"),
    ("glorot", "glorot_uniform"),
    ("kaiming", "he_normal"),
    ("kaiming_normal", "he_normal"),
    ("kaiming_uniform", "he_uniform"),
    ("he", "he_normal"),
    ("standardize", "standard"),
    ("zscore", "standard"),
    ("min_max", "minmax"),
    ("momentum_sgd", "sgd"),
    ("onecycle", "one_cycle"),
    ("div_factor", "initial_division"),
    ("final_div_factor", "final_division"),
    ("pct_start", "warmup_share"),
    ("cyclic", "cyclical"),
    ("step_size_up", "half_cycle"),
    ("sgdr", "cosine_restarts"),
    ("cosine_annealing", "cosine"),
    ("cosine_annealing_warm_restarts", "cosine_restarts"),
    ("t_0", "period"),
    ("t_mult", "multiplier"),
    ("validation_split", "validation"),
    ("val_split", "validation"),
    ("validation_data", "validation_file"),
    ("val_data", "validation_file"),
    ("val_file", "validation_file"),
    ("test_file", "validation_file"),
    ("val_loss", "validation_loss"),
    ("val_accuracy", "validation_accuracy"),
    ("val_acc", "validation_accuracy"),
    ("acc", "accuracy"),
    ("binary_accuracy", "accuracy"),
    ("categorical_accuracy", "accuracy"),
    ("sparse_categorical_accuracy", "accuracy"),
    ("top_k_categorical_accuracy", "top_5_accuracy"),
    ("sparse_top_k_categorical_accuracy", "top_5_accuracy"),
    ("f1_score", "f1"),
    ("f1score", "f1"),
    ("roc_auc", "auc"),
    ("auroc", "auc"),
    ("r2_score", "r2"),
    ("root_mean_squared_error", "rmse"),
    ("labels", "target"),
    ("label", "target"),
    ("targets", "target"),
    ("features", "inputs"),
    ("path", "file"),
    ("filename", "file"),
    ("filepath", "file"),
    ("gamma", "factor"),
    ("restore_best_weights", "restore_best"),
    ("save_best_only", "best_only"),
    ("min_learning_rate", "min_lr"),
    ("reduce_on_plateau", "reduce_lr_on_plateau"),
    ("early_stop", "early_stopping"),
    ("checkpoint", "model_checkpoint"),
    ("classification", "multiclass"),
    ("layer", "layers"),
    ("model", "layers"),
    ("callback", "callbacks"),
    ("optim", "optimizer"),
    ("scheduler", "schedule"),
];

/// The one of `known` that `name` was probably meant to be.
pub(crate) fn nearest<'a>(name: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let lower = name.to_lowercase().replace('-', "_");
    let known: Vec<&str> = known.into_iter().collect();
    let same = |candidate: &str| known.iter().copied().find(|word| *word == candidate);
    if let Some(word) = same(&lower) {
        return Some(word);
    }
    if let Some(word) = KNOWN_AS.iter().filter(|(theirs, _)| *theirs == lower).find_map(|(_, ours)| same(ours)) {
        return Some(word);
    }
    // Keras' word for the rows that are held out.
    let lower = match lower.strip_prefix("val_") {
        Some(rest) => format!("validation_{rest}"),
        None => lower,
    };
    if let Some(word) = same(&lower) {
        return Some(word);
    }
    // Of one of several outputs: `species_acc`.
    let of_output = lower.rsplit_once('_').and_then(|(output, last)| {
        KNOWN_AS.iter().filter(|(theirs, _)| *theirs == last).find_map(|(_, ours)| same(&format!("{output}_{ours}")))
    });
    if let Some(word) = of_output {
        return Some(word);
    }
    let likeness = |word: &str| {
        let word = word.to_lowercase();
        let similarity = strsim::jaro_winkler(&lower, &word);
        let distance = strsim::osa_distance(&lower, &word);
        // A word of which every letter is a slip is not meant.
        let is_near = distance <= slips(lower.chars().count()) && distance < word.chars().count();
        let longest = lower.chars().count().max(word.chars().count());
        let closeness = if is_near { 1.0 - distance as f64 / longest as f64 } else { 0.0 };
        if is_near || similarity >= SIMILAR { closeness.max(similarity) } else { 0.0 }
    };
    known
        .iter()
        .map(|word| (likeness(word), *word))
        .filter(|(likeness, _)| *likeness > 0.0)
        // Of equals the first wins, so that the answer does not depend on the sort.
        .fold(None, |best: Option<(f64, &str)>, next| match best {
            Some(best) if best.0 >= next.0 => Some(best),
            _ => Some(next),
        })
        .map(|(_, word)| word)
}

/// `; did you mean "mse"?`, or the names there are, or nothing for a long list.
pub(crate) fn hint<'a>(name: &str, known: impl IntoIterator<Item = &'a str> + Clone) -> String {
    /// A longer list is not read: our choice.
    const LONGEST_LIST: usize = 24;
    if let Some(word) = nearest(name, known.clone()) {
        return format!("; did you mean \"{word}\"?");
    }
    let known: Vec<&str> = known.into_iter().collect();
    if known.is_empty() {
        return String::new();
    }
    let shown = known.iter().take(LONGEST_LIST).copied().collect::<Vec<_>>().join(", ");
    let more = known.len().saturating_sub(LONGEST_LIST);
    if more == 0 { format!("; there are {shown}") } else { format!("; there are {shown} and {more} more") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn slips_and_other_libraries_names_are_understood() {
        let words = ["mse", "mae", "cross_entropy", "dense", "flatten", "learning_rate", "he_normal", "adam", "adamw"];
        for (name, meant) in [
            ("mes", Some("mse")),
            ("MSE", Some("mse")),
            ("mean_squared_error", Some("mse")),
            ("dens", Some("dense")),
            ("dnese", Some("dense")),
            ("flat", Some("flatten")),
            ("learning-rate", Some("learning_rate")),
            ("lr", Some("learning_rate")),
            ("kaiming_normal", Some("he_normal")),
            ("admaw", Some("adamw")),
            ("lstm", None),
            ("x", None),
            ("", None),
        ] {
            assert_eq!(nearest(name, words), meant, "{name}");
        }
    }
}
