//! What a network took from a file of weights, as a table.
use crate::screen::{Ink, Screen};
use crate::table::{Align, Table};
use barograph_report::visible;
use barograph_train::LoadedWeights;
use std::fmt::Write as _;

/// A line for each layer, then what was not used.
pub(crate) fn table(loaded: &LoadedWeights, screen: &Screen) -> String {
    let mut table = Table::new(&[
        ("layer", Align::Left),
        ("kind", Align::Left),
        ("weights from", Align::Left),
        ("found by", Align::Left),
        ("tensors", Align::Left),
    ]);
    for layer in &loaded.layers {
        table.row([
            (Ink::Bold, visible(&layer.site)),
            (Ink::Plain, layer.kind.to_owned()),
            (Ink::Plain, visible(&layer.module)),
            (Ink::Plain, layer.how.to_owned()),
            (Ink::Dim, visible(&layer.tensors)),
        ]);
    }
    for site in &loaded.kept {
        let cells = [String::new(), "random".to_owned(), String::new(), String::new()];
        table.row(std::iter::once((Ink::Bold, visible(site))).chain(cells.map(|cell| (Ink::Warning, cell))));
    }
    let mut out = format!("weights of {}:\n{}", visible(&loaded.file.display().to_string()), table.render(screen));
    if !loaded.unused.is_empty() {
        let _ = writeln!(out, "not used: {}", visible(&loaded.unused.join(", ")));
    }
    out
}
