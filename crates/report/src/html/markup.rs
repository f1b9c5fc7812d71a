//! Text and tags. Whatever comes from a log passes through [`text`].
use crate::visible::visible;

/// A text as HTML: harmless, and inert inside of elements and attribute values.
pub(super) fn text(raw: &str) -> String {
    let shown = visible(raw);
    let mut out = String::with_capacity(shown.len());
    for c in shown.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&#39;"),
            _ => out.push(c),
        }
    }
    out
}

/// An element with a class around markup.
pub(super) fn element(tag: &str, class: &str, markup: &str) -> String {
    if class.is_empty() {
        format!("<{tag}>{markup}</{tag}>")
    } else {
        format!("<{tag} class=\"{class}\">{markup}</{tag}>")
    }
}

/// A table whose columns have classes; cells are markup. Nothing where there are no rows.
pub(super) fn table(class: &str, columns: &[(&str, &str)], rows: &[Vec<String>]) -> String {
    if rows.is_empty() {
        return String::new();
    }
    let head: String = columns.iter().map(|(name, class)| element("th", class, name)).collect();
    let body: String = rows
        .iter()
        .map(|cells| {
            let cells: String =
                cells.iter().zip(columns).map(|(cell, (_, class))| element("td", class, cell)).collect();
            element("tr", "", &cells) + "\n"
        })
        .collect();
    format!(
        "<div class=\"scroll\"><table class=\"{class}\"><thead><tr>{head}</tr></thead>\n<tbody>{body}</tbody></table></div>\n"
    )
}

/// A coordinate with at most one decimal.
pub(super) fn coordinate(value: f64) -> String {
    let text = format!("{value:.1}");
    text.strip_suffix(".0").map_or(text.clone(), str::to_owned)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn markup_is_inert() {
        assert_eq!(text("<b a='1' c=\"2\">&\u{1b}"), "&lt;b a=&#39;1&#39; c=&quot;2&quot;&gt;&amp;\\u{1b}");
    }

    #[test]
    fn coordinates_are_short() {
        assert_eq!(coordinate(12.0), "12");
        assert_eq!(coordinate(12.34), "12.3");
    }
}
