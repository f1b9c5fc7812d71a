//! `cargo xtask docs`: writes the pages of `docs/` that are made from doc comments.
mod recipe;
mod rules;

use anyhow::bail;

use crate::workspace;

/// Write docs/rules.md and docs/recipe.md from the doc comments
#[derive(clap::Args)]
pub(crate) struct Docs {
    /// Write nothing; fail when a page is out of date
    #[arg(long)]
    check: bool,
}

impl Docs {
    pub(crate) fn run(&self) -> anyhow::Result<()> {
        for (path, text) in pages()? {
            if !self.check {
                workspace::write(path, &text)?;
            } else if workspace::read(path).ok().as_ref() != Some(&text) {
                bail!("{path} is out of date; run `cargo xtask docs` and commit it");
            }
        }
        Ok(())
    }
}

/// Each page: its path and its text.
fn pages() -> anyhow::Result<[(&'static str, String); 2]> {
    Ok([("docs/rules.md", rules::page()), ("docs/recipe.md", recipe::page()?)])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_pages_are_fresh() {
        Docs { check: true }.run().unwrap_or_else(|error| panic!("{error}"));
    }
}
