//! How far a check before a training is.

/// What [`crate::lr_find_with`], [`crate::gradcheck_with`] and [`crate::overfit_with`] tell as they go.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Progress<'a> {
    /// Steps that are done, or weights that are compared.
    pub done: u64,
    /// How many there are; at most, where a check may end earlier.
    pub of: u64,
    /// What it is at, in words.
    pub what: &'a str,
    /// The loss of the step, where there is one.
    pub loss: Option<f64>,
}

/// What is told how far a check is.
pub(crate) type Tell<'a> = &'a mut dyn FnMut(Progress<'_>);
