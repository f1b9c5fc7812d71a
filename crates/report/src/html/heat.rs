//! Layer by time, as a map of colours.
use super::markup::{coordinate, text};
use super::plot::steps_named;
use crate::add::add;
use crate::curves::{Heat, HeatCell, HeatMap, HeatRow, merged};
use crate::number::{count, counted, number};
use crate::scale::Scale;
use crate::visible::visible;

/// Colours of the scale. `style.css` has them: even steps of lightness in OKLCH from 0.27 to 0.94, hue from 268 to 103 degrees,
/// so that their order survives colour blindness and a grey printer, and magenta is none of them.
const LEVELS: usize = 10;

/// Most rows; neighbours in execution order share a row beyond (our choice: a label fits each).
const ROWS: usize = 40;

/// Most cells of a map (our choice: it bounds the page).
const CELLS: usize = 2_000;

/// Most areas of a map that answer the pointer (our choice: it bounds the page).
const TIPS: usize = 120;

/// Fewest decades of a logarithmic map (our choice): noise within a factor of two stays one colour.
const DECADES: f64 = 2.0;

/// Width of the drawing and of its margin, in user units.
const WIDTH: f64 = 960.0;
const RIGHT: f64 = 20.0;
const TOP: f64 = 8.0;
const BOTTOM: f64 = 44.0;

/// Longest label, in characters, and the width of one: the font is not known, so that of a wide one.
const LABEL: usize = 32;
const LETTER: f64 = 6.6;

/// Longest path under the pointer, in characters (our choice: it bounds the page).
const NAME: usize = 80;

/// Narrowest column of labels: with it, the map stands below the curves, step below step.
const LEFT: f64 = 64.0;

/// One drawn row: one site, or several neighbours.
struct Row {
    label: String,
    name: String,
    cells: Vec<HeatCell>,
}

/// A map with as many rows and columns as are drawn.
struct Drawn {
    heat: Heat,
    rows: Vec<Row>,
    columns: usize,
    left: f64,
    origin: u64,
    width: u64,
    last: u64,
    scale: Scale,
}

/// Draws a heat map.
pub(super) fn map(map: &HeatMap<'_>) -> String {
    let drawn = Drawn::new(map);
    let row_height = if drawn.rows.len() <= 16 { 20.0 } else { 13.0 };
    let height = TOP + row_height * drawn.rows.len() as f64 + BOTTOM;
    let mut svg = drawn.cells(row_height);
    svg.push_str(&drawn.labels(row_height));
    svg.push_str(&drawn.axis(height - BOTTOM));
    svg.push_str(&drawn.tips(row_height));
    let label = format!("{} of {} over the steps", map.heat.title(), counted(map.rows.len() as u64, "site"));
    format!(
        "<figure><figcaption>{}</figcaption>\n<svg viewBox=\"0 0 {WIDTH} {}\" role=\"img\" aria-label=\"{label}\" class=\"heat\">{svg}</svg></figure>\n",
        map.heat.title(),
        coordinate(height)
    )
}

impl Drawn {
    fn new(map: &HeatMap<'_>) -> Self {
        let rows_together = map.rows.len().div_ceil(ROWS).max(1);
        let rows = map.rows.len().div_ceil(rows_together);
        let read = map.rows.iter().map(|row| row.cells.len()).max().unwrap_or(0).max(1);
        let columns_together = read.div_ceil((CELLS / rows.max(1)).max(1));
        let columns = read.div_ceil(columns_together);
        let rows: Vec<_> =
            map.rows.chunks(rows_together).map(|chunk| Row::new(chunk, columns_together, columns)).collect();
        let width = map.width.saturating_mul(columns_together as u64);
        let scale = scale(map.heat, &rows);
        let letters = rows.iter().map(|row| row.label.chars().count()).max().unwrap_or(0);
        let left = LEFT.max(letters as f64 * LETTER + 16.0);
        Self { heat: map.heat, rows, columns, left, origin: map.origin, width, last: map.last, scale }
    }

    fn column_width(&self) -> f64 {
        (WIDTH - self.left - RIGHT) / self.columns as f64
    }

    /// One path for each colour, in units of cells: a stroke for each run of equal cells.
    fn cells(&self, row_height: f64) -> String {
        let mut paths = vec![String::new(); LEVELS + 1];
        for (y, row) in self.rows.iter().enumerate() {
            let mut x = 0;
            for run in row.levels(self.scale).chunk_by(|a, b| a == b) {
                if let Some(level) = run[0] {
                    add(&mut paths[level], format_args!("M{x} {y}h{}", run.len()));
                }
                x += run.len();
            }
        }
        let mut svg = format!(
            "<g class=\"cells\" transform=\"translate({} {}) scale({:.3} {row_height})\">",
            coordinate(self.left),
            coordinate(TOP + row_height / 2.0),
            self.column_width()
        );
        for (level, path) in paths.iter().enumerate().filter(|(_, path)| !path.is_empty()) {
            add(&mut svg, format_args!("<path class=\"c{level}\" d=\"{path}\"/>"));
        }
        svg + "</g>\n"
    }

    fn labels(&self, row_height: f64) -> String {
        let x = self.left - 8.0;
        let label = |(index, row): (usize, &Row)| {
            let y = coordinate(TOP + row_height * (index as f64 + 0.5) + 4.0);
            format!("<text class=\"e\" x=\"{x}\" y=\"{y}\">{}</text>\n", text(&row.label))
        };
        self.rows.iter().enumerate().map(label).collect()
    }

    /// The first and the last step, and what the colours mean.
    fn axis(&self, y: f64) -> String {
        let end = WIDTH - RIGHT;
        let base = coordinate(y + 14.0);
        let mut svg = format!(
            "<text x=\"{}\" y=\"{base}\">{}</text><text class=\"e\" x=\"{end}\" y=\"{base}\">{}</text>\n",
            coordinate(self.left),
            steps_named(self.origin, self.origin),
            steps_named(self.last, self.last)
        );
        let (swatch, top) = (18.0, coordinate(y + 22.0));
        let low = if self.heat.is_logarithmic() { number(self.scale.low_value()) } else { "0".to_owned() };
        let high = if self.heat.is_logarithmic() { number(self.scale.high_value()) } else { "1".to_owned() };
        let text_base = coordinate(y + 32.0);
        add(&mut svg, format_args!("<text class=\"e\" x=\"{}\" y=\"{text_base}\">{low}</text>", self.left + 60.0));
        let start = self.left + 68.0;
        for level in 0..LEVELS {
            let x = coordinate(start + swatch * level as f64);
            add(
                &mut svg,
                format_args!("<rect class=\"s{level}\" x=\"{x}\" y=\"{top}\" width=\"{swatch}\" height=\"12\"/>"),
            );
        }
        let log = if self.heat.is_logarithmic() { ", logarithmic" } else { "" };
        let after = start + swatch * LEVELS as f64 + 8.0;
        add(&mut svg, format_args!("<text x=\"{after}\" y=\"{text_base}\">{high}{log}</text>"));
        let bad = self.left + 500.0;
        add(
            &mut svg,
            format_args!("<rect class=\"s{LEVELS}\" x=\"{bad}\" y=\"{top}\" width=\"{swatch}\" height=\"12\"/>"),
        );
        add(&mut svg, format_args!("<text x=\"{}\" y=\"{text_base}\">NaN or infinite elements</text>\n", bad + 26.0));
        svg
    }

    /// Areas that tell their figures under the pointer: as fine as the page allows.
    fn tips(&self, row_height: f64) -> String {
        let areas = (TIPS / self.rows.len().max(1)).clamp(1, self.columns);
        let together = self.columns.div_ceil(areas);
        let mut svg = String::from("<g class=\"tip\">");
        for (y, row) in self.rows.iter().enumerate() {
            for (index, chunk) in row.cells.chunks(together).enumerate() {
                let cell = merged(chunk);
                if cell.is_empty() {
                    continue;
                }
                let from = index * together;
                let first = self.origin.saturating_add(self.width.saturating_mul(from as u64));
                let last = first
                    .saturating_add(self.width.saturating_mul(chunk.len() as u64))
                    .saturating_sub(1)
                    .min(self.last);
                let x = coordinate(self.left + self.column_width() * from as f64);
                let width = coordinate(self.column_width() * chunk.len() as f64);
                let top = coordinate(TOP + row_height * y as f64);
                add(
                    &mut svg,
                    format_args!(
                        "<rect x=\"{x}\" y=\"{top}\" width=\"{width}\" height=\"{row_height}\"><title>{}\n{}: {}</title></rect>\n",
                        text(&row.name),
                        steps_named(first, last),
                        figures(&cell)
                    ),
                );
            }
        }
        svg + "</g>\n"
    }
}

impl Row {
    fn new(sites: &[HeatRow<'_>], together: usize, columns: usize) -> Self {
        let mut cells = vec![HeatCell::default(); columns];
        for (column, cell) in cells.iter_mut().enumerate() {
            let of_site = |site: &HeatRow<'_>| {
                let from = (column * together).min(site.cells.len());
                let to = (from + together).min(site.cells.len());
                merged::<HeatCell>(&site.cells[from..to])
            };
            *cell = merged(&sites.iter().map(of_site).collect::<Vec<_>>());
        }
        let (first, last) = (visible(sites[0].path), visible(sites[sites.len() - 1].path));
        match sites.len() {
            1 => Self { label: tail(&first, LABEL), name: tail(&first, NAME), cells },
            many => Self {
                label: format!("{} +{}", tail(&first, LABEL - 4), many - 1),
                name: format!("{} .. {} ({many} sites)", tail(&first, NAME), tail(&last, NAME)),
                cells,
            },
        }
    }

    /// The colour of each column. A reading lasts until the next one of its row, the last one as long as the one before.
    fn levels(&self, scale: Scale) -> Vec<Option<usize>> {
        let read: Vec<usize> = (0..self.cells.len()).filter(|&column| !self.cells[column].is_empty()).collect();
        let mut levels = vec![None; self.cells.len()];
        for (index, &column) in read.iter().enumerate() {
            let gap = index.checked_sub(1).map_or(1, |before| column - read[before]);
            let until = read.get(index + 1).copied().unwrap_or((column + gap).min(levels.len()));
            levels[column..until].fill(Some(level(&self.cells[column], scale)));
        }
        levels
    }
}

/// The colour of a cell: that of its largest value, so that a spike shows; magenta as soon as one element is not finite.
fn level(cell: &HeatCell, scale: Scale) -> usize {
    if cell.non_finite > 0 || cell.finite == 0 {
        return LEVELS;
    }
    ((scale.height(f64::from(cell.max)) * LEVELS as f64) as usize).min(LEVELS - 1)
}

fn scale(heat: Heat, rows: &[Row]) -> Scale {
    if !heat.is_logarithmic() {
        return Scale::linear(0.0, 1.0);
    }
    let values = rows.iter().flat_map(|row| &row.cells).filter(|cell| cell.finite > 0).map(|cell| f64::from(cell.max));
    let positive = values.filter(|value| *value > 0.0);
    let (low, high) = positive.fold((f64::INFINITY, 0.0_f64), |(low, high), value| (low.min(value), high.max(value)));
    if high > 0.0 { Scale::log(low, high).at_least(DECADES) } else { Scale::log(1.0, 1.0).at_least(DECADES) }
}

fn figures(cell: &HeatCell) -> String {
    let mut text = match cell.finite {
        0 => "no finite element".to_owned(),
        _ if cell.min == cell.max => number(f64::from(cell.max)),
        _ => format!("{} .. {}", number(f64::from(cell.min)), number(f64::from(cell.max))),
    };
    if cell.non_finite > 0 {
        let (bad, all) = (count(u64::from(cell.non_finite)), counted(u64::from(cell.readings), "reading"));
        add(&mut text, format_args!(", {bad} of {all} not finite"));
    }
    text
}

/// The end of a path says more than its beginning.
fn tail(path: &str, most: usize) -> String {
    let length = path.chars().count();
    if length <= most {
        return path.to_owned();
    }
    let kept: String = path.chars().skip(length - most + 1).collect();
    format!("…{kept}")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Curves;
    use barograph_vocab::{Reading, Record, Role, SiteId, SiteReading, StepRecord};

    #[test]
    fn one_bad_reading_among_many_sites_and_steps_is_drawn() {
        let mut curves = Curves::default();
        for step in 0..3_000_u64 {
            let readings = (0..300_u32)
                .map(|site| {
                    let nan = u64::from(step == 1_777 && site == 131);
                    let reading = Reading { count: 2, nan, l2: 1.0, ..Reading::EMPTY };
                    SiteReading { site: SiteId(site), role: Role::Gradient, reading }
                })
                .collect();
            curves.see(&Record::Step(StepRecord { step, readings, ..StepRecord::default() }));
        }
        let svg = map(&curves.heat_map(Heat::GradientL2).expect("a map"));
        assert_eq!(svg.matches("class=\"c10\"").count(), 1);
        assert!(svg.contains("not finite"));
    }

    #[test]
    fn readings_last_until_the_next() {
        let cell = |max: f32| HeatCell { readings: 1, finite: 1, max, min: max, non_finite: 0 };
        let none = HeatCell::default();
        let row = Row {
            label: String::new(),
            name: String::new(),
            cells: vec![none, cell(0.0), none, cell(1.0), none, none],
        };
        let levels = row.levels(Scale::linear(0.0, 1.0));
        assert_eq!(levels, [None, Some(0), Some(0), Some(9), Some(9), None]);
    }

    #[test]
    fn long_paths_keep_their_end() {
        assert_eq!(tail("blocks.3.attn", 6), "….attn");
        assert_eq!(tail("größe", 5), "größe");
    }
}
