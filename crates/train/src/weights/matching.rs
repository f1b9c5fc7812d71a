//! Which module of a file belongs to which layer.
use super::file::Stored;
use super::modules::Module;
use super::units::Unit;
use crate::recipe::suggest;
use std::cmp::Ordering;
use std::collections::BTreeMap;

/// What no layer asks for: PyTorch counts the batches that a batch norm has seen.
const NEVER_USED: &str = "num_batches_tracked";

/// Names that are listed at most (our choice).
const LISTED: usize = 6;

/// How a layer and a module were found to belong together.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum How {
    /// The recipe says so.
    Map,
    /// They have the same name.
    Name,
    /// No other has these shapes.
    Shape,
    /// They have the same place among those of these shapes, whose names differ by their numbers alone.
    Order,
}

/// A layer and the module that it takes.
pub(super) struct Match<'a> {
    pub(super) unit: &'a Unit,
    pub(super) module: String,
    pub(super) how: How,
    tensors: Taken<'a>,
}

enum Taken<'a> {
    /// Of PyTorch.
    Module(&'a Module),
    /// Of Barograph: by whole names.
    Own(&'a BTreeMap<String, Stored>),
}

impl Match<'_> {
    /// Our weights and buffers by their whole names.
    pub(super) fn values(&self) -> Vec<(String, Stored)> {
        match self.tensors {
            Taken::Module(module) => self.unit.values(module),
            Taken::Own(file) => {
                self.unit.own().filter_map(|(name, _)| Some((name.clone(), file.get(&name)?.clone()))).collect()
            }
        }
    }

    /// `weight [10, 64], bias [10]`.
    pub(super) fn tensors(&self) -> String {
        match self.tensors {
            Taken::Module(_) => listed_shapes(self.unit.wants().into_iter()),
            Taken::Own(_) => {
                let own: Vec<_> = self.unit.own().collect();
                let short = own.iter().map(|(name, shape)| (&name[self.unit.site.len() + 1..], *shape));
                listed_shapes(short)
            }
        }
    }
}

/// What was found.
pub(super) struct Matching<'a> {
    pub(super) matches: Vec<Match<'a>>,
    pub(super) kept: Vec<String>,
    pub(super) unused: Vec<String>,
}

/// Takes the tensors of a file of Barograph, which carry the names of our weights.
pub(super) fn by_own_names<'a>(
    units: &'a [Unit],
    file: &'a BTreeMap<String, Stored>,
    partial: bool,
) -> Result<Matching<'a>, Vec<String>> {
    let (mut matches, mut kept, mut problems) = (Vec::new(), Vec::new(), Vec::new());
    for unit in units {
        let lacks = unit.own().find_map(|(name, shape)| match file.get(&name) {
            Some(tensor) if tensor.shape == shape => None,
            Some(tensor) => Some(format!("\"{name}\" is {:?}, and the network wants {shape:?}", tensor.shape)),
            None => {
                let hint = suggest::hint(&name, file.keys().map(String::as_str));
                Some(format!("it has no \"{name}\"{hint}"))
            }
        });
        match lacks {
            None => matches.push(Match { unit, module: unit.site.clone(), how: How::Name, tensors: Taken::Own(file) }),
            Some(_) if partial => kept.push(unit.site.clone()),
            Some(problem) => problems.push(format!("layer {}: {problem}", unit.site)),
        }
    }
    let known = |name: &&String| units.iter().flat_map(Unit::own).any(|(own, _)| own == **name);
    let unused = file.keys().filter(|name| !known(name)).cloned().collect();
    if problems.is_empty() { Ok(Matching { matches, kept, unused }) } else { Err(problems) }
}

/// Finds a module for every layer: as the recipe maps them, by name, and then by shape and order.
pub(super) fn with_modules<'a>(
    units: &'a [Unit],
    modules: &'a BTreeMap<String, Module>,
    pairs: &[(String, String)],
    partial: bool,
) -> Result<Matching<'a>, Vec<String>> {
    let mut search = Search { units, modules, found: BTreeMap::new(), free: modules.keys().cloned().collect() };
    search.by_map(pairs)?;
    search.by_name();
    let (mut problems, unclear) = search.by_shape();
    let mut kept = Vec::new();
    for (place, unit) in units.iter().enumerate() {
        if search.found.contains_key(&place) || unclear.contains(&place) {
            continue;
        }
        if partial {
            kept.push(unit.site.clone());
        } else {
            problems.push(search.nothing_for(unit));
        }
    }
    if !problems.is_empty() {
        return Err(problems);
    }
    let Search { found, free, .. } = search;
    let matches = found.into_iter().map(|(place, (module, how))| Match {
        unit: &units[place],
        tensors: Taken::Module(&modules[&module]),
        module,
        how,
    });
    Ok(Matching { matches: matches.collect(), kept, unused: free })
}

struct Search<'a> {
    units: &'a [Unit],
    modules: &'a BTreeMap<String, Module>,
    /// By place of the unit.
    found: BTreeMap<usize, (String, How)>,
    /// Modules that nobody took yet.
    free: Vec<String>,
}

impl Search<'_> {
    fn take(&mut self, place: usize, module: &str, how: How) {
        self.free.retain(|free| free != module);
        self.found.insert(place, (module.to_owned(), how));
    }

    fn by_map(&mut self, pairs: &[(String, String)]) -> Result<(), Vec<String>> {
        let mut problems = Vec::new();
        for (site, path) in pairs {
            let place = self.units.iter().position(|unit| unit.site == *site);
            match (place, self.modules.get(path)) {
                (Some(place), Some(module)) if fits(&self.units[place], module) => self.take(place, path, How::Map),
                (Some(place), Some(module)) => {
                    problems.push(format!("model.map: {}", does_not_fit(&self.units[place], path, module)));
                }
                (None, _) => {
                    let hint = suggest::hint(site, self.units.iter().map(|unit| unit.site.as_str()));
                    problems.push(format!("model.map: there is no layer {site:?} with weights{hint}"));
                }
                (_, None) => {
                    let hint = suggest::hint(path, self.modules.keys().map(String::as_str));
                    problems.push(format!("model.map: there is no module {path:?} in the file{hint}"));
                }
            }
        }
        if problems.is_empty() { Ok(()) } else { Err(problems) }
    }

    fn by_name(&mut self) {
        for (place, unit) in self.units.iter().enumerate() {
            let module = self.modules.get(&unit.site).filter(|module| fits(unit, module));
            if module.is_some() && !self.found.contains_key(&place) && self.free.contains(&unit.site) {
                self.take(place, &unit.site, How::Name);
            }
        }
    }

    /// Pairs layers and modules of equal shapes where there are equally many. Says which cannot be told apart, and their places.
    fn by_shape(&mut self) -> (Vec<String>, Vec<usize>) {
        let mut groups = BTreeMap::<Vec<(String, Vec<usize>)>, Vec<usize>>::new();
        for (place, unit) in self.units.iter().enumerate().filter(|(place, _)| !self.found.contains_key(place)) {
            let wants = unit.wants().into_iter().map(|(leaf, shape)| (leaf.to_owned(), shape.to_vec()));
            groups.entry(wants.collect()).or_default().push(place);
        }
        let (mut problems, mut unclear) = (Vec::new(), Vec::new());
        for places in groups.into_values() {
            let unit = &self.units[places[0]];
            let mut fitting: Vec<String> =
                self.free.iter().filter(|path| fits(unit, &self.modules[*path])).cloned().collect();
            fitting.sort_by(|a, b| by_numbers(a, b));
            let is_series = fitting.windows(2).all(|pair| without_numbers(&pair[0]) == without_numbers(&pair[1]));
            if fitting.is_empty() {
                continue;
            }
            if fitting.len() != places.len() || !is_series {
                problems.push(self.ambiguous(&places, &fitting));
                unclear.extend(places);
                continue;
            }
            let how = if places.len() == 1 { How::Shape } else { How::Order };
            for (place, path) in places.into_iter().zip(fitting) {
                self.take(place, &path, how);
            }
        }
        (problems, unclear)
    }

    fn ambiguous(&self, places: &[usize], fitting: &[String]) -> String {
        let sites: Vec<&str> = places.iter().map(|&place| self.units[place].site.as_str()).collect();
        format!(
            "it cannot be told which module belongs to {} {}: {} fit by their shapes; say it with map = [\"{} = {}\"] under [model]",
            if sites.len() == 1 { "layer" } else { "layers" },
            sites.join(", "),
            listed(fitting),
            sites[0],
            fitting[0]
        )
    }

    /// What is wrong where no module fits a layer.
    fn nothing_for(&self, unit: &Unit) -> String {
        let wants = listed_shapes(unit.wants().into_iter());
        let named = self.modules.get(&unit.site).map(|module| does_not_fit(unit, &unit.site, module));
        if let Some(text) = named {
            return text;
        }
        // Of the modules whose tensors are called alike, that of the nearest sizes was probably meant.
        let alike = self.free.iter().filter_map(|path| Some((distance(unit, &self.modules[path])?, path)));
        let alike = alike.min_by_key(|(distance, _)| *distance).map(|(_, path)| path);
        let hint = match alike {
            Some(path) => format!("; {path:?} is the nearest, with {}", shapes_of(&self.modules[path])),
            None => format!("; the modules that are left are {}", listed(&self.free)),
        };
        format!("nothing fits layer {} ({}), which wants {wants}{hint}", unit.site, unit.kind)
    }
}

fn leaves(module: &Module) -> impl Iterator<Item = &str> {
    module.keys().map(String::as_str).filter(|leaf| *leaf != NEVER_USED)
}

/// Whether a module holds all that a layer wants, in these shapes, and nothing else.
fn fits(unit: &Unit, module: &Module) -> bool {
    let wants = unit.wants();
    leaves(module).count() == wants.len()
        && wants.iter().all(|(leaf, shape)| module.get(*leaf).is_some_and(|tensor| tensor.shape == *shape))
}

/// How far the sizes of a module are from what a layer wants; `None` where its tensors are called otherwise or have other numbers of axes.
fn distance(unit: &Unit, module: &Module) -> Option<usize> {
    let wants = unit.wants();
    if leaves(module).count() != wants.len() {
        return None;
    }
    let mut distance = 0_usize;
    for (leaf, shape) in wants {
        let found = &module.get(leaf)?.shape;
        if found.len() != shape.len() {
            return None;
        }
        distance += found.iter().zip(shape).map(|(a, b)| a.abs_diff(*b)).sum::<usize>();
    }
    Some(distance)
}

/// The first thing in which a module differs from what a layer wants.
fn does_not_fit(unit: &Unit, path: &str, module: &Module) -> String {
    let wants = unit.wants();
    let difference = wants.iter().find_map(|(leaf, shape)| match module.get(*leaf) {
        Some(tensor) if tensor.shape == *shape => None,
        Some(tensor) => Some(format!("its {leaf} is {:?}, and the layer wants {shape:?}", tensor.shape)),
        None if leaf.starts_with("bias") => Some(format!("it has no {leaf}; give the layer bias = false")),
        None => Some(format!("it has no {leaf}")),
    });
    let surplus = || {
        let leaf = leaves(module).find(|leaf| !wants.contains_key(leaf)).unwrap_or_default();
        let advice = if leaf.starts_with("bias") { "; give the layer bias = true" } else { "" };
        format!("it has a {leaf}, for which the layer has no place{advice}")
    };
    format!("module {path:?} does not fit layer {} ({}): {}", unit.site, unit.kind, difference.unwrap_or_else(surplus))
}

fn shapes_of(module: &Module) -> String {
    listed_shapes(leaves(module).map(|leaf| (leaf, module[leaf].shape.as_slice())))
}

fn listed_shapes<'a>(tensors: impl Iterator<Item = (&'a str, &'a [usize])>) -> String {
    let tensors: Vec<String> = tensors.map(|(leaf, shape)| format!("{leaf} {shape:?}")).collect();
    if tensors.len() > LISTED {
        format!("{} and {} more", tensors[..LISTED].join(", "), tensors.len() - LISTED)
    } else {
        tensors.join(", ")
    }
}

fn listed(names: &[String]) -> String {
    let shown = names.iter().take(LISTED).map(String::as_str).collect::<Vec<_>>().join(", ");
    match names.len() {
        0 => "none".to_owned(),
        count if count > LISTED => format!("{shown} and {} more", count - LISTED),
        _ => shown,
    }
}

/// A piece of a name, and the number that it is.
type Piece<'a> = (&'a str, Option<u64>);

/// A name in pieces: texts and numbers.
fn pieces(name: &str) -> Vec<Piece<'_>> {
    let mut pieces = Vec::new();
    let mut rest = name;
    while let Some(first) = rest.bytes().next() {
        let is_digit = first.is_ascii_digit();
        let end = rest.bytes().position(|byte| byte.is_ascii_digit() != is_digit).unwrap_or(rest.len());
        let (piece, behind) = rest.split_at(end);
        pieces.push((piece, piece.parse().ok().filter(|_| is_digit)));
        rest = behind;
    }
    pieces
}

/// Compares names with their numbers as numbers: `layers.2` comes before `layers.10`.
fn by_numbers(a: &str, b: &str) -> Ordering {
    let compare = |((a, x), (b, y)): (Piece<'_>, Piece<'_>)| match (x, y) {
        (Some(x), Some(y)) => x.cmp(&y),
        _ => a.cmp(b),
    };
    let (a, b) = (pieces(a), pieces(b));
    let first = a.iter().copied().zip(b.iter().copied()).map(compare).find(|order| order.is_ne());
    first.unwrap_or_else(|| a.len().cmp(&b.len()))
}

/// The texts of a name.
fn without_numbers(name: &str) -> Vec<&str> {
    pieces(name).into_iter().map(|(piece, number)| if number.is_some() { "" } else { piece }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_in_names_are_numbers() {
        let mut names = ["layers.10", "layers.2.x", "layers.2", "a9"];
        names.sort_by(|a, b| by_numbers(a, b));
        assert_eq!(names, ["a9", "layers.2", "layers.2.x", "layers.10"]);
        assert_eq!(without_numbers("fc12.x"), without_numbers("fc3.x"));
        assert_ne!(without_numbers("key"), without_numbers("query"));
    }
}
