//! Where in a module a visitor is.

/// The dotted path of the place that a visitor or mapper of a module has come to: fields and indices. The names of enum variants, by which burn
/// enters an enum, are left out: they say nothing that the name of the field does not.
///
/// ```
/// # use barograph_burn::ModulePath;
/// let mut path = ModulePath::default();
/// path.enter("layers", "Struct:Network");
/// path.enter("0", "Vec");
/// path.enter("Dense", "Enum:Layer");
/// path.enter("weight", "Struct:Dense");
/// assert_eq!(path.dotted(), "layers.0.weight");
/// assert_eq!(path.leaf(), Some(("weight", "Struct:Dense")));
/// path.leave();
/// assert_eq!(path.dotted(), "layers.0");
/// ```
#[derive(Clone, Debug, Default)]
pub struct ModulePath(Vec<(String, String)>);

impl ModulePath {
    /// To be called by `enter_module`, with what it is given.
    pub fn enter(&mut self, name: &str, container: &str) {
        self.0.push((name.to_owned(), container.to_owned()));
    }

    /// To be called by `exit_module`.
    pub fn leave(&mut self) {
        self.0.pop();
    }

    /// The path.
    #[must_use]
    pub fn dotted(&self) -> String {
        let shown = self.0.iter().filter(|(_, container)| !container.starts_with("Enum:"));
        shown.map(|(name, _)| name.as_str()).collect::<Vec<_>>().join(".")
    }

    /// The last name, and what burn calls the container that it is a field of, such as `Struct:BatchNorm`.
    #[must_use]
    pub fn leaf(&self) -> Option<(&str, &str)> {
        self.0.last().map(|(name, container)| (name.as_str(), container.as_str()))
    }
}
