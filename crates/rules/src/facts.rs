//! What is known of a run besides its readings, and who may see it.
use barograph_vocab::{Fact, FactKey, FactValue, Provenance, SiteId};

/// Which facts count as evidence for a cause.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum EvidenceMode {
    /// Every fact, declared ones too.
    #[default]
    All,
    /// Only what was measured, or read off the running program: as if there had been no recipe.
    Measured,
}

/// Every fact of a run; the most trusted one of each key and site, and the latest of equals.
#[derive(Debug, Default)]
pub(crate) struct FactTable {
    facts: Vec<Fact>,
    /// Row 0 is the run, row `i + 1` is site `i`; a cell is a position in `facts` plus one.
    cells: Vec<[u32; FactKey::ALL.len()]>,
}

impl FactTable {
    pub(crate) fn insert(&mut self, fact: &Fact) {
        let row = row(fact.site);
        if self.cells.len() <= row {
            self.cells.resize(row + 1, [0; FactKey::ALL.len()]);
        }
        let cell = &mut self.cells[row][fact.key as usize];
        if *cell == 0 {
            self.facts.push(fact.clone());
            *cell = self.facts.len() as u32;
        } else {
            let known = &mut self.facts[*cell as usize - 1];
            if fact.provenance >= known.provenance {
                known.clone_from(fact);
            }
        }
    }

    fn get(&self, key: FactKey, site: Option<SiteId>) -> Option<&Fact> {
        let cell = self.cells.get(row(site))?[key as usize] as usize;
        self.facts.get(cell.checked_sub(1)?)
    }

    pub(crate) const fn view(&self, mode: EvidenceMode) -> Facts<'_> {
        Facts { table: self, mode }
    }

    /// Planned steps. The length of a run is no setting that could be at fault, so that everybody may know it.
    pub(crate) fn planned_steps(&self) -> Option<u64> {
        let number = |key| self.get(key, None).and_then(|fact| fact.value.number()).filter(|number| *number >= 1.0);
        let steps = number(FactKey::Steps).or_else(|| {
            let batches = (number(FactKey::Rows)? / number(FactKey::BatchSize)?).ceil();
            Some(number(FactKey::Epochs)? * batches)
        });
        steps.map(|steps| steps as u64)
    }
}

fn row(site: Option<SiteId>) -> usize {
    site.map_or(0, |site| site.index() + 1)
}

/// The facts that an [`EvidenceMode`] shows. A hidden fact looks like an unknown one.
#[derive(Clone, Copy, Debug)]
pub struct Facts<'a> {
    table: &'a FactTable,
    mode: EvidenceMode,
}

impl<'a> Facts<'a> {
    /// The fact about the run (`None`) or a layer.
    #[must_use]
    pub fn get(&self, key: FactKey, site: Option<SiteId>) -> Option<&'a Fact> {
        let hidden = |fact: &Fact| self.mode == EvidenceMode::Measured && fact.provenance == Provenance::Declared;
        self.table.get(key, site).filter(|fact| !hidden(fact))
    }

    /// A number about the run.
    #[must_use]
    pub fn number(&self, key: FactKey) -> Option<f64> {
        self.get(key, None)?.value.number()
    }

    /// A word about the run.
    #[must_use]
    pub fn text(&self, key: FactKey) -> Option<&'a str> {
        self.get(key, None)?.value.text()
    }

    /// Whether a word about the run is known and one of `words`.
    #[must_use]
    pub fn is(&self, key: FactKey, words: &[&str]) -> bool {
        self.text(key).is_some_and(|text| words.contains(&text))
    }

    /// A flag about the run.
    #[must_use]
    pub fn flag(&self, key: FactKey) -> Option<bool> {
        self.get(key, None)?.value.flag()
    }

    /// A word about a layer.
    #[must_use]
    pub fn text_at(&self, key: FactKey, site: SiteId) -> Option<&'a str> {
        self.get(key, Some(site))?.value.text()
    }

    /// A number about a layer.
    #[must_use]
    pub fn number_at(&self, key: FactKey, site: SiteId) -> Option<f64> {
        self.get(key, Some(site))?.value.number()
    }

    /// A flag about a layer.
    #[must_use]
    pub fn flag_at(&self, key: FactKey, site: SiteId) -> Option<bool> {
        match self.get(key, Some(site))?.value {
            FactValue::Flag(flag) => Some(flag),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fact(value: f64, provenance: Provenance) -> Fact {
        Fact { key: FactKey::Classes, site: None, value: FactValue::Number(value), provenance }
    }

    #[test]
    fn the_measured_mode_hides_what_a_recipe_says() {
        let mut table = FactTable::default();
        table.insert(&fact(10.0, Provenance::Declared));
        assert_eq!(table.view(EvidenceMode::All).number(FactKey::Classes), Some(10.0));
        assert_eq!(table.view(EvidenceMode::Measured).number(FactKey::Classes), None);
    }

    #[test]
    fn the_more_trusted_fact_stays() {
        let mut table = FactTable::default();
        table.insert(&fact(9.0, Provenance::Measured));
        table.insert(&fact(10.0, Provenance::Declared));
        assert_eq!(table.view(EvidenceMode::All).number(FactKey::Classes), Some(9.0));
    }

    #[test]
    fn the_length_of_a_run_follows_from_its_epochs() {
        let mut table = FactTable::default();
        for (key, value) in [(FactKey::Rows, 100.0), (FactKey::BatchSize, 32.0), (FactKey::Epochs, 3.0)] {
            table.insert(&Fact { key, ..fact(value, Provenance::Declared) });
        }
        assert_eq!(table.planned_steps(), Some(12));
    }
}
