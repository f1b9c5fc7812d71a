//! The difference between two recipes, line by line.
use std::fmt::Write as _;

/// One line of a difference.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DiffLine<'a> {
    /// In both.
    Same(&'a str),
    /// Only in the old text.
    Removed(&'a str),
    /// Only in the new text.
    Added(&'a str),
}

/// The lines of both texts in order; removed lines come before the added ones that replace them.
///
/// By the longest common subsequence, which takes memory of the product of the differing lines: meant for recipes.
#[must_use]
pub fn diff<'a>(old: &'a str, new: &'a str) -> Vec<DiffLine<'a>> {
    let (old, new): (Vec<&str>, Vec<&str>) = (old.lines().collect(), new.lines().collect());
    let shorter = old.len().min(new.len());
    let head = (0..shorter).take_while(|&i| old[i] == new[i]).count();
    let tail = (0..shorter - head).take_while(|&i| old[old.len() - 1 - i] == new[new.len() - 1 - i]).count();
    let (old_middle, new_middle) = (&old[head..old.len() - tail], &new[head..new.len() - tail]);

    let mut lines: Vec<DiffLine<'a>> = old[..head].iter().map(|line| DiffLine::Same(line)).collect();
    lines.extend(diff_middle(old_middle, new_middle));
    lines.extend(old[old.len() - tail..].iter().map(|line| DiffLine::Same(line)));
    lines
}

fn diff_middle<'a>(old: &[&'a str], new: &[&'a str]) -> Vec<DiffLine<'a>> {
    // common[i][j]: length of the longest common subsequence of old[i..] and new[j..].
    let width = new.len() + 1;
    let mut common = vec![0_u32; (old.len() + 1) * width];
    for i in (0..old.len()).rev() {
        for j in (0..new.len()).rev() {
            common[i * width + j] = if old[i] == new[j] {
                common[(i + 1) * width + j + 1] + 1
            } else {
                common[(i + 1) * width + j].max(common[i * width + j + 1])
            };
        }
    }
    let (mut i, mut j) = (0, 0);
    let mut lines = Vec::with_capacity(old.len() + new.len());
    while i < old.len() || j < new.len() {
        if i < old.len() && j < new.len() && old[i] == new[j] {
            lines.push(DiffLine::Same(old[i]));
            (i, j) = (i + 1, j + 1);
        } else if j == new.len() || (i < old.len() && common[(i + 1) * width + j] >= common[i * width + j + 1]) {
            lines.push(DiffLine::Removed(old[i]));
            i += 1;
        } else {
            lines.push(DiffLine::Added(new[j]));
            j += 1;
        }
    }
    lines
}

/// The changed lines as `- old` and `+ new`, with up to `context` unchanged lines around them and `...` where some are left out.
/// Empty when nothing differs.
#[must_use]
pub fn diff_text(old: &str, new: &str, context: usize) -> String {
    let lines = diff(old, new);
    let changed: Vec<usize> =
        lines.iter().enumerate().filter(|(_, line)| !matches!(line, DiffLine::Same(_))).map(|(at, _)| at).collect();
    let mut text = String::new();
    let mut last_shown = None;
    for (at, line) in lines.iter().enumerate() {
        let next = changed.partition_point(|&change| change < at);
        let near = [next.checked_sub(1), Some(next)]
            .into_iter()
            .flatten()
            .filter_map(|i| changed.get(i))
            .any(|change| change.abs_diff(at) <= context);
        if !near {
            continue;
        }
        if last_shown.is_some_and(|last: usize| last + 1 < at) {
            text.push_str("  ...\n");
        }
        last_shown = Some(at);
        let (sign, line) = match line {
            DiffLine::Same(line) => (' ', line),
            DiffLine::Removed(line) => ('-', line),
            DiffLine::Added(line) => ('+', line),
        };
        let _ = writeln!(text, "{}", format!("{sign} {line}").trim_end());
    }
    text
}
